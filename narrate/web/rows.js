// @ts-check
// The rows of a story: one a step, laid out at once from the outline, each with what was told of it under its title.
//
// They draw what a Story holds and keep nothing of their own but what was drawn already, so that a frame costs what is
// new in it: a token is added to the text node that is there. A question is drawn, and answered, in `questions.js`.

import { drawDetail } from "./details.js";
import { element, setText } from "./dom.js";
import { mark } from "./marks.js";
import { QuestionForm } from "./questions.js";
import { questionOf } from "./step.js";
import { STATES, about, called, duration, howFar, number, size } from "./words.js";

/** @typedef {import("./story.js").Story} Story */
/** @typedef {import("./story.js").Stage} Stage */
/** @typedef {import("./story.js").Step} Step */
/** @typedef {import("./story.js").Line} Line */
/** @typedef {import("./questions.js").Give} Give */
/** @typedef {(detail: any) => Promise<unknown>} Data  Gives a detail's data, which is fetched when it is large. */

/** Items of one step that get a row each; of the others it is said how many they are. */
const MOST_ITEMS = 100;

const ENDED = new Set(["done", "skipped", "failed", "cancelled", "unreached"]);

export class Rows {
  /** @type {Map<string, Row>} */
  #rows = new Map();
  #story;
  #data;
  #give;

  /**
   * @param {Story} story
   * @param {Data} data
   * @param {Give} give
   */
  constructor(story, data, give) {
    this.#story = story;
    this.#data = data;
    this.#give = give;
    this.element = element("ol", { class: "story" });
  }

