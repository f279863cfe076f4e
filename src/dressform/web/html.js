// Elements without a framework, and the texts and files that all pages need.

/** @import { Attributes, Child } from "dressform/types.js" */

/**
 * @template {Element} T
 * @param {T} node
 * @param {Attributes} attributes
 * @param {Child[]} children
 * @returns {T}
 */
function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") {
      node.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    } else if (typeof value === "object") {
      const { style } = /** @type {HTMLElement} */ (/** @type {unknown} */ (node));
      for (const [key, one] of Object.entries(value)) style.setProperty(key, String(one));
    } else {
      node.setAttribute(name, value === true ? "" : String(value));
    }
  }
  const all = /** @type {unknown[]} */ (children).flat(Infinity);
  const shown = all.filter((child) => child || child === 0);
  node.append(...shown.map((child) => (child instanceof Node ? child : String(child))));
  return node;
}

/**
 * An HTML element: element("button", { class: "x", onclick: f }, "text", child).
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} attributes
 * @param {Child[]} children
 */
export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/**
 * An SVG element.
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} attributes
 * @param {Child[]} children
 */
export function svgElement(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  return filled(node, attributes, children);
}

/**
 * A button.
 * @param {Child} text
 * @param {(event: MouseEvent) => void} onclick
 * @param {Attributes} attributes
 */
export function button(text, onclick, attributes = {}) {
  return element("button", { type: "button", onclick, ...attributes }, text);
}

/**
 * A section of a page with its heading.
 * @param {string} id
 * @param {string} title
 * @param {Child[]} children
 */
export function section(id, title, ...children) {
  const heading = element("h2", { id: `${id}-title` }, title);
  return element("section", { id, "aria-labelledby": `${id}-title` }, heading, ...children);
}

/**
 * The element of that id, which the page has.
 * @param {string} id
 */
export function byId(id) {
  const node = document.getElementById(id);
  if (!node) throw new Error(`the page has no element ${id}`);
  return node;
}

/**
 * The drawing context of an ordinary canvas.
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasRenderingContext2DSettings} settings
 */
export function contextOf(canvas, settings = {}) {
  const context = canvas.getContext("2d", settings);
  if (!context) throw new Error("this browser cannot draw on a canvas");
  return context;
}

/**
 * "94.30 %" of a fraction 0..1.
 * @param {number} fraction
 */
export const percent = (fraction, digits = 2) => `${(100 * fraction).toFixed(digits)} %`;

/**
 * "91.43 to 95.35 %" of two fractions 0..1.
 * @param {number} low
 * @param {number} high
 */
export const percentRange = (low, high, digits = 2) =>
  `${(100 * low).toFixed(digits)} to ${percent(high, digits)}`;

const NUMBERS = new Intl.NumberFormat("en-US"); // which takes long to make

/**
 * "10,000".
 * @param {number} number
 */
export const count = (number) => NUMBERS.format(number);

/**
 * What a button says that shows the next page of `left` more things.
 * @param {number} left
 * @param {number} pageSize
 */
export function moreText(left, pageSize) {
  return left > pageSize ? `Show ${pageSize} more of ${count(left)}` : `Show the remaining ${left}`;
}

/**
 * Tell screen readers.
 * @param {string} message
 */
export function announce(message) {
  byId("announcer").textContent = message;
}

/**
 * Offer a file for saving.
 * @param {string} name
 * @param {string} type media type
 * @param {BlobPart} content
 */
export function save(name, type, content) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

/**
 * Save what is on a canvas as a PNG file.
 * @param {string} name
 * @param {HTMLCanvasElement} canvas
 */
export function saveCanvas(name, canvas) {
  canvas.toBlob((blob) => blob && save(name, "image/png", blob));
}

/**
 * Rows of values as CSV text.
 * @param {unknown[][]} rows
 */
export function csv(rows) {
  // A text that a spreadsheet would take for a formula gets an apostrophe; numbers stay numbers.
  const harmless = (/** @type {string} */ text) =>
    /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
  const quoted = (/** @type {string} */ text) =>
    /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  const cell = (/** @type {unknown} */ value) => quoted(harmless(String(value ?? "")));
  return rows.map((row) => row.map(cell).join(",")).join("\n") + "\n";
}
