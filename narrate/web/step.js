// @ts-check
// One step of a story, or one item of `each`: what the record tells of it, and what live status says ahead of that.
//
// What is told waits for its lane's turn, status does not. So status is believed for as long as the end of the step has
// not been told; then the record has the last word. The same rules and words as in `narrate/snapshot.py`. Pure.

import { INTERRUPTED, goingOn, missing, replied, retried, sentence } from "./transcript.js";

/**
 * An event as it travels; `/schema/events.json` says what each type carries.
 * @typedef {{type: string, n?: number, t: number, [field: string]: any}} StoryEvent
 */

/**
 * @typedef {"waiting" | "working" | "retrying" | "done" | "skipped" | "failed" | "cancelled" | "unreached" |
 *   "unknown"} StepState
 */

/** @typedef {{done: number | null, of: number | null, unit: string | null, text: string | null}} Progress */

/**
 * What a step waits for a person to answer: question number `n`, with what may be answered (null for any text), and
 * what the answer will be when the run comes to second `until`.
 * @typedef {{n: number, question: string, choices: string[] | null, default: string | null, until: number | null}}
 *   Question
 */

/**
 * One thing that a step said. Only two things about a line ever change: tokens go on to grow while they are the last
 * line, and a message is found to be of kind `fallback` when the step ends and says that a stand-in gave its value.
 *
 * `n` is the number of the event it is of (of tokens, that of the first), which is `event`.
 * @typedef {{
 *   n: number,
 *   kind: "message" | "tokens" | "detail" | "question" | "answer" | "retry" | "fallback" | "summary" | "skipped" |
 *     "failed" | "cancelled" | "gap",
 *   text: string,
 *   event: StoryEvent,
 * }} Line
 */

/** What a status may say of a step that has ended, though its turn to be told has not come. */
const OVER = new Set(["done", "failed", "cancelled"]);

/** What a step may be by the record for status to be believed. */
const OPEN = new Set(["waiting", "working", "retrying", "unknown"]);

/** What a step is while it may wait for a person. */
const UNDER_WAY = new Set(["working", "retrying"]);

/** Events of a record that are of one step. */
export const TOLD_OF_STEPS = new Set([
  "step.started", "message", "token", "detail", "question", "answer", "step.retrying", "step.finished", "step.skipped",
  "step.failed", "step.cancelled",
]);

export class Step {
  /** Its name as the record has it, until its title is known. */
  title;
  /** @type {"step" | "pipeline" | "item"} */
  kind;
  /** @type {string | null} the path of what it is inside of */
  parent;
  /** @type {string[]} the items of its `each`: those told of in their order, then those only heard of by status */
  items = [];
  /** @type {StepState} */
  state = "waiting";
  /** Whether the record has told anything of it. */
  told = false;
  /** @type {number | null} the number of the event that told of it first: an item's place among its step's lines */
  n = null;
  /** @type {number | null} seconds into the run; of an item that waited for its turn, corrected when it finishes */
  began = null;
  /** @type {number | null} seconds into the run */
  ended = null;
  /** @type {number | null} how long it took, once its end has been told */
  seconds = null;
  /** @type {number | null} seconds that it takes by experience */
  usual = null;
  /** The number of the attempt that is under way, or was the last. */
  attempt = 1;
  /** @type {Progress | null} how far it is, while it works */
  progress = null;
  /** @type {string | null} its summary */
  text = null;
  /** @type {string | null} why it was skipped, cancelled or tried again, or why a stand-in had to give its value */
  reason = null;
  /** @type {string | null} why a stand-in had to give its value */
  fallback = null;
  /** @type {any} the problem document of a step that failed */
  problem = null;
  /** @type {Line[]} */
  lines = [];

