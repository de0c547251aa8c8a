// The words of the page: what a step is called, and when its title's dots have had their time.

import assert from "node:assert/strict";
import { test } from "node:test";

import { called, howFar } from "../../narrate/web/words.js";

for (const state of ["waiting", "working", "retrying", "unreached", "unknown"]) {
  test(`a step that is ${state} is called as it was announced`, () => {
    assert.equal(called({ title: "Finding you…", state }), "Finding you…");
  });
}

for (const state of ["done", "skipped", "failed", "cancelled"]) {
  test(`the title of a step that is ${state} has no dots at its end`, () => {
    for (const title of ["Finding you…", "Finding you …", "Finding you...", "Finding you"]) {
      assert.equal(called({ title, state }), "Finding you");
    }
  });
}

test("dots within a title, and those that are all of it, stay", () => {
  for (const title of ["Finding … you", "…", "..", "Wait……", "Done.", ""]) {
    assert.equal(called({ title, state: "done" }), title);
  }
});

test("how far a step is can be read at a glance", () => {
  assert.equal(howFar({ done: 116512, of: 200000, unit: "rows" }), "116,512 of 200,000 rows");
  assert.equal(howFar({ done: 999 }), "999");
  assert.equal(howFar({ done: 0.5, of: 2, unit: "GB" }), "0.5 of 2 GB");
  assert.equal(howFar({ text: "Nearly there." }), "Nearly there.");
});
