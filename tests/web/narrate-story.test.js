// One run over an unbroken connection: what is sent, what is told, and how it ends.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Cut, Failed, Rejected, follow, narrate } from "../../narrate/web/narrate.js";
import { answers, end, ends, frame, heard, problem } from "./scripted.js";
import { scripted, stays, stopClock, told, withHeaders } from "./scripted.js";

const START = frame({ type: "run.started", n: 1, t: 0, run: "r1", pipeline: "p", title: "P", outline: [] });

// --- What is sent ---

test("the input is posted as JSON, and a story asked for", async (t) => {
  const server = await scripted(t, ends(end(1)));

  await heard(narrate(`${server.url}/assist?x=1`, { q: "somewhere hot" }));

  const [{ method, path, headers, body }] = server.asked;
  assert.deepEqual([method, path, body], ["POST", "/assist?x=1", '{"q":"somewhere hot"}']);
  assert.equal(headers["content-type"], "application/json");
  assert.equal(headers.accept, "text/event-stream");
  assert.equal(headers["last-event-id"], undefined);
});

for (const [where, globals] of [
  ["page", (url) => ({ document: { baseURI: `${url}/app/index.html` }, location: { href: "http://elsewhere/" } })],
  ["worker", (url) => ({ location: { href: `${url}/app/worker.js` } })],
])
  test(`an address is one from its ${where}`, async (t) => {
    const server = await scripted(t, ends(end(1)));
    const there = globals(server.url);
    Object.assign(globalThis, there);
    t.after(() => Object.keys(there).forEach((name) => delete globalThis[name]));

    await heard(narrate("assist"));

    assert.equal(server.asked[0].path, "/app/assist");
  });

test("no answer is taken from a cache", async (t) => {
  const server = await scripted(t, ends(end(1)));

  await heard(follow(`${server.url}/runs/r1`));

  assert.equal(server.asked[0].headers["cache-control"], "no-cache");
});

test("without an input, nothing is sent for one", async (t) => {
  const server = await scripted(t, ends(end(1)));

  await heard(narrate(server.url));

  assert.equal(server.asked[0].body, "");
  assert.equal(server.asked[0].headers["content-type"], undefined);
});

test("null is an input", async (t) => {
  const server = await scripted(t, ends(end(1)));

  await heard(narrate(server.url, null));

  assert.equal(server.asked[0].body, "null");
});

test("each run has a key of its own, as the server takes it", async (t) => {
  const server = await scripted(t, ends(end(1)), ends(end(1)));

  await heard(narrate(server.url));
  await heard(narrate(server.url));

  const keys = server.asked.map(({ headers }) => headers["idempotency-key"]);
  assert.notEqual(keys[0], keys[1]);
  assert.match(keys[0], /^[\w-]{7,255}$/);
});

test("a key that is given is sent", async (t) => {
  const server = await scripted(t, ends(end(1)));

  await heard(narrate(server.url, {}, { key: "mine" }));

  assert.equal(server.asked[0].headers["idempotency-key"], "mine");
});

test("headers are sent, but for those that are the protocol's", async (t) => {
  const server = await scripted(t, ends(end(1)));

  await heard(narrate(server.url, {}, { headers: { Authorization: "Bearer x", Accept: "text/html" } }));

  assert.equal(server.asked[0].headers.authorization, "Bearer x");
  assert.equal(server.asked[0].headers.accept, "text/event-stream");
});

test("following asks for the events of a run that has begun, whichever of its addresses is given", async (t) => {
  const server = await scripted(t, ends(end(1)), ends(end(1)), ends(end(1)), ends(end(1)));

  await heard(follow(`${server.url}/runs/r1`));
  await heard(follow(`${server.url}/runs/r1/`));
  await heard(follow(new URL(`${server.url}/runs/r1/events`)));
  await heard(follow(`${server.url}/runs/r1?token=x`));

  const paths = server.asked.map(({ method, path }) => `${method} ${path}`);
  const events = "GET /runs/r1/events";
  assert.deepEqual(paths, [events, events, events, `${events}?token=x`]);
  assert.equal(server.asked[0].headers["idempotency-key"], undefined);
});

test("following after an event asks for what comes after it", async (t) => {
  const server = await scripted(t, ends(told(6), end(7)));
  const run = follow(`${server.url}/runs/r1`, { after: 5 });

  assert.equal(run.last, 5);
  assert.deepEqual(await heard(run), [6, 7]);
  assert.equal(server.asked[0].headers["last-event-id"], "5");
});

test("nothing is sent before somebody listens", async (t) => {
  const server = await scripted(t, ends(end(1)), ends(end(1)));

  narrate(`${server.url}/first`);
  await heard(narrate(`${server.url}/second`));

  assert.deepEqual(server.asked.map(({ path }) => path), ["/second"]);
});

test("an input that is no JSON is a mistake at once", () => {
  assert.throws(() => narrate("http://localhost/", 1n), TypeError);
});

