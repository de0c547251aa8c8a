// @ts-check
// The page: which pipeline is shown, the panel of my runs, and the word that a run ends, or asks, while nobody looks.
//
// The address says what is shown: `?pipeline=…` a form, `?run=…` a run, so that a reload, a second tab and a friend see
// the same. What was asked stays with the entry in this tab's history, and goes nowhere else.

import { element, setText } from "./dom.js";
import "./narrate-run.js";
import { SERVER, offered } from "./pipelines.js";
import { known, mine, remember } from "./runs.js";
import { duration } from "./words.js";

/** @typedef {import("./pipelines.js").Pipeline} Pipeline */
/** @typedef {import("./narrate-run.js").NarrateRun} NarrateRun */

const REFRESH = 3000; // milliseconds between two looks at runs that are under way
const WORDS = { working: "under way", asking: "asks you", finished: "done", failed: "failed", cancelled: "cancelled" };
const UNDER_WAY = new Set(["working", "asking"]);
const ENDED = { finished: "It is done.", failed: "It has failed.", cancelled: "It was cancelled." };

const get = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));
const panel = get("runs");

/** @type {Pipeline[]} */
let served = [];

async function open() {
  try {
    const { pipelines, docs } = await offered();
    served = pipelines;
    if (docs) Object.assign(get("docs"), { href: docs, hidden: false });
  } catch (error) {
    return complain(`The server could not be asked what it serves: ${/** @type {Error} */ (error).message}`);
  }
  await show();
}

let shown = 0;

/** Show what the address says. */
async function show() {
  const turn = ++shown;
  const asked = new URLSearchParams(location.search);
  const run = asked.get("run");
  const name = run ? await pipelineOf(run) : asked.get("pipeline");
  if (turn !== shown) return; // the address has changed meanwhile
  const pipeline = served.find((one) => one.name === name) ?? (served.length === 1 ? served[0] : undefined);
  complain(name && !pipeline && !run ? `There is no pipeline “${name}” here.` : "");
  document.title = pipeline?.title ?? "narrate";
  get("pipelines").hidden = Boolean(pipeline || run);
  get("pipelines").replaceChildren(...served.map(card));
  get("place").replaceChildren(...(pipeline || run ? [telling(pipeline, run)] : []));
}

/** @param {Pipeline | undefined} pipeline @param {string | null} run */
function telling(pipeline, run) {
  const made = /** @type {NarrateRun} */ (document.createElement("narrate-run"));
  if (pipeline) made.setAttribute("src", pipeline.path);
  if (run) made.setAttribute("run", addressOf(run));
  made.asked = history.state?.input;
  return made;
}

/** Which pipeline a run is of. Of one that is not to be had, the element will say why. @param {string} run */
async function pipelineOf(run) {
  const here = known().find(({ id }) => id === run);
  if (here) return here.pipeline;
  const response = await fetch(addressOf(run)).catch(() => null);
  return response?.ok ? (await response.json()).pipeline : undefined;
}

/** The address of a run's state. @param {string} run */
const addressOf = (run) => String(new URL(`runs/${encodeURIComponent(run)}`, SERVER));

/** @param {Pipeline} pipeline */
function card({ name, title, outline }) {
  const steps = outline.flatMap(titles).join(" → ");
  return element("li", {}, element("a", { href: `?pipeline=${encodeURIComponent(name)}` },
    element("strong", {}, title), element("small", {}, steps)));
}

/** The titles of a stage, those of what runs at the same time joined. @param {any} stage @returns {string} */
function titles({ title, members }) {
  return members ? members.map(titles).join(" + ") : title.replace(/[.…:?! ]+$/, "");
}

/** @param {string} what */
function complain(what) {
  setText(get("trouble"), what);
  get("trouble").hidden = !what;
}

// --- My runs ---

/** @type {ReturnType<typeof setTimeout> | undefined} */
let looking;

/** Bring the panel up to date, and again for as long as it is open and something is under way. */
async function refresh() {
  clearTimeout(looking);
  const list = /** @type {HTMLElement} */ (panel.querySelector("ul"));
  try {
    const runs = await mine();
    const focused = document.activeElement?.getAttribute("href");
    list.replaceChildren(...(runs.length ? runs.map(row) : [element("li", { class: "note" }, "There are none yet.")]));
    if (focused) [...list.querySelectorAll("a")].find((link) => link.getAttribute("href") === focused)?.focus();
    if (panel.matches(":popover-open") && runs.some(({ state }) => UNDER_WAY.has(state))) {
      looking = setTimeout(refresh, REFRESH);
    }
  } catch (error) {
    list.replaceChildren(element("li", { class: "note" },
      `They could not be fetched: ${/** @type {Error} */ (error).message}`));
  }
}

/** @param {import("./runs.js").MyRun} run */
function row({ run, title, state, began, seconds }) {
  const took = seconds == null ? "" : ` in ${duration(seconds)}`;
  const at = new Date(began * 1000).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  return element("li", { "data-state": state }, element("a", { href: `?run=${encodeURIComponent(run)}` },
    element("span", {}, title),
    element("span", { class: "word" }, WORDS[/** @type {keyof WORDS} */ (state)] + took), element("small", {}, at)));
}

function toggled() {
  const open = panel.matches(":popover-open");
  get("notify").hidden = !open || !("Notification" in window) || Notification.permission !== "default";
  if (open) void refresh();
  else clearTimeout(looking);
}

panel.addEventListener("toggle", toggled);
if (panel.matches(":popover-open")) toggled(); // it opens without us, and may have before this was loaded

// Asked for once, and only by who wants it: a page that asks unasked is refused for ever.
get("notify").addEventListener("click", async () => {
  await Notification.requestPermission();
  get("notify").hidden = true;
});

// --- What the run tells ---

addEventListener("narrate-begun", (event) => {
  const { id, title, pipeline } = /** @type {CustomEvent} */ (event).detail;
  document.title = `… ${title}`;
  remember({ id, title, pipeline });
  const address = `?run=${encodeURIComponent(id)}`;
  const { input } = /** @type {NarrateRun} */ (event.target);
  if (new URLSearchParams(location.search).get("run") !== id) history.pushState({ input }, "", address);
});

addEventListener("narrate-ended", (event) => {
  const { id, state, title } = /** @type {CustomEvent} */ (event).detail;
  document.title = `${state === "finished" ? "✓" : "✗"} ${title}`;
  if (panel.matches(":popover-open")) void refresh();
  notify(id, title, ENDED[/** @type {keyof ENDED} */ (state)]);
});

addEventListener("narrate-asked", (event) => {
  const { id, title, question } = /** @type {CustomEvent} */ (event).detail;
  document.title = `? ${title}`;
  notify(id, title, question);
});

addEventListener("narrate-answered", (event) => {
  const { title, open } = /** @type {CustomEvent} */ (event).detail;
  if (!open) document.title = `… ${title}`;
});

/**
 * Say something of a run to who looks elsewhere, and wants to be told.
 * @param {string} id
 * @param {string} title
 * @param {string} body
 */
function notify(id, title, body) {
  if (!document.hidden || !("Notification" in window) || Notification.permission !== "granted") return;
  const told = new Notification(title, { body, tag: id, icon: String(new URL("icon.svg", import.meta.url)) });
  told.onclick = () => window.focus();
}

addEventListener("popstate", () => void show());

void open();
