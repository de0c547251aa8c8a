// @ts-check
// One run as it is told: its events folded, one after another, into what a page shows of it.
//
// Pure: no DOM and no clock. Its values are changed as events come, so that to take one costs the same at the end of a
// long story as at its beginning. The same fold as `narrate/snapshot.py`, and tested to be the same. What a step is
// stands in `step.js`, what is known of times in `timing.js`, the story as text in `transcript.js`.

import { Step, TOLD_OF_STEPS } from "./step.js";
import { barsOf, criticalOf, isLong, leftOf, secondsOf, shareOf, usualOf } from "./timing.js";
import { Transcript } from "./transcript.js";

export { Step };

/** @typedef {import("./step.js").StoryEvent} StoryEvent */
/** @typedef {import("./step.js").StepState} StepState */
/** @typedef {import("./step.js").Progress} Progress */
/** @typedef {import("./step.js").Line} Line */
/** @typedef {import("./step.js").Question} Question */
/** @typedef {import("./timing.js").Stage} Stage */
/** @typedef {import("./timing.js").Bar} Bar */

/**
 * What has become of the run. `n` and `t` are those of the last event told, `gaps` the history that is missing. Once it
 * has ended there is a `result` (undefined before, since null is one), a `problem` or a `reason`, and `seconds`.
 * @typedef {{
 *   id: string | null,
 *   pipeline: string | null,
 *   title: string,
 *   note: string | null,
 *   state: "waiting" | "working" | "finished" | "failed" | "cancelled",
 *   seconds: number | null,
 *   result: any,
 *   problem: any,
 *   reason: string | null,
 *   n: number,
 *   t: number,
 *   gaps: {from: number, to: number}[],
 * }} RunState
 */

/** @type {Record<string, RunState["state"]>} */
const ENDINGS = { "run.finished": "finished", "run.failed": "failed", "run.cancelled": "cancelled" };

export class Story {
  /** @type {RunState} */
  run = {
    id: null, pipeline: null, title: "", note: null, state: "waiting", seconds: null, result: undefined, problem: null,
    reason: null, n: 0, t: 0, gaps: [],
  };

  /** @type {Stage[]} the outline as a tree; a stage's `step` is the path of its step */
  stages = [];

  /** @type {Map<string, Step>} every step, pipeline and item that was heard of, by its path */
  steps = new Map();

  #transcript = new Transcript();
  #outlined = false;
  /** When the run began, by the local clock: as near as the quickest event so far lets it be known. */
  #offset = Infinity;
  #share = 0;
  /** @type {string | null} whose tokens may go on */
  #speaking = null;

  /**
   * Take the next event, recorded or status. Passed over are events that were taken already, status after the end, and
   * what this does not know.
   * @param {StoryEvent} event
   * @param {number} at local seconds at which it arrived, by a clock that never goes back
   * @returns {Set<string>} the paths of the steps that changed
   */
  take(event, at) {
    /** @type {Set<string>} */
    const changed = new Set();
    const { run } = this;
    if (event.n ? event.n <= run.n : event.type !== "progress" || ENDED.has(run.state)) return changed;
    if (Number.isFinite(event.t)) this.#offset = Math.min(this.#offset, at - event.t);
    if (run.state === "waiting") run.state = "working";
    if (!event.n) {
      this.#report(event, changed);
      return changed;
    }
    run.n = event.n;
    run.t = event.t;
    this.#tell(event, changed);
    return changed;
  }

  /**
   * Seconds into the run, now or at its end.
   * @param {number} at local seconds
   */
  elapsed(at) {
    return this.run.seconds ?? (this.#offset === Infinity ? 0 : Math.max(0, at - this.#offset));
  }

  /**
   * Seconds that a step has been working, or took; null while it has not begun.
   * @param {string} path
   * @param {number} at local seconds
   */
  elapsedOf(path, at) {
    const step = this.steps.get(path);
    return step ? secondsOf(step, this.elapsed(at)) : null;
  }

  /**
   * Whether a step has been working for longer than usual: for more than 1.5 times as long, and a second.
   * @param {string} path
   * @param {number} at local seconds
   */
  isLong(path, at) {
    const step = this.steps.get(path);
    return step !== undefined && isLong(step, this.elapsed(at));
  }

  /**
   * Seconds until the run is expected to end, never negative; null when a usual time that matters is not known.
   * @param {number} at local seconds
   */
  left(at) {
    return ENDED.has(this.run.state) ? 0 : leftOf(this, this.elapsed(at));
  }

  /**
   * How much of the run is done: from 0 to 1, which is its end, however it ended. Never less than was given before.
   * Null when a usual time that matters is not known.
   * @param {number} at local seconds
   */
  share(at) {
    if (ENDED.has(this.run.state)) return 1;
    const share = shareOf(this, this.elapsed(at));
    if (share === null) return null;
    this.#share = Math.max(this.#share, share);
    return this.#share;
  }

  /** The paths of the steps that the whole had to wait for, or will by what is known now. */
  critical() {
    return criticalOf(this);
  }

  /**
   * What ran when: a bar for every step in reading order, each before what is inside it.
   * @param {number} at local seconds
   */
  bars(at) {
    return barsOf(this, this.elapsed(at));
  }

  /**
   * What the run waits for a person to answer, in the order of asking, each with the path of its step.
   * @returns {(Question & {step: string})[]}
   */
  questions() {
    if (ENDED.has(this.run.state)) return [];
    return [...this.steps.values()]
      .flatMap(({ path, questions }) => questions.map((one) => ({ ...one, step: path })))
      .sort((a, b) => a.n - b.n);
  }

  /** The whole story told so far, as plain text for people. */
  transcript() {
    return this.#transcript.text;
  }

  /** @param {StoryEvent} status @param {Set<string>} changed */
  #report(status, changed) {
    // Items are no part of the outline, and may be heard of before they are announced.
    const declared = status.step.replace(/(\/\d[^/]*)+$/, "");
    if (this.#outlined && !this.steps.has(declared)) return;
    this.#step(status.step, changed).report(status);
    changed.add(status.step);
  }

  /** @param {StoryEvent} event @param {Set<string>} changed */
  #tell(event, changed) {
    if (TOLD_OF_STEPS.has(event.type)) this.#tellOfStep(event, changed);
    else if (event.type === "run.started") this.#begin(event, changed);
    else if (event.type === "gap") this.#miss(event, changed);
    else if (event.type in ENDINGS) this.#end(event, changed);
    else return; // an event of a later version, which is nothing to those of this one
    this.#transcript.take(event);
    this.#speaking = event.type === "token" ? event.step : null;
  }

