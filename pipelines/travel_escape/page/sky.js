// @ts-check
// The sky as a small drawing: which one by the words of the forecast, and its lines.

import { svg } from "./dom.js";

/** @typedef {"sun" | "partly" | "cloud" | "rain" | "snow" | "storm" | "mist"} Sky */

/** The first that is found in the words counts: a thunderstorm with rain is a storm. @type {[RegExp, Sky][]} */
const WORDS = [
  [/thunder|storm|squall|tornado/, "storm"],
  [/snow|sleet|freezing|blizzard/, "snow"],
  [/rain|drizzle|shower/, "rain"],
  [/mist|fog|haze|smoke|dust|sand|ash/, "mist"],
  [/few|scattered|partly/, "partly"],
  [/cloud|overcast/, "cloud"],
  [/clear|sun|fair/, "sun"],
];

const CLOUD = "M7.5 18.5a4 4 0 0 1-.4-8 5.6 5.6 0 0 1 10.6-.9 4.5 4.5 0 0 1-.7 8.9z";
const HIGHER_CLOUD = "M7.5 15.5a4 4 0 0 1-.4-8 5.6 5.6 0 0 1 10.6-.9 4.5 4.5 0 0 1-.7 8.9z";
const RAYS = "M12 2v2.5M12 19.5V22M2 12h2.5M19.5 12H22M4.9 4.9l1.8 1.8M17.3 17.3l1.8 1.8M4.9 19.1l1.8-1.8M17.3 6.7"
  + "l1.8-1.8";
const SOME_RAYS = "M9 2v1.6M3.4 4.4l1.2 1.2M14.6 4.4l-1.2 1.2M1.6 10h1.6";

/** @type {Record<Sky, [string, "sun" | "rays" | "cloud" | "drops" | "flakes" | "bolt" | "lines"][]>} */
const DRAWINGS = {
  sun: [["M12 7a5 5 0 1 1 0 10 5 5 0 0 1 0-10z", "sun"], [RAYS, "rays"]],
  partly: [["M9 5.6a4.4 4.4 0 1 1 0 8.8 4.4 4.4 0 0 1 0-8.8z", "sun"], [SOME_RAYS, "rays"],
    ["M9.6 20a3.6 3.6 0 0 1-.3-7.2 5 5 0 0 1 9.5-.8 4 4 0 0 1-.6 8z", "cloud"]],
  cloud: [[CLOUD, "cloud"]],
  rain: [[HIGHER_CLOUD, "cloud"], ["M8.5 18l-1 3M12.5 18l-1 3M16.5 18l-1 3", "drops"]],
  snow: [[HIGHER_CLOUD, "cloud"], ["M8 18.6h.01M12 18.6h.01M16 18.6h.01M10 21.6h.01M14 21.6h.01", "flakes"]],
  storm: [[HIGHER_CLOUD, "cloud"], ["M13 14l-3 4h3.5l-2 4", "bolt"]],
  mist: [["M4 8h12M7 12h13M4 16h13M9 20h8", "lines"]],
};

/**
 * The drawing that fits the words of a forecast; null where none does.
 * @param {string} words
 * @returns {Sky | null}
 */
export function skyOf(words) {
  const lower = words.toLowerCase();
  return WORDS.find(([pattern]) => pattern.test(lower))?.[1] ?? null;
}

/**
 * The drawing of a sky, which says nothing to who cannot see it: the words stand beside it.
 * @param {Sky} sky
 */
export function skyDrawing(sky) {
  const lines = DRAWINGS[sky].map(([d, part]) => svg("path", { d, class: part }));
  return svg("svg", { class: "sky", viewBox: "0 0 24 24", "aria-hidden": "true", "data-sky": sky }, ...lines);
}
