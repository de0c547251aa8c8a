// A server on a free loopback port that answers each request with the next of its script, and keeps what it was asked.

import { once } from "node:events";
import { createServer } from "node:http";

const STREAM = {
  "Content-Type": "text/event-stream; charset=utf-8",
  "Narrate-Run": "r1",
  "Content-Location": "/runs/r1/events",
};

/** Serve these answers. `asked` is what was asked, `asks(n)` a promise of the n-th; `cut()` breaks all connections. */
export async function scripted(t, ...script) {
  const asked = [];
  const arrived = [];
  const at = (n) => (arrived[n] ??= Promise.withResolvers());
  const server = createServer(async (request, response) => {
    const body = (await request.toArray()).join("");
    const { method, url: path, headers } = request;
    asked.push({ method, path, headers, body });
    const answer = script.shift() ?? problem(404, { title: "The script is over." });
    at(asked.length).resolve({ left: once(response, "close") });
    answer(response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = () => server.closeAllConnections();
  t.after(() => {
    cut();
    server.close();
  });
  return { url: `http://127.0.0.1:${server.address().port}`, asked, asks: (n) => at(n).promise, cut };
}

// --- Answers ---

/** A stream of these chunks that ends cleanly. */
export const ends = (...chunks) => (response) => open(response, chunks).end();

/** A stream of these chunks that stays open. */
export const stays = (...chunks) => (response) => void open(response, chunks);

/** The same answer with these headers besides, or instead. */
export const withHeaders = (headers, answer) => (response) => {
  response.setHeaders(new Map(Object.entries(headers)));
  answer(response);
};

/** No answer at all. */
export const silent = () => {};

/** The connection is closed without an answer. */
export const hangsUp = (response) => void response.destroy();

/** A whole answer, whatever it is. */
export const answers = (status, headers = {}, body = "") => (response) => response.writeHead(status, headers).end(body);

/** A refusal, as the server makes them. */
export const problem = (status, document, headers = {}) =>
  answers(status, { "Content-Type": "application/problem+json", ...headers }, JSON.stringify({ status, ...document }));

/** A run's state. */
export const state = (word) => answers(200, { "Content-Type": "application/json" }, JSON.stringify({ state: word }));

function open(response, chunks) {
  for (const [name, value] of Object.entries(STREAM)) if (!response.hasHeader(name)) response.setHeader(name, value);
  response.writeHead(200).flushHeaders();
  for (const chunk of chunks) response.write(chunk);
  return response;
}

// --- What is told ---

/** An event as it travels. */
export const frame = (event) => `${event.n ? `id: ${event.n}\n` : ""}data: ${JSON.stringify(event)}\n\n`;

/** Messages with these numbers, as they travel. */
export const told = (...numbers) =>
  numbers.map((n) => frame({ type: "message", n, t: n, step: "a", text: `line ${n}` })).join("");

/** The end of a run, as it travels. */
export const end = (n, result = "done") => frame({ type: "run.finished", n, t: n, result, seconds: n });

// --- Hearing it ---

/** What identifies each of the run's events: its number, or its type where it has none. */
export async function heard(run) {
  const events = [];
  for await (const event of run) events.push(event.n ?? event.type);
  return events;
}

/**
 * A clock that stands still for the client, and dice that show 0, for the length of a test; `pass` lets seconds go by.
 *
 * Not node:test's own, which stops the clock for Node's fetch as well: that lives by timers, and breaks.
 */
export function stopClock(t) {
  const { setTimeout, clearTimeout } = globalThis;
  const timers = new Set();
  let now = 0;
  const isClients = () => new Error().stack.includes("/narrate/web/narrate.js");
  const set = (act, delay) => {
    const timer = { act, due: now + delay };
    timers.add(timer);
    return timer;
  };
  t.mock.method(globalThis, "setTimeout", (...timer) => (isClients() ? set : setTimeout)(...timer));
  t.mock.method(globalThis, "clearTimeout", (timer) => void (timers.delete(timer) || clearTimeout(timer)));
  t.mock.method(Math, "random", () => 0);
  const pass = (seconds) => {
    now += 1000 * seconds;
    const due = [...timers].filter((timer) => timer.due <= now).sort((a, b) => a.due - b.due);
    for (const timer of due) timers.delete(timer) && timer.act();
  };
  return { pass, timers };
}

/** Options under which no wait for the next connection lasts. `waits` tells how long each would, `said` all that is. */
export function hasten(t) {
  const { pass } = stopClock(t);
  const [said, waits] = [[], []];
  const on = {
    waiting({ wait }) {
      waits.push(wait);
      queueMicrotask(() => pass(wait));
    },
  };
  const onconnection = (connection) => {
    said.push(connection);
    on[connection.state]?.(connection);
  };
  return { onconnection, said, waits };
}

/** An option, and a promise of the connection's next coming into this state. */
export function watch(state) {
  const { promise, resolve } = Promise.withResolvers();
  return { reached: promise, onconnection: (connection) => connection.state === state && resolve(connection) };
}

/** Let everything that is ready go on. */
export const turn = () => new Promise(setImmediate);
