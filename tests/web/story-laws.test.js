// What holds of every story, for runs that a seeded generator makes up.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Story } from "../../narrate/web/story.js";
import { chances, madeUp } from "./made-up.js";

const RUNS = Array.from({ length: 60 }, (_, seed) => madeUp(seed));
const PUNCTUAL = Array.from({ length: 60 }, (_, seed) => madeUp(seed, { punctual: true }));

/** A story after each event that was heard: at that moment and just before the next; long after the last. */
function* moments({ heard }) {
  const story = new Story();
  for (const [n, { event, at }] of heard.entries()) {
    story.take(event, at);
    yield { story, at, event };
    const next = heard[n + 1]?.at ?? at + 10;
    yield { story, at: at + (next - at) * 0.99, event };
  }
}

function folded(events) {
  const story = new Story();
  events.forEach(({ event, at }) => story.take(event, at));
  return story;
}

/** All there is to see of a story, its times left out where only the arrival of events says them. */
const seen = (story) => ({
  run: story.run, stages: story.stages, steps: [...story.steps.values()].map((step) => ({ ...step })),
  transcript: story.transcript(), critical: story.critical(), bars: story.bars(0),
});

const over = (bar) => ["done", "skipped"].includes(bar.state);
const closeTo = (a, b) => Math.abs(a - b) < 1e-6;

test("all is told of in the end, and status leaves no trace", () => {
  for (const { heard, record } of RUNS) {
    const story = folded(heard);

    assert.ok(story.bars(0).every(over));
    const plain = folded(record.map((event) => ({ event, at: event.t })));
    const sorted = ({ steps, ...rest }) => ({ ...rest, steps: steps.sort((a, b) => (a.path < b.path ? -1 : 1)) });
    assert.deepEqual(sorted(seen(story)), sorted(seen(plain)));
  }
});

test("a reader who comes back hears some of it twice, and sees no difference", () => {
  const chance = chances(1);
  for (const { heard } of RUNS) {
    const cut = Math.floor(chance() * heard.length);
    const from = Math.floor(chance() * cut);
    const again = heard.slice(from).filter(({ event }, n) => event.n || n >= cut - from);

    assert.deepEqual(seen(folded([...heard.slice(0, cut), ...again])), seen(folded(heard)));
  }
});

test("the end that status says of a step is the one that the record tells", () => {
  for (const run of RUNS) {
    const final = new Map(folded(run.heard).bars(0).map(({ path, state }) => [path, state]));
    for (const { story, at } of moments(run)) {
      assert.deepEqual(story.bars(at).filter(over).filter(({ path, state }) => final.get(path) !== state), []);
    }
  }
});

test("while it is under way, the seconds of the run never go back, and are never more than went by", () => {
  for (const run of RUNS) {
    let before = 0;
    for (const { story, at } of moments({ heard: run.heard.slice(0, -1) })) {
      const elapsed = story.elapsed(at);
      assert.ok(before <= elapsed && elapsed <= at - 1000);
      before = elapsed;
    }
    assert.equal(folded(run.heard).elapsed(9999), run.seconds);
  }
});

test("the share never goes back, and is whole at the end and not before", () => {
  for (const run of RUNS) {
    let before = 0;
    for (const { story, at } of moments(run)) {
      const share = story.share(at);
      assert.ok(share >= before && (share < 1 || story.run.state === "finished"));
      before = share;
    }
    assert.equal(before, 1);
  }
});

test("what is left is never less than nothing, nor more than at first, and nothing at the end", () => {
  for (const run of RUNS) {
    const first = folded(run.heard.slice(0, 1)).left(run.heard[0].at);
    for (const { story, at } of moments(run)) {
      assert.ok(story.left(at) >= 0 && story.left(at) <= first + 1e-6);
    }
    assert.equal(folded(run.heard).left(0), 0);
  }
});

test("where all takes what is usual, what is left is what is really left", () => {
  for (const run of PUNCTUAL) {
    for (const { story, at } of moments(run)) {
      assert.ok(closeTo(story.left(at), Math.max(0, run.seconds - story.elapsed(at))));
    }
  }
});

test("where all takes what is usual, the critical path is known from the start", () => {
  for (const run of PUNCTUAL) {
    const final = folded(run.heard).critical();
    for (const { story } of moments(run)) assert.deepEqual(story.critical(), final);
  }
});

test("the critical path takes as long as the run", () => {
  for (const { heard, seconds } of [...RUNS, ...PUNCTUAL]) {
    const story = folded(heard);
    const steps = [...story.critical()].map((path) => story.steps.get(path)).filter(({ kind }) => kind === "step");

    assert.ok(closeTo(steps.reduce((sum, step) => sum + step.seconds, 0), seconds));
  }
});

test("a bar lies within that of what it is inside of, and none goes beyond the run", () => {
  for (const { heard, seconds } of RUNS) {
    const story = folded(heard);
    const bars = new Map(story.bars(0).map((bar) => [bar.path, bar]));
    for (const { path, from, to, depth } of [...bars.values()].filter((bar) => bar.from !== null)) {
      const outer = bars.get(story.steps.get(path).parent) ?? { from: 0, to: seconds, depth: -1 };
      assert.ok(outer.from <= from + 1e-3 && from <= to + 1e-3 && to <= outer.to + 1e-3);
      assert.equal(depth, outer.depth + 1);
    }
  }
});

test("whatever has begun has a bar that begins, before it is told of as well", () => {
  for (const run of RUNS) {
    for (const { story, at } of moments(run)) {
      const unbegun = story.bars(at).filter(({ from }) => from === null);
      assert.deepEqual(unbegun.filter(({ state }) => state !== "waiting" && state !== "skipped"), []);
    }
  }
});
