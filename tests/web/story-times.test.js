// What a story says of times: how long, how much longer, how far, and what the whole had to wait for.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Story } from "../../narrate/web/story.js";
import { begun, ended, finished, group, pipeline, skipped, started, status, step, take, told } from "./facts.js";

/** Two at once, the second of 1 + 3 seconds, and then one. */
const PLAN = pipeline("plan", step("plan/a", 1), group(step("plan/b", 3), step("plan/c", 2)));
const TRIP = begun(group(step("where", 2), PLAN), step("weather", 6));

const critical = (story) => [...story.critical()].sort();

// --- Seconds ---

test("the run began when the quickest event says so: one that is late, or told anew, moves nothing", () => {
  const story = new Story();
  story.take({ ...TRIP, n: 1 }, 100.5);
  assert.equal(story.elapsed(101), 0.5);

  story.take({ ...started("where", 4), n: 2 }, 104.2);
  assert.ok(Math.abs(story.elapsed(105) - 4.8) < 1e-9);

  story.take({ ...finished("where", 4.1, 0.1), n: 3 }, 120);
  story.take(status("plan", { done: 1, t: 3 }), 120);
  assert.ok(Math.abs(story.elapsed(121) - 20.8) < 1e-9);
});

test("the time stands still once the run has ended", () => {
  const story = told(TRIP, ended(12.5));

  assert.deepEqual([story.elapsed(99), story.left(99), story.share(99)], [12.5, 0, 1]);
});

test("a step's seconds run while it works, and are the record's once its end is told", () => {
  const story = told(TRIP, started("where", 0.5));
  assert.deepEqual([story.elapsedOf("where", 2), story.elapsedOf("weather", 2)], [1.5, null]);

  take(story, finished("where", 3, 2.4));

  assert.deepEqual([story.elapsedOf("where", 9), story.steps.get("where").seconds], [2.4, 2.4]);
});

test("a step takes longer than usual from half as long again, and a second, until it ends", () => {
  const story = told(TRIP, started("where", 0), started("plan", 0), started("plan/a", 0));
  const long = (path, ...moments) => moments.map((at) => story.isLong(path, at));
  assert.deepEqual([long("where", 4, 4.1), long("plan", 7, 7.1)], [[false, true], [false, true]]);
  assert.deepEqual([long("plan/a", 2.5, 2.6), long("weather", 99)], [[false, true], [false]]);

  take(story, finished("where", 5, 5));

  assert.equal(story.isLong("where", 9), false);
});

test("of a step of which nothing is known, nothing is unusual", () => {
  const story = told(begun(step("where")), started("where", 0));

  assert.deepEqual([story.steps.get("where").usual, story.isLong("where", 999)], [null, false]);
});

// --- What is usual ---

test("a pipeline within usually takes as long as its stages, of a group the longest", () => {
  assert.equal(told(TRIP).steps.get("plan").usual, 4);
});

test("a pipeline within takes what it took, where one of its stages is not known", () => {
  const story = told(begun({ ...pipeline("plan", step("plan/a", 1), step("plan/b")), seconds: 5 }, step("weather", 1)));
  assert.deepEqual([story.steps.get("plan").usual, story.left(0)], [5, 6]);

  take(story, started("plan", 0));

  assert.equal(story.left(2), 4);
});

// --- What is left ---

test("what is left adds up along the stages; of a group the longest counts", () => {
  const story = told(TRIP);
  assert.equal(story.left(0), 10);

  take(story, started("where", 0));
  take(story, started("plan", 0));
  take(story, status("plan/a", { state: "working", t: 0 }));
  assert.equal(story.left(0.5), 9.5);

  take(story, status("plan/a", { state: "done", t: 0.5 }));
  assert.equal(story.left(0.5), 9);
});

test("nothing is left of a step that takes longer than usual, of what was skipped, or of what is over", () => {
  const story = told(TRIP, started("where", 0), skipped("plan", 0));
  assert.equal(story.left(9), 6);

  take(story, finished("where", 9, 9));
  take(story, skipped("weather", 9));

  assert.equal(story.left(9), 0);
});

test("a step that says how far it is needs no more than the rest of it", () => {
  const story = told(begun(step("where", 8)), started("where", 0), status("where", { done: 6, of: 8 }));
  assert.equal(story.left(1), 2);
  assert.equal(story.left(7), 1);

  take(story, status("where", { done: 10, of: 8 }));
  assert.equal(story.left(1), 0);

  for (const says of [{ done: 3, of: 0 }, { done: 3 }, { of: 3 }, { text: "soon" }]) {
    take(story, status("where", says));
    assert.equal(story.left(1), 7);
  }
});

test("what is left of a group is not known while one of its members is not", () => {
  assert.equal(told(begun(group(step("where"), step("weather", 2)))).left(0), null);
});

test("what is left is not known while a step has to be done of which nothing is known", () => {
  const story = told(begun(step("where"), step("weather", 2)), started("where", 0));
  assert.deepEqual([story.left(1), story.share(1)], [null, null]);

  take(story, finished("where", 2, 2));

  assert.deepEqual([story.left(2), story.share(2)], [2, 0.5]);
});

