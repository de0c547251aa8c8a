// @ts-check
// What can be said of a story's times: what is left, how far it is, what the whole had to wait for, what ran when.
//
// A story is series-parallel: stages one after another, members of a group at the same time. So seconds add up along
// the stages, and of a group the greatest counts. The items of `each` are their step's own affair. Pure: `now` is
// given, in seconds into the run.

/** @typedef {import("./step.js").Step} Step */
/** @typedef {{kind: "step", step: string, title?: string, seconds?: number}} StepStage */
/** @typedef {{kind: "concurrent", members: Stage[]}} GroupStage */
/** @typedef {{kind: "pipeline", step: string, stages: Stage[], title?: string, seconds?: number}} PipelineStage */
/** @typedef {StepStage | GroupStage | PipelineStage} Stage */
/** @typedef {{stages: Stage[], steps: Map<string, Step>}} Told */

/**
 * What ran when: from second `from` of the run (null while it has not begun, or nobody knows) to second `to` (null
 * while it is under way). `long` is whether it has been working for longer than usual.
 * @typedef {{path: string, title: string, depth: number, from: number | null, to: number | null, state: Step["state"],
 *   critical: boolean, long: boolean}} Bar
 */

const OPEN = new Set(["waiting", "working", "retrying", "unknown"]);
const UNDER_WAY = new Set(["working", "retrying"]);
const NOT_BEGUN = new Set(["waiting", "unknown", "unreached"]);
const LEFT_OUT = new Set(["skipped", "unreached"]);

/** Up to this part of what is usual, a step is as far as the clock says; from there it nears its end ever slower. */
const STEADY = 0.9;

/** The greatest share of a run that has not ended. */
const MOST = 0.999;

/**
 * How long the step has been working, or took: null while it has not begun.
 * @param {Step} step
 * @param {number} now
 */
export function secondsOf(step, now) {
  if (step.seconds !== null) return step.seconds;
  if (step.began === null || step.state === "unknown") return null;
  return Math.max(0, (step.ended ?? now) - step.began);
}

/**
 * Whether the step has been working for longer than usual, by more than the odd second.
 * @param {Step} step
 * @param {number} now
 */
export function isLong(step, now) {
  if (!step.usual || !UNDER_WAY.has(step.state)) return false; // 0 is of what was always skipped
  return (secondsOf(step, now) ?? 0) > 1.5 * step.usual + 1;
}

/**
 * Seconds that these stages usually take together; null when that of one is not known.
 * @param {Told} told
 * @param {Stage[]} stages
 */
export const usualOf = (told, stages) => along({ ...told, stages }, ({ usual }) => usual);

/**
 * Seconds that are still expected; null when a usual time that matters is not known.
 * @param {Told} told
 * @param {number} now
 */
export function leftOf(told, now) {
  if (!told.stages.length) return null;
  return along(told, (step) => {
    if (!OPEN.has(step.state)) return 0;
    if (step.usual === null) return null;
    const byClock = step.usual - (secondsOf(step, now) ?? 0);
    return Math.max(0, Math.min(byClock, step.usual * (1 - partOf(step))));
  }, true);
}

/**
 * How much of the whole is done, from 0 to less than 1, of a run that has not ended; null when it is not known.
 * @param {Told} told
 * @param {number} now
 */
export function shareOf(told, now) {
  const whole = along(told, weightOf);
  const ahead = along(told, (step) => {
    if (!OPEN.has(step.state)) return 0;
    if (step.usual === null) return null;
    const byClock = step.usual > 0 ? (secondsOf(step, now) ?? 0) / step.usual : 0;
    return step.usual * (1 - slowed(Math.max(byClock, partOf(step))));
  }, true);
  if (!whole || ahead === null) return null;
  return Math.min(Math.max(1 - ahead / whole, 0), MOST);
}

/**
 * The steps that the whole had to wait for, or will by what is known now: all stages of a series, and of a group the
 * member that ended last, or is likely to. What was skipped or never reached is none of them; nor are items.
 * @param {Told} told
 * @returns {Set<string>}
 */
export function criticalOf({ stages, steps }) {
  const critical = new Set();
  /** @param {Stage[]} series @param {number} from */
  const mark = (series, from) => {
    for (const stage of series) {
      const chosen = stage.kind === "concurrent" ? lastOf(stage, steps, from) : stage;
      if (chosen?.kind === "concurrent") mark([chosen], from);
      else if (chosen && !LEFT_OUT.has(stepOf(chosen, steps).state)) {
        critical.add(chosen.step);
        if (chosen.kind === "pipeline") mark(chosen.stages, stepOf(chosen, steps).began ?? from);
      }
      from = endOf(stage, steps, from);
    }
  };
  mark(stages, 0);
  return critical;
}

/**
 * A bar for every step in reading order, each before what is inside it. Items come as they are heard of.
 * @param {Told} told
 * @param {number} now
 * @returns {Bar[]}
 */