  /** @param {StoryEvent} event @param {Set<string>} changed */
  #tellOfStep(event, changed) {
    const step = this.#step(event.step, changed);
    const isNews = !step.told;
    step.tell(event, this.#speaking === event.step);
    changed.add(event.step);
    let outer = this.#outerOf(step);
    if (isNews && step.kind === "item") outer?.order(step.path);
    // What is inside of it is told of, so it has begun; without a gap, that was told before.
    for (; outer && !outer.told; outer = this.#outerOf(outer)) {
      outer.doubt();
      changed.add(outer.path);
    }
  }

  /** @param {Step} step */
  #outerOf(step) {
    return step.parent === null ? undefined : this.steps.get(step.parent);
  }

  /** @param {StoryEvent} event @param {Set<string>} changed */
  #begin({ run: id, pipeline, title, note = null, outline }, changed) {
    Object.assign(this.run, { id, pipeline, title, note });
    this.#outlined = true;
    this.stages = structuredClone(outline); // which may grow where history is missing; the event is the caller's own
    this.#layOut(this.stages, null, changed);
  }

  /** @param {any[]} stages as in the outline @param {string | null} parent @param {Set<string>} changed */
  #layOut(stages, parent, changed) {
    for (const stage of stages) {
      if (stage.kind === "concurrent") {
        this.#layOut(stage.members, parent, changed);
        continue;
      }
      // It may have been heard of already: the latest status comes before the events.
      const step = this.steps.get(stage.step) ?? new Step(stage.step, stage.kind, parent);
      step.title = stage.title;
      step.kind = stage.kind;
      this.steps.set(step.path, step);
      changed.add(step.path);
      step.usual = stage.seconds ?? null;
      if (stage.kind !== "pipeline") continue;
      this.#layOut(stage.stages, step.path, changed);
      step.usual = usualOf(this, [stage]);
    }
  }

  /** @param {StoryEvent} gap @param {Set<string>} changed */
  #miss(gap, changed) {
    this.run.gaps.push({ from: gap.from, to: gap.to });
    for (const step of this.steps.values()) {
      const before = step.state;
      step.miss(gap);
      if (step.state !== before) changed.add(step.path);
    }
  }

  /** @param {StoryEvent} event @param {Set<string>} changed */
  #end(event, changed) {
    const { seconds, result, problem = null, reason = null } = event;
    Object.assign(this.run, { state: ENDINGS[event.type], seconds, result, problem, reason });
    for (const step of this.steps.values()) {
      const before = step.state;
      step.close();
      if (step.state !== before) changed.add(step.path);
    }
  }

  /**
   * The step at this path. What nobody has announced is put where its path says, with what it is inside of.
   * @param {string} path
   * @param {Set<string>} changed gets what it is put into
   * @returns {Step}
   */
  #step(path, changed) {
    const known = this.steps.get(path);
    if (known) return known;
    const name = nameOf(path);
    const outer = path === name ? null : this.#step(path.slice(0, -name.length - 1), changed);
    const kind = outer && (/^\d/.test(name) || outer.kind === "item") ? "item" : "step";
    const step = new Step(path, kind, outer?.path ?? null);
    this.steps.set(path, step);
    if (outer) changed.add(outer.path);
    if (outer && kind === "item") outer.items.push(path);
    else if (outer) this.#placeInside(outer, path);
    else this.stages.push({ kind: "step", step: path });
    return step;
  }

  /** @param {Step} outer @param {string} path of a step that is no item, so that the other must be a pipeline */
  #placeInside(outer, path) {
    outer.kind = "pipeline";
    const stage = /** @type {any} */ (stageAt(this.stages, outer.path));
    stage.kind = "pipeline";
    stage.stages ??= [];
    stage.stages.push({ kind: "step", step: path });
  }
}

const ENDED = new Set(["finished", "failed", "cancelled"]);

/** @param {string} path */
const nameOf = (path) => path.slice(path.lastIndexOf("/") + 1);

/** @param {any[]} stages @param {string} path @returns {any} the stage of the step at this path */
function stageAt(stages, path) {
  for (const stage of stages) {
    const found = stage.step === path ? stage : stageAt(stage.members ?? stage.stages ?? [], path);
    if (found) return found;
  }
  return undefined;
}
