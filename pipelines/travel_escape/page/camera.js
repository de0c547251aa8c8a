// @ts-check
// Where the map looks: the whole world, or the region that some points lie in. Pure: sizes and points in, views out.
//
// There is one projection, Natural Earth, which is how people expect the world to look. For a region the globe is
// turned so that the region is in the middle, where nothing is out of shape, the poles and the antimeridian included.

import { EARTH_KM, d3 } from "./geometry.js";

/**
 * A view: what is in the middle (degrees), how much it is that of a region and not of the world (0 to 1), pixels per
 * radian there, and by how many pixels the middle lies beside the middle of the picture.
 * @typedef {{lon: number, lat: number, region: number, scale: number, x: number, y: number}} View
 * @typedef {{width: number, height: number}} Size
 * @typedef {{lon: number, lat: number}} Point
 */

/** What of the world is worth looking at: nobody flies to the Antarctic. */
const INHABITED = { type: "MultiPoint", coordinates: [[-169, 0], [180, 0], [0, 78], [0, -56]] };

/** Regions larger than this from their middle to their edge (radians) are shown more and more as the world is. */
const REGIONAL = 0.7;
const GLOBAL = 1.4;

/** The scale that is measured at: large enough for ways to be drawn as the curves that they are. */
const MEASURE = 1000;

/** Natural Earth is narrower than the globe in its middle; this much wider, a region has its true shape. */
const NARROW = 1.007226 / 0.8707;

/**
 * The whole world.
 * @param {Size} size
 * @returns {View}
 */
export function worldView(size) {
  return fitted(INHABITED, { lon: 0, lat: 0, region: 0 }, size, { width: 0, height: 0 }, [0, Infinity]);
}

/**
 * The closest view that has all the points in it and the ways to them from the first, with so many pixels left free at
 * each side, and that is at least so many kilometres wide and high. A view of most of the world has the first point in
 * its middle, so that no way is cut.
 * @param {Point[]} points
 * @param {Size} size
 * @param {Size} margin
 * @param {number} leastKm
 * @returns {View}
 */
export function viewOf(points, size, margin, leastKm) {
  const coordinates = points.map(({ lon, lat }) => [lon, lat]);
  const [[west, south], [east, north]] = d3.geoBounds({ type: "MultiPoint", coordinates });
  const middle = [west + turned(west, (west + east) / 2 + (west > east ? 180 : 0)), (south + north) / 2];
  const radius = Math.max(...coordinates.map((point) => d3.geoDistance(middle, point)));
  const region = 1 - smooth((radius - REGIONAL) / (GLOBAL - REGIONAL));
  const lon = middle[0] + turned(middle[0], points[0].lon) * (1 - region);
  const closest = Math.min(size.width, size.height) / (leastKm / EARTH_KM);
  const ways = { type: "MultiLineString", coordinates: coordinates.map((point) => [coordinates[0], point]) };
  return fitted(ways, { lon, lat: middle[1] * region, region }, size, margin, [worldView(size).scale, closest]);
}

/**
 * The view at a share (0 to 1) of the way from one to another, the shorter way round the world.
 * @param {View} from
 * @param {View} to
 * @param {number} share
 * @returns {View}
 */
export function between(from, to, share) {
  const eased = smooth(share);
  const at = (/** @type {number} */ a, /** @type {number} */ b) => a + (b - a) * eased;
  return {
    lon: at(from.lon, from.lon + turned(from.lon, to.lon)),
    lat: at(from.lat, to.lat),
    region: at(from.region, to.region),
    scale: Math.exp(at(Math.log(from.scale), Math.log(to.scale))),
    x: at(from.x, to.x),
    y: at(from.y, to.y),
  };
}

/**
 * The projection of a view. It is cut a little outside the picture, or so many pictures beyond each of its sides.
 * @param {View} view
 * @param {Size} size
 * @param {number} [beyond]
 */
export function projectionOf(view, { width, height }, beyond = 0.05) {
  const [x, y] = [width * beyond, height * beyond];
  return looking(view)
    .scale(view.scale)
    .translate([width / 2 + view.x, height / 2 + view.y])
    .clipExtent([[-x, -y], [width + x, height + y]]);
}

/**
 * @param {any} geometry
 * @param {{lon: number, lat: number, region: number}} aim
 * @param {Size} size
 * @param {Size} margin
 * @param {[number, number]} scales
 * @returns {View}
 */
function fitted(geometry, aim, size, margin, [least, most]) {
  const projection = looking(aim).scale(MEASURE).translate([0, 0]);
  const [[left, top], [right, bottom]] = d3.geoPath(projection).bounds(geometry);
  const widest = (Math.max(1, size.width - 2 * margin.width) / (right - left)) * MEASURE;
  const highest = (Math.max(1, size.height - 2 * margin.height) / (bottom - top)) * MEASURE;
  const scale = Math.max(least, Math.min(most, widest, highest));
  const shift = -scale / MEASURE / 2;
  return { ...aim, scale, x: shift * (left + right), y: shift * (top + bottom) };
}

/** @param {{lon: number, lat: number, region: number}} aim */
function looking({ lon, lat, region }) {
  return d3.geoProjectionMutator(widened)(1 + (NARROW - 1) * region).rotate([-lon, -lat]).precision(0.3);
}

/** @param {number} factor */
function widened(factor) {
  return (/** @type {number} */ lambda, /** @type {number} */ phi) => {
    const [x, y] = d3.geoNaturalEarth1Raw(lambda, phi);
    return [x * factor, y];
  };
}

/**
 * From one longitude to another by the shorter way, in degrees, eastwards where it is positive.
 * @param {number} from
 * @param {number} to
 */
function turned(from, to) {
  return ((((to - from) % 360) + 540) % 360) - 180;
}

/** @param {number} share */
function smooth(share) {
  const within = Math.min(1, Math.max(0, share));
  return within * within * (3 - 2 * within);
}
