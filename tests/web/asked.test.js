// The word that a run waits for a person: for what stands open, and not for what a story told again has settled.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Asked } from "../../narrate/web/asked.js";
import { shapeOf } from "../../narrate/web/questions.js";
import { answer, asked, begun, ended, finished, started, step, take, told } from "./facts.js";

const TRIP = begun(step("where"), step("plan"));

/** A story with the word that goes out of it: `takes` has it told facts. */
function listening(t) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const story = told(TRIP, started("where", 0), started("plan", 0));
  const heard = [];
  const word = new Asked(story, (name, { n, open }) => heard.push([name, n, ...(open === undefined ? [] : [open])]));
  const takes = (...facts) => facts.forEach((fact) => {
    take(story, fact);
    word.take(fact);
  });
  return { heard, takes, word, pass: () => t.mock.timers.tick(1000) };
}

test("a question that stands open is told once, when it has for a moment", (t) => {
  const { heard, takes, pass } = listening(t);

  takes(asked("where"));
  assert.deepEqual(heard, []);
  pass();
  takes(asked("plan"));
  pass();

  assert.deepEqual(heard, [["narrate-asked", 4], ["narrate-asked", 5]]);
});

test("what was answered long ago is not told", (t) => {
  const { heard, takes, pass } = listening(t);

  takes(asked("where"), answer("where", 4, "yes"), asked("plan"), finished("plan", 3, 3), ended(3));
  pass();

  assert.deepEqual(heard, []);
});

test("what was told is told to be settled: by its answer, by the end of its step, by the end of the run", (t) => {
  const { heard, takes, pass } = listening(t);

  takes(asked("where"), asked("where"), asked("plan"));
  pass();
  heard.length = 0;
  takes(answer("where", 5, "yes"), finished("plan", 3, 3), ended(3));

  assert.deepEqual(heard, [["narrate-answered", 5, 2], ["narrate-answered", 6, 1], ["narrate-answered", 4, 0]]);
});

test("who has left is told nothing", (t) => {
  const { heard, takes, word, pass } = listening(t);

  takes(asked("where"));
  word.leave();
  pass();

  assert.deepEqual(heard, []);
});

for (const [shape, choices] of Object.entries({
  text: null,
  buttons: ["yes", "no", "in a while", "never", "ask Ada"],
  radios: ["by train to Oslo, and from there by bicycle", "by air"],
  list: Array.from({ length: 9 }, (_, n) => `Day ${n}`),
})) {
  test(`choices are laid out as ${shape} where that is the best to look at`, () => {
    assert.equal(shapeOf(choices), shape);
  });
}
