// @ts-check
// The head of a run: what has become of it, how long it takes and is expected to take, and what can be done about it.

import { element, setText } from "./dom.js";
import { mark } from "./marks.js";
import { about, called, duration, sentence } from "./words.js";

/** @typedef {import("./story.js").Story} Story */

const WORDS = {
  waiting: "Beginning…",
  working: "Working",
  asking: "Waiting for your answer",
  finished: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
  connecting: "Connecting…",
  cut: "Cut off",
};
const MARKS = { finished: "done", failed: "failed", cancelled: "cancelled", cut: "failed" };
const LIKE = { ...MARKS, asking: "asking" };
const SAID = new Set(["message", "summary"]);
const PASSING = new Set([429, 503, 504]); // what another try may well not meet again

/** The buttons of a run, which stay while runs come and go. */
export function controls() {
  const button = (/** @type {string} */ says, /** @type {string} */ kind) =>
    element("button", { type: "button", class: kind }, says);
  return {
    cancel: button("Cancel", "cancel"),
    again: button("Run again", "again"),
    copy: button("Copy as text", "copy"),
    link: button("Copy link", "link"),
  };
}

export class Head {
  #parts = {
    title: element("h2"),
    note: element("p", { class: "note" }),
    mark: element("span", { class: "mark" }),
    word: element("strong", { class: "status" }, WORDS.connecting),
    clock: element("span", { class: "clock" }),
    left: element("span", { class: "left" }),
    now: element("span", { class: "now", "aria-hidden": "true" }),
    go: element("button", { type: "button", class: "go", hidden: true }, "Go to the question"),
    state: element("p", { class: "state", tabindex: "-1" }),
    whole: element("progress", { class: "whole", max: "1", "aria-label": "How far the run is" }),
    problem: element("div", { class: "problem", role: "alert" }),
  };
  #controls;
  #connection = "";
  #known = false; // whether the server has ever answered
  #drawn = "";

  /**
   * @param {boolean} titled whether the pipeline's title stands above already
   * @param {ReturnType<typeof controls>} controls
   * @param {() => void} goToQuestion
   */
  constructor(titled, controls, goToQuestion) {
    const { title, note, mark: drawn, word, clock, left, now, go, state, whole, problem } = this.#parts;
    this.#controls = controls;
    title.hidden = titled;
    note.hidden = problem.hidden = true;
    state.append(drawn, word, clock, left, now);
    go.addEventListener("click", goToQuestion);
    this.element = element("header", { class: "head" }, title, note,
      state,
      element("div", { class: "buttons" }, go, controls.cancel, controls.again, controls.link, controls.copy),
      whole, problem);
    this.#show("connecting", WORDS.connecting);
  }

  /** @param {{state: string, wait?: number, reason?: string}} connection */
  connection({ state, wait, reason }) {
    const soon = wait && wait >= 1 ? ` Trying again in ${duration(wait)}.` : " Trying again.";
    this.#known ||= state === "open";
    const lost = this.#known ? "Connection lost" : "The server cannot be reached";
    this.#connection = state === "queued" ? "Waiting for its turn: other tabs are being told their stories."
      : state === "waiting" ? `${lost}${reason ? `: ${reason}` : "."}${soon}` : "";
    setText(this.#parts.left, this.#connection);
  }

  /** To who has no mouse, this is the place from which the buttons of the run are near. */
  focus() {
    this.#parts.state.focus({ preventScroll: true });
  }

  /** The story will not go on, though its end was not told. */
  cut() {
    this.#connection = "";
    setText(this.#parts.left, "");
    this.#show("cut", WORDS.cut);
  }

  /** @param {Story} story @param {number} at local seconds */
  draw(story, at) {
    const { title, note, clock, left, now, go, whole } = this.#parts;
    const { run } = story;
    if (this.#drawn === "cut") return;
    if (run.title) setText(title, run.title);
    setText(note, run.note ?? "");
    note.hidden = !run.note;
    const ended = run.state === "finished" || run.state === "failed" || run.state === "cancelled";
    const [asked] = story.questions();
    const state = asked ? "asking" : run.n ? run.state : "connecting";
    if (state !== this.#drawn) this.#show(state, WORDS[state]);
    setText(clock, run.n ? duration(story.elapsed(at)) : "");
    setText(left, ended ? run.reason ?? "" : this.#connection || (asked ? "" : remaining(story, at)));
    setText(now, ended ? outcome(story) : asked?.question ?? doing(story));
    go.hidden = !asked;
    const share = ended ? 1 : story.share(at);
    if (share == null) whole.removeAttribute("value");
    else whole.value = share;
    if (run.state === "failed" && this.#parts.problem.hidden) this.#explain(story);
  }

  /** @param {string} state @param {string} word */
  #show(state, word) {
    const { mark: drawn, word: says } = this.#parts;
    const ended = state in MARKS;
    this.#drawn = state;
    this.element.dataset.state = state;
    setText(says, word);
    drawn.replaceChildren(mark(LIKE[/** @type {keyof LIKE} */ (state)] ?? "working"));
    const { cancel } = this.#controls;
    const wasHere = /** @type {Document | ShadowRoot} */ (cancel.getRootNode()).activeElement === cancel;
    cancel.hidden = ended;
    if (ended && wasHere) this.focus();
    this.#controls.again.hidden = !ended;
    this.#controls.link.hidden = this.#controls.copy.hidden = state === "connecting";
  }

  /** @param {Story} story */
  #explain(story) {
    const problem = /** @type {any} */ (story.run.problem);
    const step = problem.step && story.steps.get(problem.step);
    const others = (problem.errors ?? []).map((/** @type {any} */ one) => element("li", {}, one.detail));
    this.#parts.problem.append(
      element("p", {}, element("strong", {}, problem.detail ? `${problem.title}. ` : ""), sentence(problem)),
      ...(others.length ? [element("ul", {}, ...others)] : []),
      element("p", { class: "advice" }, step ? `It failed at “${called(step)}”. ` : "", PASSING.has(problem.status)
        ? "This may pass: run it again in a while."
        : "Run it again, or change what you asked for."),
    );
    this.#parts.problem.hidden = false;
  }
}

/** What is being done now, for those who do not see the row that says so. @param {Story} story */
function doing({ steps }) {
  for (const { state, kind, title } of steps.values()) {
    if (kind === "step" && (state === "working" || state === "retrying")) return title;
  }
  return "";
}

/** What was said last of a run that has finished: mostly what came out. @param {Story} story */
function outcome({ run, steps }) {
  if (run.state !== "finished") return "";
  const said = [...steps.values()].flatMap(({ lines }) => lines).filter(({ kind }) => SAID.has(kind));
  return said.reduce((last, line) => (line.n > last.n ? line : last), { n: 0, text: "" }).text;
}

/** @param {Story} story @param {number} at */
function remaining(story, at) {
  const left = story.run.n ? story.left(at) : null;
  if (left == null) return "";
  return left > 0.5 ? `about ${about(left)} left` : "nearly done";
}
