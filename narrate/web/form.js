// @ts-check
// A form made from the JSON Schema of a pipeline's input: fields, groups of fields, and lists that grow.
//
// It is no <form>: who shows it has one around it, with `novalidate`, for errors are shown at their fields and stay
// there. Classes, all in `.inputs`: .fields .field (.lead .wide .json .tick) .notes .hint .wrong .more; .set (.alone)
// .items .item .add .remove .ticks.

import { element } from "./dom.js";
import { fieldFor, notes, unfold } from "./fields.js";
import { marked } from "./names.js";
import { askedBy, fieldsOf } from "./schema.js";

/** @typedef {import("./schema.js").Asked} Asked */
/** @typedef {import("./schema.js").Schema} Schema */
/** @typedef {import("./fields.js").Part} Part */
/** @typedef {import("./fields.js").Place} Place */
/** @typedef {import("./fields.js").FieldProblem} FieldProblem */

/** Objects in objects are drawn to this depth; what is deeper is written as JSON. */
const DEEPEST = 6;

/** Why a form has no value: an iterable of what is wrong, each with its field, as the server would say it. */
export class FieldProblems extends Error {
  /** @param {FieldProblem[]} problems */
  constructor(problems) {
    super(problems.map(({ field, detail }) => (field ? `${field}: ${detail}` : detail)).join("; "));
    this.name = "FieldProblems";
    this.problems = problems;
  }

  [Symbol.iterator]() {
    return this.problems[Symbol.iterator]();
  }
}

/**
 * A form for a pipeline's input. Fields that were left empty are left out of the value where they may be.
 * @param {Schema | null} schema null for a pipeline that takes nothing: then the element is empty and the value null
 */
export function inputForm(schema) {
  const whole = element("fieldset", { class: "inputs", role: "presentation" });
  const part = schema ? wholePart(schema, whole) : null;
  part?.fill();
  // A browser that checks by itself can point at nothing that is folded.
  whole.addEventListener("invalid", (event) => unfold(/** @type {Element} */ (event.target)), true);
  const clear = () => part?.places("").forEach(([, place]) => place.clear());
  return {
    /** Disabling it disables every field. */
    element: whole,

    /** The value to send. Throws FieldProblems when there is none; `show` takes them. */
    value() {
      if (!part) return null;
      /** @type {FieldProblem[]} */
      const problems = [];
      const value = part.read("", problems);
      if (problems.length) throw new FieldProblems(problems);
      return value;
    },

    /** Fill in a value such as `value()` gives; undefined brings back what was there at first. */
    fill(/** @type {any} */ value) {
      part?.fill(value);
    },

    /**
     * Show at its field what is wrong, and go to the first of them. What was shown before is cleared.
     * @param {Iterable<{field?: string | null, detail: string}>} problems the `errors` of a problem document, or what
     *   `value()` threw
     * @returns {string[]} the sentences that fit no field
     */
    show(problems) {
      clear();
      return part ? shownAt(part.places(""), problems) : Array.from(problems, ({ detail }) => detail);
    },

    /** Take away what `show` has shown. What was filled in stays. */
    clear,
  };
}

/** @param {Schema} schema @param {HTMLElement} whole @returns {Part} */
function wholePart(schema, whole) {
  const asked = askedBy(schema, schema, { required: true });
  const part = asked.kind === "object" && !asked.nullable
    ? { ...fieldsIn(asked, schema, 0, whole, true), element: whole }
    : partFor(asked, schema, 0);
  if (part.element && part.element !== whole) whole.append(part.element);
  return part;
}

/**
 * Put each problem at the field that it names, or at what that is in.
 * @param {[at: string, place: Place][]} places
 * @param {Iterable<{field?: string | null, detail: string}>} problems
 */
function shownAt(places, problems) {
  /** @type {Map<Place, string[]>} */
  const told = new Map();
  const left = [];
  for (const { field, detail } of problems) {
    const [at, place] = nearest(places, field ?? "") ?? [];
    if (at === undefined || !place) {
      left.push(detail);
      continue;
    }
    const rest = (field ?? "").slice(at ? at.length + 1 : 0);
    const words = field && detail.startsWith(`${field}: `) ? detail.slice(field.length + 2) : detail;
    told.set(place, [...(told.get(place) ?? []), place.whole && rest ? `${rest}: ${words}` : words]);
  }
  for (const [place, words] of told) place.tell(words.join("\n"));
  places.find(([, place]) => told.has(place))?.[1].focus();
  return left;
}

/** The innermost place that has a field in it. @param {[at: string, place: Place][]} places @param {string} field */
function nearest(places, field) {
  return places
    .filter(([at]) => at === "" || field === at || field.startsWith(`${at}.`))
    .reduce((/** @type {[string, Place] | undefined} */ best, one) =>
      (best && best[0].length >= one[0].length ? best : one), undefined);
}

