// @ts-check
// A detail's data as it is best seen: rows as a table, an object of plain values as a list of pairs, text as text, and
// whatever else as a tree to open.
//
// Any data may come, so nothing is drawn before it is looked at: what is nested when it is opened, what is long in
// portions. Digits stay as they are in the JSON. Classes, all in `.data`: .text .plain (a number, or a word of JSON)
// .none .yes .no .table .scroll .number .long .pairs .list .tree .leaf .key .extent .grow .unseen.

import { element } from "./dom.js";
import { humanised } from "./names.js";
import { columnsOf, extentOf, isLeaf, isNested, partsOf } from "./shapes.js";

/** @typedef {import("./shapes.js").Column} Column */

/** So many rows are drawn at first, … */
const FIRST = 100;

/** … so many with each press of the button, which is as many as a page can bear at once, … */
const PORTION = 2000;

/** … and so many characters of one text. */
const CHARACTERS = 20_000;

/** What is not longer stands open in a tree from the first. */
const FEW = 20;

/** A list of plain values that is not longer stands in one cell; a text that is gets a wider one. */
const ONE_CELL = 80;

let tables = 0;

/**
 * The data of a detail, or a result, as an element.
 * @param {any} data as it came out of JSON
 * @param {string} [label] what it is, for those who hear its tables; a number where it is not given
 */
export function drawDetail(data, label = "") {
  return element("div", { class: "data" }, best(data, label ? [label] : [], true));
}

/**
 * @param {any} value
 * @param {string[]} path what it is called, and what it is in
 * @param {boolean} [outermost] nothing is around it, so its branches may stand open
 * @returns {HTMLElement}
 */
function best(value, path, outermost = false) {
  if (typeof value === "string") return text(value);
  if (isLeaf(value)) return element("p", {}, word(value));
  const columns = Array.isArray(value) ? columnsOf(value) : null;
  if (columns) return table(value, columns, path);
  const parts = partsOf(value);
  const plain = parts.every(([, part]) => isLeaf(part));
  if (plain && Array.isArray(value)) return list(value);
  return plain && outermost ? pairs(parts) : tree(parts, path, outermost);
}

/** @param {string} value */
function text(value) {
  const shown = element(value.includes("\n") ? "pre" : "p", { class: "text" });
  shown.append(linked(value.slice(0, CHARACTERS)));
  if (value.length <= CHARACTERS) return shown;
  const button = grow(`Show all ${counted(value.length, "character")}`, () => {
    shown.textContent = value;
    finish(button, shown);
  });
  return element("div", {}, shown, button);
}

/** A value with nothing in it to open, in a line of text. @param {any} value */
function word(value) {
  if (value === null) return said("–", "nothing", "none");
  if (isNested(value)) return element("span", { class: "none" }, extentOf(value));
  if (typeof value !== "string") return element("span", { class: "plain" }, String(value));
  if (value === "") return element("span", { class: "none" }, "empty");
  if (value.length <= CHARACTERS) return linked(value);
  return text(value);
}

/** The text, as a link if it is nothing but an address of the web. @param {string} value */
function linked(value) {
  if (!/^https?:\/\/\S+$/i.test(value) || !URL.canParse(value)) return document.createTextNode(value);
  return element("a", { href: value, rel: "noreferrer noopener", target: "_blank" }, value);
}

/** A sign, and what it says to those who hear it. @param {string} sign @param {string} words @param {string} kind */
function said(sign, words, kind) {
  return element("span", { class: kind }, element("span", { "aria-hidden": "true" }, sign),
    element("span", { class: "unseen" }, words));
}

/**
 * @param {any[]} rows
 * @param {Column[]} columns
 * @param {string[]} path
 */
function table(rows, columns, path) {
  const label = `${path.join(", ") || `Table ${++tables}`}: ${counted(rows.length, "row")}`;
  const head = columns.map(({ key, numeric }) =>
    element("th", { scope: "col", class: numeric ? "number" : null }, humanised(key)));
  const body = element("tbody");
  const drawn = element("table", {}, element("caption", { class: "unseen" }, label),
    element("thead", {}, element("tr", {}, ...head)), body);
  const region = element("div", { class: "scroll", role: "region", "aria-label": label, tabindex: "0" }, drawn);
  const row = (/** @type {number} */ n) => element("tr", {}, ...columns.map((column) =>
    cell(rows[n], column, [...path, `${n + 1}`])));
  return element("div", { class: "table" }, region, inPortions(body, rows.length, row, "row", region));
}

/** @param {any} row @param {Column} column @param {string[]} path */
function cell(row, { key, numeric }, path) {
  const value = Object.hasOwn(row, key) ? row[key] : undefined;
  const kind = numeric ? "number" : typeof value === "string" && value.length > ONE_CELL ? "long" : null;
  return element("td", { class: kind }, value === undefined ? null : inCell(value, [...path, humanised(key)]));
}

