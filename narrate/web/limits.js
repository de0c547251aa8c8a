// @ts-check
// Whether a value keeps the limits that its schema sets, said in a sentence where it does not.
//
// Pure. Browsers check most of these by themselves, but say it in a bubble that is gone at the next key, count
// characters otherwise than JSON Schema does, and let pass whatever was not typed.

/** @typedef {import("./schema.js").Schema} Schema */

/**
 * What is wrong with a text, or nothing.
 * @param {string} text
 * @param {Schema} schema
 */
export function faultOfText(text, { minLength, maxLength, pattern, examples }) {
  const length = [...text].length;
  if (maxLength !== undefined && length > maxLength) return `At most ${counted(maxLength)}; this has ${length}.`;
  if (minLength !== undefined && length < minLength) return `At least ${counted(minLength)}; this has ${length}.`;
  if (pattern !== undefined && maybePattern(pattern)?.test(text) === false) {
    return examples?.length ? `It should look like ${examples[0]}.` : "This does not have the form that is asked for.";
  }
  return "";
}

/**
 * What is wrong with a number, or nothing.
 * @param {number} value
 * @param {Schema} schema
 */
export function faultOfNumber(value, schema) {
  const { type, minimum, maximum, exclusiveMinimum: above, exclusiveMaximum: below, multipleOf } = schema;
  if (type === "integer" && !Number.isInteger(value)) return "This should be a whole number.";
  if (type === "integer" && !Number.isSafeInteger(value)) return "This has more digits than can be sent exactly.";
  if (minimum !== undefined && value < minimum) return `This should be ${minimum} or more.`;
  if (maximum !== undefined && value > maximum) return `This should be ${maximum} or less.`;
  if (above !== undefined && value <= above) return `This should be more than ${above}.`;
  if (below !== undefined && value >= below) return `This should be less than ${below}.`;
  if (multipleOf && !isMultiple(value, multipleOf)) return `This should be a multiple of ${multipleOf}.`;
  return "";
}

/**
 * A schema's pattern as the `pattern` of an input, which must match the whole; undefined for one that browsers do not
 * take: then it is checked here, or by the server.
 * @param {string} pattern
 */
export function nativePattern(pattern) {
  try {
    new RegExp(pattern, "v");
    return `[\\s\\S]*(?:${pattern})[\\s\\S]*`;
  } catch {
    return undefined;
  }
}

/** A pattern is of Python's kind, of which most, but not all, is known here. @param {string} pattern */
function maybePattern(pattern) {
  try {
    return new RegExp(pattern, "u");
  } catch {
    return undefined;
  }
}

/** @param {number} value @param {number} step */
function isMultiple(value, step) {
  const times = value / step;
  return Math.abs(times - Math.round(times)) < 1e-9 * Math.max(1, Math.abs(times));
}

/** @param {number} count */
function counted(count) {
  return count === 1 ? "1 character" : `${count} characters`;
}
