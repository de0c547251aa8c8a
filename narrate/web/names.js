// @ts-check
// What authors wrote for programs, made fit to be read: names of fields as words, and backticks as code.

import { element } from "./dom.js";

/**
 * A name as words: `max_hours`, `maxHours` and `MaxHours` are “Max hours”; capitals that stand together stay. What is
 * no name of a program's making, such as `en_GB` or `Content-Type`, may be data, and is left as it is.
 * @param {string} name
 */
export function humanised(name) {
  if (!/^\p{L}[\p{L}\p{N}]*(_[\p{Ll}\p{N}]+)*$/u.test(name)) return name || "–";
  const words = name
    .replace(/([\p{Ll}\p{N}])(?=\p{Lu})/gu, "$1 ")
    .replace(/(\p{Lu})(?=\p{Lu}\p{Ll})/gu, "$1 ")
    .split(/[_\s]+/u)
    .map((word) => (/^\p{Lu}\P{Lu}+$/u.test(word) ? word.toLowerCase() : word))
    .join(" ");
  return words.replace(/^./u, (first) => first.toUpperCase());
}

/**
 * The text as nodes, with what stands in backticks as `<code>`.
 * @param {string} text
 * @returns {Node[]}
 */
export function marked(text) {
  return text
    .split(/`([^`]+)`/)
    .map((part, n) => (n % 2 ? element("code", {}, part) : document.createTextNode(part)));
}
