// @ts-check
/**
 * The client for browsers: a run as an async iterable of events that survives every broken connection.
 *
 * One file that imports nothing. What it promises is said in `narrate.d.ts`, and checked; here stands why.
 *
 * @import * as api from "./narrate.js"
 * @typedef {api.StoryEvent<any>} StoryEvent
 * @typedef {{ method: string, url: string, body?: string, key?: string }} Asking
 */

const EVENT_STREAM = "text/event-stream";
const LONGEST = 2 ** 31 - 1; // milliseconds; a timer that is set for longer fires at once

/** @type {typeof api.narrate} */
export function narrate(url, input, options = {}) {
  const key = options.key ?? crypto.getRandomValues(new Uint32Array(4)).join("-"); // `randomUUID` is not without TLS
  return new Told({ method: "POST", url: absolute(url).href, body: JSON.stringify(input), key }, options);
}

/** @type {typeof api.follow} */
export function follow(runUrl, options = {}) {
  const home = absolute(runUrl);
  home.pathname = home.pathname.replace(/\/(events)?$/, "");
  return new Told({ method: "GET", url: below(home, "events") }, options, home.href);
}

/** @implements {api.Rejected} */
export class Rejected extends Error {
  name = "Rejected";
  /** @param {api.Problem} problem */
  constructor(problem) {
    super(problem.detail ?? problem.title);
    this.problem = problem;
  }
}

/** @implements {api.Failed} */
export class Failed extends Error {
  name = "Failed";
  /** @param {api.RunFailed | api.RunCancelled} event */
  constructor(event) {
    const cancelled = { title: "The run was cancelled", status: 409 }; // the server's words to who awaits the result
    const problem = event.type === "run.failed" ? event.problem : { ...cancelled, detail: event.reason };
    super(problem.detail ?? problem.title);
    this.event = event;
    /** @type {api.Problem} */ this.problem = problem;
  }
}

/** @implements {api.Cut} */
export class Cut extends Error {
  name = "Cut";
  /** @param {number} last @param {string} why @param {ErrorOptions} [options] */
  constructor(last, why, options) {
    super(`The story was heard up to event ${last}. ${why}`, options);
    this.last = last;
  }
}

/** A connection that came to nothing, and in how many seconds the server would have us back. Kept to ourselves. */
class Dropped extends Error {
  /** @param {string} why @param {unknown} [cause] @param {number} [wait] */
  constructor(why, cause, wait = 0) {
    super(why, { cause });
    this.wait = wait;
  }
}

// --- Hearing a stream ---

/** @implements {api.Decoder} */
export class Decoder {
  /** @type {number | undefined} */ retry;
  #utf8 = new TextDecoder("utf-8", { ignoreBOM: true }); // Node's takes two away where the first is cut in two
  #skipped = "\ufeff"; // as the next chunk's first character
  #unfinished = "";
  /** @type {string[]} */ #data = [];
  #event = "";
  #id;

  constructor(lastEventId = "") {
    this.lastEventId = this.#id = lastEventId;
  }

