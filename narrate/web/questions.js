// @ts-check
// A question that a step asks a person: the form that answers it, until it is answered, and then the question alone.
//
// It takes the place of a line of its step. Nothing here moves the focus to where nobody has put it: a question may
// come while something else is written. Only who answers is kept where the form was, when that goes.

import { element, setText } from "./dom.js";
import { countdown } from "./words.js";

/** @typedef {import("./step.js").Question} Question */
/** @typedef {import("./narrate.js").Answer} Told */
/** @typedef {(value: string, to: number) => Promise<Told | undefined>} Give  Gives an answer to question `to`. */

/**
 * What goes into a form: its `controls`, which of them the focus goes to, and what is answered when a button is pressed
 * (null: nothing yet).
 * @typedef {{controls: HTMLElement[], focusable: HTMLElement, value: (pressed: HTMLElement | null) => string | null}}
 *   Fields
 */

const MOST_BUTTONS = 5;
const LONGEST_BUTTON = 28; // characters; buttons of more are no buttons to look at
const MOST_RADIOS = 8;
const UNREACHED = "The server cannot be reached. Your answer is not sent; try again.";
const OVER = new Set([403, 404, 409, 410]); // to answer again would change nothing

/**
 * How choices are laid before people: short ones as buttons, some or long ones to mark, many in a list.
 * @param {readonly string[] | null} choices
 * @returns {"text" | "buttons" | "radios" | "list"}
 */
export function shapeOf(choices) {
  if (!choices) return "text";
  const short = choices.every((choice) => choice.length <= LONGEST_BUTTON && !choice.includes("\n"));
  if (choices.length <= MOST_BUTTONS && short) return "buttons";
  return choices.length <= MOST_RADIOS ? "radios" : "list";
}

/** A question in its place, from when it is asked on. */
export class QuestionForm {
  #question;
  #give;
  /** @type {Fields} */
  #fields;
  #until = element("p", { class: "until" });
  #wrong = element("p", { class: "wrong", role: "alert", hidden: true });
  #says = element("p", { class: "sent", role: "status" });
  #form;
  #line;
  #state = /** @type {"open" | "sent" | "over"} */ ("open");