test("a step must be over when one behind it has begun, though history is missing", () => {
  const story = told(TRIP, { type: "gap", from: 2, to: 9, n: 9, t: 5 });
  assert.deepEqual([story.left(5), story.share(5)], [10, 0]);

  take(story, started("weather", 6));

  assert.deepEqual([story.left(7), story.share(7)], [5, 0.5]);
});

// --- How far it is ---

test("the share slows down where a step takes longer than usual, and is never whole before the end", () => {
  const story = told(begun(step("where", 1)), started("where", 0));

  const shares = [0, 0.5, 0.9, 1, 2, 9, 1e3, 1e9].map((at) => story.share(at));

  assert.deepEqual(shares.slice(0, 3), [0, 0.5, 0.9]);
  assert.deepEqual(shares.slice(3).filter((share, n) => share < shares[n + 2] || share >= 1), []);
  assert.ok(Math.abs(shares[3] - 0.95) < 1e-9 && shares[5] > shares[4]);
  take(story, finished("where", 1e9, 1e9));
  assert.ok(story.share(1e9) < 1);
  take(story, ended(1e9));
  assert.equal(story.share(1e9), 1);
});

test("the share goes by what a step says of itself, where that is more, and never goes back", () => {
  const story = told(begun(step("where", 10)), started("where", 0), status("where", { done: 5, of: 10 }));
  assert.equal(story.share(1), 0.5);

  take(story, status("where", { done: 1, of: 10 }));
  assert.equal(story.share(1.5), 0.5);
  assert.ok(story.share(8) > 0.5);
});

test("what was skipped has no share", () => {
  const story = told(begun(step("where", 2), step("weather", 2)), skipped("where", 0), started("weather", 0));

  assert.equal(story.share(1), 0.5);
});

test("a step that usually takes no time has no share, and a run of nothing else none that could be told", () => {
  assert.equal(told(begun(step("where", 0)), started("where", 0)).share(1), null);

  const story = told(begun(step("where", 0), step("weather", 2)), started("where", 0));
  assert.deepEqual([0, 5].map((at) => story.share(at)), [0, 0]);
});

// --- The critical path ---

test("of a group the whole had to wait for the member that ended last, and for every stage of a series", () => {
  const plan = [started("plan/a", 0), finished("plan/a", 1, 1), started("plan/b", 1), started("plan/c", 1),
    finished("plan/b", 2, 1), finished("plan/c", 4, 3), finished("plan", 4, 4)];
  const both = [started("where", 0), started("plan", 0)];

  const slow = told(TRIP, ...both, finished("where", 9, 9), ...plan, started("weather", 9), finished("weather", 10, 1));
  const quick = told(TRIP, ...both, finished("where", 2, 2), ...plan, started("weather", 4), finished("weather", 5, 1));

  assert.deepEqual(critical(slow), ["weather", "where"]);
  assert.deepEqual(critical(quick), ["plan", "plan/a", "plan/c", "weather"]);
});

test("while the run is under way it is what is likely, and what still works is later than what does not", () => {
  const story = told(TRIP);
  assert.deepEqual(critical(story), ["plan", "plan/a", "plan/b", "weather"]);

  take(story, started("where", 0));
  take(story, started("plan", 0));
  take(story, status("plan", { state: "done", t: 5 }));

  assert.deepEqual(critical(story), ["weather", "where"]);
});

test("what was skipped or not reached is not waited for, nor is a group of nothing else", () => {
  const story = told(TRIP, skipped("where", 0), skipped("plan", 0), started("weather", 0),
    { type: "step.failed", step: "weather", problem: { title: "No", status: 500 }, t: 1 });

  assert.deepEqual(critical(story), ["weather"]);
});

test("a group of which nothing is known has a critical path, too", () => {
  assert.deepEqual(critical(told(begun(group(step("a"), step("b"))))), ["a"]);
});

test("a group right within a group is looked into", () => {
  const outline = begun(group(step("a", 1), group(step("b", 2), step("c", 3))));

  assert.deepEqual(critical(told(outline)), ["c"]);
});

// --- Bars ---

test("every step has its bar in reading order, its items below it, also while it is under way", () => {
  const story = told(TRIP, started("where", 0.5), started("plan", 0.5), started("where/1", 1, "Rome"),
    finished("where/1", 3, 1.5), status("plan/a", { state: "working", t: 0.5 }));

  assert.deepEqual(story.bars(4), [
    bar("where", 0, "working", { title: "WHERE", from: 0.5 }),
    bar("where/1", 1, "done", { title: "Rome", from: 1.5, to: 3 }),
    bar("plan", 0, "working", { title: "PLAN", from: 0.5, critical: true }),
    bar("plan/a", 1, "working", { from: 0.5, critical: true, long: true }),
    bar("plan/b", 1, "waiting", { critical: true }),
    bar("plan/c", 1, "waiting", {}),
    bar("weather", 0, "waiting", { critical: true }),
  ]);
});

function bar(path, depth, state, known) {
  return { path, title: `${path}…`, depth, from: null, to: null, state, critical: false, long: false, ...known };
}
