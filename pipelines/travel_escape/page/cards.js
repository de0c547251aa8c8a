// @ts-check
// The places to go as cards, the best fit first; what stands in their place until they come, or when none do.

import { html, svg } from "./dom.js";
import { skyDrawing, skyOf } from "./sky.js";
import { count, countryName, degrees, flightTime, kilometres, spokenDay } from "./words.js";

/**
 * @typedef {import("./picture.js").Picture} Picture
 * @typedef {import("./picture.js").Escape} Escape
 */

/** As many skeletons as the widest grid has room for; the style sheet hides those that are too many. */
const SKELETONS = 8;
/** What every grid has room for. */
const FEW = 6;
const MOST_FLIGHTS = 3;

const PLANE = "M21 16v-2l-8-5V3.5a1.5 1.5 0 0 0-3 0V9l-8 5v2l8-2.5V19l-2 1.5V22l3.5-1 3.5 1v-1.5L13 19v-5.5z";

const HEADINGS = {
  idle: "Places to escape to",
  working: "Looking for places to escape to…",
  finished: "No place fits this time",
  failed: "No places to show",
  cancelled: "No places to show",
};

const ENDINGS = {
  failed: "The search ended early, so there are no places to show. The story says what happened.",
  cancelled: "The search was cancelled, so there are no places to show.",
  finished: "No place fits this time. Another day or a longer flight may help.",
};

/** The cards of one run. `onlight` is told the place whose card is pointed at or has the focus, or null. */
export class Cards {
  /** @param {string} id that of the list, for the map to refer to */
  constructor(id) {
    this.heading = html("h3", { id: "cards-title" });
    this.day = html("p", { class: "day" });
    this.more = html("button", { type: "button", class: "more", hidden: true, "aria-controls": id });
    // A list without bullets is none to Safari, unless it is said to be one.
    this.list = html("ol", { id, class: "cards", role: "list" });
    this.area = html("div", { class: "area", role: "region", "aria-labelledby": "cards-title" }, this.list);
    this.element = html("div", { class: "places" }, html("div", { class: "head" }, this.heading, this.day, this.more),
      this.area);
    /** @type {(iata: string | null) => void} */
    this.onlight = () => {};
    /** What the list was made of last: a picture that changes nothing in it must not take the focus away. */
    this.drawn = "";
    this.listen();
  }

  /** @param {Picture} picture */
  draw(picture) {
    const { state, escapes, relax, day } = picture;
    const drawn = JSON.stringify([state, escapes, relax]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.heading.textContent = headingOf(picture);
    this.day.textContent = day ? spokenDay(day) : "";
    this.area.dataset.state = state;
    this.list.replaceChildren(...escapes.map(card));
    this.list.dataset.count = String(escapes.length);
    this.more.hidden = escapes.length <= FEW;
    this.more.classList.toggle("many", escapes.length > SKELETONS);
    this.more.textContent = `Show all ${escapes.length}`;
    this.area.classList.remove("open");
    this.area.replaceChildren(...this.contents(picture));
  }

  /** @param {Picture} picture */
  contents({ state, escapes, relax }) {
    if (escapes.length) return [this.list];
    if (state === "idle" || state === "working") {
      const skeletons = Array.from({ length: SKELETONS }, skeleton);
      return [this.list, html("div", { class: "skeletons", "aria-hidden": "true" }, ...skeletons)];
    }
    const plane = svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: PLANE }));
    return [this.list, html("div", { class: "none" }, plane, html("p", {}, relax ?? ENDINGS[state]))];
  }

  /**
   * Let one card stand out, or none.
   * @param {string | null} iata
   * @param {boolean} [shown] whether it is to be brought into sight, where the cards are a strip
   */
  light(iata, shown = false) {
    for (const one of this.list.children) {
      const lit = /** @type {HTMLElement} */ (one).dataset.iata === iata;
      one.classList.toggle("lit", lit);
      if (lit && shown) one.scrollIntoView({ block: "nearest", inline: "center" });
    }
  }

  listen() {
    const iataOf = (/** @type {EventTarget | null} */ target) =>
      target instanceof Element ? target.closest("[data-iata]")?.getAttribute("data-iata") ?? null : null;
    this.list.addEventListener("pointerover", (event) => this.onlight(iataOf(event.target)));
    this.list.addEventListener("pointerleave", () => this.onlight(null));
    this.list.addEventListener("focusin", (event) => this.onlight(iataOf(event.target)));
    this.list.addEventListener("focusout", () => this.onlight(null));
    this.more.addEventListener("click", () => {
      const next = [...this.list.children].find((one) => !one.checkVisibility());
      this.area.classList.add("open");
      this.more.hidden = true;
      // The button is gone, and the focus must not be lost with it.
      if (next instanceof HTMLElement) next.focus({ preventScroll: true });
    });
  }
}

/** @param {Picture} picture */
function headingOf({ state, escapes }) {
  if (escapes.length) return `${count(escapes.length, "place")} to escape to`;
  return HEADINGS[state];
}

/** @param {Escape} escape */
function card(escape) {
  const sky = skyOf(escape.sky);
  const flights = escape.flights.slice(0, MOST_FLIGHTS).map(flight);
  return html("li", { tabindex: "0", "data-iata": escape.iata },
    html("h4", {}, escape.city),
    html("p", { class: "country" }, countryName(escape.country)),
    sky && skyDrawing(sky),
    html("p", { class: "weather" }, html("strong", {}, degrees(escape.high)), " ", html("span", {}, escape.sky)),
    html("p", { class: "flight" }, html("strong", {}, flightTime(escape)), " · ", kilometres(escape.km)),
    html("ul", { class: "flights", role: "list", "aria-label": "Flights" }, ...flights));
}

/** @param {import("./picture.js").Flight} flight */
function flight({ number, departs }) {
  return html("li", {}, departs ? html("time", {}, departs) : null, departs ? " " : null, html("span", {}, number));
}

function skeleton() {
  return html("div", { class: "skeleton" }, html("i"), html("i"), html("i"));
}
