// A story's fold, odd case by odd case. That it is the fold of the Python side as well is said in `story-vectors`.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Story } from "../../narrate/web/story.js";
import {
  begun, ended, finished, group, message, pipeline, skipped, started, states, status, step, take, token, told,
} from "./facts.js";

const TRIP = begun(group(step("where"), pipeline("plan", step("plan/a"))), step("weather"));
const BUSY = { title: "Busy", status: 503, detail: "It is busy." };
const RETRYING = { type: "step.retrying", step: "where", attempt: 1, of: 3, wait: 0.5, reason: "It is busy.", t: 2 };
const INTERRUPTED = { ...RETRYING, of: 2, wait: 0, reason: "The server stopped in the middle of it." };

const lines = (story, path) => story.steps.get(path).lines.map(({ n, kind, text }) => [n, kind, text]);

// --- The run ---

test("a story of which nothing was heard waits, and claims nothing", () => {
  const story = new Story();

  assert.deepEqual([story.run.state, story.run.n, story.run.result, story.stages], ["waiting", 0, undefined, []]);
  assert.deepEqual([story.elapsed(5), story.left(5), story.share(5), story.bars(5)], [0, null, null, []]);
  assert.deepEqual([story.elapsedOf("where", 5), story.isLong("where", 5), story.critical().size], [null, false, 0]);
  assert.equal(story.transcript(), "");
});

test("from its first event on, the outline is there, each step with what it is inside of", () => {
  const story = told({ ...TRIP, note: "Made up." });

  assert.deepEqual(story.stages, TRIP.outline);
  assert.deepEqual([...story.steps.values()].map(({ path, title, kind, parent }) => [path, title, kind, parent]), [
    ["where", "where…", "step", null],
    ["plan", "plan…", "pipeline", null],
    ["plan/a", "plan/a…", "step", "plan"],
    ["weather", "weather…", "step", null],
  ]);
  const { id, title, note, state } = story.run;
  assert.deepEqual([id, title, note, state], ["r1", "A trip", "Made up.", "working"]);
  const { lines: said, items, path, title: named, kind, parent, state: word, told: isTold, attempt, ...unknown } =
    story.steps.get("where");
  assert.deepEqual([said, items, word, isTold, attempt], [[], [], "waiting", false, 1]);
  assert.deepEqual(new Set(Object.values(unknown)), new Set([null]));
});

test("a finished run has its result, even when that is nothing", () => {
  const story = told(TRIP, { ...ended(2), result: null });

  assert.deepEqual([story.run.state, story.run.result, story.run.seconds], ["finished", null, 2]);
});

test("a failed run has its problem, and what never began is unreached", () => {
  const story = told(TRIP, started("where", 0), started("plan", 0),
    { type: "step.failed", step: "where", problem: BUSY, t: 1.5 },
    { type: "step.cancelled", step: "plan", reason: "Another step failed.", t: 1.5 },
    { type: "run.failed", problem: BUSY, seconds: 1.5, t: 1.5 });

  assert.deepEqual(states(story), { where: "failed", plan: "cancelled", "plan/a": "unreached", weather: "unreached" });
  assert.deepEqual([story.run.state, story.run.problem], ["failed", BUSY]);
  const { problem, seconds, ended: at } = story.steps.get("where");
  assert.deepEqual([problem, seconds, at], [BUSY, 1.5, 1.5]);
  assert.deepEqual(lines(story, "where"), [[4, "failed", "It is busy."]]);
  assert.deepEqual(lines(story, "plan"), [[5, "cancelled", "Stopped: Another step failed."]]);
});

test("a cancelled run has its reason", () => {
  const story = told(TRIP, { type: "run.cancelled", reason: "Enough.", seconds: 1, t: 1 });

  assert.deepEqual([story.run.state, story.run.reason], ["cancelled", "Enough."]);
});

test("after the end no status counts, nor that a stream was detached", () => {
  const story = told(TRIP, { type: "detached", run: "r1", link: "/runs/r1", t: 1 }, ended(2));

  assert.equal(take(story, status("weather", { done: 1 })).size, 0);
  assert.deepEqual([story.steps.get("weather").state, story.run.n], ["unreached", 2]);
});

// --- What is passed over ---

test("an event that was taken already is passed over", () => {
  const story = told(TRIP, started("where", 0), message("where", "Here."));

  const changed = story.take({ ...message("where", "Here."), n: 3 }, 9);

  assert.equal(changed.size, 0);
  assert.deepEqual(lines(story, "where"), [[3, "message", "Here."]]);
});

