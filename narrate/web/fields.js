// @ts-check
// The fields of a form that hold one value each: what is typed, chosen or ticked, with its label, hint and error.
//
// A part of a form is a field, or several in a group; all are read, filled and told their errors in the same way.

import { element, setText } from "./dom.js";
import { faultOfNumber, faultOfText, nativePattern } from "./limits.js";
import { marked } from "./names.js";

/** @typedef {import("./schema.js").Asked} Asked */
/** @typedef {{field: string, detail: string}} FieldProblem as problem documents tell what is wrong with a field */

/**
 * Where an error can be shown.
 * @typedef {object} Place
 * @property {(text: string) => void} tell
 * @property {() => void} clear
 * @property {() => void} focus
 * @property {boolean} whole whether it also has what is inside of it, such as a rest of JSON
 */

/**
 * @typedef {object} Part
 * @property {HTMLElement | null} element null where there is nothing to be asked
 * @property {(at: string, problems: FieldProblem[]) => any} read its value, undefined to be left out; what is wrong
 *   with it is added to `problems`. `at` is its name within the whole value, with dots, such as `legs.0.to`
 * @property {(value?: any) => void} fill with this value, or as it is at first
 * @property {(at: string) => [at: string, place: Place][]} places in the order in which they stand
 * @property {(name: string) => void} [rename] call it something else; one of many changes its number
 */

/** @typedef {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} Control */

/** A text that may be longer gets several lines. */
const ONE_LINE = 300;

/** A text that cannot be longer stands beside others. */
const SHORT = 40;

/** @type {Record<string, string>} */
const INPUT_TYPES = {
  email: "email",
  uri: "url",
  date: "date",
  "date-time": "datetime-local",
  time: "time",
  password: "password",
};

/** @type {Record<string, string>} */
const MISTYPED = {
  email: "This is not an e-mail address.",
  url: "This is not a whole address, such as https://example.org.",
  date: "This is not a whole date.",
  "datetime-local": "This is not a whole date and time.",
  time: "This is not a whole time.",
  number: "This is not a number.",
};

let made = 0;

/**
 * The field for what is asked.
 * @param {Asked} asked of a kind that holds one value
 * @param {{lead?: boolean, name?: string}} [how] `lead`: it is what the form is about, and has one line however long;
 *   `name`: it is one of many, called so, and its label is not shown
 * @returns {Part}
 */
export function fieldFor(asked, { lead = false, name } = {}) {
  switch (asked.kind) {
    case "constant": return constant(asked);
    case "boolean": return asked.nullable ? choice(asked, [true, false], ["Yes", "No"], name) : tick(asked);
    case "choice": return choice(asked, asked.schema.enum, asked.schema.enum.map(String), name);
    case "number": return number(asked, name);
    case "text": return text(asked, lead, name);
    default: return json(asked);
  }
}

/**
 * The paragraphs below a field or in a group: a hint where there is one, and an error that is hidden until told.
 * @param {HTMLElement} described what they belong to
 * @param {string} hint
 */
export function notes(described, hint) {
  const id = `narrate-${++made}`;
  described.id = id;
  const hinting = hint ? element("p", { class: "hint", id: `${id}-hint` }, ...marked(hint)) : null;
  const wrong = element("p", { class: "wrong", id: `${id}-wrong` });
  wrong.hidden = true;
  if (hinting) described.setAttribute("aria-describedby", hinting.id);
  const say = (/** @type {string} */ words) => {
    setText(wrong, words);
    wrong.hidden = !words;
    const ids = [words && wrong.id, hinting?.id].filter(Boolean).join(" ");
    if (ids) described.setAttribute("aria-describedby", ids);
    else described.removeAttribute("aria-describedby");
  };
  return { id, hint: hinting, wrong, say };
}

/** Open whatever is folded around an element. @param {Element} inner */
export function unfold(inner) {
  for (let around = inner.closest("details"); around; around = around.parentElement?.closest("details") ?? null) {
    around.open = true;
  }
}

/**
 * A field around its control.
 * @param {Asked} asked
 * @param {Control} control
 * @param {object} does
 * @param {() => any} does.get the value that is there. Throws a sentence, as a FieldFault, where there is none
 * @param {(value: any) => void} does.set
 * @param {string} [does.kind] for its looks
 * @param {string} [does.name]
 * @returns {Part}
 */
