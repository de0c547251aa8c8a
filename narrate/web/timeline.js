// @ts-check
// What ran when: a bar for each step on one axis of seconds, so that parallel work is seen as parallel, and what the
// whole had to wait for is marked. Each bar says in words, too, what it shows.

import { element, setText } from "./dom.js";
import { STATES, called, duration } from "./words.js";

/** @typedef {import("./story.js").Story} Story */

const SHORTEST_AXIS = 1;
const TICKS = 5;
const LAST_LABEL = 0.9; // of the axis: behind it there is no room for words

export class Timeline {
  /** @type {Map<string, {row: HTMLElement, bar: HTMLElement, title: HTMLElement, said: HTMLElement}>} */
  #rows = new Map();
  #bars = element("ol", { class: "bars" });
  #axis = element("div", { class: "axis", "aria-hidden": "true" });
  #story;

  /** @param {Story} story */
  constructor(story) {
    this.#story = story;
    this.element = element("section", { class: "timeline", "aria-label": "What ran when" },
      element("h3", {}, "What ran when"), this.#axis, this.#bars,
      element("p", { class: "legend" }, element("i", { "aria-hidden": "true" }),
        "What the whole had to wait for: the critical path."));
    this.element.hidden = true;
  }

  /** @param {number} at local seconds */
  draw(at) {
    const bars = this.#story.bars(at);
    this.element.hidden = bars.length === 0;
    if (!bars.length) return;
    const left = this.#story.run.state === "working" ? this.#story.left(at) ?? 0 : 0;
    const whole = Math.max(SHORTEST_AXIS, this.#story.elapsed(at) + left);
    this.#drawAxis(whole);
    for (const bar of bars) {
      if (this.#story.steps.get(bar.path)?.kind === "item") continue; // there may be thousands, all of one work
      const { row, bar: drawn, title, said } = this.#row(bar);
      const to = bar.to ?? Math.max(bar.from ?? 0, this.#story.elapsed(at));
      setText(title, called(bar));
      row.dataset.state = bar.state;
      row.toggleAttribute("data-critical", bar.critical);
      drawn.hidden = bar.from == null;
      if (bar.from == null) {
        setText(said, `: ${STATES[bar.state]}`);
        continue;
      }
      drawn.style.setProperty("--from", String(bar.from / whole));
      drawn.style.setProperty("--to", String(to / whole));
      setText(said, `: ${STATES[bar.state]}, from ${duration(bar.from)} to ${bar.to == null ? "now" : duration(to)}`
        + (bar.critical ? ", on the critical path" : ""));
    }
  }

  /** @param {ReturnType<Story["bars"]>[number]} bar */
  #row({ path, depth }) {
    let found = this.#rows.get(path);
    if (!found) {
      const bar = element("span", { class: "bar" });
      const title = element("span");
      const said = element("span", { class: "unseen" });
      const row = element("li", { "data-bar": path },
        element("span", { class: "name" }, title, said), element("span", { class: "track" }, bar));
      row.style.setProperty("--depth", String(depth));
      found = { row, bar, title, said };
      this.#rows.set(path, found);
      this.#bars.append(row);
    }
    return found;
  }

  /** @param {number} whole */
  #drawAxis(whole) {
    const step = niceStep(whole / TICKS);
    const marks = [];
    for (let n = 0; n * step <= whole * 1.0001; n += 1) marks.push(n * step);
    while (this.#axis.children.length > marks.length) this.#axis.lastElementChild?.remove();
    while (this.#axis.children.length < marks.length) this.#axis.append(element("span"));
    marks.forEach((seconds, n) => {
      const tick = /** @type {HTMLElement} */ (this.#axis.children[n]);
      tick.style.setProperty("--from", String(seconds / whole));
      setText(tick, seconds / whole > LAST_LABEL ? "" : `${Number(seconds.toFixed(2))} s`);
    });
  }
}

/** The next of 0.1, 0.2, 0.5, 1, 2, 5, … that is not smaller. @param {number} least */
function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= least * 0.9999) ?? least;
}
