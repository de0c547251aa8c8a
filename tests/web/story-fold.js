// @ts-check
// The page's fold held to what the Python side made of the same events: for the vectors of `../vectors`; and as a
// program that is given a vector in each line of its standard input, and answers where the two differ first, or `null`.

import { createInterface } from "node:readline";
import { isDeepStrictEqual } from "node:util";

import { Story } from "../../narrate/web/story.js";

/** @typedef {{event: any, run: any, steps: Record<string, any>, order: string[], text: string}} Line */

/**
 * Where the fold of these events differs from what stands beside them; null where it is the same after each.
 * @param {Line[]} vector
 * @returns {{n: number, event: any, page: unknown, python: unknown} | null}
 */
export function firstDifference(vector) {
  const story = new Story();
  const heardOf = new Set();
  /** @type {Record<string, any>} */
  const python = { run: {}, steps: {}, order: [], text: "" };
  for (const [n, { event, run, steps, order, text }] of vector.entries()) {
    story.take(event, event.t);
    if (event.type.startsWith("step.")) heardOf.add(event.step);
    Object.assign(python.run, run);
    Object.assign(python.steps, steps);
    python.text += text;
    if (order.length) python.order = order;
    const known = new Set([...heardOf, ...Object.keys(python.steps)]);
    /** @type {Record<string, any>} */
    const page = { run: runOf(story), steps: stepsOf(story, known), order: python.order, text: story.transcript() };
    // Of what is inside of a step whose announcement is missing, only the page says where it belongs.
    if (!story.run.gaps.length) page.order = orderOf(story, known);
    const what = Object.keys(page).find((key) => !isDeepStrictEqual(page[key], python[key]));
    if (what) return { n, event, page: page[what], python: python[what] };
  }
  return null;
}

/** The run as the Python side writes it. @param {Story} story */
function runOf({ run }) {
  const { id, gaps, state, result, title, pipeline, ...same } = run;
  const nameless = { run: id ?? "run-1", pipeline: pipeline ?? "?", title: title || "?" };
  const of = { ...same, ...nameless, state: state === "waiting" ? "working" : state, gap: gaps.at(-1) ?? null };
  return written(of, result === undefined ? {} : { result });
}

/**
 * The steps as the Python side writes them. It passes over what it has heard of by status only or, where history is
 * missing, by what it says, until it is heard to begin or to end: that is left out.
 * @param {Story} story
 * @param {Set<string>} known
 */
function stepsOf({ steps }, known) {
  return Object.fromEntries([...steps.values()].filter(({ path }) => known.has(path)).map((step) => {
    const { path, title, state, seconds, text, reason, problem, progress, questions } = step;
    const of = { step: path, title, state, seconds, text, reason, problem, progress: progress && written(progress) };
    return [path, written(of, questions.length ? { questions: questions.map((one) => written(one)) } : {})];
  }));
}

/** @param {Story} story @param {Set<string>} known */
const orderOf = (story, known) => story.bars(0).map(({ path }) => path).filter((path) => known.has(path));

/** Without what is not known, which is not written. @param {object} value @param {object} [more] */
const written = (value, more = {}) =>
  ({ ...Object.fromEntries(Object.entries(value).filter(([, one]) => one !== null)), ...more });

if (import.meta.main) {
  for await (const line of createInterface(process.stdin)) {
    console.log(JSON.stringify(firstDifference(JSON.parse(line))));
  }
}