/** @param {Asked} asked @param {Schema} root @param {number} depth @param {boolean} [lead] @returns {Part} */
function partFor(asked, root, depth, lead = false) {
  const { kind, required, nullable, initial } = asked;
  if (depth > DEEPEST && (kind === "object" || kind === "list")) return fieldFor({ ...asked, kind: "json" });
  if (kind === "list") return list(asked, root, depth);
  if (kind === "choices") return choices(asked, root);
  if (kind !== "object") return fieldFor(asked, { lead });
  return !nullable && (required || initial != null) ? group(asked, root, depth) : maybeGroup(asked, root, depth);
}

/**
 * The fields of an object, put into an element. Those that nobody needs are folded where there are others.
 * @param {Asked} asked @param {Schema} root @param {number} depth @param {HTMLElement} into
 * @param {boolean} [outermost] the form is nothing but this: then its one text that must be filled in leads
 * @returns {Omit<Part, "element">}
 */
function fieldsIn(asked, root, depth, into, outermost = false) {
  const fields = fieldsOf(asked.schema, root);
  const needed = fields.filter(([, one]) => one.required && one.kind !== "constant");
  const mayFold = (/** @type {Asked} */ one) => needed.length > 0 && !one.required && one.initial == null;
  const parts = fields.map(([name, one], n) => {
    const lead = outermost && n === 0 && one.kind === "text" && one.required && needed.length === 1;
    const folded = mayFold(one);
    return { name, folded, part: partFor({ ...one, optional: one.optional && !folded }, root, depth + 1, lead) };
  });
  const drawn = (/** @type {boolean} */ folded) =>
    parts.flatMap((one) => (one.folded === folded && one.part.element ? [one.part.element] : []));
  into.append(element("div", { class: "fields" }, ...drawn(false)));
  const more = element("details", { class: "more" }, element("summary", {}, "More options"),
    element("div", { class: "fields" }, ...drawn(true)));
  if (drawn(true).length) into.append(more);
  const inOrder = [...parts].sort((one, other) => Number(one.folded) - Number(other.folded));
  return {
    read: (at, problems) => Object.fromEntries(parts
      .map(({ name, part }) => [name, part.read(inside(at, name), problems)])
      .filter(([, value]) => value !== undefined)),
    fill: (value = asked.initial) => {
      for (const { name, part } of parts) part.fill(own(value, name));
      more.open = parts.some(({ name, folded }) => folded && own(value, name) != null);
    },
    places: (at) => inOrder.flatMap(({ name, part }) => part.places(inside(at, name))),
  };
}

/** An object that is always there. @param {Asked} asked @param {Schema} root @param {number} depth @returns {Part} */
function group(asked, root, depth) {
  const { box, legend, place } = framed(asked);
  const fields = fieldsIn(asked, root, depth, box);
  return {
    ...fields,
    element: box,
    places: (at) => [[at, place], ...fields.places(at)],
    rename: (name) => legend.replaceChildren(name),
  };
}

/**
 * An object that may be missing: none, or one, as in a list.
 * @param {Asked} asked @param {Schema} root @param {number} depth
 */
function maybeGroup(asked, root, depth) {
  const item = { ...asked, required: true, nullable: false, initial: undefined, hint: "" };
  const absent = () => (asked.nullable && (asked.required || asked.initial != null) ? null : undefined);
  return growing(asked, () => group(item, root, depth), {
    alone: true,
    most: 1,
    named: () => asked.label.replaceAll("`", ""),
    into: (values) => (values.length ? values[0] : absent()),
    from: (value = asked.initial) => (value == null ? [] : [value]),
    inner: (at) => at,
  });
}

/** A list of fields or objects. @param {Asked} asked @param {Schema} root @param {number} depth */
function list(asked, root, depth) {
  const { schema, required, initial, label } = asked;
  const one = askedBy(schema.items, root, { required: true });
  const item = { ...one, hint: "" };
  const noun = one.kind === "object" ? one.noun : label;
  const blanks = required ? Math.min(schema.minItems ?? 0, 3) : 0;
  return growing(asked, () => (one.kind === "object" ? group(item, root, depth) : fieldFor(item, { name: noun })), {
    least: schema.minItems,
    most: schema.maxItems,
    named: (n) => `${noun} ${n + 1}`,
    into: (values) => (values.length || required || initial?.length ? values : undefined),
    from: (value = initial ?? Array(blanks).fill(undefined)) => (Array.isArray(value) ? value : []),
    inner: (at, n) => inside(at, n),
  });
}

