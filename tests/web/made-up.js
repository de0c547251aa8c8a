// @ts-check
// Made-up runs: a random outline, how long everything takes, and what a reader hears of it when. The same for a seed.
//
// A fact happens at its time `t`, and is heard when all before it in the reading order has been told; what a lane that
// waits begins or ends is heard by status, at once.

import { begun, ended, finished, group, message, pipeline, skipped, started, status, step } from "./facts.js";

/** @typedef {{event: any, at: number}} Heard */

/** A source of chances: `chance()` is from 0 to less than 1. @param {number} seed */
export function chances(seed) {
  let state = seed * 2654435761 >>> 0;
  return () => { // mulberry32
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * A run that finishes.
 * @param {number} seed
 * @param {{punctual?: boolean}} [options] whether everything takes what is usual, nothing is skipped, and all is heard
 *   at once
 */
export function madeUp(seed, { punctual = false } = {}) {
  const chance = chances(seed);
  const run = new Run(chance, punctual);
  const outline = run.outline(2, "");
  const seconds = run.stages(outline, 0);
  const facts = [begun(...outline), ...run.told, ended(seconds)];
  return { outline, seconds, record: numbered(facts), heard: heard(facts, run.statuses, punctual ? () => 0 : chance) };
}

class Run {
  /** @type {any[]} */
  told = [];
  /** @type {any[]} */
  statuses = [];
  #names = 0;
  #chance;
  #punctual;

  /** @param {() => number} chance @param {boolean} punctual */
  constructor(chance, punctual) {
    this.#chance = chance;
    this.#punctual = punctual;
  }

  /** Some stages. @param {number} depth @param {string} prefix @returns {any[]} */
  outline(depth, prefix) {
    return Array.from({ length: this.#some(3) }, () => {
      if (this.#chance() < 0.5) return this.#member(depth, prefix);
      return group(...Array.from({ length: this.#some(4) }, () => this.#member(depth, prefix)));
    });
  }

  /** Have stages happen one after another; gives back when they end. @param {any[]} stages @param {number} t */
  stages(stages, t) {
    for (const stage of stages) {
      const members = stage.members ?? [stage];
      const needed = members.filter((/** @type {any} */ member) => this.#announce(member, t));
      t = Math.max(t, ...needed.map((/** @type {any} */ member) => this.#lane(member, t)));
    }
    return t;
  }

  /** @param {any} stage @param {number} t */
  #announce({ step: path, stages }, t) {
    const needed = this.#punctual || stages || this.#chance() > 0.1;
    this.told.push(needed ? started(path, t) : skipped(path, t));
    return needed;
  }

  /** @param {any} stage @param {number} t @returns {number} */
  #lane(stage, t) {
    const path = stage.step;
    const end = stage.stages ? this.stages(stage.stages, t) : this.#work(stage, t);
    this.told.push(finished(path, end, end - t));
    return end;
  }

  /** @param {any} stage @param {number} t */
  #work({ step: path, seconds }, t) {
    const end = t + (this.#punctual ? seconds : seconds * 3 * this.#chance());
    const count = Math.max(0, this.#some(6) - 2);
    this.told.push(message(path, "I begin.", t));
    const items = Array.from({ length: count }, (_, n) => `${path}/${n + 1}`);
    items.forEach((item) => this.told.push(started(item, t)));
    items.forEach((item, n) => {
      const from = t + (end - t) * n / count;
      const to = n + 1 === count ? end : t + (end - t) * (n + 1) / count;
      this.told.push(message(item, "Here.", from), finished(item, to, to - from));
      this.statuses.push(status(path, { done: n + 1, of: count, t: to }));
    });
    return end;
  }

  /** @param {number} depth @param {string} prefix @returns {any} */
  #member(depth, prefix) {
    const path = `${prefix}s${++this.#names}`;
    if (depth && this.#chance() < 0.3) return pipeline(path, ...this.outline(depth - 1, `${path}/`));
    return step(path, 0.1 + 4 * this.#chance());
  }

  /** From one to so many. @param {number} most */
  #some(most) {
    return 1 + Math.floor(this.#chance() * most);
  }
}

/** @param {any[]} facts */
const numbered = (facts) => facts.map((fact, n) => ({ ...fact, n: n + 1 }));

const STATES = { "step.started": "working", "step.finished": "done" };

/**
 * What is heard, and when: by a clock that began at 1000, and each after a delay of its own.
 * @param {any[]} facts
 * @param {any[]} statuses
 * @param {() => number} chance
 * @returns {Heard[]}
 */
function heard(facts, statuses, chance) {
  /** @type {{event: any, time: number}[]} */
  const live = statuses.map((event) => ({ event, time: event.t }));
  let time = 0;
  const [first, ...record] = numbered(facts).map((event) => {
    time = Math.max(time, event.t);
    const state = STATES[/** @type {keyof STATES} */ (event.type)];
    if (state && time > event.t) live.push({ event: status(event.step, { state, t: event.t }), time: event.t });
    return { event, time };
  });
  let at = 0;
  // Status first, where both are of the same moment: an event may have overtaken it, but never the other way.
  return [first, ...[...live, ...record].sort((a, b) => a.time - b.time)].map(({ event, time: happened }) => {
    at = Math.max(at, 1000 + happened + 0.1 * chance());
    return { event, at };
  });
}
