// How long is waited for the next connection, what cuts the wait short, and how long a silence may be.

import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";

import { follow, narrate, waitBefore } from "../../narrate/web/narrate.js";
import { answers, end, ends, frame, hangsUp, hasten, heard, problem, scripted, silent, stays } from "./scripted.js";
import { stopClock, told, turn, watch, withHeaders } from "./scripted.js";

// --- Growth and jitter ---

const grown = (failures, given = {}) => waitBefore(failures, given.floor ?? 1, given.cap ?? 30, given.random ?? 0);

test("waits grow twofold, from the floor to the cap", () => {
  assert.deepEqual([1, 2, 3, 4, 5, 6, 7].map((failures) => grown(failures)), [1, 2, 4, 8, 16, 20, 20]);
  assert.deepEqual([1, 2, 3].map((failures) => grown(failures, { floor: 5 })), [5, 10, 20]);
});

test("a wait is up to half as long again by chance", () => {
  assert.deepEqual([0, 0.5, 1].map((random) => grown(3, { random })), [4, 5, 6]);
});

test("no chance makes a wait longer than the cap", () => {
  assert.equal(grown(99, { random: 1 }), 30);
  assert.equal(grown(5000, { random: 1 }), 30);
});

test("no cap makes a wait shorter than the floor", () => {
  assert.equal(grown(1, { floor: 60 }), 60);
  assert.equal(grown(9, { floor: 60, random: 1 }), 90);
});

test("waits from a floor of nothing grow as well", () => {
  assert.deepEqual([1, 2, 3].map((failures) => grown(failures, { floor: 0 })), [0.25, 0.5, 1]);
});

// --- What counts as a failure ---

test("an answer that ends empty counts as a failure", async (t) => {
  const server = await scripted(t, ends(), ends(), ends(), ends(end(1)));
  const connection = hasten(t);

  await heard(narrate(server.url, {}, connection));

  assert.deepEqual(connection.waits, [1, 2, 4]);
});

test("status is an event, too", async (t) => {
  const server = await scripted(t, ends(), ends(frame({ type: "progress", t: 0, step: "a" })), ends(end(1)));
  const connection = hasten(t);

  await heard(narrate(server.url, {}, connection));

  assert.deepEqual(connection.waits, [1, 1]);
});

test("an event begins the count anew, and nothing else does", async (t) => {
  const comments = ends(": narrate\n\n", "id: 1\n\n", "data: junk\n\n");
  const server = await scripted(t, hangsUp, comments, ends(told(1)), ends(told(1)), ends(told(2)), ends(end(3)));
  const connection = hasten(t);

  await heard(narrate(server.url, {}, connection));

  assert.deepEqual(connection.waits, [1, 2, 1, 2, 1]);
});

test("the cap is the longest wait", async (t) => {
  const server = await scripted(t, ends(), ends(), ends(), ends(), ends(end(1)));
  const connection = hasten(t);

  await heard(narrate(server.url, {}, { ...connection, cap: 3 }));

  assert.deepEqual(connection.waits, [1, 2, 2, 2]);
});

test("retry is the floor, until the stream says otherwise", async (t) => {
  const script = [ends(told(1), "retry: 5000\n\n"), ends(), ends("retry: 200\n\n", told(2)), ends(end(3))];
  const server = await scripted(t, ...script);
  const connection = hasten(t);

  await heard(narrate(server.url, {}, connection));

  assert.deepEqual(connection.waits, [5, 10, 0.25]);
});

// --- Retry-After ---

const busy = (headers) => problem(503, { title: "Busy" }, headers);

async function waits(t, answer) {
  const server = await scripted(t, answer, ends(end(1)));
  const connection = hasten(t);
  await heard(narrate(server.url, {}, connection));
  return connection.waits;
}

test("Retry-After in seconds is waited for", async (t) => {
  assert.deepEqual(await waits(t, busy({ "Retry-After": "7" })), [7]);
});

test("Retry-After is waited for after a 429 as well, and beyond the cap", async (t) => {
  assert.deepEqual(await waits(t, problem(429, { title: "Slow down" }, { "Retry-After": "120" })), [120]);
});

test("Retry-After as a date counts by the server's clock", async (t) => {
  const dates = { "Date": "Thu, 01 Jan 2026 00:00:00 GMT", "Retry-After": "Thu, 01 Jan 2026 00:00:09 GMT" };

  assert.deepEqual(await waits(t, busy(dates)), [9]);
});

