// @ts-check
// The word to the page around that a run waits for a person, and that it does so no more.
//
// A question counts as asked when it has stood open for a moment: of a story that is told again, the answer follows on
// its heels, and nobody must be called for what was settled long ago.

/** @typedef {import("./story.js").Story} Story */

const MOMENT = 150; // milliseconds

export class Asked {
  /** @type {Map<number, ReturnType<Story["questions"]>[number]>} of which the page was told, by number */
  #told = new Map();
  #moment = 0;
  #story;
  #dispatch;

  /**
   * @param {Story} story
   * @param {(name: string, detail: object) => void} dispatch
   */
  constructor(story, dispatch) {
    this.#story = story;
    this.#dispatch = dispatch;
  }

  /** Take it that an event was told. @param {{type: string}} event */
  take({ type }) {
    if (type === "question") {
      clearTimeout(this.#moment);
      this.#moment = setTimeout(() => this.#ask(), MOMENT); // and not with a frame: a tab that is hidden has none
    } else if (this.#told.size && type !== "token") this.#settle();
  }

  leave() {
    clearTimeout(this.#moment);
  }

  #ask() {
    for (const question of this.#story.questions()) {
      if (this.#told.has(question.n)) continue;
      this.#told.set(question.n, question);
      this.#dispatch("narrate-asked", this.#detail(question));
    }
  }

  #settle() {
    const open = new Set(this.#story.questions().map(({ n }) => n));
    for (const [n, question] of this.#told) {
      if (open.has(n)) continue;
      this.#told.delete(n);
      this.#dispatch("narrate-answered", { ...this.#detail(question), open: this.#told.size });
    }
  }

  /** @param {ReturnType<Story["questions"]>[number]} question */
  #detail({ n, step, question, choices, default: otherwise, until }) {
    const { title } = this.#story.run;
    return { title, n, step, question, choices, default: otherwise, until };
  }
}
