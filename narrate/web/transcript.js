// @ts-check
// The story as sentences for people, for copying: to the letter what `curl -H 'Accept: text/plain'` shows.
//
// Events in, in their order; the text grows. The same rules as in `narrate/wire/text.py`, and the words of a story that
// the page says too. Pure.

/** @typedef {import("./step.js").StoryEvent} StoryEvent */

/** The reason of a retry that tells of no failed attempt, but of a restart. */
export const INTERRUPTED = "The server stopped in the middle of it.";

/** What ends a step: what it has asked is waited for no more. */
const ENDS = new Set(["step.finished", "step.failed", "step.cancelled"]);

/** What a terminal would obey, should the text be pasted into one. A story may tell what a stranger wrote. */
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/**
 * A problem in one line: its detail where it has one, else its title.
 * @param {{title: string, detail?: string}} problem
 */
export const sentence = (problem) => problem.detail || problem.title;

/**
 * That a step is tried again, and why.
 * @param {StoryEvent} event a `step.retrying`
 */
export function retried({ attempt, of, reason }) {
  if (reason === INTERRUPTED) return `${INTERRUPTED} Beginning again.`;
  return `Attempt ${attempt} of ${of} failed: ${reason} Trying again.`;
}

/**
 * What a step says when a stand-in is to give its value.
 * @param {string} reason
 */
export const goingOn = (reason) => `${reason} Going on without it.`;

/**
 * That history is no longer kept.
 * @param {StoryEvent} event a `gap`
 */
export const missing = ({ from, to }) => `What was told from ${from} to ${to} is no longer kept.`;

/**
 * What a question may be answered with, in brackets; nothing where that is any text.
 * @param {{choices?: readonly string[]}} event a `question`
 */
export const offered = ({ choices }) => (choices?.length ? ` (${choices.join(" / ")})` : "");

/**
 * What came of a question, in a line.
 * @param {{value?: string, by: string}} event an `answer`
 */
export function answered({ value, by }) {
  if (value == null) return "Nobody answered.";
  return by === "person" ? value : `${value} (nobody answered in time)`;
}

/**
 * An answer in its line, which begins with the first words of its question unless it is right below that.
 * @param {StoryEvent} event an `answer`
 * @param {string} [question] undefined where it is not known, because history is missing
 */
export function replied(event, question = "") {
  const name = event.n === event.to + 1 ? "" : question.split("\n").find(Boolean) ?? "";
  return `${name && `${name} `}→ ${answered(/** @type {any} */ (event))}`;
}

/**
 * A text that grows with its events. It remembers which step spoke last, so that a line told later says whose it is; and
 * what is asked, so that an answer that is not right below its question says to which.
 */
export class Transcript {
  #text = "";
  /** @type {Map<string, string>} */
  #titles = new Map();
  /** @type {Map<number, StoryEvent>} the questions that have no answer yet, by their numbers */
  #asked = new Map();
  #latest = "";
  /** Whether the text ends in an open line of tokens of the step that spoke last. */
  #open = false;

  /** All that was told so far. */
  get text() {
    return this.#text;
  }

  /** @param {StoryEvent} event the next of the record */
  take(event) {
    let text;
    if (event.type === "token") text = this.#token(event);
    else text = this.#closed() + this.#lines(event).map((line) => `${line}\n`).join("");
    this.#text += text.replace(CONTROLS, "\ufffd");
    this.#remember(event);
  }

  /** Remember what is asked until it is answered, or its step has ended. @param {StoryEvent} event */
  #remember(event) {
    if (event.type === "question") this.#asked.set(event.n ?? 0, event);
    if (event.type === "answer") this.#asked.delete(event.to);
    if (!ENDS.has(event.type)) return;
    for (const [n, { step }] of this.#asked) if (step === event.step) this.#asked.delete(n);
  }

  /** @param {StoryEvent} event */
  #token({ step, text }) {
    const goesOn = this.#open && step === this.#latest;
    const before = goesOn ? "" : `${this.#closed()}${margin(step)}  ${this.#whose(step)}`;
    this.#open = true;
    return before + text.replaceAll("\n", `\n${margin(step)}  `);
  }

  /** The end of an open line. */
  #closed() {
    const closed = this.#open ? "\n" : "";
    this.#open = false;
    return closed;
  }

  /** @param {StoryEvent} event @returns {string[]} */
  #lines(event) {
    switch (event.type) {
      case "run.started":
        this.#learn(event.outline ?? []);
        return [...(event.note ? [event.note] : []), event.title, ""];
      case "step.started":
        this.#titles.set(event.step, event.title);
        return this.#begun(event.step, event.title);
      case "message": return this.#said(event.step, event.text);
      case "detail": return this.#said(event.step, `[${event.title}]`);
      case "question": return this.#said(event.step, `? ${event.question}${offered(/** @type {any} */ (event))}`);
      case "answer": return this.#said(event.step, replied(event, this.#asked.get(event.to)?.question));
      case "step.retrying": return this.#said(event.step, retried(event));
      case "step.finished": return event.text ? this.#said(event.step, event.text) : [];
      case "step.skipped":
        return this.#begun(event.step, `${this.#titles.get(event.step) ?? event.step} – skipped: ${event.reason}`);
      case "step.failed": return this.#said(event.step, `✗ ${sentence(event.problem)}`);
      case "step.cancelled": return this.#said(event.step, `✗ stopped: ${event.reason}`);
      case "run.finished": return ["", `Done${took(event)}.`];
      case "run.failed": return ["", `Failed${took(event)}: ${sentence(event.problem)}`];
      case "run.cancelled": return ["", `Cancelled${took(event)}: ${event.reason}`];
      case "gap":
        this.#latest = "";
        return [`(${missing(event)})`];
      default: return [];
    }
  }

  /**
   * A step's first line, below that of what it is a part of: which is told again where others spoke meanwhile.
   * @param {string} step @param {string} text
   */
  #begun(step, text) {
    const whole = step.slice(0, Math.max(step.lastIndexOf("/"), 0));
    const again = whole && !`${this.#latest}/`.startsWith(`${whole}/`) ? [`${margin(step)}${this.#title(whole)}:`] : [];
    this.#latest = step;
    return [...again, `${margin(step)}• ${text}`];
  }

  /** @param {string} step @param {string} text */
  #said(step, text) {
    const [first, ...others] = text.split("\n");
    return [`${margin(step)}  ${this.#whose(step)}${first}`, ...others.map((line) => `${margin(step)}  ${line}`)];
  }

  /** Whose line it is, unless the line above was that step's as well. @param {string} step */
  #whose(step) {
    if (step === this.#latest) return "";
    this.#latest = step;
    return `${this.#title(step)}: `;
  }

  /** @param {string} step */
  #title(step) {
    return (this.#titles.get(step) ?? step).replace(/[….:!? ]+$/, "");
  }

  /** @param {any[]} outline */
  #learn(outline) {
    for (const stage of outline) {
      if (stage.kind !== "concurrent") this.#titles.set(stage.step, stage.title);
      this.#learn(stage.members ?? stage.stages ?? []);
    }
  }
}

/** How far in a step stands: by how many others it is within. @param {string} step */
const margin = (step) => "  ".repeat(step.split("/").length - 1);

/** @param {StoryEvent} event */
function took({ seconds }) {
  // Python rounds what is just between two tenths to the even one, which differs for a quarter: 0.25 s are 0.2 s.
  return ` in ${(seconds % 1 === 0.25 ? seconds - 0.05 : seconds).toFixed(1)} s`;
}