function field(asked, control, { get, set, kind = "", name }) {
  const { required, optional, nullable, initial, label, hint } = asked;
  const { id, hint: hinting, wrong, say } = notes(control, hint);
  if (name) control.setAttribute("aria-label", name);
  if (required && !nullable && kind !== "tick") control.required = true;
  const clear = () => {
    control.removeAttribute("aria-invalid");
    say("");
  };
  control.addEventListener("input", clear);
  const place = {
    tell: (/** @type {string} */ words) => {
      control.setAttribute("aria-invalid", "true");
      say(words);
    },
    clear,
    focus: () => {
      unfold(control);
      control.focus();
    },
    whole: kind === "json",
  };
  const naming = element("label", { for: id }, ...marked(label));
  if (optional && kind !== "tick") naming.append(" ", element("small", {}, "optional"));
  const below = element("div", { class: "notes" }, hinting, wrong);
  const parts = name ? [control, below] : kind === "tick" ? [control, naming, below] : [naming, control, below];
  return {
    element: element("div", { class: `field ${kind}`.trim() }, ...parts),
    read: (at, problems) => {
      try {
        return get();
      } catch (error) {
        if (!(error instanceof FieldFault)) throw error;
        problems.push({ field: at, detail: error.message });
        return undefined;
      }
    },
    fill: (value) => {
      clear();
      set(value === undefined ? initial : value);
    },
    places: (at) => [[at, place]],
    rename: (words) => control.setAttribute("aria-label", words),
  };
}

/** Why a field has no value that could be sent. */
class FieldFault extends Error {}

/** @param {string} fault */
function check(fault) {
  if (fault) throw new FieldFault(fault);
}

/**
 * What an empty field stands for. One that was emptied of its default is not left out, for that would bring the
 * default back.
 * @param {Asked} asked
 * @param {any} [empty] what says “nothing” where null may not
 */
function nothing({ required, nullable, initial }, empty) {
  if (required) check(nullable ? "" : "Please fill this in.");
  const emptied = initial != null && initial !== "";
  if (nullable && (required || emptied)) return null;
  return emptied ? empty : undefined;
}

/** @param {Asked} asked @param {boolean} lead @param {string} [name] */
function text(asked, lead, name) {
  const { schema, example, initial } = asked;
  const long = (schema.maxLength > ONE_LINE && !lead) || schema.contentMediaType || String(initial).includes("\n");
  const type = INPUT_TYPES[schema.format] ?? "text";
  const control = long ? element("textarea", { rows: "4" }) : element("input", { type });
  if (control instanceof HTMLInputElement && ["time", "datetime-local"].includes(type)) control.step = "any";
  if (["string", "number"].includes(typeof example)) control.placeholder = String(example);
  if (schema.maxLength !== undefined) control.maxLength = schema.maxLength;
  if (schema.minLength !== undefined) control.minLength = schema.minLength;
  const pattern = schema.pattern === undefined ? undefined : nativePattern(schema.pattern);
  if (pattern !== undefined && control instanceof HTMLInputElement) control.pattern = pattern;
  if (control instanceof HTMLTextAreaElement) sendByKey(control);
  return field(asked, control, {
    name,
    kind: lead ? "lead" : long || (type === "text" && !(schema.maxLength <= SHORT)) || type === "url" ? "wide" : "",
    get: () => {
      const { badInput, typeMismatch } = control.validity;
      check(badInput || typeMismatch ? MISTYPED[type] : "");
      if (control.value === "") return nothing(asked, schema.minLength || type !== "text" ? undefined : "");
      check(faultOfText(control.value, schema));
      return written(control.value, type, schema.mixed);
    },
    set: (value) => { control.value = typed(value, type, Boolean(long)); },
  });
}

/**
 * What was typed, as it is sent. A moment is the reader's, so it says by how far their clock is off; where numbers may
 * stand beside text, what is one is sent as one unless that would change its digits.
 * @param {string} value @param {string} type @param {boolean} mixed
 */
function written(value, type, mixed) {
  if (type === "datetime-local") return moment(value);
  if (type === "time" && /^\d+:\d+$/.test(value)) return `${value}:00`;
  return mixed && String(Number(value)) === value && Number.isFinite(Number(value)) ? Number(value) : value;
}

