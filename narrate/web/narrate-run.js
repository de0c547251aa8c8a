// @ts-check
// <narrate-run src="/assist">: a form for a pipeline's input, and the run that it begins, told as it happens.
//
// With run="/runs/…" it follows a run that exists. The client hears the story, a Story holds it, Rows and Timeline draw
// it; here they are only brought together, once a frame. Everything is in a shadow root, so that it looks the same on
// whatever page it stands; its colours are custom properties (`--narrate-ink`, …) which that page may set.

import { element, setText } from "./dom.js";
import { FieldProblems, inputForm } from "./form.js";
import { controls } from "./head.js";
import { follow, narrate } from "./narrate.js";
import { maybePipeline, viewOf } from "./pipelines.js";
import { sheet } from "./sheets.js";
import { Telling } from "./telling.js";
import { sentence } from "./words.js";

/** @typedef {import("./narrate.js").Run} Run */
/** @typedef {import("./pipelines.js").Pipeline} Pipeline */

const SHEETS = await Promise.all(["form.css", "details.css", "narrate-run.css", "questions.css"].map(sheet));

export class NarrateRun extends HTMLElement {
  static observedAttributes = ["src", "run"];

  /** @type {Telling | undefined} */
  #telling;
  /** @type {Pipeline | undefined} */
  #pipeline;
  /** @type {ReturnType<typeof inputForm> | undefined} */
  #fields;
  #input = /** @type {unknown} */ (undefined);
  /** What the run that is followed was given, if that is known: then it can be run again. @type {unknown} */
  asked;
  #parts = parts();
  #asked = 0;
  /** Where the run is that was shown when the element was taken out of its page. @type {string | undefined} */
  #left;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = SHEETS;
    const { form, controls } = this.#parts;
    root.append(form, this.#parts.trouble, this.#parts.place);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    controls.again.addEventListener("click", () => this.begin(this.#input));
    controls.cancel.addEventListener("click", () => this.cancel());
  }

