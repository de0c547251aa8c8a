// @ts-check
// What lies under the arcs: the grid, the land and its borders.
//
// The fine land takes too long to project for each step of a way. So it is projected when the map has come to rest, a
// good deal further than the picture, and moved as it is on the next way; only where that does not reach is the coarse
// land projected anew at each step.

import { projectionOf } from "./camera.js";
import { svg } from "./dom.js";
import { d3, fineWorld, world } from "./geometry.js";

/**
 * @typedef {import("./camera.js").View} View
 * @typedef {import("./camera.js").Size} Size
 */

/** A view that is less of a region than this is shown with the coarse land. */
const REGION = 0.5;
/** How far beyond each side of the picture the fine land is drawn, in pictures. */
const BEYOND = 0.6;
/** Milliseconds after which the map is taken to have come to rest; a window being resized has not. */
const REST = 80;

const GRID = d3.geoGraticule10();

export class Ground {
  constructor() {
    this.grid = svg("path", { class: "grid" });
    this.land = svg("path", { class: "land" });
    this.borders = svg("path", { class: "borders" });
    this.element = svg("g", { class: "ground" }, this.grid, this.land, this.borders);
    /**
     * How the fine land has been drawn, if it is what is to be seen.
     * @type {{projection: any, view: View, size: Size} | null}
     */
    this.sharp = null;
    this.timer = 0;
  }

  /**
   * Show the ground of a view, and in detail soon, if the map stays there.
   * @param {View} view
   * @param {Size} size
   */
  draw(view, size) {
    const projection = projectionOf(view, size);
    const moved = this.sharp && movedFrom(this.sharp, projection, view, size);
    if (moved) this.element.setAttribute("transform", `matrix(${moved.join(" ")})`);
    else this.fill(projection, world);
    clearTimeout(this.timer);
    const sharp = this.sharp?.view === view && this.sharp.size === size;
    this.timer = view.region < REGION || sharp ? 0 : setTimeout(() => this.sharpen(view, size), REST);
  }

  /**
   * @param {View} view
   * @param {Size} size
   */
  async sharpen(view, size) {
    const mine = this.timer;
    const geometry = near(await fineWorld(), view, size);
    if (mine !== this.timer) return;
    const projection = projectionOf(view, size, BEYOND);
    this.fill(projection, geometry);
    this.sharp = { projection, view, size };
  }

  /**
   * @param {any} projection
   * @param {import("./geometry.js").World} geometry
   */
  fill(projection, { land, borders }) {
    const path = d3.geoPath(projection).digits(1);
    this.element.removeAttribute("transform");
    this.grid.setAttribute("d", path(GRID) ?? "");
    this.land.setAttribute("d", path(land) ?? "");
    this.borders.setAttribute("d", path(borders) ?? "");
    this.sharp = null;
  }
}

/**
 * The matrix that moves what was drawn in one projection to about where it is in another: right in the middle of the
 * view, and nearly so around it. Null where what was drawn does not reach as far as the picture.
 * @param {{projection: any, size: Size}} drawn
 * @param {any} projection
 * @param {View} view
 * @param {Size} size
 * @returns {number[] | null}
 */
function movedFrom(drawn, projection, view, size) {
  const middle = [view.lon, view.lat];
  const north = [view.lon, view.lat + 1];
  const [[x0, y0], [x1, y1]] = [drawn.projection(middle), drawn.projection(north)];
  const [[u0, v0], [u1, v1]] = [projection(middle), projection(north)];
  // The similarity z → p·z + q that takes the one pair of points to the other, as complex numbers.
  const square = (x1 - x0) ** 2 + (y1 - y0) ** 2;
  const a = ((u1 - u0) * (x1 - x0) + (v1 - v0) * (y1 - y0)) / square;
  const b = ((v1 - v0) * (x1 - x0) - (u1 - u0) * (y1 - y0)) / square;
  const e = u0 - a * x0 + b * y0;
  const f = v0 - b * x0 - a * y0;
  const corners = [[0, 0], [size.width, 0], [0, size.height], [size.width, size.height]];
  const reached = corners.every(([u, v]) => {
    const x = (a * (u - e) + b * (v - f)) / (a * a + b * b);
    const y = (a * (v - f) - b * (u - e)) / (a * a + b * b);
    const off = Math.max(Math.abs(x / drawn.size.width - 0.5), Math.abs(y / drawn.size.height - 0.5));
    return off <= 0.5 + BEYOND;
  });
  return reached ? [a, b, -b, a, e, f] : null;
}

/**
 * What of a geometry may be seen in a view: most of the time for drawing goes into what is not.
 * @param {import("./geometry.js").World} geometry
 * @param {View} view
 * @param {Size} size
 * @returns {import("./geometry.js").World}
 */
function near({ land, borders }, view, size) {
  const radius = ((Math.hypot(size.width, size.height) / 2 / view.scale) * (1 + 2 * BEYOND) * 180) / Math.PI;
  const pole = Math.min(89, Math.abs(view.lat) + radius);
  const breadth = radius / Math.cos((pole * Math.PI) / 180);
  const seen = (/** @type {number[][]} */ line) => {
    const lons = line.map(([lon]) => lon);
    const lats = line.map(([, lat]) => lat);
    const west = Math.min(...lons);
    const width = Math.max(...lons) - west;
    const beside = Math.abs(((((west + width / 2 - view.lon) % 360) + 540) % 360) - 180);
    const level = Math.min(...lats) < view.lat + radius && Math.max(...lats) > view.lat - radius;
    return level && beside < breadth + width / 2;
  };
  return {
    land: { ...land, coordinates: land.coordinates.filter((/** @type {any} */ [outline]) => seen(outline)) },
    borders: { ...borders, coordinates: borders.coordinates.filter(seen) },
  };
}