  /**
   * @param {Question} question
   * @param {Give} give
   */
  constructor(question, give) {
    this.#question = question;
    this.#give = give;
    const id = `question-${question.n}`;
    this.#wrong.id = `${id}-wrong`;
    const asked = element("legend", { class: "line", "data-kind": "question", id }, question.question);
    this.#fields = FIELDS[shapeOf(question.choices)](question, id);
    const listening = { onsubmit: (/** @type {any} */ event) => this.#submit(event), oninput: () => this.#say("") };
    this.#form = element("form", { novalidate: true, ...listening },
      element("fieldset", {}, asked, ...this.#fields.controls, this.#until, this.#says, this.#wrong));
    this.#line = element("p", { class: "line", "data-kind": "question" }, question.question);
    this.element = element("div", { class: "question", tabindex: "-1" }, this.#line);
  }

  /** Show that it is waited for, or no more: then what was asked stays. @param {boolean} open */
  draw(open) {
    if (open === this.#isOpen) return;
    const wasHere = focusedIn(this.element);
    this.element.replaceChildren(open ? this.#form : this.#line);
    this.element.toggleAttribute("data-open", open);
    if (wasHere) this.element.focus({ preventScroll: true }); // from here the next question is one step away
  }

  /** Bring up to date how long it is waited for. @param {number} now seconds into the run */
  tick(now) {
    if (this.#isOpen) setText(this.#until, waitedFor(this.#question, now));
  }

  /** Take it that the server is heard again: it is no longer true that it cannot be reached. */
  reached() {
    if (this.#wrong.textContent === UNREACHED) this.#say("");
  }

  /** Go to where it is answered. */
  focus() {
    this.#fields.focusable.focus();
  }

  get #isOpen() {
    return this.#form.parentNode === this.element;
  }

  /** @param {SubmitEvent} event */
  async #submit(event) {
    event.preventDefault();
    if (this.#state !== "open") return;
    const pressed = /** @type {HTMLElement | null} */ (event.submitter);
    const value = this.#fields.value(pressed);
    if (value === null) return this.#refuse(this.#question.choices ? "Choose one of them." : "Write an answer first.");
    this.#turn("sent");
    pressed?.toggleAttribute("data-pressed", true);
    this.#say("");
    try {
      const told = await this.#give(value, this.#question.n);
      if (!told) setText(this.#says, "Your answer is kept, and will be told as soon as the run goes on.");
    } catch (error) {
      pressed?.removeAttribute("data-pressed");
      const { problem } = /** @type {any} */ (error);
      this.#turn(OVER.has(problem?.status) ? "over" : "open");
      this.#refuse(refusal(problem));
    }
  }

  /** @param {string} why */
  #refuse(why) {
    this.#say(why);
    // Back to what is to be filled in, for who has not gone elsewhere meanwhile.
    const { focusable } = this.#fields;
    if (this.#state === "open" && focusedIn(this.element) && focusable.localName !== "button") focusable.focus();
  }

  /** @param {string} wrong */
  #say(wrong) {
    setText(this.#wrong, wrong);
    this.#wrong.hidden = !wrong;
    const { focusable } = this.#fields;
    if (this.#question.choices) return;
    if (!wrong) return focusable.removeAttribute("aria-invalid");
    focusable.setAttribute("aria-invalid", "true");
    focusable.setAttribute("aria-describedby", this.#wrong.id);
  }

  /** Unlike what is `disabled`, what is only turned off keeps the focus. @param {"open" | "sent" | "over"} state */
  #turn(state) {
    this.#state = state;
    const off = state !== "open";
    this.#form.ariaBusy = String(state === "sent");
    for (const control of this.#form.querySelectorAll("button, input, select, textarea")) {
      control.setAttribute("aria-disabled", String(off));
      if (control instanceof HTMLTextAreaElement) control.readOnly = off;
    }
  }
}

/** What goes into a form, for each shape. */
const FIELDS = {
  /** @param {Question} question */
  buttons({ choices }) {
    const buttons = /** @type {string[]} */ (choices).map((choice) =>
      element("button", { type: "submit", value: choice }, choice || "–"));
    const value = (/** @type {HTMLElement | null} */ pressed) =>
      pressed ? /** @type {HTMLButtonElement} */ (pressed).value : null;
    return { controls: [element("div", { class: "choices" }, ...buttons)], focusable: buttons[0], value };
  },

  /** @param {Question} question @param {string} name */
  radios({ choices }, name) {
    const radios = /** @type {string[]} */ (choices)
      .map((choice) => element("input", { type: "radio", name, value: choice }));
    const marks = radios.map((radio) => element("label", {}, radio, element("span", {}, radio.value)));
    const value = () => radios.find(({ checked }) => checked)?.value ?? null;
    return { controls: [element("div", { class: "marks" }, ...marks), send()], focusable: radios[0], value };
  },

  /** @param {Question} question @param {string} id */
  list({ choices }, id) {
    const list = element("select", { "aria-labelledby": id }, element("option", { value: "" }, "Choose…"),
      .../** @type {string[]} */ (choices).map((choice) => element("option", { value: choice }, choice)));
    const value = () => (list.selectedIndex > 0 ? list.value : null);
    return { controls: [element("div", { class: "written" }, list, send())], focusable: list, value };
  },

  /** @param {Question} _question @param {string} id */
  text(_question, id) {
    const listening = { onkeydown: sendOnEnter };
    const text = element("textarea", { "aria-labelledby": id, rows: "1", enterkeyhint: "send", ...listening });
    const value = () => (text.value.trim() ? text.value : null);
    return { controls: [element("div", { class: "written" }, text, send())], focusable: text, value };
  },
};

const send = () => element("button", { type: "submit", class: "send" }, "Answer");

/**
 * Enter sends; with Shift it is a new line, and while a word is being composed it belongs to that.
 * @param {KeyboardEvent} event
 */
function sendOnEnter(event) {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  const form = /** @type {HTMLTextAreaElement} */ (event.target).form;
  form?.requestSubmit(form.querySelector("button"));
}

/** @param {Element} place */
function focusedIn(place) {
  const root = /** @type {Document | ShadowRoot} */ (place.getRootNode());
  return place.contains(root.activeElement ?? null);
}

/** How long a question is waited for, and what comes then. @param {Question} question @param {number} now */
function waitedFor({ until, default: otherwise }, now) {
  if (until === null) return "";
  const left = until - now;
  if (left <= 0) return "The time is over.";
  return otherwise === null ? `It waits for ${countdown(left)}.`
    : `If nobody answers: ${otherwise}, in ${countdown(left)}.`;
}

/** Why an answer was not taken. @param {any} problem none where nobody could be reached */
function refusal(problem) {
  if (!problem) return UNREACHED;
  const why = problem.detail ?? problem.title;
  return problem.status === 403 ? `You may not answer this: ${why}` : why;
}
