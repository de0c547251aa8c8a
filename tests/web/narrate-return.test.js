// A connection that breaks: the story goes on where it was, with nothing lost and nothing twice.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Cut, Rejected, follow, narrate } from "../../narrate/web/narrate.js";
import { answers, end, ends, frame, hangsUp, hasten, heard, problem } from "./scripted.js";
import { scripted, stays, told, withHeaders } from "./scripted.js";

const lastIds = ({ asked }) => asked.map(({ headers }) => headers["last-event-id"]);

// --- The same request again ---

test("a story that was cut goes on by the same POST from the last event heard", async (t) => {
  const server = await scripted(t, ends(told(1, 2)), ends(told(3), end(4)));
  const run = narrate(`${server.url}/assist`, { q: 1 }, hasten(t));

  assert.deepEqual(await heard(run), [1, 2, 3, 4]);
  const [first, second] = server.asked;
  assert.deepEqual([second.method, second.path, second.body], ["POST", "/assist", '{"q":1}']);
  assert.equal(second.headers["idempotency-key"], first.headers["idempotency-key"]);
  assert.deepEqual(lastIds(server), [undefined, "2"]);
});

test("a connection that breaks in mid-story is a cut", async (t) => {
  const server = await scripted(t, stays(told(1)), ends(told(2), end(3)));
  const numbers = [];

  for await (const { n } of narrate(server.url, {}, hasten(t))) {
    numbers.push(n);
    server.cut();
  }

  assert.deepEqual(numbers, [1, 2, 3]);
  assert.deepEqual(lastIds(server), [undefined, "1"]);
});

test("an event that was cut in two is heard once, whole", async (t) => {
  const server = await scripted(t, ends(told(1), told(2).slice(0, -1)), ends(told(2), end(3)));

  assert.deepEqual(await heard(narrate(server.url, {}, hasten(t))), [1, 2, 3]);
  assert.deepEqual(lastIds(server), [undefined, "1"]);
});

test("a run that is followed goes on by the same GET", async (t) => {
  const server = await scripted(t, ends(told(1)), ends(end(2)));

  assert.deepEqual(await heard(follow(`${server.url}/runs/r1`, hasten(t))), [1, 2]);
  assert.deepEqual(server.asked.map(({ method, path }) => `${method} ${path}`), Array(2).fill("GET /runs/r1/events"));
  assert.deepEqual(lastIds(server), [undefined, "1"]);
});

test("headers from a function are asked for anew at each connection", async (t) => {
  const server = await scripted(t, ends(told(1)), ends(end(2)));
  const tokens = ["old", "new"];
  const headers = async () => ({ Authorization: tokens.shift() });

  await heard(narrate(server.url, {}, { ...hasten(t), headers }));

  assert.deepEqual(server.asked.map((request) => request.headers.authorization), ["old", "new"]);
});

test("what a function for headers throws is thrown, and not tried again", async () => {
  const headers = () => Promise.reject(new Error("You are logged out."));

  await assert.rejects(heard(narrate("http://localhost/", {}, { headers })), { message: "You are logged out." });
});

// --- What means to come back, and what does not ---

for (const status of [429, 500, 502, 503, 504])
  test(`a ${status} is asked again`, async (t) => {
    const server = await scripted(t, problem(status, { title: "Busy", detail: "Come back." }), ends(end(1)));
    const connection = hasten(t);

    assert.deepEqual(await heard(narrate(server.url, {}, connection)), [1]);
    assert.equal(connection.said[1].reason, "Come back.");
  });

test("a 500 is asked again, whatever it calls itself", async (t) => {
  const server = await scripted(t, answers(500, { "Content-Type": "text/event-stream" }, end(1)), ends(end(1, "true")));

  assert.equal(await narrate(server.url, {}, hasten(t)).result(), "true");
});

test("a connection that is refused is tried again", async (t) => {
  const server = await scripted(t, hangsUp, ends(end(1)));

  assert.deepEqual(await heard(narrate(server.url, {}, hasten(t))), [1]);
});

test("a 204 ends the story: nothing is left to tell", async (t) => {
  const server = await scripted(t, ends(told(1)), answers(204));

  assert.deepEqual(await heard(narrate(server.url, {}, hasten(t))), [1]);
});

