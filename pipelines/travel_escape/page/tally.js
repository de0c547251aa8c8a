// @ts-check
// Three numbers under the map: how many places were found, and how many each filter has left.

import { html } from "./dom.js";
import { fittingWeather, spokenMinutes } from "./words.js";

const UNKNOWN = "–";

/** The tally of one run. Its place is taken from the start, so that nothing moves when a number comes. */
export class Tally {
  constructor() {
    this.rows = [0, 1, 2].map(() => ({ number: html("dd", {}), words: html("dt", {}) }));
    this.element = html("dl", { class: "tally" },
      ...this.rows.map(({ number, words }) => html("div", {}, words, number)));
  }

  /** @param {import("./picture.js").Picture} picture */
  draw({ departure, hours, weather, found, near, fitting }) {
    const from = departure ? `non-stop from ${departure.city}` : "non-stop destinations";
    const within = hours === null ? "near enough" : `within ${spokenMinutes(hours * 60)}`;
    this.row(0, found, from);
    this.row(1, near, within);
    this.row(2, fitting, fittingWeather(weather));
  }

  /**
   * @param {number} n
   * @param {number | null} value
   * @param {string} said
   */
  row(n, value, said) {
    const { number, words } = this.rows[n];
    number.textContent = value === null ? UNKNOWN : String(value);
    number.classList.toggle("some", Boolean(value));
    words.textContent = said;
  }
}
