// @ts-check
// Elements made in one expression. Whatever is given as text stays text.

/**
 * An element with these attributes and children: `element("p", { class: "line" }, "Two places.")`. An attribute that is
 * null or false is left out, one that is true is empty; `on…` is a listener. Children that are null are left out.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string | boolean | null | ((event: any) => void)>} [attributes]
 * @param {...(Node | string | null)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (value != null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(.../** @type {(Node | string)[]} */ (children.filter((child) => child != null)));
  return made;
}

/**
 * Set the text only if it is another: what is the same is neither laid out nor read out again.
 * @param {Element} place
 * @param {string} text
 */
export function setText(place, text) {
  if (place.textContent !== text) place.textContent = text;
}