/** @param {string} local such as `2026-03-01T10:30` */
function moment(local) {
  const minutes = -new Date(local).getTimezoneOffset();
  const [hours, rest] = [Math.trunc(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  const offset = [hours, rest].map((part) => String(part).padStart(2, "0")).join(":");
  return `${local}${/T\d+:\d+$/.test(local) ? ":00" : ""}${minutes < 0 ? "-" : "+"}${offset}`;
}

/** What was sent, as it was typed. @param {any} value @param {string} type @param {boolean} long */
function typed(value, type, long) {
  if (value == null) return "";
  if (type === "datetime-local" && /(Z|[+-]\d\d:?\d\d)$/i.test(value)) {
    const there = new Date(value);
    if (Number.isNaN(there.getTime())) return "";
    return new Date(there.getTime() - there.getTimezoneOffset() * 60_000).toISOString().replace(/(:00)?\.000Z$|Z$/, "");
  }
  return long ? String(value) : String(value).replace(/\s*\n\s*/g, " ");
}

/** In a field of several lines, Enter is a line; with Ctrl or ⌘ it sends the form. @param {HTMLTextAreaElement} area */
function sendByKey(area) {
  area.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    area.form?.requestSubmit();
  });
}

/** @param {Asked} asked @param {string} [name] */
function number(asked, name) {
  const { schema, example, initial } = asked;
  const { type, minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  const whole = type === "integer";
  const min = minimum ?? (whole && exclusiveMinimum != null ? Math.floor(exclusiveMinimum) + 1 : exclusiveMinimum);
  const max = maximum ?? (whole && exclusiveMaximum != null ? Math.ceil(exclusiveMaximum) - 1 : exclusiveMaximum);
  // Browsers count steps from the minimum, JSON Schema from zero.
  const step = multipleOf ? (min === undefined || faultOfNumber(min, { multipleOf }) === "" ? multipleOf : "any")
    : whole ? 1 : "any";
  const control = element("input", { type: "number", inputmode: whole ? "numeric" : "decimal" });
  control.step = String(step);
  if (min !== undefined) control.min = String(min);
  if (max !== undefined) control.max = String(max);
  if (example != null || initial != null) control.placeholder = String(example ?? initial);
  return field(asked, control, {
    name,
    get: () => {
      check(control.validity.badInput ? MISTYPED.number : "");
      if (control.value === "") return nothing(asked);
      check(faultOfNumber(control.valueAsNumber, schema));
      return control.valueAsNumber;
    },
    set: (value) => { control.value = value == null ? "" : String(value); },
  });
}

/** @param {Asked} asked @param {any[]} values @param {string[]} words @param {string} [name] */
function choice(asked, values, words, name) {
  const { required, nullable, initial } = asked;
  const control = element("select");
  const none = required && !nullable ? "Choose…" : "–";
  if (initial == null || nullable) control.append(new Option(none, ""));
  control.append(...values.map((_, n) => new Option(words[n], String(n))));
  return field(asked, control, {
    name,
    get: () => (control.value === "" ? nothing(asked) : values[Number(control.value)]),
    set: (value) => {
      const n = values.indexOf(value);
      control.value = n < 0 ? "" : String(n);
    },
  });
}

/** @param {Asked} asked */
function tick(asked) {
  const control = element("input", { type: "checkbox" });
  return field(asked, control, {
    kind: "tick",
    get: () => (asked.required || control.checked !== Boolean(asked.initial) ? control.checked : undefined),
    set: (value) => { control.checked = Boolean(value); },
  });
}

/** @param {Asked} asked */
function json(asked) {
  const { schema, example } = asked;
  const control = element("textarea", { rows: "4", spellcheck: "false", autocapitalize: "off", autocomplete: "off" });
  sendByKey(control);
  const sample = example ?? (schema.type === "array" ? [] : undefined);
  control.placeholder = sample === undefined ? "JSON" : JSON.stringify(sample, null, 2);
  return field(asked, control, {
    kind: "json",
    get: () => {
      if (control.value.trim() === "") return nothing(asked);
      try {
        return JSON.parse(control.value);
      } catch (error) {
        throw new FieldFault(`This is not JSON: ${/** @type {Error} */ (error).message}`);
      }
    },
    set: (value) => { control.value = value == null ? "" : JSON.stringify(value, null, 2); },
  });
}

/** What leaves no choice is not asked. @param {Asked} asked @returns {Part} */
function constant({ schema, required }) {
  return {
    element: null,
    read: () => (required ? schema.const : undefined),
    fill: () => {},
    places: () => [],
  };
}