  /** @type {StepState} what the record says */
  #word = "waiting";
  /** @type {StoryEvent | null} the latest status */
  #status = null;
  /** @type {number | null} when it was announced */
  #announced = null;
  /** How many of its items the record has told of. */
  #itemsTold = 0;
  /** @type {Map<number, Question>} what it has asked and has not been answered, by number */
  #asked = new Map();

  /**
   * @param {string} path
   * @param {"step" | "pipeline" | "item"} kind
   * @param {string | null} parent
   */
  constructor(path, kind, parent) {
    this.path = path;
    this.title = path;
    this.kind = kind;
    this.parent = parent;
  }

  /** What it waits for a person to answer, in the order of asking. */
  get questions() {
    return UNDER_WAY.has(this.state) ? [...this.#asked.values()] : [];
  }

  /**
   * Take the next event of the record that is of this step.
   * @param {StoryEvent} event
   * @param {boolean} goesOn whether the event before it was a token of this step as well
   */
  tell(event, goesOn) {
    this.told = true;
    this.n ??= numberOf(event);
    if (this.#word === "waiting") this.#word = "unknown"; // where its announcement is missing, it has begun at least
    switch (event.type) {
      case "step.started": this.#start(event); break;
      case "message": this.#say("message", event.text, event); break;
      case "token": this.#pass(event, goesOn); break;
      case "detail": this.#say("detail", event.title, event); break;
      case "question": this.#ask(event); break;
      case "answer": this.#answer(event); break;
      case "step.retrying": this.#retry(event); break;
      case "step.finished": this.#finish(event); break;
      case "step.skipped": this.#skip(event); break;
      case "step.failed": this.#stop("failed", sentence(event.problem), event); break;
      case "step.cancelled": this.#stop("cancelled", `Stopped: ${event.reason}`, event); break;
    }
    this.#settle();
  }

  /**
   * Put an item that the record tells of for the first time behind those that it told of before.
   * @param {string} item
   */
  order(item) {
    const place = this.#itemsTold++;
    if (this.items[place] === item) return; // nearly always: they are heard of in the order in which they are announced
    this.items.splice(this.items.indexOf(item), 1);
    this.items.splice(place, 0, item);
  }

  /**
   * Take a status. The latest is believed: what status said to be done, and the record did not, is lost with a server
   * that stops, and begins again.
   * @param {StoryEvent} status
   */
  report(status) {
    if (!OPEN.has(this.#word)) return; // nothing takes back what was told
    const isOver = OVER.has(status.state);
    this.#status = status;
    this.ended = isOver ? status.t : null;
    if (!isOver) this.began ??= status.t;
    this.#settle();
  }

  /** It has begun, though its announcement was not heard: history is missing. */
  doubt() {
    if (this.#word === "waiting") this.#word = "unknown";
    this.#settle();
  }

  /** Take it that history is missing, in which the step may have ended. @param {StoryEvent} gap */
  miss(gap) {
    if (this.#word === "working" || this.#word === "retrying") this.#say("gap", missing(gap), gap);
    if (OPEN.has(this.#word)) this.#word = "unknown";
    this.#settle();
  }

  /** Take it that the run has ended. */
  close() {
    if (this.#word === "waiting") this.#word = "unreached";
    this.#status = null;
    this.#asked.clear();
    this.#settle();
  }

  /** @param {StoryEvent} event */
  #start({ title, t }) {
    this.title = title;
    this.#word = "working";
    this.began = this.#announced = t;
  }

  /** @param {StoryEvent} event */
  #ask(event) {
    this.#isAtWork();
    this.#asked.set(event.n ?? 0, questionOf(event));
    this.#say("question", event.question, event);
  }

  /** @param {StoryEvent} event */
  #answer(event) {
    const question = this.#asked.get(event.to)?.question;
    this.#asked.delete(event.to);
    this.#isAtWork();
    this.#say("answer", replied(event, question), event);
  }

  /** Who asks, or is answered, is at work, also where history is missing. */
  #isAtWork() {
    if (this.#word === "unknown") this.#word = "working";
  }

  /** @param {StoryEvent} event */
  #retry(event) {
    if (event.reason === INTERRUPTED) this.#become("working"); // no attempt of it has failed
    else this.#become("retrying", event.reason);
    this.attempt = event.attempt + 1;
    this.#say("retry", retried(event), event);
    const heard = this.#status;
    if (event.reason === INTERRUPTED && heard && OVER.has(heard.state) && heard.t < event.t) {
      this.#status = this.ended = null; // the end that it said was lost with the server
    }
  }

  /** @param {StoryEvent} event */
  #finish(event) {
    const { seconds, text, fallback, t } = event;
    this.#become("done", fallback, seconds, text);
    this.ended = t;
    // An item is announced with all of its round, and may wait long until it is begun.
    if (this.kind === "item" || this.began === null) this.began = rounded(t - seconds);
    if (fallback) this.#standIn(fallback, event);
    if (text) this.#say("summary", text, event);
  }

  /**
   * Mark the line that told of the stand-in when it began. Where history is missing and the line with it, tell it now.
   * @param {string} reason
   * @param {StoryEvent} event
   */
  #standIn(reason, event) {
    this.fallback = reason;
    const line = this.lines.findLast(({ kind, text }) => kind === "message" && text === goingOn(reason));
    if (line) line.kind = "fallback";
    else this.#say("fallback", goingOn(reason), event);
  }

  /** @param {StoryEvent} event */
  #skip(event) {
    this.#become("skipped", event.reason);
    this.#say("skipped", `Skipped: ${event.reason}`, event);
  }

  /** @param {"failed" | "cancelled"} word @param {string} text @param {StoryEvent} event */
  #stop(word, text, event) {
    const { t, reason, problem = null } = event;
    this.#become(word, reason, this.#announced === null ? null : rounded(t - this.#announced));
    this.ended = t;
    this.problem = problem;
    this.#say(word, text, event);
  }

  /**
   * @param {StepState} word
   * @param {string | null} [reason]
   * @param {number | null} [seconds]
   * @param {string | null} [text]
   */
  #become(word, reason = null, seconds = null, text = null) {
    this.#word = word;
    this.reason = reason;
    this.seconds = seconds;
    this.text = text;
  }

