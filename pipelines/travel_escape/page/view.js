// @ts-check
// The travel pipeline's own view: a map, three numbers and the places to go, drawn from what a run tells.

import { Cards } from "./cards.js";
import { html } from "./dom.js";
import { EscapeMap } from "./map.js";
import { chapterOf, kindOf, pictureOf, stateOf } from "./picture.js";
import { Tally } from "./tally.js";

/** @typedef {import("./picture.js").Facts} Facts */

// Waited for with the module, so that a view is never without it: a style that came later would move the page.
const style = new CSSStyleSheet();
await fetch(new URL("./view.css", import.meta.url))
  .then((response) => response.text())
  .then((text) => style.replace(text), () => {});

const calm = matchMedia("(prefers-reduced-motion: reduce)");

/**
 * Called once per run, before its first event.
 *
 * Returns what is given each event as it is told, also the many at once of a run that is told again. Where several
 * chapters of a run come at once, nothing is animated: who opens a run that has ended sees how it ended.
 * @param {HTMLElement} place an empty element, its own alone
 * @param {{data(event: any): Promise<any>}} help `data` is a promise of a detail's data
 * @returns {(event: any) => void}
 */
export default function view(place, help) {
  const map = new EscapeMap("escapes");
  const tally = new Tally();
  const cards = new Cards("escapes");
  map.onlight = (iata, pressed) => light(iata, pressed);
  cards.onlight = (iata) => light(iata, false);
  const root = place.shadowRoot ?? place.attachShadow({ mode: "open" });
  root.adoptedStyleSheets = [style];
  root.replaceChildren(html("div", { class: "view" },
    html("figure", {}, map.element, html("figcaption", {}, tally.element)), cards.element));

  function light(/** @type {string | null} */ iata, /** @type {boolean} */ pressed) {
    map.light(iata);
    cards.light(iata, pressed);
  }

  return follower(help, (facts, still) => {
    const picture = pictureOf(facts);
    map.draw(picture, still || calm.matches);
    tally.draw(picture);
    cards.draw(picture);
  });
}

/**
 * What takes events, and draws once for all that come together.
 * @param {{data(event: any): Promise<any>}} help
 * @param {(facts: Facts, still: boolean) => void} draw
 * @returns {(event: any) => void}
 */
function follower(help, draw) {
  /** @type {Facts} */
  const facts = { state: "idle", result: undefined };
  /** The event that told each kind last: what an earlier one told may be fetched later. @type {Record<string, any>} */
  const last = {};
  let told = 0;
  let drawn = 0;
  /** What is to be drawn next, together. */
  let batch = { due: false, still: false };

  function due() {
    // A timer and not a frame: a page that nobody looks at has no frames, but it may be read out or printed.
    if (!batch.due) setTimeout(paint);
    batch.due = true;
    return batch;
  }

  function paint() {
    const mine = batch;
    batch = { due: false, still: false };
    mine.still ||= told - drawn > 1;
    drawn = told;
    draw(facts, mine.still);
  }

  function learn(/** @type {import("./picture.js").Kind} */ kind, /** @type {any} */ event) {
    const mine = due();
    last[kind] = event;
    if (event.data !== undefined) {
      facts[kind] = event.data;
      return;
    }
    const fetched = (/** @type {any} */ data) => {
      if (last[kind] !== event) return;
      facts[kind] = data;
      due().still ||= mine.still;
    };
    help.data(event).then(fetched, () => {}); // The picture does without what cannot be fetched.
  }

  draw(facts, true);
  return (event) => {
    const kind = kindOf(event);
    const state = stateOf(event);
    if (kind) learn(kind, event);
    if (state) {
      Object.assign(facts, { state, result: event.result });
      due();
    }
    told = Math.max(told, chapterOf(kind ?? state ?? "idle"));
  };
}
