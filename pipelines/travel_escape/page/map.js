// @ts-check
// The map: the world's land, the airport to leave from, and an arc to each place that was found.
//
// It is one picture to who cannot see it, with a title in words; what it shows stands in the cards too.

import { projectionOf, viewOf, worldView } from "./camera.js";
import { svg } from "./dom.js";
import { d3 } from "./geometry.js";
import { Ground } from "./ground.js";
import { around, placed, roomier } from "./labels.js";
import { titleOf } from "./title.js";
import { degrees } from "./words.js";
import { Zoom } from "./zoom.js";

/**
 * @typedef {import("./picture.js").Picture} Picture
 * @typedef {import("./picture.js").Place} Place
 * @typedef {{place: Place, line: any, arc: SVGElement, spot: SVGElement}} Route
 * @typedef {{point: [number, number], text: SVGTextElement, side: import("./labels.js").Side | null}} Name
 */

/** How much is to be seen around the airport alone, and around the chosen places however near they are. */
const AROUND_KM = 2800;
const LEAST_KM = 1000;
/** What the airport's name is kept under; the others have the code of their place. */
const HOME = "";
/** The first arcs begin to grow at once, the longest so many milliseconds later. */
const STAGGER = 500;

/** The map of one run. `element` is its SVG; `onlight` is told the place that the pointer is at, or null. */
export class EscapeMap {
  /** @param {string} describedBy the id of what says the same in words */
  constructor(describedBy) {
    this.title = svg("title", { id: "map-title" });
    this.ground = new Ground();
    this.arcs = svg("g", { class: "arcs" });
    this.spots = svg("g", { class: "spots" });
    this.home = svg("g", { class: "home", visibility: "hidden" }, svg("circle", { r: "11", class: "halo" }),
      svg("circle", { r: "5" }));
    this.names = svg("g", { class: "names" });
    this.hint = svg("text", { class: "name lit" });
    const said = { role: "img", "aria-labelledby": "map-title", "aria-describedby": describedBy };
    this.element = svg("svg", { class: "map", ...said }, this.title, this.ground.element, this.arcs, this.spots,
      this.home, this.names, this.hint);
    /** @type {(iata: string | null, pressed: boolean) => void} */
    this.onlight = () => {};
    /** @type {Map<string, Route>} */
    this.routes = new Map();
    /** @type {Map<string, Name>} */
    this.named = new Map();
    /** @type {Picture | null} */
    this.picture = null;
    this.size = { width: 0, height: 0 };
    this.zoom = new Zoom((view) => this.project(view));
    this.listen();
    new ResizeObserver(() => this.resize()).observe(this.element);
  }

  /**
   * Show this picture. What is new in it grows and what has changed fades, unless it is to be `still`.
   * @param {Picture} picture
   * @param {boolean} still
   */
  draw(picture, still) {
    this.picture = picture;
    this.element.classList.toggle("still", still);
    if (still) for (const { arc, spot } of this.routes.values()) reborn(arc, spot, false);
    this.title.textContent = titleOf(picture);
    this.drawRoutes(picture, still);
    this.drawNames(picture);
    this.look(still);
  }

  /**
   * Let one place stand out, or none.
   * @param {string | null} iata
   */
  light(iata) {
    this.element.classList.toggle("lighting", iata !== null && this.routes.has(iata));
    for (const [one, { arc, spot }] of this.routes) {
      arc.classList.toggle("lit", one === iata);
      spot.classList.toggle("lit", one === iata);
    }
    for (const [one, { text }] of this.named) text.classList.toggle("lit", one === iata);
    this.hintAt(this.named.has(iata ?? HOME) ? undefined : this.routes.get(iata ?? HOME));
  }

  /** The name of a place that has none on the map, as long as it stands out. @param {Route | undefined} route */
  hintAt(route) {
    this.hint.textContent = route?.place.city ?? "";
    if (!route || !this.zoom.now) return;
    const [x, y] = projectionOf(this.zoom.now, this.size)([route.place.lon, route.place.lat]);
    const side = roomier({ x }, this.size);
    this.hint.setAttribute("text-anchor", side.anchor);
    move(this.hint, [x, y], side);
  }

  /**
   * @param {Picture} picture
   * @param {boolean} still
   */
  drawRoutes({ departure, places }, still) {
    if (!departure) return;
    const longest = Math.max(...places.map(({ km }) => km));
    // Those within reach lie over those that are not.
    const ordered = [...places].sort((a, b) => Number(b.fate === "far") - Number(a.fate === "far"));
    for (const place of ordered) {
      const route = this.routes.get(place.iata) ?? this.add(place, departure, still, (place.km / longest) * STAGGER);
      route.place = place;
      for (const part of [route.arc, route.spot]) part.dataset.fate = place.fate;
    }
  }

  /**
   * @param {Place} place
   * @param {import("./picture.js").Airport} departure
   * @param {boolean} still
   * @param {number} delay
   * @returns {Route}
   */
  add(place, departure, still, delay) {
    const coordinates = [[departure.lon, departure.lat], [place.lon, place.lat]];
    // A length of 1 lets one rule of the style sheet draw arcs of any length.
    const arc = svg("path", { class: "arc", "data-iata": place.iata, pathLength: "1" });
    const spot = svg("g", { class: "spot", "data-iata": place.iata }, svg("circle", { class: "reach", r: "12" }),
      svg("circle", { class: "dot", r: "4" }));
    for (const part of [arc, spot]) part.style.setProperty("--delay", `${Math.round(delay)}ms`);
    reborn(arc, spot, !still);
    this.arcs.append(arc);
    this.spots.append(spot);
    const route = { place, line: { type: "LineString", coordinates }, arc, spot };
    this.routes.set(place.iata, route);
    return route;
  }