  /** @param {Uint8Array} chunk */
  feed(chunk) {
    const text = this.#utf8.decode(chunk, { stream: true });
    if (!text) return [];
    const lines = text.slice(text[0] === this.#skipped ? 1 : 0).split(/\r\n?|\n/);
    // A CR ends its line at once, else an event would be held back until the next. An LF after it is the rest of it.
    this.#skipped = text.endsWith("\r") ? "\n" : "";
    // Only the chunk is searched: what came before may be long, and was.
    lines[0] = this.#unfinished + lines[0];
    this.#unfinished = lines.pop() ?? "";
    return lines.flatMap((line) => (line ? this.#take(line) : this.#dispatched()));
  }

  /** @param {string} line @returns {api.ServerSentEvent[]} */
  #take(line) {
    const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (name === "data") this.#data.push(value);
    else if (name === "event") this.#event = value;
    else if (name === "id" && !value.includes("\0")) this.#id = value;
    else if (name === "retry" && /^\d+$/.test(value)) this.retry = Math.min(Number(value), LONGEST);
    return [];
  }

  /** @returns {api.ServerSentEvent[]} */
  #dispatched() {
    // The id counts only from here: a stream cut within an event must not be resumed after it.
    const [data, event, id] = [this.#data, this.#event || "message", this.#id];
    this.lastEventId = id;
    [this.#data, this.#event] = [[], ""];
    return data.length ? [{ data: data.join("\n"), event, id }] : [];
  }
}

/** What a message tells. @param {api.ServerSentEvent} message @returns {StoryEvent | undefined} */
function eventIn({ event, data }) {
  try {
    const told = event === "message" ? JSON.parse(data) : null;
    if (typeof told?.type === "string") return told;
  } catch {} // What is unreadable is passed over; if it had a number, that is missed as a hole.
}

// --- Asking, and coming back ---

/** @type {typeof api.waitBefore} */
export function waitBefore(failures, floor, cap, random) {
  const grown = Math.max(floor, 0.25) * 2 ** (failures - 1); // a floor of nothing grows, too
  return Math.max(floor, Math.min(grown, cap / 1.5)) * (1 + random / 2);
}

/** The seconds that `Retry-After` asks for; a date counts by the server's own clock. @param {Headers} headers */
function retryAfter(headers) {
  const value = headers.get("Retry-After") ?? "";
  if (/^\d+$/.test(value)) return Number(value);
  const now = Date.parse(headers.get("Date") ?? "") || Date.now();
  return Math.max(0, (Date.parse(value) - now) / 1000) || 0;
}

/** An id as a header carries it: a byte of its UTF-8 a character, or nothing if none can. @param {string} id */
function inBytes(id) {
  return /[\0-\x08\n-\x1f\x7f]/.test(id) ? "" : String.fromCharCode(...new TextEncoder().encode(id));
}

/** Why an answer is no story: a drop where asking again may help, else for good. @param {Response} response */
async function notAStory(response) {
  const { status, headers } = response;
  const detail = `The answer is ${mediaType(response) || "of no type"}, not ${EVENT_STREAM}.`;
  if (status === 200) return new Rejected({ title: "This is no story", status, detail });
  const refused = new Rejected(await problemOf(response));
  return status === 429 || status >= 500 ? new Dropped(refused.message, refused, retryAfter(headers)) : refused;
}

/** @param {Response} response @returns {Promise<api.Problem>} */
async function problemOf(response) {
  const { status, statusText } = response;
  const isTold = mediaType(response) === "application/problem+json";
  return { title: statusText || `Status ${status}`, status, ...(isTold && (await response.json().catch(() => null))) };
}

/** @param {Response} response */
const mediaType = ({ headers }) => (headers.get("Content-Type") ?? "").split(";")[0].trim().toLowerCase();

/** @param {string | URL} url */
const absolute = (url) => new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href);

/** @param {URL} home The address of a run's state. @param {string} what */
const below = (home, what) => new URL(`${home.pathname}/${what}${home.search}`, home).href;

/** @param {number} seconds @param {() => void} act */
const after = (seconds, act) => setTimeout(act, Math.min(seconds * 1000, LONGEST));

/** The promise, unless the signal comes first.
 * @template T @param {AbortSignal} signal @param {Promise<T>} promise @returns {Promise<T>} */
function unless(signal, promise) {
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    if (signal.aborted) leave();
    signal.addEventListener("abort", leave);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
  });
}

/** @implements {api.Run<any>} */
class Told {
  /** @type {string | undefined} */ id;
  #asking;
  #options;
  #signal;
  #place; // what is sent as `Last-Event-ID`
  #floor = 1;
  #failures = 0;
  #hole = -1; // the last event before the hole that was asked for again
  #begun = false;
  /** @type {(() => void) | undefined} */ #hurry;
  /** @type {PromiseWithResolvers<string>} */ #home = Promise.withResolvers();
  /** @type {PromiseWithResolvers<any>} */ #end = Promise.withResolvers();

