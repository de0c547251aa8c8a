// @ts-check
// Names beside points, none over another: each takes the first free side, and one without any is left out. Pure.

/**
 * @typedef {{x: number, y: number, width: number, height: number}} Box
 * @typedef {{x: number, y: number, width: number, leftward: boolean}} Name where its point is, how wide it is written,
 *   and whether the left is its better side
 * @typedef {{dx: number, dy: number, anchor: "start" | "middle" | "end"}} Side
 */

const HEIGHT = 16;
const GAP = 9;

/** To the right, then the left, below, above, and the corners. @type {Side[]} */
const SIDES = [
  { dx: GAP, dy: 0, anchor: "start" },
  { dx: -GAP, dy: 0, anchor: "end" },
  { dx: 0, dy: GAP + HEIGHT / 2, anchor: "middle" },
  { dx: 0, dy: -GAP - HEIGHT / 2, anchor: "middle" },
  { dx: GAP - 3, dy: HEIGHT - 4, anchor: "start" },
  { dx: -GAP + 3, dy: HEIGHT - 4, anchor: "end" },
  { dx: GAP - 3, dy: 4 - HEIGHT, anchor: "start" },
  { dx: -GAP + 3, dy: 4 - HEIGHT, anchor: "end" },
];

/** The same with the left first. */
const LEFT_FIRST = [1, 0, 2, 3, 5, 4, 7, 6].map((n) => SIDES[n]);

/**
 * On which side of its point each name stands; null where there is no room. The first names have the first choice.
 * @param {Name[]} names
 * @param {{points: Box[], lines: Box[]}} taken points are never covered, lines only where there is no other room
 * @param {{width: number, height: number}} size
 * @returns {(Side | null)[]}
 */
export function placed(names, { points, lines }, size) {
  const full = [...points];
  return names.map((name) => {
    const free = (name.leftward ? LEFT_FIRST : SIDES).filter((side) => {
      const box = boxOf(name, side);
      return inside(box, size) && !full.some((other) => overlap(box, other));
    });
    const side = free.find((one) => !lines.some((line) => overlap(boxOf(name, one), line))) ?? free[0] ?? null;
    if (side) full.push(boxOf(name, side));
    return side;
  });
}

/**
 * The side with more of the picture to it, for a name that is to be shown whatever it covers.
 * @param {{x: number}} name
 * @param {{width: number}} size
 */
export function roomier(name, size) {
  return SIDES[name.x < size.width / 2 ? 0 : 1];
}

/**
 * The square around a point.
 * @param {{x: number, y: number}} point
 * @param {number} radius
 * @returns {Box}
 */
export function around({ x, y }, radius) {
  return { x: x - radius, y: y - radius, width: 2 * radius, height: 2 * radius };
}

/**
 * @param {Name} name
 * @param {Side} side
 * @returns {Box}
 */
function boxOf({ x, y, width }, { dx, dy, anchor }) {
  const start = { start: 0, middle: -width / 2, end: -width }[anchor];
  return { x: x + dx + start, y: y + dy - HEIGHT / 2, width, height: HEIGHT };
}

/**
 * @param {Box} a
 * @param {Box} b
 */
function overlap(a, b) {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

/**
 * @param {Box} box
 * @param {{width: number, height: number}} size
 */
function inside(box, size) {
  return box.x >= 4 && box.y >= 4 && box.x + box.width <= size.width - 4 && box.y + box.height <= size.height - 4;
}