test("an event of a type that nobody knows is passed over, but for its number", () => {
  const story = told(TRIP, started("where", 0), token("where", "On"), { type: "omen", step: "new", t: 1 });
  take(story, token("where", "e"));

  assert.deepEqual([story.run.n, story.steps.has("new")], [5, false]);
  assert.deepEqual(lines(story, "where"), [[3, "tokens", "One"]]);
});

test("status of what is not in the outline is passed over", () => {
  const story = told(TRIP);

  const changed = ["nowhere", "nowhere/1", "plan/b/1"].map((path) => take(story, status(path, { done: 1 })).size);

  assert.deepEqual(changed, [0, 0, 0]);
  assert.deepEqual([...story.steps.keys()], ["where", "plan", "plan/a", "weather"]);
});

// --- What changes ---

test("whoever draws is told which steps changed", () => {
  const story = new Story();

  assert.deepEqual([...take(story, TRIP)], ["where", "plan", "plan/a", "weather"]);
  assert.deepEqual([...take(story, started("where", 0))], ["where"]);
  assert.deepEqual([...take(story, started("where/1", 0))].sort(), ["where", "where/1"]);
  assert.deepEqual([...take(story, status("plan", { state: "working" }))], ["plan"]);
  assert.deepEqual([...take(story, { type: "gap", from: 4, to: 9, n: 9, t: 2 })],
    ["where", "plan/a", "weather", "where/1"]);
  assert.deepEqual([...take(story, finished("where", 3, 3))], ["where"]);
  assert.deepEqual([...take(story, ended(3))], ["plan"]);
});

// --- Status ---

test("status is ahead of the record where a lane waits for its turn", () => {
  const story = told(TRIP, started("where", 0), started("plan", 0), status("plan/a", { state: "working", t: 1 }));
  assert.deepEqual(states(story), { where: "working", plan: "working", "plan/a": "working", weather: "waiting" });
  const inner = story.steps.get("plan/a");
  assert.deepEqual([inner.told, inner.began, story.elapsedOf("plan/a", 3)], [false, 1, 2]);

  take(story, status("plan/a", { state: "done", t: 2.5 }));
  take(story, status("plan", { state: "done", t: 2.5 }));

  assert.deepEqual(states(story), { where: "working", plan: "done", "plan/a": "done", weather: "waiting" });
  assert.deepEqual([inner.ended, inner.seconds, story.elapsedOf("plan/a", 9)], [2.5, null, 1.5]);
});

test("the latest status says how far a step is, until its end is told", () => {
  const story = told(TRIP, started("where", 0), status("where", { done: 3, of: 8, unit: "places" }));
  assert.deepEqual(story.steps.get("where").progress, { done: 3, of: 8, unit: "places", text: null });

  take(story, finished("where", 1, 1));

  assert.equal(story.steps.get("where").progress, null);
});

test("status never takes back what was told", () => {
  const story = told(TRIP, started("where", 0), RETRYING, status("where", { state: "working" }));
  assert.equal(story.steps.get("where").state, "retrying");

  take(story, finished("where", 3, 3));
  take(story, status("where", { state: "working" }));

  assert.equal(story.steps.get("where").state, "done");
});

test("the status that comes before the record, as to a late reader, finds its place in it", () => {
  const story = new Story();
  for (const path of ["plan", "weather", "weather/1"]) take(story, status(path, { done: 1 }));
  assert.deepEqual(story.stages.map(({ step: path }) => path), ["plan", "weather"]);

  take(story, TRIP);

  assert.deepEqual(story.stages, TRIP.outline);
  assert.deepEqual(states(story), {
    where: "waiting", plan: "working", "plan/a": "waiting", weather: "working", "weather/1": "working",
  });
  assert.deepEqual(story.steps.get("weather").items, ["weather/1"]);
  assert.equal(story.steps.get("plan").kind, "pipeline");
});

// --- Items ---

test("an item may be heard of before it is announced", () => {
  const story = told(TRIP, status("plan/a/1", { done: 1, of: 2 }));

  const { kind, parent, told: isTold, n, usual, state } = story.steps.get("plan/a/1");
  assert.deepEqual([kind, parent, isTold, n, usual, state], ["item", "plan/a", false, null, null, "working"]);
  assert.deepEqual(story.steps.get("plan/a").items, ["plan/a/1"]);
});

test("items stand in the order in which they are announced, whatever was heard of first", () => {
  const story = told(TRIP, started("where", 0), status("where/2", { state: "working" }),
    started("where/1", 1, "Rome"), started("where/2", 1, "Oslo"), started("where/1.1", 1),
    status("where/2", { done: 1 }));

  assert.deepEqual(story.steps.get("where").items, ["where/1", "where/2", "where/1.1"]);
  assert.deepEqual(story.steps.get("where").items.map((item) => story.steps.get(item).n), [3, 4, 5]);
  assert.deepEqual([story.steps.get("where/1").title, story.steps.get("where/2").title], ["Rome", "Oslo"]);
});