  /**
   * The airport's name lies over those of the chosen places. What is there already stays: it must not fade in anew.
   * @param {Picture} picture
   */
  drawNames({ departure, escapes }) {
    const before = this.named;
    this.named = new Map();
    const add = (/** @type {string} */ key, /** @type {Name} */ made) => {
      const there = before.get(key);
      this.named.set(key, there?.text.textContent === made.text.textContent ? there : made);
    };
    if (departure) add(HOME, name(departure, svg("text", { class: "name home" })));
    for (const escape of escapes) {
      add(escape.iata, name(escape, svg("text", { class: "name", "data-iata": escape.iata }), escape.high));
    }
    /** @type {Element[]} */
    const texts = [...this.named.values()].map(({ text }) => text);
    for (const text of [...this.names.children].filter((one) => !texts.includes(one))) text.remove();
    for (const text of texts) if (!text.isConnected) this.names.prepend(text);
  }

  resize() {
    const { width, height } = this.element.getBoundingClientRect();
    if (!width || !height || (width === this.size.width && height === this.size.height)) return;
    this.size = { width, height };
    this.element.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.look(true);
  }

  /**
   * Turn to what there is to be seen.
   * @param {boolean} still
   */
  look(still) {
    if (!this.size.width) return;
    const target = this.target();
    this.placeNames(projectionOf(target, this.size));
    this.zoom.to(target, still);
  }

  target() {
    const departure = this.picture?.departure;
    if (!departure || !this.picture) return worldView(this.size);
    const { places, escapes } = this.picture;
    // Names stand beside their points more often than above or below them.
    const margin = { width: Math.min(90, this.size.width / 5), height: Math.min(48, this.size.height / 6) };
    if (!places.length) return viewOf([departure], this.size, margin, AROUND_KM);
    return viewOf([departure, ...(escapes.length ? escapes : places)], this.size, margin, LEAST_KM);
  }

  /** @param {any} projection that of the view at the end of the way, so that names do not jump on it */
  placeNames(projection) {
    const names = [...this.named.values()];
    const points = names.map(({ point }) => projection(point) ?? [-100, -100]).map(([x, y]) => ({ x, y }));
    const bright = [...this.routes.values()].filter(({ place }) => place.fate !== "far" && place.fate !== "unfit");
    const ways = bright.map(({ line }) => alongTheWay(line.coordinates, projection));
    const ends = ways.map((way) => way[way.length - 1]?.x ?? 0);
    // A name is best out of the way of the arcs, which all begin at the first point.
    const home = points[0]?.x;
    const boxes = names.map(({ text }, n) => ({
      ...points[n],
      width: text.getComputedTextLength(),
      leftward: n ? points[n].x < home : home < mean(ends),
    }));
    const taken = { points: points.map((point, n) => around(point, n ? 5 : 8)), lines: ways.flat() };
    const sides = placed(boxes, taken, this.size);
    names.forEach((name, n) => {
      name.side = sides[n] ?? roomier(points[n], this.size);
      name.text.classList.toggle("crowded", sides[n] === null);
      name.text.setAttribute("text-anchor", name.side.anchor);
    });
  }

  /** @param {import("./camera.js").View} view */
  project(view) {
    const projection = projectionOf(view, this.size);
    const path = d3.geoPath(projection).digits(1);
    this.ground.draw(view, this.size);
    for (const { place, line, arc, spot } of this.routes.values()) {
      arc.setAttribute("d", path(line) ?? "");
      move(spot, projection([place.lon, place.lat]));
    }
    const departure = this.picture?.departure;
    this.hint.textContent = "";
    this.home.setAttribute("visibility", departure ? "visible" : "hidden");
    if (departure) move(this.home, projection([departure.lon, departure.lat]));
    for (const { point, side, text } of this.named.values()) move(text, projection(point), side);
  }

  /** The pointer alone: with the keyboard one goes through the cards, which say all of it. */
  listen() {
    const iataAt = (/** @type {Event} */ event) =>
      /** @type {Element} */ (event.target).closest(".spot, .name")?.getAttribute("data-iata") ?? null;
    this.element.addEventListener("pointerover", (event) => this.onlight(iataAt(event), false));
    this.element.addEventListener("pointerleave", () => this.onlight(null, false));
    this.element.addEventListener("click", (event) => this.onlight(iataAt(event), true));
  }
}

/**
 * A name that has no side yet.
 * @param {{city: string, lon: number, lat: number}} place
 * @param {SVGTextElement} text
 * @param {number} [high]
 * @returns {Name}
 */
function name({ city, lon, lat }, text, high) {
  text.append(city);
  if (high !== undefined) text.append(svg("tspan", { dx: "4" }, degrees(high)));
  return { point: [lon, lat], text, side: null };
}

/**
 * Small boxes along a great circle, its ends left out.
 * @param {[[number, number], [number, number]]} ends
 * @param {any} projection
 */
function alongTheWay([from, to], projection) {
  const at = d3.geoInterpolate(from, to);
  return Array.from({ length: 38 }, (_, n) => projection(at((n + 1) / 40)))
    .filter(Boolean)
    .map(([x, y]) => around({ x, y }, 1));
}

/** @param {number[]} values */
function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * @param {Element} arc
 * @param {Element} spot
 * @param {boolean} born
 */
function reborn(arc, spot, born) {
  for (const part of [arc, spot]) part.classList.toggle("born", born);
}

/**
 * @param {SVGElement} element
 * @param {[number, number] | null} point
 * @param {{dx: number, dy: number} | null} [beside]
 */
function move(element, point, beside) {
  if (!point) return;
  const [x, y] = [point[0] + (beside?.dx ?? 0), point[1] + (beside?.dy ?? 0)];
  element.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
}
