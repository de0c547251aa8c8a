// @ts-check
// Turns at streaming. A browser keeps six HTTP/1.1 connections to an origin, for all its tabs together; six stories
// that stream would leave none for anything else, and a seventh tab would not even load. So at most four tabs stream at
// once. Each keeps its place for as long as nobody else wants one; then it gives the place up, takes its turn again,
// and goes on from the last event that it heard: nothing is lost, and a story is at most some seconds late.
//
// By Web Locks, because the browser itself frees the lock of a tab that dies. They are fair, and there is no leader.

const NAME = "narrate-stream";
const PLACES = 4; // of six: the others are for pages, details and a Cancel
const LEAST = 1000; // milliseconds for which a place may be kept though others wait
const REMIND = 250; // milliseconds between two reminders that somebody waits, for those who have only just come

/** @typedef {{wanted: AbortSignal, done: () => void}} Turn  `wanted` aborts when others wait; `done` ends the turn. */

/**
 * Wait for a turn. Where there are no locks to be had (a page that is no secure context), everybody always has one.
 * @param {AbortSignal} signal of who leaves while waiting, which rejects with its reason
 * @returns {Promise<Turn>}
 */
export async function turn(signal) {
  const usable = await navigator.locks?.query().then(() => true, () => false);
  if (!usable) return { wanted: new AbortController().signal, done() {} };
  const channel = new BroadcastChannel(NAME);
  try {
    return keep(channel, await freePlace(channel, signal));
  } catch (error) {
    channel.close();
    throw error;
  }
}

/**
 * Wait, behind whoever came before, until one of the places is free. Gives what frees it again.
 * @param {BroadcastChannel} channel
 * @param {AbortSignal} signal
 * @returns {Promise<() => void>}
 */
function freePlace(channel, signal) {
  return new Promise((resolve, reject) => {
    // The one lock is the head of the queue: only who has it asks for a place, so that the places are given in order.
    navigator.locks.request(NAME, { signal }, async () => {
      const reminding = setInterval(() => channel.postMessage("wanted"), REMIND);
      channel.postMessage("wanted");
      try {
        resolve(await firstOf(PLACES, signal));
      } finally {
        clearInterval(reminding);
      }
    }).catch(reject);
  });
}

/**
 * @param {number} places
 * @param {AbortSignal} signal
 * @returns {Promise<() => void>}
 */
function firstOf(places, signal) {
  const enough = new AbortController();
  const asking = AbortSignal.any([signal, enough.signal]);
  return new Promise((resolve, reject) => {
    for (let place = 0; place < places; place += 1) {
      navigator.locks.request(`${NAME}-${place}`, { signal: asking }, () => {
        if (asking.aborted) return undefined; // another place was given at the same moment
        enough.abort();
        return new Promise((/** @type {(value?: undefined) => void} */ free) => resolve(() => free()));
      }).catch(() => signal.aborted && reject(signal.reason));
    }
  });
}

/** @param {BroadcastChannel} channel @param {() => void} free @returns {Turn} */
function keep(channel, free) {
  const wanted = new AbortController();
  const since = performance.now();
  channel.onmessage = () => {
    if (performance.now() - since >= LEAST) wanted.abort();
  };
  return {
    wanted: wanted.signal,
    done() {
      channel.close();
      free();
    },
  };
}