test("a request that cannot be made is a mistake, and not tried again", async () => {
  const run = narrate("http://localhost/", {}, { headers: { "no header": "x" } });

  await assert.rejects(heard(run), TypeError);
});

// --- What is told ---

test("each event is passed on as it was told, numbered or not", async (t) => {
  const progress = { type: "progress", t: 1, step: "a", done: 1, of: 2 };
  const token = { type: "token", n: 2, t: 1, step: "a", text: "<b>ünï" };
  const server = await scripted(t, ends(START, frame(progress), frame(token), end(3)));

  const events = await Array.fromAsync(narrate(server.url));

  assert.deepEqual(events.map(({ type }) => type), ["run.started", "progress", "token", "run.finished"]);
  assert.deepEqual(events.slice(1, 3), [progress, token]);
});

test("an event of a type that is not known yet is passed on", async (t) => {
  const unknown = [frame({ type: "question", n: 1, t: 0 }), frame({ type: "mood", t: 0 })];
  const server = await scripted(t, ends(...unknown, end(2)));

  assert.deepEqual(await heard(narrate(server.url)), [1, "mood", 2]);
});

test("what is no event is passed over", async (t) => {
  const named = 'event: ping\ndata: {"type": "x"}\n\n';
  const junk = ["data: {\n\n", "data: null\n\n", 'data: {"t": 1}\n\n', named, ": hi\n\n"];
  const server = await scripted(t, ends(...junk, told(1), end(2)));

  assert.deepEqual(await heard(narrate(server.url)), [1, 2]);
});

test("the run's id, address and place are known as they are told", async (t) => {
  const server = await scripted(t, ends(told(1, 2), end(3)));
  const run = narrate(`${server.url}/a/b`);

  assert.deepEqual([run.id, run.url, run.last], [undefined, undefined, 0]);
  const story = run[Symbol.asyncIterator]();
  await story.next();
  assert.deepEqual([run.id, run.url, run.last], ["r1", `${server.url}/runs/r1`, 1]);
  await story.next();
  assert.equal(run.last, 2);
});

test("a run that is followed has its address at once, and keeps all that was given in it", async (t) => {
  const server = await scripted(t, ends(end(1)));
  const run = follow(`${server.url}/runs/r1/events?token=x`);

  assert.equal(run.url, `${server.url}/runs/r1?token=x`);
  await heard(run);
  assert.equal(run.url, `${server.url}/runs/r1?token=x`);
});

for (const type of ["run.finished", "run.failed", "run.cancelled"])
  test(`the story ends with ${type}, though the connection stays open`, async (t) => {
    const last = { type, n: 2, t: 1, seconds: 1, result: 1, problem: { title: "No", status: 500 }, reason: "Enough." };
    const server = await scripted(t, stays(told(1), frame(last), told(3)));

    assert.deepEqual(await heard(narrate(server.url)), [1, 2]);
  });

test("a stream that told the end is ended by the server", async (t) => {
  let stream;
  const server = await scripted(t, (response) => stays(end(1))((stream = response)));
  await heard(narrate(server.url));

  stream.end();
  await server.asks(1).then(({ left }) => left);

  assert.equal(stream.writableFinished, true);
});

test("a stream that told the end and is not ended is left after the silence that any may keep", async (t) => {
  const { pass } = stopClock(t);
  const server = await scripted(t, stays(end(1)));
  await heard(narrate(server.url));

  pass(60);

  await server.asks(1).then(({ left }) => left);
});

test("a run is read once", async (t) => {
  const server = await scripted(t, ends(end(1)));
  const run = narrate(server.url);
  await heard(run);

  assert.throws(() => run[Symbol.asyncIterator](), { name: "TypeError", message: /follow/ });
});

// --- The result ---

test("the result comes without anybody reading the story", async (t) => {
  const server = await scripted(t, ends(told(1), end(2, { cities: ["Seville"] })));

  assert.deepEqual(await narrate(server.url).result(), { cities: ["Seville"] });
});

test("the result and the story can both be had, whichever is asked for first", async (t) => {
  const server = await scripted(t, ends(told(1), end(2)), ends(told(1), end(2)));
  const first = narrate(server.url);
  const second = narrate(server.url);

  const result = first.result();
  assert.deepEqual(await heard(first), [1, 2]);
  assert.equal(await result, "done");
  assert.deepEqual(await heard(second), [1, 2]);
  assert.equal(await second.result(), "done");
  assert.equal(server.asked.length, 2);
});

test("asking for the result twice is reading once", async (t) => {
  const server = await scripted(t, ends(end(1)));
  const run = narrate(server.url);

  assert.deepEqual(await Promise.all([run.result(), run.result()]), ["done", "done"]);
});

test("the result is there for whoever leaves at the last event", async (t) => {
  const server = await scripted(t, stays(end(1)));
  const run = narrate(server.url);

  for await (const { type } of run) if (type === "run.finished") break;

  assert.equal(await run.result(), "done");
});