  /** @param {Asking} asking @param {api.NarrateOptions & api.FollowOptions} options @param {string} [home] */
  constructor(asking, options, home) {
    this.#asking = asking;
    this.#options = options;
    this.#signal = options.signal ?? new AbortController().signal;
    this.url = home;
    this.last = options.after ?? 0;
    this.#place = this.last ? String(this.last) : "";
    for (const { promise } of [this.#home, this.#end]) promise.catch(() => {}); // nobody may ever ask for them
  }

  [Symbol.asyncIterator]() {
    if (this.#begun) throw new TypeError("A run can be read once. Give another reader `follow(run.url)`.");
    this.#begun = true;
    return this.#story();
  }

  async result() {
    await null; // a loop of the same turn has begun by then
    if (!this.#begun) for await (const _ of this);
    return this.#end.promise;
  }

  cancel = () => this.#act("DELETE");
  /** @type {api.Run["answer"]} */ answer = (value, to) => this.#act("POST", { value, to });

  /** Ask something of the run itself. @param {string} method @param {object} [answer] */
  async #act(method, answer) {
    this.#hurry?.();
    await null;
    if (!this.#begun && !this.url) throw new TypeError("This run was never begun.");
    const url = this.url ?? (await this.#home.promise);
    const headers = await this.#headers({ "Accept": "application/json", "Content-Type": answer && "application/json" });
    const body = JSON.stringify(answer);
    const request = new Request(body ? below(new URL(url), "answers") : url, { method, headers, body });
    // Without the signal: who cancels and then leaves has cancelled.
    const response = await fetch(request).catch((cause) => {
      throw new Cut(this.last, "The server cannot be reached.", { cause });
    });
    if (!response.ok) throw new Rejected(await problemOf(response));
    if (!body || response.status === 200) return response.json(); // else it is kept, and will be told
  }

  /** @returns {AsyncGenerator<StoryEvent, void, void>} */
  async *#story() {
    /** @type {unknown} */ let why;
    try {
      for (;;) {
        try {
          if (yield* this.#connection()) return;
        } catch (error) {
          await this.#pause(error);
        }
      }
    } catch (error) {
      throw (why = error);
    } finally {
      why ??= new Cut(this.last, "Nobody listened to the rest, or it had been told before.");
      for (const { reject } of [this.#home, this.#end]) reject(why);
    }
  }

  /** One connection. Whether the story is over with it; if not, the next follows at once. Throws Dropped, or for good.
   * @returns {AsyncGenerator<StoryEvent, boolean, void>} */
  async *#connection() {
    const { onconnection, silence } = this.#options;
    const own = new AbortController();
    const signal = AbortSignal.any([this.#signal, own.signal]);
    let limit = silence ?? 60;
    /** @type {Promise<unknown>} */ let rest = Promise.resolve();
    /** @template T @param {Promise<T>} promise @returns {Promise<T>} */
    const heard = async (promise) => {
      const timer = after(limit, () => own.abort(new Dropped(`Nothing was heard for ${limit} s.`)));
      try {
        return await promise;
      } catch (error) {
        throw new Dropped("The connection failed.", error);
      } finally {
        clearTimeout(timer);
        signal.throwIfAborted(); // its reason is the true one
      }
    };
    try {
      signal.throwIfAborted();
      onconnection?.({ state: "connecting" });
      const request = await unless(signal, this.#request(signal)); // what this throws is no fault of the network
      const response = await heard(fetch(request));
      if (response.status === 204) return true;
      if (response.status !== 200 || mediaType(response) !== EVENT_STREAM) throw await heard(notAStory(response));
      this.#answered(response);
      onconnection?.({ state: "open" });
      limit = silence ?? 2 * (Number(response.headers.get("Narrate-Heartbeat")) || 30);
      const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
      const decoder = new Decoder(this.#place);
      for (;;) {
        // While whoever reads the story is busy, no time runs: that silence is not the server's.
        const { done, value } = await heard(reader.read());
        if (done) throw new Dropped("The stream ended before the story did.");
        const messages = decoder.feed(value);
        if (decoder.retry !== undefined) this.#floor = decoder.retry / 1000;
        for (const message of messages) {
          const event = eventIn(message);
          if (!event || !this.#isNews(event)) continue;
          this.#place = message.id;
          const ended = this.#ended(event);
          if (ended) rest = heard(reader.read()).catch(() => {});
          yield event;
          if (ended) return true;
          signal.throwIfAborted();
          if (event.type === "detached" && this.#asking.method === "POST") {
            this.#asking = { method: "GET", url: below(new URL(event.link, response.url), "events") };
            return false;
          }
        }
        this.#place = decoder.lastEventId;
      }
    } finally {
      // After the last event it is the server that ends the stream: aborted, it would look like a failure.
      rest.finally(() => own.abort());
    }
  }

  /** @param {AbortSignal} signal */
  async #request(signal) {
    const { method, url, body, key } = this.#asking;
    const headers = await this.#headers({
      "Accept": EVENT_STREAM, "Content-Type": body && "application/json", "Idempotency-Key": key,
      "Last-Event-ID": inBytes(this.#place),
    });
    return new Request(url, { method, body, headers, signal, cache: "no-store" });
  }

  /** @param {Record<string, string | undefined>} own */
  async #headers(own) {
    const given = this.#options.headers;
    const headers = new Headers(typeof given === "function" ? await given() : given);
    for (const [name, value] of Object.entries(own)) if (value) headers.set(name, value);
    return headers;
  }

  /** @param {Response} response */
  #answered({ headers, url }) {
    const id = headers.get("Narrate-Run") ?? this.id;
    // One that keeps no journal does so when it is restarted. Two runs must not become one story.
    if (this.last && this.id && id !== this.id) throw new Cut(this.last, "The server lost the run and began another.");
    this.id = id;
    const events = headers.get("Content-Location");
    if (events && this.#asking.method === "POST") this.url = new URL(events, url).href.replace(/\/events$/, "");
    if (this.url) this.#home.resolve(this.url);
    else this.#home.reject(new Cut(this.last, "The server has not said where the run is."));
  }

  /** Whether an event is news; then it counts as heard. Throws Dropped at a hole, once. @param {StoryEvent} event */
  #isNews(event) {
    if ("n" in event) {
      if (event.n <= this.last) return false;
      // Of joined tokens, the number of the first; one that was heard before is as wrong as one that is missing.
      const first = ("first" in event && event.first) || event.n;
      if (first !== this.last + 1 && event.type !== "gap" && this.#hole !== this.last) {
        this.#hole = this.last; // told so again, it is passed on
        this.#place = String(this.last);
        throw new Dropped(`Event ${this.last + 1} was missing.`);
      }
      this.last = event.n;
    }
    this.#failures = 0;
    return true;
  }

  /** Whether an event is the run's end; then the result is settled. @param {StoryEvent} event */
  #ended(event) {
    if (event.type === "run.finished") this.#end.resolve(event.result);
    else if (event.type === "run.failed" || event.type === "run.cancelled") this.#end.reject(new Failed(event));
    else return false;
    return true;
  }

  /** Wait for the next connection. Throws what is no drop, and Cut after too many. @param {unknown} dropped */
  async #pause(dropped) {
    if (!(dropped instanceof Dropped)) throw dropped;
    const { attempts = Infinity, cap = 30, onconnection } = this.#options;
    if (++this.#failures >= attempts) throw new Cut(this.last, dropped.message, { cause: dropped.cause });
    const wait = Math.max(dropped.wait, waitBefore(this.#failures, this.#floor, cap, Math.random()));
    onconnection?.({ state: "waiting", wait, reason: dropped.message });
    const over = new AbortController();
    const { promise, resolve } = Promise.withResolvers();
    const hurry = (this.#hurry = () => resolve(null));
    const timer = after(wait, hurry);
    if (!dropped.wait) { // else it is the server that wants time, whatever the network
      const seen = () => document.visibilityState === "visible" && hurry();
      globalThis.addEventListener?.("online", hurry, { signal: over.signal });
      globalThis.document?.addEventListener("visibilitychange", seen, { signal: over.signal });
    }
    await unless(this.#signal, promise).finally(() => {
      clearTimeout(timer);
      over.abort();
    });
  }
}
