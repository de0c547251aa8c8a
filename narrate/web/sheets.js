// @ts-check
// Style sheets for shadow roots: fetched, so that they stay files of CSS; made by script, so that no page's
// Content-Security-Policy has to allow inline styles.

/**
 * The style sheet in a file beside this module.
 * @param {string} name
 */
export async function sheet(name) {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) throw new Error(`${name} could not be loaded: ${response.status}`);
  const made = new CSSStyleSheet();
  made.replaceSync(await response.text());
  return made;
}