  connectedCallback() {
    if (!this.#telling) this.#setState("idle");
    void this.#open();
  }

  disconnectedCallback() {
    this.#left = this.#telling?.run?.url; // put elsewhere, it goes on with the run that it showed
    this.#telling?.leave();
    this.#telling = undefined;
  }

  /** @param {string} name @param {string | null} before @param {string | null} after */
  attributeChangedCallback(name, before, after) {
    if (before === after) return;
    this.#left = undefined;
    if (name === "src") this.#forget();
    if (this.isConnected) void this.#open();
  }

  /** The input of the run shown, as it was given to `begin`; undefined for a run that was only followed. */
  get input() {
    return this.#input;
  }

  /**
   * Begin a run with this input, in place of the one that is shown.
   * @param {unknown} input
   */
  begin(input) {
    this.#input = input;
    this.#parts.controls.again.disabled = false;
    this.#tell((options) => narrate(this.#address, input, options), false);
  }

  /**
   * Follow a run that exists, in place of the one that is shown. `input` is what it was given, if that is known.
   * @param {string | URL} url that of its state, such as `/runs/…`
   * @param {unknown} [input]
   */
  follow(url, input) {
    this.#input = input;
    this.#parts.controls.again.disabled = input === undefined && Boolean(this.#pipeline?.input);
    if (input !== undefined) this.#fields?.fill(input);
    this.#tell((options) => follow(new URL(url, document.baseURI), options), true);
  }

  /** Cancel the run that is shown; nothing happens to one that has ended. */
  async cancel() {
    const { cancel } = this.#parts.controls;
    const telling = this.#telling;
    if (isOff(cancel)) return;
    turnOff(cancel, true);
    try {
      if (await telling?.cancel() === false) this.#empty();
    } catch (error) {
      if (telling !== this.#telling) return; // another is shown by now
      turnOff(cancel, false);
      this.#complain(`It could not be cancelled: ${/** @type {Error} */ (error).message}`);
    }
  }

  /**
   * Answer a question of the run that is shown, as its form does. Gives the answer as it was told, or undefined where
   * it is kept and not told yet.
   * @param {string} value
   * @param {number} [to] the question's number; it may be left out where the run has asked one alone
   */
  async answer(value, to) {
    if (!this.#telling) throw new TypeError("There is no run here that could be answered.");
    return this.#telling.answer(value, to);
  }

  get #address() {
    return new URL(this.getAttribute("src") ?? "", document.baseURI);
  }

  /** Find out which pipeline this is, make its form, and follow the run that was asked for. */
  async #open() {
    const asked = ++this.#asked;
    const pipeline = this.hasAttribute("src") ? await maybePipeline(this.#address) : undefined;
    if (asked !== this.#asked || !this.isConnected) return; // another was asked for meanwhile
    if (pipeline instanceof Error) return this.#complain(pipeline.message);
    this.#pipeline = pipeline;
    if (pipeline) this.#drawForm(pipeline);
    if (pipeline) viewOf(pipeline).catch(() => {}); // the run says so, in its place
    const run = this.getAttribute("run");
    if (!pipeline && !run) this.#complain("A <narrate-run> needs src, the address of a pipeline, or run, that of a run.");
    if (this.#left) this.follow(this.#left, this.#input);
    else if (run) this.follow(run, this.asked);
    this.#left = undefined;
  }

  /** Show nothing of the pipeline that was asked for before. */
  #forget() {
    this.#empty();
    this.#pipeline = this.#fields = undefined;
    this.#parts.form.hidden = true;
  }

  /** Show no run. */
  #empty() {
    const wasHere = this.#parts.place.contains(focused(this.#parts.place));
    this.#telling?.leave();
    this.#telling = undefined;
    this.#parts.place.replaceChildren();
    this.#complain("");
    this.#setState("idle");
    if (wasHere) this.#parts.begin.focus();
  }

  /** @param {Pipeline} pipeline */
  #drawForm({ title, input }) {
    const { form, heading, fields, begin } = this.#parts;
    setText(heading, title);
    this.#fields = inputForm(input);
    fields.replaceChildren(this.#fields.element);
    (fields.querySelector(".lead") ?? form).append(begin); // beside the one line that is all there is to fill in
    begin.disabled = false;
    this.#setState(this.getAttribute("state") ?? "idle"); // one may be under way that was begun before this was known
    form.hidden = false;
  }

  #submit() {
    const fields = this.#fields;
    if (!fields || isOff(this.#parts.begin)) return;
    fields.clear();
    this.#complain("");
    try {
      this.begin(this.#pipeline?.input ? fields.value() : undefined);
    } catch (error) {
      if (!(error instanceof FieldProblems)) throw error;
      this.#complain(fields.show(error).join(" "));
    }
  }

  /** @param {(options: object) => Run} begin @param {boolean} again whether it is a story that was told before */
  #tell(begin, again) {
    this.#telling?.leave();
    this.#complain("");
    const { place, controls } = this.#parts;
    const wasHere = place.contains(focused(place)); // asked now: the new run takes the buttons over
    const telling = new Telling(begin, this.#pipeline, again, controls, {
      state: (state) => this.#setState(state),
      refused: (problem) => this.#refused(problem),
      dispatch: (name, detail) => this.#dispatch(name, detail),
    });
    this.#telling = telling;
    turnOff(controls.cancel, false);
    this.#setState("connecting");
    place.replaceChildren(...telling.elements);
    if (wasHere) telling.focus();
    void telling.listen();
  }

  /** @param {string} state */
  #setState(state) {
    this.setAttribute("state", state);
    const underWay = ["connecting", "working", "waiting"].includes(state);
    turnOff(this.#parts.begin, underWay);
  }

  /** @param {any} problem the problem document with which the server refused */
  #refused(problem) {
    const left = this.#fields && problem.errors?.length ? this.#fields.show(problem.errors) : undefined;
    this.#complain(left ? left.join(" ") : sentence(problem));
  }

  /** @param {string} what */
  #complain(what) {
    setText(this.#parts.trouble, what);
    this.#parts.trouble.hidden = !what;
  }

  /** @param {string} name @param {unknown} detail */
  #dispatch(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}

/** What has the focus in the tree in which this stands. @param {Node} place */
const focused = (place) => /** @type {ShadowRoot} */ (place.getRootNode()).activeElement;

/** Turn a button off and on. Unlike one that is `disabled` it keeps the focus, which else is lost to who has no mouse.
 * @param {HTMLElement} button @param {boolean} off */
const turnOff = (button, off) => button.setAttribute("aria-disabled", String(off));

/** @param {HTMLElement} button */
const isOff = (button) => button.getAttribute("aria-disabled") === "true";

/** What stays while runs come and go. */
function parts() {
  const heading = element("h2");
  const fields = element("div", { class: "fields" });
  const begin = element("button", { type: "submit", class: "begin", disabled: true }, "Begin");
  const form = element("form", { class: "ask", novalidate: true }, heading, fields, begin);
  form.hidden = true;
  const trouble = element("p", { class: "trouble", role: "alert" });
  trouble.hidden = true;
  return { form, heading, fields, begin, trouble, place: element("div", { class: "run" }), controls: controls() };
}

customElements.define("narrate-run", NarrateRun);