test("the result of a run that failed is its problem", async (t) => {
  const why = { title: "The step took too long", status: 504, detail: "It took longer than 5 s.", step: "weather" };
  const server = await scripted(t, ends(frame({ type: "run.failed", n: 1, t: 5, problem: why, seconds: 5 })));

  await assert.rejects(narrate(server.url).result(), (error) => {
    assert(error instanceof Failed);
    assert.deepEqual([error.name, error.message, error.event.type], ["Failed", why.detail, "run.failed"]);
    assert.deepEqual(error.problem, why);
    return true;
  });
});

test("the result of a run that was cancelled says why", async (t) => {
  const server = await scripted(t, ends(frame({ type: "run.cancelled", n: 1, t: 5, reason: "Enough.", seconds: 5 })));

  await assert.rejects(narrate(server.url).result(), (error) => {
    assert(error instanceof Failed);
    assert.equal(error.event.type, "run.cancelled");
    assert.deepEqual(error.problem, { title: "The run was cancelled", status: 409, detail: "Enough." });
    return true;
  });
});

test("a loop that ends by a failed run does not throw", async (t) => {
  const problem = { title: "No", status: 500 };
  const server = await scripted(t, ends(frame({ type: "run.failed", n: 1, t: 5, problem, seconds: 5 })));

  assert.deepEqual(await heard(narrate(server.url)), [1]);
});

test("there is no result where nothing is left to tell", async (t) => {
  const server = await scripted(t, answers(204));

  await assert.rejects(follow(`${server.url}/runs/r1`, { after: 9 }).result(), (error) => {
    assert(error instanceof Cut);
    assert.deepEqual([error.name, error.last], ["Cut", 9]);
    return true;
  });
});

test("there is no result for whoever leaves before the end", async (t) => {
  const server = await scripted(t, stays(told(1)));
  const run = narrate(server.url);

  for await (const _ of run) break;

  await assert.rejects(run.result(), (error) => error instanceof Cut && error.last === 1);
});

// --- Refused ---

test("a refusal is thrown with its problem, and not asked again", async (t) => {
  const errors = [{ field: "q", detail: "Field required." }];
  const why = { title: "Unprocessable Content", detail: "The input does not fit.", errors };
  const server = await scripted(t, problem(422, why), problem(422, why));

  for (const fails of [heard(narrate(server.url, {})), narrate(server.url, {}).result()])
    await assert.rejects(fails, (error) => {
      assert(error instanceof Rejected);
      assert.deepEqual([error.name, error.message], ["Rejected", "The input does not fit."]);
      assert.deepEqual(error.problem, { status: 422, ...why });
      return true;
    });
  assert.equal(server.asked.length, 2);
});

for (const status of [400, 401, 404, 405, 408, 409, 410, 413, 415])
  test(`a ${status} is for good`, async (t) => {
    const server = await scripted(t, problem(status, { title: "No" }));

    await assert.rejects(heard(narrate(server.url)), (error) => error instanceof Rejected);
    assert.equal(server.asked.length, 1);
  });

for (const [what, kind, body] of [
  ["is a page", "text/html", "<h1>No</h1>"],
  ["is JSON of its own", "application/json", '{"title": "No"}'],
  ["is no JSON", "application/problem+json", "{"],
  ["is nothing", "application/problem+json", ""],
])
  test(`a refusal that ${what} is told by its status`, async (t) => {
    const server = await scripted(t, answers(403, { "Content-Type": kind }, body));

    await assert.rejects(heard(narrate(server.url)), (error) => {
      assert.deepEqual(error.problem, { title: "Forbidden", status: 403 });
      return true;
    });
  });

test("an answer that is no stream is refused for good", async (t) => {
  const page = answers(200, { "Content-Type": "text/html; charset=utf-8" }, "<h1>Hello</h1>");
  const server = await scripted(t, page);

  await assert.rejects(heard(narrate(server.url)), (error) => {
    assert(error instanceof Rejected);
    assert.equal(error.problem.status, 200);
    assert.match(error.problem.detail, /text\/html/);
    return true;
  });
  assert.equal(server.asked.length, 1);
});

test("an answer without a type is refused for good", async (t) => {
  const server = await scripted(t, answers(200, {}, told(1)));

  await assert.rejects(heard(narrate(server.url)), (error) => error instanceof Rejected);
});

const KINDS = ["text/event-stream", "TEXT/Event-Stream", "text/event-stream ; charset=UTF-8", "text/event-stream;x=y"];
for (const kind of KINDS)
  test(`${kind} is a stream`, async (t) => {
    const server = await scripted(t, withHeaders({ "Content-Type": kind }, ends(end(1))));

    assert.deepEqual(await heard(narrate(server.url)), [1]);
  });

test("an answer that is taken for later is no story", async (t) => {
  const server = await scripted(t, answers(202, { "Content-Type": "application/json" }, "{}"));

  await assert.rejects(heard(narrate(server.url)), (error) => error.problem.status === 202);
});
