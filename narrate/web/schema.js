// @ts-check
// What a JSON Schema asks for, as a form sees it: one of a few kinds of field, with its words and its limits.
//
// Pure. It knows what pydantic writes: $defs and $ref, anyOf with null, enum and const. Whatever it does not know is of
// the kind "json", which takes anything; the server is the judge of every value, and here is only a first look.

import { humanised } from "./names.js";

/** @typedef {Record<string, any>} Schema */

/**
 * What is asked for at one place.
 * @typedef {object} Asked
 * @property {"text" | "number" | "boolean" | "choice" | "constant" | "list" | "choices" | "object" | "json"} kind
 * @property {Schema} schema what it must fit: references followed, and of a choice between it and null the other
 * @property {string} label
 * @property {string} hint what else there is to say of it; often empty
 * @property {boolean} required it must be in the value
 * @property {boolean} optional it may be left out, and that is worth a word
 * @property {boolean} nullable it may be null
 * @property {any} initial its default; undefined where it has none
 * @property {any} example
 * @property {string} noun what one of it is called, where it is one of many
 */

/** Up to so many characters, a description can stand as a label. */
const SHORT = 60;

/** References that only refer to each other are given up after so many. */
const MOST_HOPS = 16;

/**
 * What a schema asks for.
 * @param {Schema} schema
 * @param {Schema} root the whole schema, in which its references are looked up
 * @param {{name?: string, required?: boolean}} [place] what the place is called, and whether something must be there
 * @returns {Asked}
 */
export function askedBy(schema, root, { name = "", required = false } = {}) {
  if (typeof schema === "boolean") return askedBy({}, root, { name, required }); // true, which anything fits
  const whole = followed(schema, root);
  const { options, nullable } = optionsOf(whole, root);
  const one = { ...joined(options), ...without(whole, ["anyOf", "oneOf", "type", "enum"]) };
  if (one.enum?.includes(null)) one.enum = one.enum.filter((/** @type {unknown} */ value) => value !== null);
  const { label, hint } = wordsOf(schema, one, name);
  return {
    kind: kindOf(one, root),
    schema: one,
    label,
    hint,
    required,
    optional: !required && whole.default == null,
    nullable,
    initial: whole.default,
    example: whole.examples?.[0] ?? one.examples?.[0],
    noun: one.type === "object" && options[0].title ? humanised(options[0].title) : label,
  };
}

/**
 * What an object's schema asks for, in the order of its declaration.
 * @param {Schema} schema
 * @param {Schema} root
 * @returns {[name: string, asked: Asked][]}
 */
export function fieldsOf(schema, root) {
  const required = new Set(schema.required);
  return Object.entries(schema.properties).map(
    ([name, property]) => [name, askedBy(property, root, { name, required: required.has(name) })]);
}

/** @param {Schema} one @param {Schema} root @returns {Asked["kind"]} */
function kindOf(one, root) {
  if ("const" in one) return "constant";
  if (one.enum) return "choice";
  switch (one.type) {
    case "string": return "text";
    case "integer": case "number": return "number";
    case "boolean": return "boolean";
    case "array": return listOf(one, root);
    case "object": return Object.keys(one.properties ?? {}).length ? "object" : "json";
    default: return "json";
  }
}

/** @param {Schema} array @param {Schema} root @returns {Asked["kind"]} */
function listOf({ items, prefixItems, uniqueItems }, root) {
  if (!items || prefixItems) return "json";
  const { kind, nullable } = askedBy(items, root);
  // Only of a set: in a list, the order and how often something is there may matter, which ticks cannot say.
  if (kind === "choice" && uniqueItems && !nullable) return "choices";
  return !nullable && ["text", "number", "choice", "object"].includes(kind) ? "list" : "json";
}

/**
 * The schema with its references followed; what stands beside a reference counts more than what it refers to.
 * @param {Schema} schema
 * @param {Schema} root
 * @returns {Schema}
 */
function followed(schema, root) {
  let whole = schema;
  for (let hops = 0; hops < MOST_HOPS; hops++) {
    const reference = whole.$ref ?? (whole.allOf?.length === 1 ? whole.allOf[0] : undefined);
    if (reference === undefined) return whole;
    const meant = typeof reference === "string" ? pointed(reference, root) : reference;
    whole = { ...meant, ...without(whole, ["$ref", "allOf"]) };
  }
  return {};
}

/** @param {string} reference such as `#/$defs/Place` @param {Schema} root @returns {Schema} */
function pointed(reference, root) {
  const keys = reference.split("/").slice(1).map((key) => decodeURIComponent(key).replaceAll("~1", "/")
    .replaceAll("~0", "~"));
  return keys.reduce((/** @type {any} */ place, key) => place?.[key], root) ?? {};
}

/**
 * What there is to choose from at a place, null apart.
 * @param {Schema} whole
 * @param {Schema} root
 * @returns {{options: Schema[], nullable: boolean}}
 */
function optionsOf(whole, root) {
  const several = whole.anyOf ?? whole.oneOf
    ?? (Array.isArray(whole.type) ? whole.type.map((type) => ({ type })) : [whole]);
  const all = several.map((/** @type {Schema} */ one) => followed(one, root));
  const options = all.filter((/** @type {Schema} */ one) => one.type !== "null");
  const nullable = options.length < all.length || all.some((/** @type {Schema} */ one) => one.enum?.includes(null));
  return { options, nullable };
}

/** One schema in place of several: what all of them are, as far as one field can take it. @param {Schema[]} options */
function joined(options) {
  if (options.length === 1) return options[0];
  if (options.length && options.every((one) => one.enum || "const" in one)) {
    return { enum: options.flatMap((one) => one.enum ?? [one.const]) };
  }
  const types = new Set(options.map((one) => (one.enum || "const" in one ? "other" : one.type)));
  const numeric = types.delete("integer") || types.has("number");
  types.delete("number");
  const text = types.delete("string");
  if (types.size || !(text || numeric)) return {};
  return text ? { type: "string", mixed: numeric } : { type: "number" };
}

/**
 * A label, and what else there is to say. A title that only repeats the name is pydantic's, not the author's: then a
 * short description says more. A class's title is no label either, because several fields may be of one class.
 * @param {Schema} schema as it was written at the place
 * @param {Schema} one
 * @param {string} name
 */
function wordsOf(schema, one, name) {
  const description = (one.description ?? "").trim();
  const title = "$ref" in schema && !schema.title ? "" : schema.title ?? "";
  if (title && bare(title) !== bare(name) && name) return { label: title, hint: description };
  const own = schema.description?.trim();
  if (own && own.length <= SHORT && !/[.!?]\s/.test(own)) return { label: own.replace(/\.$/, ""), hint: "" };
  return { label: name ? humanised(name) : title || "Input", hint: description };
}

/** @param {string} text */
function bare(text) {
  return text.replace(/[^\p{L}\p{N}]/gu, "").toLowerCase();
}

/** @param {Schema} schema @param {string[]} keys @returns {Schema} */
function without(schema, keys) {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => !keys.includes(key)));
}