test("Retry-After as a date counts by our clock where the server shows none", async (t) => {
  t.mock.method(Date, "now", () => Date.parse("2026-01-01T00:00:00Z"));

  assert.deepEqual(await waits(t, busy({ "Date": "", "Retry-After": "Thu, 01 Jan 2026 00:00:09 GMT" })), [9]);
});

for (const value of ["Thu, 01 Jan 2015 00:00:00 GMT", "soon", "0", ""])
  test(`Retry-After: ${value || "nothing"} leaves the wait as it is`, async (t) => {
    assert.deepEqual(await waits(t, busy({ "Retry-After": value })), [1]);
  });

test("a wait beyond what a timer can hold does not end at once", async (t) => {
  const { pass, timers } = stopClock(t);
  const { reached, onconnection } = watch("waiting");
  const server = await scripted(t, busy({ "Retry-After": "99999999999" }));
  const left = new AbortController();

  const story = heard(narrate(server.url, {}, { onconnection, signal: left.signal }));
  await reached;
  await turn();
  assert.deepEqual([...timers].map(({ due }) => due), [2 ** 31 - 1]);

  left.abort();
  await assert.rejects(story);
  pass(0);
  assert.equal(server.asked.length, 1);
});

// --- What cuts a wait short ---

/** The targets of a browser's page, for the length of a test. */
function page(t) {
  const window = new EventTarget();
  const document = Object.assign(new EventTarget(), { visibilityState: "hidden" });
  Object.assign(globalThis, { document, addEventListener: window.addEventListener.bind(window) });
  t.after(() => ["document", "addEventListener"].forEach((name) => delete globalThis[name]));
  const become = (visibilityState) => {
    document.visibilityState = visibilityState;
    document.dispatchEvent(new Event("visibilitychange"));
  };
  const listeners = () => [...getEventListeners(window, "online"), ...getEventListeners(document, "visibilitychange")];
  return { become, comeOnline: () => window.dispatchEvent(new Event("online")), listeners };
}

/** A run that waits for its next connection, before a clock that stands still. */
async function waiting(t, first = hangsUp) {
  const { timers } = stopClock(t);
  const { reached, onconnection } = watch("waiting");
  const server = await scripted(t, first, ends(end(1)));
  const story = heard(narrate(server.url, {}, { onconnection }));
  await reached;
  await turn();
  const [timer] = timers;
  return { server, story, isWaiting: () => timers.has(timer) };
}

test("a network that comes back ends the wait at once", async (t) => {
  const { comeOnline, listeners } = page(t);
  const { story, isWaiting } = await waiting(t);

  comeOnline();

  assert.deepEqual(await story, [1]);
  assert.equal(isWaiting(), false);
  assert.deepEqual(listeners(), []);
});

test("a tab that is seen again ends the wait at once", async (t) => {
  const { become } = page(t);
  const { story } = await waiting(t);

  become("visible");

  assert.deepEqual(await story, [1]);
});

test("a tab that is hidden waits on", async (t) => {
  const { become } = page(t);
  const { story, isWaiting } = await waiting(t);

  become("hidden");
  await turn();
  assert.equal(isWaiting(), true);

  become("visible");
  await story;
});

test("a server that wants time is given it, whatever becomes of network and tab", async (t) => {
  const { become, comeOnline } = page(t);
  const { isWaiting } = await waiting(t, busy({ "Retry-After": "7" }));

  comeOnline();
  become("visible");
  await turn();

  assert.equal(isWaiting(), true);
});

test("hiding a tab drops no connection", async (t) => {
  const { become, comeOnline } = page(t);
  let stream;
  const server = await scripted(t, (response) => stays(told(1))((stream = response)));
  const story = narrate(server.url)[Symbol.asyncIterator]();
  await story.next();

  become("hidden");
  become("visible");
  comeOnline();
  stream.end(told(2) + end(3));

  assert.deepEqual([(await story.next()).value.n, (await story.next()).value.n], [2, 3]);
  assert.equal(server.asked.length, 1);
});

// --- Silence ---

/** A run that has told its first event, and is silent since. */
async function fallenSilent(t, headers = {}, options = {}) {
  const clock = stopClock(t);
  const server = await scripted(t, withHeaders(headers, stays(told(1))), ends(end(2)));
  const { reached: dropped, onconnection } = watch("waiting");
  const story = narrate(server.url, {}, { onconnection, ...options })[Symbol.asyncIterator]();
  await story.next();
  const next = story.next();
  await turn();
  return { ...clock, dropped, next, server };
}

