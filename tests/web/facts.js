// @ts-check
// Stories for tests, from facts: numbered as a record is, and taken one after another.

import { Story } from "../../narrate/web/story.js";

/** A step of an outline. @param {string} path @param {number} [seconds] */
export const step = (path, seconds) =>
  ({ kind: "step", step: path, title: `${path}…`, ...(seconds != null && { seconds }) });

/** A group. @param {any[]} members */
export const group = (...members) => ({ kind: "concurrent", members });

/** A pipeline within. @param {string} path @param {any[]} stages */
export const pipeline = (path, ...stages) => ({ kind: "pipeline", step: path, title: `${path}…`, stages });

/** @param {any[]} outline */
export const begun = (...outline) =>
  ({ type: "run.started", run: "r1", pipeline: "trip", title: "A trip", outline, t: 0 });

/** @param {string} path @param {number} t @param {string} [title] */
export const started = (path, t, title = path.toUpperCase()) => ({ type: "step.started", step: path, title, t });

/** @param {string} path @param {number} t @param {number} seconds @param {object} [more] */
export const finished = (path, t, seconds, more = {}) => ({ type: "step.finished", step: path, seconds, t, ...more });

/** @param {string} path @param {number} t */
export const skipped = (path, t) => ({ type: "step.skipped", step: path, reason: "Not needed.", t });

/** @param {string} path @param {string} text @param {number} [t] */
export const message = (path, text, t = 1) => ({ type: "message", step: path, text, t });

/** @param {string} path @param {string} text @param {object} [more] */
export const token = (path, text, more = {}) => ({ type: "token", step: path, text, t: 1, ...more });

/** @param {string} path @param {object} [more] */
export const asked = (path, more = {}) => ({ type: "question", step: path, question: "Shall it?", t: 1, ...more });

/** @param {string} path @param {number} to @param {string} [value] @param {string} [by] */
export const answer = (path, to, value, by = "person") => ({ type: "answer", step: path, to, by, value, t: 2 });

/** @param {string} path @param {object} says */
export const status = (path, says) => ({ type: "progress", step: path, t: 1, ...says });

/** @param {number} seconds */
export const ended = (seconds) => ({ type: "run.finished", result: "All.", seconds, t: seconds });

/**
 * A story of these facts, those without a number that are no status numbered on, each heard at the moment it happened.
 * @param {any[]} facts
 */
export function told(...facts) {
  const story = new Story();
  for (const fact of facts) take(story, fact);
  return story;
}

/** Have the story told one fact more. @param {Story} story @param {any} fact @returns {Set<string>} what changed */
export function take(story, fact) {
  const n = fact.type === "progress" || fact.type === "detached" ? {} : { n: story.run.n + 1 };
  return story.take({ ...n, ...fact }, fact.t);
}

/** The states of the story's steps, by their paths. @param {Story} story */
export const states = (story) => Object.fromEntries([...story.steps.values()].map(({ path, state }) => [path, state]));
