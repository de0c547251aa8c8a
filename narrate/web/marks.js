// @ts-check
// The small pictures of a story, drawn as SVG: nothing to load, and nothing that a Content-Security-Policy could refuse.

const SVG = "http://www.w3.org/2000/svg";

/** @type {Record<string, [tag: "circle" | "path", values: Record<string, string>][]>} */
const SHAPES = {
  waiting: [["circle", { cx: "10", cy: "10", r: "3.2", class: "dot" }]],
  working: [
    ["circle", { cx: "10", cy: "10", r: "6.5", class: "track" }],
    ["path", { d: "M10 3.5a6.5 6.5 0 0 1 6.5 6.5", class: "turning" }],
  ],
  done: [
    ["circle", { cx: "10", cy: "10", r: "8", class: "disc" }],
    ["path", { d: "m6.4 10.3 2.5 2.4 4.8-5", class: "cut" }],
  ],
  failed: [
    ["circle", { cx: "10", cy: "10", r: "8", class: "disc" }],
    ["path", { d: "m7.2 7.2 5.6 5.6m0-5.6-5.6 5.6", class: "cut" }],
  ],
  asking: [
    ["circle", { cx: "10", cy: "10", r: "8", class: "disc" }],
    ["path", { d: "M7.7 7.9a2.4 2.4 0 1 1 3.5 2.2c-.8.4-1.2.8-1.2 1.6m0 2.6v.01", class: "cut" }],
  ],
  skipped: [
    ["circle", { cx: "10", cy: "10", r: "6.5", class: "track" }],
    ["path", { d: "M7.4 10h5.2", class: "line" }],
  ],
  cancelled: [
    ["circle", { cx: "10", cy: "10", r: "6.5", class: "track" }],
    ["path", { d: "m5.6 14.4 8.8-8.8", class: "line" }],
  ],
};

const LIKE = { retrying: "working", unreached: "waiting", unknown: "waiting" };

/**
 * The mark of a step's state. What it says is said in words beside it, so it is hidden from those who hear the page.
 * @param {string} state
 */
export function mark(state) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  for (const [tag, values] of SHAPES[LIKE[/** @type {keyof LIKE} */ (state)] ?? state]) {
    const shape = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(values)) shape.setAttribute(name, value);
    svg.append(shape);
  }
  return svg;
}