/** @param {any} value @param {string[]} path */
function inCell(value, path) {
  if (typeof value === "boolean") return value ? said("✓", "yes", "yes") : said("–", "no", "no");
  if (isLeaf(value)) return word(value);
  if (Array.isArray(value) && value.length <= ONE_CELL && !value.some(isNested)) {
    const line = value.map(String).join(", ");
    if (line.length <= ONE_CELL) return document.createTextNode(line);
  }
  return branch(null, value, path, false);
}

/** @param {any[]} values with nothing in them */
function list(values) {
  const items = element("ul", { class: "list" });
  const button = inPortions(items, values.length, (n) => element("li", {}, word(values[n])), "item", items);
  return element("div", {}, items, button);
}

/** @param {[key: string, value: any][]} parts with nothing in them */
function pairs(parts) {
  const all = element("dl", { class: "pairs" });
  const pair = (/** @type {number} */ n) => {
    const [key, value] = parts[n];
    const shown = typeof value === "boolean" ? (value ? "Yes" : "No") : word(value);
    return element("div", {}, element("dt", {}, humanised(key)), element("dd", {}, shown));
  };
  return element("div", {}, all, inPortions(all, parts.length, pair, "field", all));
}

/**
 * A level of a tree. One with very many parts is cut into ranges, and those again, so that none is ever long.
 * @param {[key: string, value: any][]} parts
 * @param {string[]} path
 * @param {boolean} [open] what is short may stand open
 */
function tree(parts, path, open = false) {
  const level = element("ul", { class: "tree", role: "list" });
  let range = 1;
  while (parts.length / range > FIRST) range *= FIRST;
  for (let at = 0; at < parts.length; at += range) {
    if (range === 1) level.append(element("li", {}, leafOrBranch(parts[at], path, open && parts.length <= FEW)));
    else level.append(element("li", {}, rangeOf(parts.slice(at, at + range), path)));
  }
  return level;
}

/** @param {[key: string, value: any]} part @param {string[]} path @param {boolean} open */
function leafOrBranch([key, value], path, open) {
  if (!isLeaf(value)) return branch(key, value, [...path, key], open && partsOf(value).length <= FEW);
  const named = element("span", { class: "key" }, key);
  return element("div", { class: "leaf" }, named, " ", element("div", {}, word(value)));
}

/** @param {string | null} key @param {any} value @param {string[]} path @param {boolean} open */
function branch(key, value, path, open) {
  const extent = element("span", { class: "extent" }, extentOf(value));
  const named = key === null ? [] : [element("span", { class: "key" }, key), " "];
  const summary = element("summary", {}, ...named, extent);
  return folded(summary, () => best(value, path), open);
}

/** @param {[key: string, value: any][]} parts @param {string[]} path */
function rangeOf(parts, path) {
  const [first, last] = [parts[0][0], parts[parts.length - 1][0]];
  return folded(element("summary", {}, element("span", { class: "key" }, `${first} … ${last}`)),
    () => tree(parts, path), false);
}

/**
 * What is drawn when it is first opened.
 * @param {HTMLElement} summary @param {() => HTMLElement} draw @param {boolean} open
 */
function folded(summary, draw, open) {
  const details = element("details", {}, summary);
  const opened = () => {
    if (!details.open) return;
    details.removeEventListener("toggle", opened);
    details.append(draw());
  };
  details.addEventListener("toggle", opened);
  details.open = open;
  if (open) opened();
  return details;
}

/**
 * Draw the first of many into a place; the button that draws more, or nothing where there are no more.
 * @param {HTMLElement} place
 * @param {number} count
 * @param {(n: number) => HTMLElement} draw
 * @param {string} unit
 * @param {HTMLElement} around what is focused when the button has done its work
 */
function inPortions(place, count, draw, unit, around) {
  let drawn = 0;
  const upTo = (/** @type {number} */ end) => {
    const more = document.createDocumentFragment();
    for (; drawn < end; drawn++) more.append(draw(drawn));
    place.append(more);
  };
  upTo(Math.min(count, FIRST));
  if (drawn === count) return null;
  const offer = () => (count - drawn <= PORTION
    ? `Show all ${counted(count, unit)}`
    : `Show ${counted(PORTION, unit)} more of ${counted(count)}`);
  const button = grow(offer(), () => {
    upTo(Math.min(count, drawn + PORTION));
    button.textContent = offer();
    if (drawn === count) finish(button, around);
  });
  return button;
}

/**
 * The button has no more to do, and the keyboard goes on in what it has drawn.
 * @param {HTMLElement} button @param {HTMLElement} around
 */
function finish(button, around) {
  button.remove();
  if (!around.hasAttribute("tabindex")) around.tabIndex = -1;
  around.focus();
}

/** @param {string} words @param {() => void} press */
function grow(words, press) {
  return element("button", { type: "button", class: "grow", onclick: press }, words);
}

/** @param {number} count @param {string} [unit] */
function counted(count, unit) {
  const written = count.toLocaleString("en");
  return unit ? `${written} ${unit}${count === 1 ? "" : "s"}` : written;
}
