// @ts-check
// The vendored geometry as a module: d3's projections, and the land of the world with its borders, coarse and fine.
//
// The vendored files are the built ones, which put themselves on `globalThis`; nothing else here looks there.

import "./vendor/d3-array.min.js";
import "./vendor/d3-geo.min.js";
import "./vendor/topojson-client.min.js";

/** @typedef {{land: any, borders: any}} World GeoJSON geometries */

/** d3-geo: projections take and give [longitude, latitude] in degrees, distances are radians. */
export const d3 = /** @type {any} */ (globalThis).d3;

export const EARTH_KM = 6371;

const topojson = /** @type {any} */ (globalThis).topojson;
const EMPTY = {
  land: { type: "MultiPolygon", coordinates: [] },
  borders: { type: "MultiLineString", coordinates: [] },
};

/**
 * The world at 1:110 million, which is enough for all of it at once. Where the file cannot be had there is no land: a
 * map without it still shows what lies where.
 * @type {World}
 */
export const world = await fetched("./vendor/countries-110m.json").catch(() => EMPTY);

/** @type {Promise<World> | undefined} */
let fine;

/**
 * The world at 1:50 million, which has the islands that people fly to. As it is 750 kB, it is fetched when a region is
 * first looked at, and not at all for who asks to be spared data; then, as where it cannot be had, it is the coarse
 * one.
 * @returns {Promise<World>}
 */
export function fineWorld() {
  const sparing = /** @type {any} */ (navigator).connection?.saveData;
  return (fine ??= sparing ? Promise.resolve(world) : fetched("./vendor/countries-50m.json").catch(() => world));
}

/** @param {string} path */
async function fetched(path) {
  const topology = await (await fetch(new URL(path, import.meta.url))).json();
  const { countries, land } = topology.objects;
  return {
    land: topojson.feature(topology, land).features[0].geometry,
    borders: topojson.mesh(topology, countries, (/** @type {any} */ a, /** @type {any} */ b) => a !== b),
  };
}