/**
 * What can be added to and taken from.
 * @param {Asked} asked
 * @param {() => Part} item a new, empty one
 * @param {object} does
 * @param {boolean} [does.alone] there is never more than one, which needs no name of its own
 * @param {number} [does.least] @param {number} [does.most]
 * @param {(n: number) => string} does.named what the one with this index is called
 * @param {(values: any[]) => any} does.into the value, of those of the items
 * @param {(value: any) => any[]} does.from those of the items, of the value
 * @param {(at: string, n: number) => string} does.inner where an item is
 * @returns {Part}
 */
function growing(asked, item, { alone = false, least = 0, most = Infinity, named, into, from, inner }) {
  const { box, place } = framed(asked);
  box.classList.toggle("alone", alone);
  const rows = element("ol", { class: "items", role: "list" });
  const add = element("button", { type: "button", class: "add" }, "Add");
  add.setAttribute("aria-label", `Add to ${asked.label.replaceAll("`", "")}`);
  /** @type {{part: Part, row: HTMLElement, remove: HTMLButtonElement}[]} */
  let items = [];
  const settle = () => {
    items.forEach(({ part, remove }, n) => {
      part.rename?.(named(n));
      remove.setAttribute("aria-label", `Remove ${named(n)}`);
    });
    rows.hidden = !items.length;
    add.hidden = items.length >= most;
    place.clear();
  };
  const grow = (/** @type {any} */ value) => {
    const part = item();
    const remove = element("button", { type: "button", class: "remove", title: "Remove" }, "×");
    const row = element("li", { class: "item" }, part.element, remove);
    const grown = { part, row, remove };
    remove.addEventListener("click", () => shrink(grown));
    items.push(grown);
    rows.append(row);
    part.fill(value);
    return row;
  };
  const shrink = (/** @type {typeof items[number]} */ gone) => {
    const n = items.indexOf(gone);
    items = items.filter((one) => one !== gone);
    gone.row.remove();
    settle();
    (items[Math.min(n, items.length - 1)]?.remove ?? add).focus();
  };
  add.addEventListener("click", () => {
    const row = grow(undefined);
    settle();
    firstControl(row)?.focus();
  });
  box.append(rows, add);
  return {
    element: box,
    read: (at, problems) => {
      const value = into(items.map(({ part }, n) => part.read(inner(at, n), problems)));
      if (value !== undefined && items.length < least) problems.push({ field: at, detail: tooFew(least) });
      return value;
    },
    fill: (value) => {
      for (const { row } of items) row.remove();
      items = [];
      from(value).forEach(grow);
      settle();
    },
    places: (at) => [
      [at, { ...place, focus: () => { unfold(add); (add.hidden ? firstControl(box) : add)?.focus(); } }],
      ...items.flatMap(({ part }, n) => part.places(inner(at, n))),
    ],
  };
}

/** Some of a set, ticked. @param {Asked} asked @param {Schema} root @returns {Part} */
function choices(asked, root) {
  const { schema, required, initial } = asked;
  const { box, place } = framed(asked);
  /** @type {any[]} */
  const values = askedBy(schema.items, root).schema.enum;
  const ticks = values.map(() => element("input", { type: "checkbox" }));
  box.append(element("div", { class: "ticks" },
    ...values.map((value, n) => element("label", {}, ticks[n], String(value)))));
  return {
    element: box,
    read: (at, problems) => {
      const ticked = values.filter((_, n) => ticks[n].checked);
      if (!ticked.length && !required && !initial?.length) return undefined;
      if (ticked.length < (schema.minItems ?? 0)) problems.push({ field: at, detail: tooFew(schema.minItems) });
      return ticked;
    },
    fill: (value = initial) => {
      ticks.forEach((tick, n) => { tick.checked = Array.isArray(value) && value.includes(values[n]); });
      place.clear();
    },
    places: (at) => [[at, place]],
  };
}

/** A frame around several fields, which is also where errors are shown that are of them all. @param {Asked} asked */
function framed({ label, hint, optional }) {
  const legend = element("legend", {}, ...marked(label));
  if (optional) legend.append(" ", element("small", {}, "optional"));
  const box = element("fieldset", { class: "set" }, legend);
  const { hint: hinting, wrong, say } = notes(box, hint);
  box.append(element("div", { class: "notes" }, hinting, wrong));
  box.addEventListener("input", () => say(""));
  const focus = () => {
    unfold(box);
    firstControl(box)?.focus();
  };
  const place = { tell: say, clear: () => say(""), focus, whole: true };
  return { box, legend, place };
}

/** @param {Element} around @returns {HTMLElement | null} */
function firstControl(around) {
  return around.querySelector("input, select, textarea, button:not([hidden])");
}

/** What an object says of a name by itself: not what every object has. @param {any} value @param {string} name */
function own(value, name) {
  return value != null && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** @param {string} at @param {string | number} name */
function inside(at, name) {
  return at === "" ? String(name) : `${at}.${name}`;
}

/** @param {number} least */
function tooFew(least) {
  return least === 1 ? "There should be at least one." : `There should be at least ${least}.`;
}
