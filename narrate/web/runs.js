// @ts-check
// My runs: which runs this browser has begun or opened, and what has become of them.
//
// The browser keeps only their ids, with the titles; the server is asked for the rest. Where it knows who asks, it
// also tells of the runs that the same person began elsewhere.

import { SERVER } from "./pipelines.js";

const KEY = `narrate.runs${SERVER.pathname === "/" ? "" : SERVER.pathname}`; // each server of an origin has its own
const MOST = 50; // as many as one request may name
const MOST_LOOKED_AT = 5; // runs under way, the newest, that are asked for whether they ask anything

/**
 * @typedef {{id: string, title: string, pipeline: string}} Known
 * @typedef {{run: string, pipeline: string, state: string, began: number, seconds?: number}} Listed
 * @typedef {Listed & {title: string}} MyRun
 */

/** The runs that are kept in mind, the latest first. @returns {Known[]} */
export function known() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((run) => typeof run?.id === "string") : [];
  } catch {
    return []; // whatever another version, or another page of this origin, may have left there
  }
}

/** Keep a run in mind, and forget the oldest of too many. @param {Known} run */
export function remember(run) {
  keep([run, ...known().filter(({ id }) => id !== run.id)].slice(0, MOST));
}

/** @param {Known[]} runs */
function keep(runs) {
  try {
    localStorage.setItem(KEY, JSON.stringify(runs));
  } catch {
    // Storage that is full or forbidden: then they are not kept in mind.
  }
}

/**
 * What has become of my runs, the newest first; one that waits for a person is `asking`. Those that the server no
 * longer keeps are forgotten.
 * @returns {Promise<MyRun[]>}
 */
export async function mine() {
  const mind = known();
  const named = mind.length ? await listed(`runs?runs=${mind.map(({ id }) => encodeURIComponent(id)).join(",")}`) : [];
  const owned = await listed("runs");
  const all = new Map([...owned, ...named].map((run) => [run.run, run]));
  const asked = new Set(mind.map(({ id }) => id)); // others may have been begun since
  keep(known().filter(({ id }) => all.has(id) || !asked.has(id)));
  const titles = new Map(mind.map(({ id, title }) => [id, title]));
  const newest = [...all.values()].sort((a, b) => b.began - a.began);
  const asking = await asksOf(newest.filter(({ state }) => state === "working").slice(0, MOST_LOOKED_AT));
  return newest.map((run) => ({ ...run, title: titles.get(run.run) ?? run.pipeline,
    state: asking.has(run.run) ? "asking" : run.state }));
}

/** Which of these wait for an answer: a list does not say so, only the state of each. @param {Listed[]} runs */
async function asksOf(runs) {
  const open = await Promise.all(runs.map(({ run }) => asks(run)));
  return new Set(runs.filter((_, n) => open[n]).map(({ run }) => run));
}

/** @param {string} run */
async function asks(run) {
  try {
    const response = await fetch(new URL(`runs/${encodeURIComponent(run)}`, SERVER));
    if (!response.ok) return false;
    const { steps } = await response.json();
    return steps.some((/** @type {{questions?: unknown[]}} */ { questions }) => questions?.length);
  } catch {
    return false; // it is under way: so much is known
  }
}

/** @param {string} address @returns {Promise<Listed[]>} */
async function listed(address) {
  const response = await fetch(new URL(address, SERVER));
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  return response.json();
}
