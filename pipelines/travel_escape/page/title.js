// @ts-check
// What is on the map, in words, for who cannot see it. Pure.

import { count, listed, spokenMinutes } from "./words.js";

/**
 * @param {import("./picture.js").Picture} picture
 * @returns {string}
 */
export function titleOf({ departure, places, hours, near, found, escapes }) {
  if (!departure) return "Map of the world. Where to leave from is not known yet.";
  const from = `${departure.city} (${departure.iata})`;
  if (escapes.length) {
    const others = places.length - escapes.length;
    const rest = others ? ` ${count(others, "other destination")} ${others === 1 ? "is" : "are"} dimmed.` : "";
    return `Map: arcs from ${from} to ${listed(escapes.map(({ city }) => city))}.${rest}`;
  }
  if (!found) return `Map around ${from}.`;
  const within = hours === null ? "near enough" : `within ${spokenMinutes(hours * 60)}`;
  return `Map: arcs from ${from} to ${count(found, "non-stop destination")}, ${near} of them ${within}.`;
}