test("a refusal in mid-story is for good", async (t) => {
  const server = await scripted(t, ends(told(1)), problem(410, { title: "Gone" }));

  await assert.rejects(heard(narrate(server.url, {}, hasten(t))), (error) => error instanceof Rejected);
});

test("a run that the server began anew is not mixed into the first", async (t) => {
  const another = withHeaders({ "Narrate-Run": "r2" }, ends(told(2), end(3)));
  const server = await scripted(t, ends(told(1)), another);

  await assert.rejects(heard(narrate(server.url, {}, hasten(t))), (error) => error instanceof Cut && error.last === 1);
});

test("a run that was lost before it told anything is followed as it was begun anew", async (t) => {
  const another = { "Narrate-Run": "r2", "Content-Location": "/runs/r2/events" };
  const server = await scripted(t, ends(), withHeaders(another, ends(told(1), end(2))));
  const run = narrate(server.url, {}, hasten(t));

  assert.deepEqual(await heard(run), [1, 2]);
  assert.deepEqual([run.id, run.url], ["r2", `${server.url}/runs/r2`]);
});

test("after so many failures in a row it is given up, with the last number heard", async (t) => {
  const busy = problem(503, { title: "Busy" });
  const server = await scripted(t, ends(told(1, 2)), busy, busy, ends(told(3)));

  await assert.rejects(heard(narrate(server.url, {}, { ...hasten(t), attempts: 3 })), (error) => {
    assert(error instanceof Cut);
    assert.deepEqual([error.last, error.cause.problem.title], [2, "Busy"]);
    return true;
  });
  assert.equal(server.asked.length, 3);
});

test("one attempt is one connection", async (t) => {
  const server = await scripted(t, hangsUp);

  await assert.rejects(narrate(server.url, {}, { attempts: 1 }).result(), (error) => error instanceof Cut);
});

// --- Numbers ---

test("an event that was heard is dropped when it is told again", async (t) => {
  const server = await scripted(t, ends(told(1, 2)), ends(told(1, 2, 3), end(4)));

  assert.deepEqual(await heard(narrate(server.url, {}, hasten(t))), [1, 2, 3, 4]);
});

test("a hole is asked for again, from the last event before it", async (t) => {
  const server = await scripted(t, stays(told(1, 3, 4)), ends(told(2, 3), end(4)));

  assert.deepEqual(await heard(narrate(server.url, {}, hasten(t))), [1, 2, 3, 4]);
  assert.deepEqual(lastIds(server), [undefined, "1"]);
});

test("a hole at the very beginning is asked for again, too", async (t) => {
  const server = await scripted(t, stays(told(2)), ends(told(1, 2), end(3)));

  assert.deepEqual(await heard(narrate(server.url, {}, hasten(t))), [1, 2, 3]);
});

test("a hole that is told once more is passed on", async (t) => {
  const server = await scripted(t, stays(told(1, 3)), ends(told(3, 4), end(5)));

  assert.deepEqual(await heard(narrate(server.url, {}, hasten(t))), [1, 3, 4, 5]);
});

test("each hole is asked for once", async (t) => {
  const server = await scripted(t, stays(told(1, 3)), stays(told(3, 5)), ends(told(5), end(6)));

  assert.deepEqual(await heard(narrate(server.url, {}, hasten(t))), [1, 3, 5, 6]);
  assert.deepEqual(lastIds(server), [undefined, "1", "3"]);
});

test("an event that could not be read is missed as a hole", async (t) => {
  const server = await scripted(t, stays(told(1), "id: 2\ndata: {\n\n", told(3)), ends(told(2, 3), end(4)));

  assert.deepEqual(await heard(narrate(server.url, {}, hasten(t))), [1, 2, 3, 4]);
});

test("an event that could not be read is missed, though status was heard after it", async (t) => {
  const progress = frame({ type: "progress", t: 0, step: "a" });
  const server = await scripted(t, stays(told(1), "id: 2\ndata: {\n\n", progress, told(3)), ends(told(2, 3), end(4)));

  assert.deepEqual(await heard(narrate(server.url, {}, hasten(t))), [1, "progress", 2, 3, 4]);
  assert.deepEqual(lastIds(server), [undefined, "1"]);
});

