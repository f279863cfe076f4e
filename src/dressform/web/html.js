// Elements without a framework.

/** element("button", {class: "x", onclick: f}, "text", child) */
export function element(tag, attributes = {}, ...children) {
  const made = tag.startsWith("svg:") ? document.createElementNS("http://www.w3.org/2000/svg", tag.slice(4)) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "style" && typeof value === "object") for (const [key, one] of Object.entries(value)) made.style.setProperty(key, one);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export const percent = (share, digits = 2) => `${(100 * share).toFixed(digits)} %`;

export const count = (number) => number.toLocaleString("en-US");

/** Say a line to screen readers. */
export function say(text) { document.getElementById("say").textContent = text; }

/** Offer a file for saving. */
export function save(name, type, content) {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

/** Rows of values as CSV text. */
export function csv(rows) {
  // A text that a spreadsheet would take for a formula gets an apostrophe; numbers stay numbers.
  const harmless = (text) => (/^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text);
  const quoted = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const cell = (value) => quoted(harmless(String(value ?? "")));
  return rows.map((row) => row.map(cell).join(",")).join("\n") + "\n";
}
