// The page's fold and `narrate/snapshot.py` make the same of the same events, after each of them.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { firstDifference } from "./story-fold.js";

const KEPT = new URL("../vectors/made_by_test_runs/", import.meta.url);

for (const name of readdirSync(KEPT)) {
  test(`the story of ${name} is folded as the Python side folds it`, () => {
    const lines = readFileSync(new URL(name, KEPT), "utf8").split("\n").filter(Boolean);

    assert.equal(firstDifference(lines.map((line) => JSON.parse(line))), null);
  });
}