  /** @param {Line["kind"]} kind @param {string} text @param {StoryEvent} event */
  #say(kind, text, event) {
    this.lines.push({ n: numberOf(event), kind, text, event });
  }

  /** @param {StoryEvent} token @param {boolean} goesOn */
  #pass(token, goesOn) {
    const last = this.lines.at(-1);
    if (goesOn && last?.kind === "tokens") last.text += token.text;
    else this.#say("tokens", token.text, token);
  }

  /** What is seen of it: by the record, and where that is behind, by status. */
  #settle() {
    const status = OPEN.has(this.#word) ? this.#status : null;
    this.state = this.#word;
    if (this.#word === "retrying" && this.#asked.size) this.state = "working"; // in an attempt that waits for a person
    this.progress = null;
    if (status === null) return;
    if (OVER.has(status.state)) this.state = status.state;
    else if (this.#word !== "retrying") this.state = "working";
    const { done = null, of = null, unit = null, text = null } = status;
    if ([done, of, unit, text].some((value) => value !== null)) this.progress = { done, of, unit, text };
  }
}

/** What a question asks. @param {StoryEvent} event @returns {Question} */
export function questionOf({ n = 0, t, question, choices = null, default: otherwise = null, within }) {
  return { n, question, choices, default: otherwise, until: within == null ? null : rounded(t + within) };
}

/** Of tokens that were joined, the number of the first. @param {StoryEvent} event @returns {number} */
const numberOf = (event) => event.first ?? event.n ?? 0;

/** To the tenth of a millisecond, as the record has its times. @param {number} seconds */
const rounded = (seconds) => Math.round(seconds * 1e4) / 1e4;
