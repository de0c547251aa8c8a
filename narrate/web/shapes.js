// @ts-check
// What shape a piece of JSON has: whether it is rows of a table, and how much is in it.
//
// Pure. It looks at every part once and at nothing below, so it is quick for any data.

/** @typedef {{key: string, numeric: boolean}} Column one of a table's: `numeric` if it has nothing but numbers */

/** A table with more columns is no table that anybody reads. */
const MOST_COLUMNS = 24;

/** Of all cells, so many must be filled for objects to be alike … */
const FILLED = 0.6;

/** … and of those that are, not more may have something nested in them. */
const NESTED = 0.4;

/** Whether it is an object or a list. @param {any} value */
export function isNested(value) {
  return value !== null && typeof value === "object";
}

/** Whether there is nothing in it to open. @param {any} value */
export function isLeaf(value) {
  return !isNested(value) || !Object.keys(value).length;
}

/**
 * What is in an object or a list, by key.
 * @param {any} value
 * @returns {[key: string, value: any][]}
 */
export function partsOf(value) {
  return Object.entries(value);
}

/**
 * How much is in an object or a list, in words.
 * @param {any} value
 */
export function extentOf(value) {
  const count = Array.isArray(value) ? value.length : Object.keys(value).length;
  if (!count) return Array.isArray(value) ? "an empty list" : "an empty object";
  const unit = Array.isArray(value) ? "item" : "field";
  return `${count.toLocaleString("en")} ${unit}${count === 1 ? "" : "s"}`;
}

/**
 * The columns of a table, in the order in which their keys come up; null if the items are no rows: not all objects, not
 * alike, or with too much in them.
 * @param {any[]} items
 * @returns {Column[] | null}
 */
export function columnsOf(items) {
  /** @type {Map<string, {numbers: number, nulls: number, nested: number, filled: number}>} */
  const columns = new Map();
  for (const item of items) {
    if (!isNested(item) || Array.isArray(item)) return null;
    for (const key of Object.keys(item)) {
      const column = columns.get(key) ?? { numbers: 0, nulls: 0, nested: 0, filled: 0 };
      columns.set(key, column);
      column.filled++;
      if (typeof item[key] === "number") column.numbers++;
      else if (item[key] === null) column.nulls++;
      else if (!isLeaf(item[key])) column.nested++;
    }
    if (columns.size > MOST_COLUMNS) return null;
  }
  const cells = [...columns.values()];
  const filled = cells.reduce((sum, column) => sum + column.filled, 0);
  const nested = cells.reduce((sum, column) => sum + column.nested, 0);
  if (!filled || filled < FILLED * columns.size * items.length || nested > NESTED * filled) return null;
  return [...columns].map(([key, { numbers, nulls, filled: all }]) =>
    ({ key, numeric: numbers > 0 && numbers + nulls === all }));
}
