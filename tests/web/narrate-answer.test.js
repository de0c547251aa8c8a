// Answering what a run asks.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Cut, Rejected, follow, narrate } from "../../narrate/web/narrate.js";
import { answers, frame, hangsUp, problem, scripted, state, stays, told } from "./scripted.js";

const JSON_TYPE = { "Content-Type": "application/json" };
const ANSWER = { type: "answer", n: 2, t: 2, step: "a", to: 1, by: "person", value: "yes" };
const QUESTION = frame({ type: "question", n: 1, t: 1, step: "a", question: "Sure?" });
const answered = answers(200, JSON_TYPE, JSON.stringify(ANSWER));
const later = answers(202, JSON_TYPE, '{"state":"working"}');

test("an answer is sent to the run, with what is sent with every request, and comes back as it was told", async (t) => {
  const server = await scripted(t, stays(QUESTION), answered);
  const run = narrate(`${server.url}/assist`, {}, { headers: { Authorization: "Bearer x" } });
  const story = run[Symbol.asyncIterator]();
  const { n } = (await story.next()).value;

  assert.deepEqual(await run.answer("yes", n), ANSWER);

  const [, { method, path, headers, body }] = server.asked;
  assert.deepEqual([method, path, JSON.parse(body)], ["POST", "/runs/r1/answers", { value: "yes", to: 1 }]);
  assert.deepEqual([headers["content-type"], headers.authorization], ["application/json", "Bearer x"]);
  await story.return();
});

test("which question it is for may be left out", async (t) => {
  const server = await scripted(t, answered);

  await follow(`${server.url}/runs/r1/?token=x`).answer("yes");

  assert.deepEqual([server.asked[0].path, server.asked[0].body], ["/runs/r1/answers?token=x", '{"value":"yes"}']);
});

test("an answer that is kept and not told yet is nothing so far", async (t) => {
  const server = await scripted(t, later);

  assert.equal(await follow(`${server.url}/runs/r1`).answer("yes", 1), undefined);
});

test("cancelling where that takes longer gives the state all the same", async (t) => {
  const server = await scripted(t, later);

  assert.deepEqual(await follow(`${server.url}/runs/r1`).cancel(), { state: "working" });
});

test("an answer before the run is known waits until it is", async (t) => {
  let first;
  const server = await scripted(t, (response) => (first = response), answered);
  const run = narrate(server.url);
  const story = run[Symbol.asyncIterator]();
  const next = story.next();
  await server.asks(1);

  const answer = run.answer("yes");
  stays(told(1))(first);

  assert.deepEqual(await answer, ANSWER);
  await next;
  await story.return();
});

for (const status of [403, 404, 409, 422])
  test(`an answer that is refused with ${status} says why`, async (t) => {
    const server = await scripted(t, problem(status, { title: "No", detail: "Too late." }));

    await assert.rejects(follow(`${server.url}/runs/r1`).answer("yes", 1),
      (error) => error instanceof Rejected && error.problem.status === status && error.message === "Too late.");
  });

test("an answer where the server cannot be reached says so", async (t) => {
  const server = await scripted(t, hangsUp);

  await assert.rejects(follow(`${server.url}/runs/r1`, { after: 3 }).answer("yes", 1),
    (error) => error instanceof Cut && error.last === 3);
});

test("what was never begun cannot be answered", async (t) => {
  const server = await scripted(t, state("working"));

  await assert.rejects(narrate(server.url).answer("yes"), { name: "TypeError" });
  assert.equal(server.asked.length, 0);
});
