// @ts-check
// One run being told: each event from the client into the Story, and once a frame from there onto the page.
//
// Apart from the element, which stays while runs come and go: a Telling is left as a whole, with all that it drew.

import { Asked } from "./asked.js";
import { drawDetail } from "./details.js";
import { element, setText } from "./dom.js";
import { Head } from "./head.js";
import { follow } from "./narrate.js";
import { SERVER, drawView } from "./pipelines.js";
import { Rows } from "./rows.js";
import { Story } from "./story.js";
import { Timeline } from "./timeline.js";
import { offered } from "./transcript.js";
import { turn } from "./turns.js";
import { duration, sentence } from "./words.js";

/** @typedef {import("./narrate.js").Run} Run */
/** @typedef {import("./pipelines.js").Pipeline} Pipeline */

const TICK = 100; // milliseconds between two looks at the clock
const ASK_AGAIN = 1; // seconds between two questions whether the run may be left
const MOST_IN_LOG = 100; // sentences that wait to be read out; a tab that was long hidden has many more
const MOST_READ_OUT = 8; // sentences of a story told again that are read out; of more, only the last
const LEAST_LINGER = 5; // seconds that a run must go on without a reader, for it to be left at all
const PATIENCE = 500; // milliseconds to wait for a turn before it is said that one is waited for
const TERMINAL = new Set(["run.finished", "run.failed", "run.cancelled"]);
const NOT_READ_OUT = new Set(["tokens", "detail"]);

const ENDINGS = { finished: "Done", failed: "Failed", cancelled: "Cancelled" };

const now = () => performance.now() / 1000;

/** A run from its first event to its last, in elements of its own. */
export class Telling {
  #story = new Story();
  #rows = new Rows(this.#story, (detail) => this.#data(detail), (value, to) => this.answer(value, to));
  #timeline = new Timeline(this.#story);
  #leaving = new AbortController();
  #changed = /** @type {Set<string>} */ (new Set());
  #toRead = /** @type {string[]} */ ([]);
  #frame = 0;
  #clock = 0;
  /** @type {Run | undefined} */
  run;
  #begin;
  #head;
  #on;
  #view;
  #result = element("section", { class: "result", "aria-label": "Result", hidden: true });
  #log = element("div", { class: "unseen", role: "log", "aria-live": "polite" });
  #pipeline;
  #again;
  #asked;

