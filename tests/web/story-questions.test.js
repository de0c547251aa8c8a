// What a story makes of the questions that its steps ask people, and of the answers.

import assert from "node:assert/strict";
import { test } from "node:test";

import { answer, asked, begun, ended, finished, group, message, pipeline, started, step, take, told } from "./facts.js";

const TRIP = begun(group(step("where"), pipeline("plan", step("plan/a"))), step("weather"));
const RETRYING = { type: "step.retrying", step: "where", attempt: 1, of: 3, wait: 0.5, reason: "It is busy.", t: 2 };
const INTERRUPTED = { ...RETRYING, wait: 0, reason: "The server stopped in the middle of it." };

const lines = (story, path) => story.steps.get(path).lines.map(({ n, kind, text }) => [n, kind, text]);

test("a question is open until it is answered, and both are lines of the step", () => {
  const story = told(TRIP, started("where", 0), asked("where", { choices: ["yes", "no"], default: "no", within: 5 }));

  assert.deepEqual(story.steps.get("where").questions,
    [{ n: 3, question: "Shall it?", choices: ["yes", "no"], default: "no", until: 6 }]);
  take(story, answer("where", 3, "no", "default"));

  assert.deepEqual(story.steps.get("where").questions, []);
  assert.deepEqual(lines(story, "where"),
    [[3, "question", "Shall it?"], [4, "answer", "→ no (nobody answered in time)"]]);
});

test("the questions of a run stand in the order of their asking, whatever step they are of", () => {
  const story = told(TRIP, started("where", 0), started("plan", 0), asked("plan"), asked("where"), asked("where"));

  assert.deepEqual(story.questions().map(({ n, step: path }) => [n, path]), [[4, "plan"], [5, "where"], [6, "where"]]);
  take(story, answer("where", 5, "yes"));
  assert.deepEqual(story.questions().map(({ n }) => n), [4, 6]);
});

test("what a step has asked is not waited for after its end, nor after the end of the run", () => {
  const ofStep = told(TRIP, started("where", 0), asked("where"), finished("where", 2, 2));
  const ofRun = told(TRIP, started("where", 0), asked("where"), ended(2));

  assert.deepEqual([ofStep.questions(), ofRun.questions(), ofStep.steps.get("where").questions], [[], [], []]);
});

test("who asks where history is missing is at work", () => {
  const story = told(TRIP, { type: "gap", from: 1, to: 1, t: 0, n: 2 }, asked("where"));

  assert.equal(story.steps.get("where").state, "working");
  assert.equal(story.questions().length, 1);
});

test("a step that was interrupted is working again, and what it asks is still open", () => {
  const story = told(TRIP, started("where", 0), asked("where"), RETRYING, INTERRUPTED);

  const { state, reason, questions } = story.steps.get("where");
  assert.deepEqual([state, reason, questions.length], ["working", null, 1]);
});

test("a step that is tried again is working for as long as it asks", () => {
  const story = told(TRIP, started("where", 0), RETRYING, asked("where"), asked("where"));
  const { state: ofBoth } = story.steps.get("where");
  take(story, answer("where", 4, "yes"));
  const { state: ofOne } = story.steps.get("where");
  take(story, answer("where", 5, undefined, "nobody"));

  assert.deepEqual([ofBoth, ofOne, story.steps.get("where").state], ["working", "working", "retrying"]);
});

test("an answer that is not right below its question names it", () => {
  const story = told(TRIP, started("where", 0), asked("where"), asked("where", { question: "When?\nAnd how?" }),
    answer("where", 3, "yes"), answer("where", 4, undefined, "nobody"), asked("where", { question: "Who?" }),
    message("where", "Hm."), answer("where", 7, "Ada\nand Ben"), answer("where", 1, "x"));

  const said = ["Shall it? → yes", "When? → Nobody answered.", "Who? → Ada\nand Ben", "→ x"];
  assert.deepEqual(lines(story, "where").filter(([, kind]) => kind === "answer").map(([, , text]) => text), said);
  assert.equal(story.transcript(), [
    "A trip", "", "• WHERE", "  ? Shall it?", "  ? When?", "  And how?", "  Shall it? → yes", "  When? → Nobody answered.",
    "  ? Who?", "  Hm.", "  Who? → Ada", "  and Ben", "  → x", "",
  ].join("\n"));
});

test("what a step has asked is forgotten with its end, and what others have is not", () => {
  const story = told(TRIP, started("where", 0), asked("where"), asked("plan"), finished("where", 2, 2),
    answer("where", 3, "yes"), answer("plan", 4, "no"));

  assert.match(story.transcript(), /where: → yes\n {2}plan: Shall it\? → no\n$/i);
});
