// @ts-check
// What the server serves: its pipelines, and the view that a pipeline brings of its own runs.

import { element } from "./dom.js";
import { sentence } from "./words.js";

/**
 * @typedef {object} Pipeline
 * @property {string} name
 * @property {string} title
 * @property {string} path
 * @property {any} input the input's JSON Schema; null where it takes none
 * @property {any[]} outline
 * @property {number | null} linger seconds that a run goes on after its last reader has left; null for to its end
 * @property {string | null} view the address of a module that draws its runs
 */

/** The root of the server that this module came from. */
export const SERVER = new URL("..", import.meta.url);

/** All pipelines that are served. @returns {Promise<Pipeline[]>} */
export const pipelines = async () => (await offered()).pipelines;

/** All pipelines that are served, and where the server's API is described, if it is. */
export async function offered() {
  const response = await fetch(new URL("pipelines", SERVER));
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new Error(sentence(answer ?? { title: `The server answered ${response.status}.` }));
  const docs = /<([^>]*)>; rel="service-doc"/.exec(response.headers.get("Link") ?? "");
  return { pipelines: /** @type {Pipeline[]} */ (answer), docs: docs && new URL(docs[1], SERVER).href };
}

/** What a page of another origin may have missed: a browser does not tell it that it may not ask. */
const hint = () => (SERVER.origin === location.origin ? ""
  : ` If it is up, it may have to be started with --cors ${location.origin}`);

/**
 * The pipeline that answers at this address, or the error that says why there is none to be had.
 * @param {URL} address
 * @returns {Promise<Pipeline | Error>}
 */
export async function maybePipeline(address) {
  const place = address.origin + address.pathname; // what comes behind a `?` is the page's own affair
  try {
    const found = (await pipelines()).find(({ path }) => new URL(path, SERVER).href === place);
    return found ?? new Error(`No pipeline of ${SERVER.origin} answers at ${place}.`);
  } catch (error) {
    const why = /** @type {Error} */ (error).message;
    return new Error(`${SERVER.origin} could not be asked what it serves: ${why}.${hint()}`);
  }
}

/** The module of the pipeline's own view; asked for early, it is there when a run begins. @param {Pipeline} pipeline */
export const viewOf = ({ view }) => (view ? import(String(new URL(view, SERVER))) : Promise.resolve(null));

/**
 * The pipeline's own view of a run, in an element that is its own. A view that fails says so in its place; the story
 * goes on without it.
 * @param {Pipeline | undefined} pipeline
 * @param {(detail: any) => Promise<unknown>} data
 */
export function drawView(pipeline, data) {
  const place = element("div", { class: "view" });
  place.hidden = !pipeline?.view;
  if (!pipeline?.view) return { element: place, tell() {} };
  const open = viewOf(pipeline).then((module) => {
    if (typeof module.default !== "function") throw new Error("view.js has no function for its default export.");
    return module.default(place, { data });
  });
  let broken = false;
  const failed = (/** @type {Error} */ error) => {
    if (broken) return;
    broken = true;
    console.error(error);
    place.replaceChildren(element("p", { class: "note" }, `This run's own view has failed: ${error.message}`));
  };
  open.catch(failed);
  return {
    element: place,
    /** @param {any} event */
    tell(event) {
      open.then((tell) => broken || tell(event)).catch(failed);
    },
  };
}
