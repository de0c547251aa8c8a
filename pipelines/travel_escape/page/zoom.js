// @ts-check
// The way from one view of the map to the next, in less than a second, or at once.

import { between } from "./camera.js";

/** @typedef {import("./camera.js").View} View */

const MILLISECONDS = 800;

/** A camera that is somewhere, and may be on its way to somewhere else. */
export class Zoom {
  /**
   * @param {(view: View) => void} moved called at each step of the way, the last one included
   */
  constructor(moved) {
    /** Where it is; null before it has been anywhere. @type {View | null} */
    this.now = null;
    /** Where it is on its way to; null when it is on none. @type {View | null} */
    this.target = null;
    this.moved = moved;
    this.frame = 0;
  }

  /**
   * Go there. At once where `still`, where it has been nowhere yet, or where it is there already.
   * @param {View} target
   * @param {boolean} still
   */
  to(target, still) {
    if (!still && this.target && same(this.target, target)) return;
    cancelAnimationFrame(this.frame);
    const from = this.now;
    if (from === null || still || same(from, target)) return this.be(target);
    this.target = target;
    const began = performance.now();
    const step = (/** @type {number} */ time) => {
      const share = (time - began) / MILLISECONDS;
      if (share >= 1) return this.be(target);
      this.be(between(from, target, Math.max(0, share)), target);
      this.frame = requestAnimationFrame(step);
    };
    this.frame = requestAnimationFrame(step);
  }

  /**
   * @param {View} view
   * @param {View | null} [target]
   */
  be(view, target = null) {
    this.now = view;
    this.target = target;
    this.moved(view);
  }
}

/**
 * @param {View} a
 * @param {View} b
 */
function same(a, b) {
  return Object.entries(a).every(([key, value]) => Math.abs(value - b[/** @type {keyof View} */ (key)]) < 1e-6);
}