  /**
   * @param {(options: object) => Run} begin has the client begin or follow the run, with these of its options
   * @param {Pipeline | undefined} pipeline
   * @param {boolean} again whether it was told before, so that the beginning is nothing new
   * @param {ReturnType<typeof import("./head.js").controls>} controls
   * @param {{state: (state: string) => void, refused: (problem: any) => void,
   *   dispatch: (name: string, detail: unknown) => void}} on
   */
  constructor(begin, pipeline, again, controls, on) {
    this.#pipeline = pipeline;
    this.#again = again;
    this.#on = on;
    this.#head = new Head(Boolean(pipeline), controls, () => this.#rows.focusQuestion());
    this.#asked = new Asked(this.#story, (name, detail) => on.dispatch(name, { id: this.run?.id, ...detail }));
    this.#view = drawView(pipeline, (detail) => this.#data(detail));
    this.#begin = begin;
    controls.copy.onclick = () => this.#copy(controls.copy, this.#story.transcript());
    controls.link.onclick = () => this.#copy(controls.link, String(new URL(`?run=${this.run?.id}`, SERVER)));
    this.elements = [this.#head.element, this.#view.element, this.#rows.element, this.#timeline.element, this.#result,
      this.#log];
  }

  /** Hear no more of it. */
  leave() {
    this.#leaving.abort();
    this.#asked.leave();
    cancelAnimationFrame(this.#frame);
    clearInterval(this.#clock);
  }

  /**
   * Have the server cancel the run. Gives false where none has begun yet: then there will be none.
   * @returns {Promise<boolean>}
   */
  async cancel() {
    const run = this.run?.url || !this.#again ? this.run : this.#begin({});
    if (!run?.url) this.leave(); // a server that hears of it all the same sees its reader leave
    else await run.cancel();
    return Boolean(run?.url);
  }

  /**
   * Answer a question of the run. Gives the answer as it was told, or undefined where it is kept and not told yet.
   * @param {string} value
   * @param {number} [to] the question's number, where several are open
   */
  async answer(value, to) {
    const run = this.run?.url || !this.#again ? this.run : this.#begin({});
    return run?.answer(value, to);
  }

  /** Give the focus to what says how the run is. */
  focus() {
    this.#head.focus();
  }

  async listen() {
    this.#clock = setInterval(() => this.#tick(), TICK);
    try {
      while (await this.#hear());
    } catch (error) {
      if (this.#leaving.signal.aborted) return;
      this.#cut(/** @type {any} */ (error));
    } finally {
      clearInterval(this.#clock);
      this.#draw();
    }
  }

  /** Hear the story for one turn. Gives whether it goes on. */
  async #hear() {
    const { wanted, done } = await this.#turn();
    const over = new AbortController();
    const options = {
      signal: AbortSignal.any([this.#leaving.signal, over.signal]),
      onconnection: (/** @type {any} */ connection) => this.#connected(connection),
    };
    const before = this.run;
    const run = this.run = before?.url ? follow(before.url, { ...options, after: before.last }) : this.#begin(options);
    let asked = -Infinity;
    const yields = async () => {
      if (!run.url || now() - asked < ASK_AGAIN) return;
      asked = now();
      if (await this.#mayLeave(run.url)) over.abort();
    };
    wanted.addEventListener("abort", yields);
    try {
      for await (const event of run) {
        this.#take(event);
        if (wanted.aborted) void yields();
      }
      return false;
    } catch (error) {
      if (!over.signal.aborted || this.#leaving.signal.aborted) throw error;
      return true;
    } finally {
      done();
    }
  }

  async #turn() {
    const patience = setTimeout(() => this.#head.connection({ state: "queued" }), PATIENCE);
    try {
      return await turn(this.#leaving.signal);
    } finally {
      clearTimeout(patience);
    }
  }

  /**
   * Whether the run goes on without a reader for long enough to take turns: to give one up is to leave.
   * @param {string} url
   */
  async #mayLeave(url) {
    if (this.#pipeline) return lingers(this.#pipeline);
    try {
      const response = await fetch(url, { signal: this.#leaving.signal });
      return response.ok && lingers(await response.json());
    } catch {
      return false; // it was left meanwhile, or the server cannot be reached
    }
  }

  /** @param {any} event */
  #take(event) {
    const first = this.#story.run.n === 0;
    for (const path of this.#story.take(event, now())) this.#changed.add(path);
    if (first && event.type === "run.started") {
      this.#on.dispatch("narrate-begun", { id: this.run?.id, url: this.run?.url, title: event.title,
        pipeline: event.pipeline });
      this.#on.state("working");
    }
    this.#toRead.push(...this.#sentences(event));
    this.#view.tell(event);
    this.#on.dispatch("narrate-told", event);
    this.#asked.take(event);
    if (TERMINAL.has(event.type)) this.#end();
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #end() {
    const { state, result } = this.#story.run;
    this.#on.state(state);
    this.#on.dispatch("narrate-ended", { id: this.run?.id, state, title: this.#story.run.title });
    if (state === "finished" && result != null) {
      const drawn = drawDetail(result, "Result");
      const folded = element("details", { class: "detail" }, element("summary", {}, "The result as data"), drawn);
      this.#result.append(...(this.#pipeline?.view ? [folded] : [element("h3", {}, "Result"), drawn]));
      this.#result.hidden = false;
    }
  }

  /** @param {{state: string, wait?: number, reason?: string}} connection */
  #connected(connection) {
    this.#head.connection(connection);
    this.#on.dispatch("narrate-connection", connection);
    if (connection.state === "open") this.#rows.reached();
    if (connection.state === "waiting") this.#on.state("waiting");
    else if (connection.state === "open" && this.#story.run.n) this.#on.state("working");
    else if (!this.#story.run.n) this.#on.state("connecting");
  }

  /** @param {any} error why there will be no more */
  #cut(error) {
    const refused = Boolean(error.problem);
    this.#on.state(refused ? "rejected" : "cut");
    if (refused) this.#on.refused(error.problem);
    else this.#on.refused({ detail: error.message });
    this.#head.cut();
    this.#head.element.hidden = this.#story.run.n === 0; // of a run that there never was, there is nothing to be said
    this.#rows.cut();
  }

  #draw() {
    this.#frame = 0;
    const changed = this.#changed;
    this.#changed = new Set();
    this.#rows.draw(changed, now());
    this.#timeline.draw(now());
    this.#head.draw(this.#story, now());
    this.#readOut();
  }

  #tick() {
    if (document.hidden) return;
    this.#rows.tick(now());
    this.#timeline.draw(now());
    this.#head.draw(this.#story, now());
  }

  /** What of an event is read out to those who hear the page: each sentence once, and a text when it is whole. */
  #sentences(/** @type {any} */ event) {
    const { state, reason, problem, seconds } = this.#story.run;
    if (TERMINAL.has(event.type)) {
      return [`${ENDINGS[/** @type {keyof ENDINGS} */ (state)]} in ${duration(seconds ?? 0)}. `
        + (state === "failed" ? sentence(problem) : reason ?? "")];
    }
    const step = this.#story.steps.get(event.step);
    if (!step || !event.n) return [];
    if (event.type === "step.started") return [step.title];
    const spoken = event.type === "step.finished" ? step.lines.filter(({ kind }) => kind === "tokens") : [];
    const line = step.lines.at(-1);
    if (line && line.n === event.n && !NOT_READ_OUT.has(line.kind)) spoken.push(line);
    return spoken.map(aloud);
  }

  #readOut() {
    const sentences = this.#again && this.#toRead.length > MOST_READ_OUT ? this.#toRead.slice(-1) : this.#toRead;
    if (this.#toRead.length) this.#again = false;
    this.#toRead = [];
    this.#log.append(...sentences.slice(-MOST_IN_LOG).map((sentence) => element("p", {}, sentence)));
    while (this.#log.childElementCount > MOST_IN_LOG) this.#log.firstElementChild?.remove();
  }

  /** @param {any} detail @returns {Promise<unknown>} */
  async #data({ data, link }) {
    if (!link) return data;
    const response = await fetch(new URL(link, this.run?.url), { signal: this.#leaving.signal });
    if (!response.ok) throw new Error(sentence(await response.json().catch(() => null)));
    return response.json();
  }

  /** @param {HTMLButtonElement} button @param {string} text */
  async #copy(button, text) {
    const before = button.dataset.says ??= button.textContent ?? "";
    try {
      await navigator.clipboard.writeText(text);
      setText(button, "Copied");
    } catch {
      setText(button, "Not allowed");
    }
    setTimeout(() => setText(button, before), 1500);
  }
}

/** A line as it is read out. @param {import("./story.js").Line} line */
function aloud({ kind, text, event }) {
  if (kind === "question") return `Question: ${text}${offered(/** @type {any} */ (event))}`;
  return kind === "answer" ? text.replace("→", "Answer:") : text;
}

/**
 * Whether a run outlives its reader for long enough to take turns.
 * @param {{linger?: number | null, detached?: boolean}} declared by its pipeline, or told of the run
 */
function lingers({ linger, detached }) {
  return detached || linger === null || (linger ?? 0) >= LEAST_LINGER;
}