export function barsOf(told, now) {
  const critical = criticalOf(told);
  /** @type {Bar[]} */
  const bars = [];
  /** @param {Step} step @param {number} depth */
  const draw = (step, depth) => {
    const { path, title, began, ended, state } = step;
    bars.push({
      path, title, depth, from: began, to: ended, state, critical: critical.has(path), long: isLong(step, now),
    });
    for (const item of step.items) draw(/** @type {Step} */ (told.steps.get(item)), depth + 1);
  };
  /** @param {Stage} stage @param {number} depth */
  const walk = (stage, depth) => {
    if (stage.kind === "concurrent") return stage.members.forEach((member) => walk(member, depth));
    draw(stepOf(stage, told.steps), depth);
    if (stage.kind === "pipeline") stage.stages.forEach((inner) => walk(inner, depth + 1));
  };
  told.stages.forEach((stage) => walk(stage, 0));
  return bars;
}

/**
 * Seconds along the stages: added up in a series, the greatest of a group; null when one of them is. A pipeline within
 * the pipeline is the sum of its own stages; its own seconds count where one of those is not known.
 * @param {Told} told
 * @param {(step: Step) => number | null} seconds of a step
 * @param {boolean} [ahead] leaving out what must be over, because something behind it has begun
 * @returns {number | null}
 */
function along({ stages, steps }, seconds, ahead = false) {
  const from = ahead ? Math.max(0, stages.findLastIndex((stage) => hasBegun(stage, steps))) : 0;
  return stages.slice(from).map((stage) => {
    if (stage.kind === "concurrent") {
      return stage.members.map((member) => along({ stages: [member], steps }, seconds, ahead)).reduce(greater, 0);
    }
    const step = stepOf(stage, steps);
    if (stage.kind === "step" || (ahead && !OPEN.has(step.state))) return seconds(step);
    return along({ stages: stage.stages, steps }, seconds, ahead) ?? seconds(step);
  }).reduce(plus, 0);
}

/** @param {number | null} a @param {number | null} b */
const plus = (a, b) => (a === null || b === null ? null : a + b);

/** @param {number | null} a @param {number | null} b */
const greater = (a, b) => (a === null || b === null ? null : Math.max(a, b));

/** What a step weighs in the whole: what it usually takes, or took. @param {Step} step */
function weightOf({ state, usual, seconds }) {
  if (LEFT_OUT.has(state)) return 0;
  return usual ?? (OPEN.has(state) ? null : seconds ?? 0);
}

/** Which part of it is done, as the step itself says; 0 where it does not. @param {Step} step */
function partOf({ progress }) {
  const { done, of } = progress ?? {};
  if (done == null || of == null || !(of > 0)) return 0;
  return Math.min(Math.max(done / of, 0), 1);
}

/** How far to call what should be this far: ever slower towards 1, and never there. @param {number} part */
function slowed(part) {
  const rest = 1 - STEADY;
  return part <= STEADY ? part : 1 - rest / (1 + (part - STEADY) / rest);
}

/** @param {Stage} stage @param {Map<string, Step>} steps @returns {boolean} */
function hasBegun(stage, steps) {
  if (stage.kind === "concurrent") return stage.members.some((member) => hasBegun(member, steps));
  return !NOT_BEGUN.has(stepOf(stage, steps).state) ||
    (stage.kind === "pipeline" && stage.stages.some((inner) => hasBegun(inner, steps)));
}

/**
 * Of a group, the member that ended last. One that is under way ends after all that have ended; of several, it is the
 * one that is likely to by what is usual. None when none takes part.
 * @param {GroupStage} group
 * @param {Map<string, Step>} steps
 * @param {number} from when the group began, or is likely to
 * @returns {Stage | undefined}
 */
function lastOf({ members }, steps, from) {
  const likely = members.filter((member) => takesPart(member, steps))
    .map((member) => ({ member, open: isOpen(member, steps), end: endOf(member, steps, from) }));
  if (!likely.length) return undefined;
  return likely.reduce((last, one) => {
    if (one.open !== last.open) return one.open ? one : last;
    return one.end > last.end ? one : last;
  }).member;
}

/** @param {Stage} stage @param {Map<string, Step>} steps @returns {boolean} */
function takesPart(stage, steps) {
  if (stage.kind === "concurrent") return stage.members.some((member) => takesPart(member, steps));
  return !LEFT_OUT.has(stepOf(stage, steps).state);
}

/** @param {Stage} stage @param {Map<string, Step>} steps @returns {boolean} */
function isOpen(stage, steps) {
  if (stage.kind === "concurrent") return stage.members.some((member) => isOpen(member, steps));
  return OPEN.has(stepOf(stage, steps).state);
}

/**
 * When a stage ended, or would if from now on all took its usual time; in seconds into the run. What is not known takes
 * none, so that something can be said.
 * @param {Stage} stage
 * @param {Map<string, Step>} steps
 * @param {number} from when it began, unless it says so itself
 * @returns {number}
 */
function endOf(stage, steps, from) {
  if (stage.kind === "concurrent") {
    return Math.max(from, ...stage.members.map((member) => endOf(member, steps, from)));
  }
  const { state, began, ended, usual } = stepOf(stage, steps);
  if (ended !== null) return ended;
  const start = began ?? from;
  if (!OPEN.has(state)) return start;
  if (stage.kind === "step") return start + (usual ?? 0);
  return stage.stages.reduce((end, inner) => endOf(inner, steps, end), start);
}

/** @param {StepStage | PipelineStage} stage @param {Map<string, Step>} steps */
function stepOf(stage, steps) {
  return /** @type {Step} */ (steps.get(stage.step));
}