test("an item of an item is an item", () => {
  const story = told(TRIP, started("where", 0), started("where/1", 0), started("where/1/1", 0));

  const { kind, parent } = story.steps.get("where/1/1");
  assert.deepEqual([kind, parent], ["item", "where/1"]);
});

test("an item that had to wait began when its own work did", () => {
  const story = told(TRIP, started("where", 0), started("where/1", 0), finished("where/1", 5, 1.5));

  const { began, ended: at, seconds } = story.steps.get("where/1");
  assert.deepEqual([began, at, seconds], [3.5, 5, 1.5]);
});

// --- Lines ---

test("neighbouring tokens are one line, and what comes between them ends it", () => {
  const story = told(TRIP, started("where", 0), started("plan", 0),
    token("where", "On"), token("where", "e."), message("where", "Said."), token("where", "Two."),
    token("plan/a", "Mine."), token("where", "Three."));

  assert.deepEqual(lines(story, "where"), [
    [4, "tokens", "One."], [6, "message", "Said."], [7, "tokens", "Two."], [9, "tokens", "Three."],
  ]);
});

test("tokens that were joined on their way are numbered as their first", () => {
  const story = told(TRIP, started("where", 0), token("where", "One, two, ", { first: 3, n: 7 }),
    token("where", "three."));

  assert.deepEqual(lines(story, "where"), [[3, "tokens", "One, two, three."]]);
  assert.equal(story.run.n, 8);
});

test("a detail's line has its event, with the data or the link to it", () => {
  const detail = { type: "detail", step: "where", title: "Map", size: 9999, link: "/d/3", t: 1 };
  const story = told(TRIP, started("where", 0), detail);

  const [line] = story.steps.get("where").lines;
  assert.deepEqual([line.kind, line.text, line.event.link], ["detail", "Map", "/d/3"]);
});

test("a step that is tried again says so, until it ends", () => {
  const story = told(TRIP, started("where", 0), RETRYING);
  const where = story.steps.get("where");
  assert.deepEqual([where.state, where.attempt, where.reason], ["retrying", 2, "It is busy."]);

  take(story, finished("where", 3, 3, { text: "Here." }));

  assert.deepEqual([where.state, where.attempt, where.reason, where.text], ["done", 2, null, "Here."]);
  assert.deepEqual(lines(story, "where"), [
    [3, "retry", "Attempt 1 of 3 failed: It is busy. Trying again."], [4, "summary", "Here."],
  ]);
});

test("a step that was interrupted begins again, though status had said that it was done", () => {
  const story = told(TRIP, started("where", 0), status("where", { state: "done", t: 1 }), INTERRUPTED);

  assert.deepEqual([story.steps.get("where").state, story.steps.get("where").ended], ["working", null]);
  assert.deepEqual(lines(story, "where"), [
    [3, "retry", "The server stopped in the middle of it. Beginning again."],
  ]);
});

test("an interruption that is told late does not take back what status says of the time after it", () => {
  const story = told(TRIP, started("where", 0), status("where", { state: "done", t: 3 }), INTERRUPTED);

  assert.equal(story.steps.get("where").state, "done");
});

test("what status said to be done, and the record did not, may begin again", () => {
  const story = told(TRIP, status("where/1", { state: "done", t: 1 }), status("where/1", { state: "working", t: 2 }));

  assert.deepEqual([story.steps.get("where/1").state, story.steps.get("where/1").ended], ["working", null]);
});

test("why a stand-in had to give the value is the line that said so", () => {
  const story = told(TRIP, started("where", 0), message("where", "It is busy. Going on without it."),
    message("where", "Guessing."), finished("where", 1, 1, { fallback: "It is busy.", text: "Here." }));

  const { fallback, reason, state } = story.steps.get("where");
  assert.deepEqual([fallback, reason, state], ["It is busy.", "It is busy.", "done"]);
  assert.deepEqual(lines(story, "where"), [
    [3, "fallback", "It is busy. Going on without it."], [4, "message", "Guessing."], [5, "summary", "Here."],
  ]);
});

test("why a stand-in had to give the value is told at the end, where the line that said so is missing", () => {
  const story = told(TRIP, started("where", 0), { type: "gap", from: 3, to: 8, n: 8, t: 1 },
    finished("where", 1, 1, { fallback: "It is busy." }));

  assert.deepEqual(lines(story, "where").at(-1), [9, "fallback", "It is busy. Going on without it."]);
});

