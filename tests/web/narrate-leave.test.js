// Leaving a run, which lets it be, and cancelling it, which does not.

import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";

import { Cut, Rejected, follow, narrate } from "../../narrate/web/narrate.js";
import { end, ends, frame, hangsUp, hasten, heard, problem, scripted, silent, state, stays } from "./scripted.js";
import { stopClock, told, turn, watch, withHeaders } from "./scripted.js";

const CANCELLED = frame({ type: "run.cancelled", n: 2, t: 1, reason: "The client cancelled it.", seconds: 1 });

/** A signal, what it will be aborted with, and how. */
function leaving() {
  const controller = new AbortController();
  const reason = new Error("I have seen enough.");
  return { signal: controller.signal, reason, leave: () => controller.abort(reason) };
}

const isIt = (reason) => (error) => error === reason;

// --- Leaving by the signal ---

test("who has left before it begins sends nothing", async (t) => {
  const server = await scripted(t);
  const { signal, reason, leave } = leaving();
  const { onconnection, said } = hasten(t);

  leave();

  await assert.rejects(heard(narrate(server.url, {}, { signal, onconnection })), isIt(reason));
  assert.deepEqual([said, server.asked], [[], []]);
});

test("a signal without a reason ends the story as it ends a fetch", async (t) => {
  const server = await scripted(t);

  await assert.rejects(heard(narrate(server.url, {}, { signal: AbortSignal.abort() })), { name: "AbortError" });
});

test("leaving while headers are waited for ends the story", async (t) => {
  const server = await scripted(t);
  const { signal, reason, leave } = leaving();
  const { promise: wanted, resolve: want } = Promise.withResolvers();
  const headers = () => {
    want();
    return new Promise(() => {});
  };

  const story = heard(narrate(server.url, {}, { signal, headers }));
  await wanted;
  leave();

  await assert.rejects(story, isIt(reason));
});

test("leaving before the answer ends the story and the request", async (t) => {
  const server = await scripted(t, silent);
  const { signal, reason, leave } = leaving();

  const story = heard(narrate(server.url, {}, { signal }));
  const { left } = await server.asks(1);
  leave();

  await assert.rejects(story, isIt(reason));
  await left;
});

test("leaving in a silence ends the story and the request", async (t) => {
  const server = await scripted(t, stays(told(1)));
  const { signal, reason, leave } = leaving();

  const story = narrate(server.url, {}, { signal })[Symbol.asyncIterator]();
  await story.next();
  const next = story.next();
  leave();

  await assert.rejects(next, isIt(reason));
  await server.asks(1).then(({ left }) => left);
  assert.deepEqual(await story.next(), { value: undefined, done: true });
});

test("leaving at an event hears no other, though it is there", async (t) => {
  const server = await scripted(t, stays(told(1, 2)));
  const { signal, reason, leave } = leaving();
  const numbers = [];

  const reading = async () => {
    for await (const { n } of narrate(server.url, {}, { signal })) {
      numbers.push(n);
      leave();
    }
  };

  await assert.rejects(reading(), isIt(reason));
  assert.deepEqual(numbers, [1]);
});

test("leaving at the last event is no leaving", async (t) => {
  const server = await scripted(t, stays(end(1)));
  const { signal, leave } = leaving();

  for await (const _ of narrate(server.url, {}, { signal })) leave();
});

test("leaving in a wait ends the story, and there is no other connection", async (t) => {
  const { timers } = stopClock(t);
  const server = await scripted(t, hangsUp);
  const { signal, reason, leave } = leaving();
  const { reached, onconnection } = watch("waiting");

  const story = heard(narrate(server.url, {}, { signal, onconnection }));
  await reached;
  await turn();
  leave();

  await assert.rejects(story, isIt(reason));
  assert.deepEqual([timers.size, server.asked.length], [0, 1]);
});

for (const when of ["connecting", "open", "waiting"])
  test(`leaving when told that the connection is ${when} ends the story`, async (t) => {
    const { timers } = stopClock(t);
    const server = await scripted(t, ends());
    const { signal, reason, leave } = leaving();
    const onconnection = ({ state: now }) => now === when && leave();

    await assert.rejects(heard(narrate(server.url, {}, { signal, onconnection })), isIt(reason));
    assert.equal(timers.size, 0);
  });

test("a signal that outlives the run keeps nothing of it", async (t) => {
  const server = await scripted(t, ends(told(1)), ends(end(2)));
  const { signal } = leaving();

  await heard(narrate(server.url, {}, { ...hasten(t), signal }));

  assert.deepEqual(getEventListeners(signal, "abort"), []);
});

test("the result of a run that was left is the signal's reason", async (t) => {
  const server = await scripted(t, silent);
  const { signal, reason, leave } = leaving();

  const result = narrate(server.url, {}, { signal }).result();
  await server.asks(1);
  leave();

  await assert.rejects(result, isIt(reason));
});

// --- Leaving the loop ---

test("a loop that is left early ends the request, and cancels nothing", async (t) => {
  const server = await scripted(t, stays(told(1, 2)));

  for await (const _ of narrate(server.url)) break;
  await server.asks(1).then(({ left }) => left);

  assert.deepEqual(server.asked.map(({ method }) => method), ["POST"]);
});

test("a loop that throws ends the request", async (t) => {
  const server = await scripted(t, stays(told(1, 2)));
  const reading = async () => {
    for await (const _ of narrate(server.url)) throw new Error("mine");
  };

  await assert.rejects(reading(), { message: "mine" });
  await server.asks(1).then(({ left }) => left);
});

