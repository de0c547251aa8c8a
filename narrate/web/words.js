// @ts-check
// What the page says in words: durations, counts and states. The same words everywhere it says them.

import { sentence as told } from "./transcript.js";

/** @typedef {import("./story.js").Step} Step */

/** What has become of a step, for those who cannot see its mark. */
export const STATES = {
  waiting: "waiting",
  working: "working",
  retrying: "trying again",
  done: "done",
  skipped: "skipped",
  failed: "failed",
  cancelled: "cancelled",
  unreached: "not reached",
  unknown: "unknown",
  asking: "waiting for your answer",
};

const ENDED = new Set(["done", "skipped", "failed", "cancelled"]);

/**
 * What a step is called: as it was announced, and when it has ended, without the dots that say it is under way.
 * @param {{title: string, state: Step["state"]}} step
 */
export function called({ title, state }) {
  return ENDED.has(state) ? title.replace(/([^\s….])\s*(?:…|\.{3})$/, "$1") : title;
}

/**
 * A duration for people: `0.4 s`, `12 s`, `2 min 5 s`.
 * @param {number} seconds
 */
export function duration(seconds) {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60 ? `${minutes} min ${whole % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/**
 * How long something is still waited for: in whole seconds, the last of which is not over yet.
 * @param {number} seconds
 */
export function countdown(seconds) {
  return duration(Math.ceil(seconds)).replace(".0 s", " s");
}

/**
 * How long something is expected to take: rounded, because it is a guess.
 * @param {number} seconds
 */
export function about(seconds) {
  if (seconds < 1) return "under 1 s";
  return duration(seconds < 60 ? Math.max(10, Math.round(seconds) * 10) / 10 : Math.round(seconds / 5) * 5)
    .replace(".0 s", " s");
}

/**
 * How far a step is: `12 of 24 places`, or nothing.
 * @param {Step["progress"]} progress
 */
export function howFar(progress) {
  if (!progress) return "";
  const { done, of, unit, text } = progress;
  const count = done == null ? "" : of == null ? number(done) : `${number(done)} of ${number(of)}`;
  return [count, count && unit, text].filter(Boolean).join(" ");
}

/**
 * A size in bytes: `4.7 kB`.
 * @param {number} bytes
 */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/**
 * A problem in one line, also where whoever answered told none.
 * @param {any} problem
 */
export function sentence(problem) {
  return (problem && told(problem)) || "It is not known why.";
}

/**
 * A number without a fraction that says nothing: `200,000`, `0.5`.
 * @param {number} value
 */
export function number(value) {
  return Number.isInteger(value) ? value.toLocaleString("en") : value.toFixed(1);
}
