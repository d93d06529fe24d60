// Elements without markup: every text that comes in becomes a text node and nothing else.

const SVG = "http://www.w3.org/2000/svg";

/** Element `tag` with attributes and children; what is null or undefined is left out. */
export function el(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same for a drawing. */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

/** The element of the page with this id. */
export const at = (id) => document.getElementById(id);

/** A value that the style sheets read. Set through the object model, which the content policy allows; a style attribute it would not. */
export function style(element, name, value) {
  element.style.setProperty(name, String(value));
  return element;
}

/** Whether movement is unwelcome. */
export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** A stored choice, or null; storage may be switched off. */
export function remembered(key, storage = () => localStorage) {
  try {
    return storage().getItem(`adjudge.${key}`);
  } catch {
    return null;
  }
}

/** Store a choice, or forget it (null), if that is allowed here. */
export function remember(key, value, storage = () => localStorage) {
  try {
    if (value === null) storage().removeItem(`adjudge.${key}`);
    else storage().setItem(`adjudge.${key}`, value);
  } catch {
    // then it holds until the page is closed
  }
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined) continue;
    if (typeof value !== "boolean" || name.includes("-"))
      element.setAttribute(name, String(value)); // data-kept="false" is said
    else element.toggleAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}