test("a skipped step says why, and took no time", () => {
  const story = told(TRIP, skipped("where", 1));

  const { state, reason, began, seconds } = story.steps.get("where");
  assert.deepEqual([state, reason, began, seconds], ["skipped", "Not needed.", null, null]);
  assert.deepEqual(lines(story, "where"), [[2, "skipped", "Skipped: Not needed."]]);
});

// --- Missing history ---

test("what a gap may have ended is unknown until it is heard of again, and what was under way says why", () => {
  const story = told(TRIP, started("where", 0), skipped("plan", 0), { type: "gap", from: 4, to: 9, n: 9, t: 3 });
  assert.deepEqual(states(story), { where: "unknown", plan: "skipped", "plan/a": "unknown", weather: "unknown" });
  assert.deepEqual(lines(story, "where"), [[9, "gap", "What was told from 4 to 9 is no longer kept."]]);
  assert.deepEqual([lines(story, "weather"), story.run.gaps], [[], [{ from: 4, to: 9 }]]);

  take(story, status("weather", { done: 1 }));
  take(story, finished("where", 4, 4));

  assert.deepEqual([states(story).weather, states(story).where], ["working", "done"]);
});

test("where the outline is missing, each step is put where its path says", () => {
  const story = told({ type: "gap", from: 1, to: 5, n: 5, t: 1 });

  assert.deepEqual([...take(story, message("plan/a/b", "Here."))], ["plan", "plan/a", "plan/a/b"]);
  assert.deepEqual(states(story), { plan: "unknown", "plan/a": "unknown", "plan/a/b": "unknown" });
  take(story, started("plan/a/b/1", 2));
  take(story, finished("plan/a/c", 3, 1));
  take(story, ended(4));

  const inner = [{ kind: "step", step: "plan/a/b" }, { kind: "step", step: "plan/a/c" }];
  const outer = { kind: "pipeline", step: "plan", stages: [{ kind: "pipeline", step: "plan/a", stages: inner }] };
  assert.deepEqual(story.stages, [outer]);
  assert.deepEqual(states(story),
    { plan: "unknown", "plan/a": "unknown", "plan/a/b": "unknown", "plan/a/b/1": "working", "plan/a/c": "done" });
  assert.deepEqual([...story.steps.values()].map(({ kind }) => kind), ["pipeline", "pipeline", "step", "item", "step"]);
  assert.deepEqual(story.steps.get("plan/a/b").items, ["plan/a/b/1"]);
  assert.deepEqual([story.steps.get("plan/a/c").began, story.run.id], [2, null]);
  assert.deepEqual(story.bars(4).map(({ path, depth }) => [path, depth]),
    [["plan", 0], ["plan/a", 1], ["plan/a/b", 2], ["plan/a/b/1", 3], ["plan/a/c", 2]]);
});

test("what is inside of a step of which only that is heard shows that it has begun", () => {
  const story = told({ type: "gap", from: 1, to: 5, n: 5, t: 1 }, status("plan", { done: 1 }),
    status("plan/a/1", { done: 1 }));

  assert.deepEqual([...take(story, finished("plan/a/1", 2, 1))].sort(), ["plan", "plan/a", "plan/a/1"]);
  assert.deepEqual(states(story), { plan: "working", "plan/a": "unknown", "plan/a/1": "done" });
});

test("a step that failed, and whose beginning is missing, took nobody knows how long", () => {
  const story = told({ type: "gap", from: 1, to: 5, n: 5, t: 1 },
    { type: "step.failed", step: "where", problem: { title: "Busy", status: 503 }, t: 2 });

  assert.equal(story.steps.get("where").seconds, null);
  assert.deepEqual(lines(story, "where"), [[6, "failed", "Busy"]]);
});

// --- The transcript ---

test("the story can be copied, as it is told in a terminal", () => {
  const story = told({ ...TRIP, note: "Made up." }, started("where", 0, "Finding you…"), skipped("plan", 0),
    token("where", "By\nyour address."), message("where", "Found."), { type: "gap", from: 6, to: 9, n: 9, t: 2 },
    message("where", "\u001b[2Jclear"), ended(3.14));

  assert.equal(story.transcript(), [
    "Made up.", "A trip", "", "• Finding you…", "• plan… – skipped: Not needed.",
    "  Finding you: By", "  your address.", "  Found.", "(What was told from 6 to 9 is no longer kept.)",
    "  Finding you: \ufffd[2Jclear", "", "Done in 3.1 s.", "",
  ].join("\n"));
});

test("a quarter of a second is rounded as it is in a terminal", () => {
  const endings = [0.25, 0.75, 1.25, 2.75].map((seconds) => told(ended(seconds)).transcript().trim());

  assert.deepEqual(endings, ["Done in 0.2 s.", "Done in 0.8 s.", "Done in 1.2 s.", "Done in 2.8 s."]);
});