  /**
   * Bring the rows of these steps up to date. What has no row yet gets one: the first call lays out the outline.
   * @param {Iterable<string>} paths
   * @param {number} at local seconds
   */
  draw(paths, at) {
    if (!this.#rows.size && this.#story.stages.length) this.#layOut(this.#story.stages, this.element);
    for (const path of paths) {
      const step = this.#story.steps.get(path);
      if (!step || this.#isUnnamed(step)) continue;
      const row = this.#row(step);
      if (!row) continue;
      if (step.kind === "item" && step.told && !row.told) this.#order(step, row);
      row.draw(step, this.#times(step, at));
    }
    this.tick(at);
  }

  /**
   * Bring up to date what changes by itself: the seconds of what is under way.
   * @param {number} at local seconds
   */
  tick(at) {
    for (const step of this.#story.steps.values()) {
      const row = this.#rows.get(step.path);
      if (row && !row.settled) row.time(step, this.#times(step, at));
    }
  }

  /** Go to the first question that waits for an answer. */
  focusQuestion() {
    for (const { step, n } of this.#story.questions()) {
      const form = this.#rows.get(step)?.asked.get(n);
      if (form) return form.focus();
    }
  }

  /** Take it that the server is heard again. */
  reached() {
    for (const row of this.#rows.values()) for (const form of row.asked.values()) form.reached();
  }

  /** Leave open what was under way: what becomes of it will not be heard. */
  cut() {
    for (const row of this.#rows.values()) if (!row.settled) row.cut();
  }

  /** @param {Step} step @param {number} at */
  #times(step, at) {
    const long = this.#story.isLong(step.path, at) && !step.questions.length; // it is not the step that takes long
    return { now: this.#story.elapsed(at), elapsed: this.#story.elapsedOf(step.path, at), long };
  }

  /** @param {readonly Stage[]} stages @param {HTMLElement} place */
  #layOut(stages, place) {
    for (const stage of stages) {
      if (stage.kind === "concurrent") {
        const lanes = element("ol", { class: "lanes" });
        place.append(element("li", { class: "group" }, element("p", { class: "together" }, "At the same time"), lanes));
        this.#layOut(stage.members, lanes);
        continue;
      }
      const step = this.#story.steps.get(stage.step);
      if (!step) continue;
      const row = this.#place(step, place);
      row.draw(step, this.#times(step, 0));
      if (stage.kind === "pipeline") this.#layOut(stage.stages, row.inner(0));
    }
  }

  /** Whether it is an item of which status alone has spoken: its step counts it, and the record will say what it is.
   * @param {Step} step */
  #isUnnamed({ path, kind, told }) {
    return kind === "item" && !told && !this.#rows.has(path);
  }

  /** @param {Step} step @returns {Row | undefined} */
  #row(step) {
    const found = this.#rows.get(step.path);
    if (found) return found;
    const outer = step.parent === null ? undefined : this.#story.steps.get(step.parent);
    if (!outer) return this.#place(step, this.element);
    const row = this.#row(outer);
    return row?.hasRoom(outer) ? this.#place(step, row.inner(step.n ?? Infinity)) : undefined;
  }

  /** Put an item that is told at last where it is told: status may have spoken of others first.
   * @param {Step} step @param {Row} row */
  #order(step, row) {
    const outer = /** @type {Step} */ (this.#story.steps.get(/** @type {string} */ (step.parent)));
    const place = /** @type {Row} */ (this.#row(outer)).inner(step.n ?? Infinity);
    const before = this.#rows.get(outer.items[outer.items.indexOf(step.path) - 1])?.element;
    if (before?.parentElement !== place) place.prepend(row.element);
    else if (before.nextElementSibling !== row.element) before.after(row.element);
  }

  /** @param {Step} step @param {HTMLElement} place */
  #place(step, place) {
    const row = new Row(step, this.#data, this.#give);
    this.#rows.set(step.path, row);
    place.append(row.element);
    return row;
  }
}

/** @typedef {{now: number, elapsed: number | null, long: boolean}} Times */

class Row {
  /** Whether nothing about its time will change any more. */
  settled = false;
  /** Whether what is drawn is from the record, and not from status alone. */
  told = false;
  /** @type {HTMLElement[]} */
  #lines = [];
  /** @type {WeakMap<Node, number>} the number of the event that each line, and each list of what is inside, is of */
  #numbers = new WeakMap();
  #items = 0;
  #state = "";
  #data;
  #give;
  /** @type {Map<number, QuestionForm>} what was asked, by number */
  asked = new Map();

  /**
   * @param {Step} step
   * @param {Data} data
   * @param {Give} give
   */
  constructor(step, data, give) {
    this.#data = data;
    this.#give = give;
    this.mark = element("span", { class: "mark" });
    this.title = element("span", { class: "title" });
    this.said = element("span", { class: "unseen" });
    this.far = element("span", { class: "far" });
    this.seconds = element("span", { class: "time" });
    this.bar = element("progress", { max: "1", "aria-label": "How far it is" });
    this.lines = element("div", { class: "lines" });
    this.more = element("p", { class: "note" });
    const head = element("div", { class: "top" }, this.title, this.said, this.far, this.seconds);
    this.element = element("li", { class: "step", "data-step": step.path, "data-kind": step.kind }, this.mark,
      element("div", { class: "body" }, head, this.lines));
  }

  /** The list into which a row goes that was announced by event `n`: lines and lists stand in the order of their telling.
   * @param {number} n @returns {HTMLElement} */
  inner(n) {
    const before = this.#before(n);
    if (before instanceof HTMLOListElement) return before;
    return this.#put(element("ol", { class: "inner" }), n, before);
  }

  /** Whether the row of another item fits in. Where none does, it is said how many are left out. @param {Step} step */
  hasRoom({ items }) {
    if (this.#items < MOST_ITEMS) {
      this.#items += 1;
      return true;
    }
    if (!this.more.isConnected) this.lines.after(this.more);
    setText(this.more, `… and ${items.length - MOST_ITEMS} more`);
    return false;
  }

  /** @param {number} n */
  #before(n) {
    let before = this.lines.lastElementChild;
    while (before && /** @type {number} */ (this.#numbers.get(before)) > n) before = before.previousElementSibling;
    return before;
  }

  /** @template {HTMLElement} T @param {T} made @param {number} n @param {Element | null} before */
  #put(made, n, before) {
    this.#numbers.set(made, n);
    if (before) before.after(made);
    else this.lines.prepend(made);
    return made;
  }

  /** @param {Step} step @param {Times} times */
  draw(step, times) {
    setText(this.title, called(step));
    this.told = step.told;
    const state = step.questions.length ? "asking" : step.state;
    if (state !== this.#state) {
      this.#state = state;
      this.element.dataset.state = step.state;
      this.element.toggleAttribute("data-asking", state === "asking");
      this.mark.replaceChildren(mark(state));
      this.settled = ENDED.has(step.state);
    }
    setText(this.said, ` (${STATES[state]})`);
    this.#drawProgress(step);
    this.#drawLines(step);
    this.time(step, times);
  }

  cut() {
    this.settled = true;
    for (const form of this.asked.values()) form.draw(false);
    this.element.removeAttribute("data-asking");
    this.element.dataset.state = "unknown";
    this.mark.replaceChildren(mark("unknown"));
    setText(this.said, ` (${STATES.unknown})`);
    setText(this.seconds, "");
    this.bar.remove();
  }

  /** @param {Step} step @param {Times} times */
  time(step, { now, elapsed, long }) {
    for (const form of this.asked.values()) form.tick(now);
    const usual = step.usual ? `usually ${about(step.usual)}` : "";
    this.element.toggleAttribute("data-long", long && !this.settled);
    if (step.state === "waiting") setText(this.seconds, usual);
    else if (this.settled) setText(this.seconds, step.seconds == null ? "" : duration(step.seconds));
    else setText(this.seconds, [elapsed == null ? "" : duration(elapsed), long ? "longer than usual" : usual]
      .filter(Boolean).join(" · "));
  }

  /** @param {Step} step */
  #drawProgress({ progress }) {
    const { done, of } = progress ?? {};
    setText(this.far, this.settled ? "" : howFar(progress));
    if (this.settled || done == null || !of) return this.bar.remove();
    this.bar.value = Math.min(1, done / of);
    if (!this.bar.isConnected) this.far.before(this.bar);
  }

  /** @param {Step} step */
  #drawLines({ lines, questions }) {
    const drawn = this.#lines;
    const last = lines[drawn.length - 1];
    if (last?.kind === "tokens") {
      const text = /** @type {Text} */ (drawn[drawn.length - 1].firstChild);
      text.appendData(last.text.slice(text.length));
    }
    for (const line of lines.slice(drawn.length)) {
      const made = this.#made(line);
      drawn.push(this.#put(made, line.n, this.#before(line.n)));
    }
    // Only its end says of a step that what it said was said by a stand-in.
    if (this.settled) lines.forEach(({ kind }, n) => kind === "fallback" && (drawn[n].dataset.kind = kind));
    const open = new Set(questions.map(({ n }) => n));
    for (const [n, form] of this.asked) form.draw(open.has(n));
  }

  /** @param {Line} line */
  #made(line) {
    if (line.kind === "detail") return detail(line, this.#data);
    if (line.kind !== "question") return said(line);
    const form = new QuestionForm(questionOf(line.event), this.#give);
    this.asked.set(line.n, form);
    return form.element;
  }
}

/** @param {Line} line */
function said({ kind, text, event }) {
  const spoken = element("p", { class: "line", "data-kind": kind }, document.createTextNode(text));
  const errors = kind === "failed" ? event.problem.errors ?? [] : [];
  if (errors.length) {
    spoken.append(element("ul", {}, ...errors.map((/** @type {any} */ one) => element("li", {}, one.detail))));
  }
  return spoken;
}

/**
 * A detail, which is drawn when it is first opened, and fetched then if it came without its data.
 * @param {Line} line
 * @param {Data} data
 */
function detail({ text, event }, data) {
  const content = element("div", { class: "content" });
  let drawn = false;
  const open = async () => {
    if (drawn || !folded.open) return;
    drawn = true;
    content.replaceChildren(element("p", { class: "note", role: "status" }, "Fetching it…"));
    try {
      content.replaceChildren(drawDetail(await data(event), text));
    } catch (error) {
      drawn = false; // opened again, it is asked for again
      content.replaceChildren(element("p", { class: "note", role: "alert" },
        `It could not be fetched: ${/** @type {Error} */ (error).message} Open it again to try once more.`));
    }
  };
  const summary = element("summary", {}, element("span", {}, text), element("small", {}, extent(event)));
  const folded = element("details", { class: "detail", ontoggle: open }, summary, content);
  return folded;
}

/** How much there is to see, before it is opened. @param {any} event */
function extent({ data, size: bytes }) {
  if (Array.isArray(data)) return `${number(data.length)} ${data.length === 1 ? "entry" : "entries"}`;
  return data === undefined && bytes ? size(bytes) : "";
}