for (const [what, headers, options, seconds] of [
  ["twice the heartbeat that the server names", { "Narrate-Heartbeat": "15" }, {}, 30],
  ["a minute, where the server names none", {}, {}, 60],
  ["a minute, where what it names is no number", { "Narrate-Heartbeat": "soon" }, {}, 60],
  ["as long as was asked for, whatever the server names", { "Narrate-Heartbeat": "15" }, { silence: 5 }, 5],
])
  test(`a connection is dropped after a silence of ${what}`, async (t) => {
    const { pass, dropped, next, server, timers } = await fallenSilent(t, headers, options);

    const [timer] = timers;
    pass(seconds - 0.001);
    assert.equal(timers.has(timer), true);

    pass(0.001);
    assert.match((await dropped).reason, new RegExp(`${seconds} s`));
    await server.asks(1).then(({ left }) => left);
    await turn();
    pass(1);
    assert.equal((await next).value.n, 2);
  });

test("silence may be allowed to last for ever", async (t) => {
  const { timers } = await fallenSilent(t, {}, { silence: Infinity });

  assert.deepEqual([...timers].map(({ due }) => due), [2 ** 31 - 1]);
});

test("a heartbeat breaks the silence", async (t) => {
  const { pass } = stopClock(t);
  let stream;
  const server = await scripted(t, (response) => stays(told(1))((stream = response)));
  const story = narrate(server.url)[Symbol.asyncIterator]();
  await story.next();
  const next = story.next();
  await turn();

  for (let beat = 0; beat < 3; beat++) {
    pass(59);
    const { reads } = counted(t);
    stream.write(":\n\n");
    await reads;
  }
  stream.write(end(2));

  assert.equal((await next).value.n, 2);
  assert.equal(server.asked.length, 1);
});

/** A promise of the client's next read from a stream. */
function counted(t) {
  const { promise, resolve } = Promise.withResolvers();
  const { read } = ReadableStreamDefaultReader.prototype;
  const mocked = t.mock.method(ReadableStreamDefaultReader.prototype, "read", function () {
    mocked.mock.restore();
    resolve();
    return read.call(this);
  });
  return { reads: promise };
}

test("a server that does not answer at all is tried again", async (t) => {
  const { pass, timers } = stopClock(t);
  const { reached: dropped, onconnection } = watch("waiting");
  const server = await scripted(t, silent, ends(end(1)));
  const story = heard(narrate(server.url, {}, { onconnection }));
  await server.asks(1);

  const [timer] = timers;
  pass(59.999);
  assert.equal(timers.has(timer), true);

  pass(0.001);
  await dropped;
  await turn();
  pass(1);
  assert.deepEqual(await story, [1]);
});

test("a refusal that is never told to its end is tried again", async (t) => {
  const { pass, timers } = stopClock(t);
  const { reached: dropped, onconnection } = watch("waiting");
  const kind = { "Content-Type": "application/problem+json" };
  const server = await scripted(t, (response) => response.writeHead(404, kind).write("{"), ends(end(1)));
  const json = t.mock.method(Response.prototype, "json");
  const story = heard(follow(`${server.url}/runs/r1`, { onconnection }));
  while (!json.mock.callCount()) await turn();

  assert.equal(timers.size, 1);
  pass(60);
  await dropped;
  await turn();
  pass(1);

  assert.deepEqual(await story, [1]);
});

test("while whoever reads is busy, no silence counts", async (t) => {
  const { pass, timers } = stopClock(t);
  const server = await scripted(t, stays(told(1), told(2), end(3)));
  const story = narrate(server.url)[Symbol.asyncIterator]();
  await story.next();

  assert.equal(timers.size, 0);
  pass(3600);

  assert.equal((await story.next()).value.n, 2);
  assert.equal(server.asked.length, 1);
});

// --- What is said of it ---

test("how the connection fares is told as it changes", async (t) => {
  const server = await scripted(t, ends(told(1)), busy({ "Retry-After": "7" }), ends(end(2)));
  const connection = hasten(t);

  await heard(narrate(server.url, {}, connection));

  assert.deepEqual(connection.said, [
    { state: "connecting" },
    { state: "open" },
    { state: "waiting", wait: 1, reason: "The stream ended before the story did." },
    { state: "connecting" },
    { state: "waiting", wait: 7, reason: "Busy" },
    { state: "connecting" },
    { state: "open" },
  ]);
});

test("an answer that ends the story opens nothing", async (t) => {
  const server = await scripted(t, answers(204));
  const connection = hasten(t);

  await heard(narrate(server.url, {}, connection));

  assert.deepEqual(connection.said, [{ state: "connecting" }]);
});