// --- Cancelling ---

test("cancelling deletes the run, gives its state, and the story goes on to its end", async (t) => {
  let stream;
  const open = (response) => stays(told(1))((stream = response));
  const deleted = (response) => {
    stream.end(CANCELLED);
    state("cancelled")(response);
  };
  const server = await scripted(t, open, deleted);
  const run = narrate(`${server.url}/assist`, {}, { headers: { Authorization: "Bearer x" } });
  const story = run[Symbol.asyncIterator]();
  await story.next();

  assert.equal((await run.cancel()).state, "cancelled");

  assert.equal((await story.next()).value.type, "run.cancelled");
  const [, { method, path, headers }] = server.asked;
  assert.deepEqual([method, path, headers.authorization], ["DELETE", "/runs/r1", "Bearer x"]);
});

test("cancelling before the answer cancels as soon as the run is known", async (t) => {
  let answer;
  const server = await scripted(t, (response) => (answer = response), state("cancelled"));
  const run = narrate(server.url);
  const result = run.result();
  await server.asks(1);

  const cancelled = run.cancel();
  stays(told(1))(answer);

  assert.equal((await cancelled).state, "cancelled");
  assert.deepEqual(server.asked.map(({ method }) => method), ["POST", "DELETE"]);
  answer.end(CANCELLED);
  await assert.rejects(result, { name: "Failed" });
});

test("cancelling in the turn in which the run begins cancels it", async (t) => {
  let stream;
  const server = await scripted(t, (response) => stays(told(1))((stream = response)), state("cancelled"));
  const run = narrate(server.url);

  const cancelled = run.cancel();
  const story = heard(run);

  assert.equal((await cancelled).state, "cancelled");
  stream.end(CANCELLED);
  assert.deepEqual(await story, [1, 2]);
});

test("cancelling in a wait ends the wait at once", async (t) => {
  stopClock(t);
  const { reached, onconnection } = watch("waiting");
  const byMethod = { POST: ends(CANCELLED), DELETE: state("cancelled") };
  const either = (response) => byMethod[response.req.method](response);
  const server = await scripted(t, ends(told(1)), either, either);
  const run = narrate(server.url, {}, { onconnection });
  const story = heard(run);
  await reached;
  await turn();

  assert.equal((await run.cancel()).state, "cancelled");
  assert.deepEqual(await story, [1, 2]);
});

test("cancelling in the wait for the first answer ends the wait, and cancels what is then begun", async (t) => {
  stopClock(t);
  const { reached, onconnection } = watch("waiting");
  const server = await scripted(t, hangsUp, stays(told(1)), state("cancelled"));
  const run = narrate(server.url, {}, { onconnection });
  const story = run[Symbol.asyncIterator]();
  const first = story.next();
  await reached;
  await turn();

  assert.equal((await run.cancel()).state, "cancelled");

  assert.equal((await first).value.n, 1);
  assert.deepEqual(server.asked.map(({ method }) => method), ["POST", "POST", "DELETE"]);
  await story.return();
});

test("who cancels and then leaves has cancelled", async (t) => {
  const server = await scripted(t, stays(told(1)), state("cancelled"));
  const { signal, reason, leave } = leaving();
  const run = narrate(server.url, {}, { signal });
  const story = run[Symbol.asyncIterator]();
  await story.next();

  const cancelled = run.cancel();
  leave();

  assert.equal((await cancelled).state, "cancelled");
  await assert.rejects(story.next(), isIt(reason));
});

test("a run that is followed can be cancelled without being read", async (t) => {
  const server = await scripted(t, state("cancelled"));

  assert.equal((await follow(`${server.url}/runs/r1/events?token=x`).cancel()).state, "cancelled");
  assert.deepEqual(server.asked.map(({ method, path }) => `${method} ${path}`), ["DELETE /runs/r1?token=x"]);
});

test("what was never begun cannot be cancelled", async (t) => {
  const server = await scripted(t);

  await assert.rejects(narrate(server.url).cancel(), { name: "TypeError" });
  assert.equal(server.asked.length, 0);
});

test("cancelling a run that is refused is refused with it", async (t) => {
  const server = await scripted(t, problem(422, { title: "No" }));
  const run = narrate(server.url);
  const result = run.result();

  await assert.rejects(run.cancel(), (error) => error instanceof Rejected);
  await assert.rejects(result, (error) => error instanceof Rejected);
});

test("a server that refuses to cancel says why", async (t) => {
  const server = await scripted(t, stays(told(1)), problem(403, { title: "Forbidden", detail: "Not yours." }));
  const run = narrate(server.url);
  const story = run[Symbol.asyncIterator]();
  await story.next();

  await assert.rejects(run.cancel(), (error) => error instanceof Rejected && error.problem.detail === "Not yours.");
  await story.return();
});

test("cancelling where the server cannot be reached says so", async (t) => {
  const server = await scripted(t, stays(told(1)), hangsUp);
  const run = narrate(server.url);
  const story = run[Symbol.asyncIterator]();
  await story.next();

  await assert.rejects(run.cancel(), (error) => error instanceof Cut && error.last === 1);
  await story.return();
});

test("a run whose address the server has not told cannot be cancelled", async (t) => {
  const server = await scripted(t, withHeaders({ "Content-Location": "" }, stays(told(1))));
  const run = narrate(server.url);
  const story = run[Symbol.asyncIterator]();
  await story.next();

  await assert.rejects(run.cancel(), (error) => error instanceof Cut);
  await story.return();
});