test("tokens that were joined are no hole", async (t) => {
  const joined = frame({ type: "token", n: 5, first: 2, t: 0, step: "a", text: "a bird" });
  const server = await scripted(t, ends(told(1), joined, end(6)));

  assert.deepEqual(await heard(narrate(server.url)), [1, 5, 6]);
});

test("tokens that were joined with some that were heard are asked for again", async (t) => {
  const joined = (first, n) => frame({ type: "token", n, first, t: 0, step: "a", text: "bird" });
  const server = await scripted(t, stays(told(1), joined(2, 3), joined(3, 5)), ends(joined(4, 5), end(6)));

  assert.deepEqual(await heard(narrate(server.url, {}, hasten(t))), [1, 3, 5, 6]);
  assert.deepEqual(lastIds(server), [undefined, "3"]);
});

test("history that is no longer kept is told as a gap, and is no hole", async (t) => {
  const gap = frame({ type: "gap", n: 7, t: 0, from: 1, to: 7 });
  const server = await scripted(t, ends(gap, told(8), end(9)));

  assert.deepEqual(await heard(follow(`${server.url}/runs/r1`)), [7, 8, 9]);
});

// --- Ids ---

test("what is sent is the last id of the stream", async (t) => {
  const server = await scripted(t, ends("id: x7\n", frame({ type: "message", t: 0 })), ends(end(1)));

  await heard(narrate(server.url, {}, hasten(t)));

  assert.deepEqual(lastIds(server), [undefined, "x7"]);
});

test("an id that stands alone in its block counts", async (t) => {
  const server = await scripted(t, ends(told(1), "id: x7\n\n"), ends(end(2)));

  await heard(narrate(server.url, {}, hasten(t)));

  assert.deepEqual(lastIds(server), [undefined, "x7"]);
});

test("an id is sent in UTF-8", async (t) => {
  const server = await scripted(t, ends("id: …7\n\n"), ends(end(1)));

  await heard(narrate(server.url, {}, hasten(t)));

  assert.equal(Buffer.from(server.asked[1].headers["last-event-id"], "latin1").toString(), "…7");
});

test("an id that no header can carry is not sent", async (t) => {
  const server = await scripted(t, ends("id: \x017\n\n"), ends(end(1)));

  await heard(narrate(server.url, {}, hasten(t)));

  assert.deepEqual(lastIds(server), [undefined, undefined]);
});

test("an id that the stream takes back is not sent", async (t) => {
  const server = await scripted(t, ends(told(1), "id\n\n"), ends(told(1), end(2)));

  assert.deepEqual(await heard(narrate(server.url, {}, hasten(t))), [1, 2]);
  assert.deepEqual(lastIds(server), [undefined, undefined]);
});

// --- A stream whose time is over ---

const detached = (link = "/runs/r1") => frame({ type: "detached", t: 0, run: "r1", link });

test("a stream that is detached goes on at the run's own address, at once", async (t) => {
  const server = await scripted(t, ends(told(1), detached()), ends(told(2), end(3)));
  const connection = hasten(t);

  assert.deepEqual(await heard(narrate(`${server.url}/assist`, {}, connection)), [1, "detached", 2, 3]);
  const [, { method, path, body, headers }] = server.asked;
  assert.deepEqual([method, path, body, headers["last-event-id"]], ["GET", "/runs/r1/events", "", "1"]);
  assert.equal(headers["idempotency-key"], undefined);
  assert.deepEqual(connection.waits, []);
});

test("a link elsewhere is one from the address that gave it", async (t) => {
  const server = await scripted(t, ends(detached("runs/r1?token=x")), ends(end(1)));

  await heard(narrate(`${server.url}/app/assist`));

  assert.equal(server.asked[1].path, "/app/runs/r1/events?token=x");
});

test("what was detached and is cut goes on at the run's own address", async (t) => {
  const server = await scripted(t, ends(told(1), detached()), ends(told(2)), ends(end(3)));

  assert.deepEqual(await heard(narrate(server.url, {}, hasten(t))), [1, "detached", 2, 3]);
  assert.deepEqual(server.asked.map(({ method }) => method), ["POST", "GET", "GET"]);
});

test("what is detached again and again waits between", async (t) => {
  const server = await scripted(t, ends(detached()), ends(detached()), ends(detached()), ends(end(1)));
  const connection = hasten(t);

  await heard(narrate(server.url, {}, connection));

  assert.equal(connection.waits.length, 2);
});
