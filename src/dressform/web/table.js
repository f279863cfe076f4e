// Tables: one whose columns sort, and a plain one.

import { button, csv, element, save } from "dressform/html.js";

/** @import { Child } from "dressform/types.js" */

/**
 * @template R
 * @typedef {object} Column
 * @property {string} title
 * @property {(row: R) => string | number} key what is sorted by and saved
 * @property {(row: R) => Child} [show] what a cell shows; default: the key
 * @property {boolean} [number] right-aligned, and sorted in descending order first
 */

/**
 * @param {string | number} a
 * @param {string | number} b
 */
function compare(a, b) {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/**
 * A click on a heading sorts by its column, a second one the other way round.
 * @template R
 * @param {string} name of the CSV file
 * @param {string} caption
 * @param {Column<R>[]} columns
 * @param {R[]} rows
 */
export function table(name, caption, columns, rows) {
  const body = element("tbody");
  const arrows = columns.map(() => element("span", { class: "arrow", "aria-hidden": "true" }));
  const headings = columns.map((column, c) =>
    element(
      "th",
      { scope: "col", class: column.number && "number" },
      button([column.title, arrows[c]], () => sort(c), { class: "plain" }),
    ),
  );
  let sortedBy = -1;
  let descending = true;

  /** @param {number} c */
  function sort(c) {
    descending = sortedBy === c ? !descending : Boolean(columns[c].number);
    sortedBy = c;
    headings.forEach((heading) => heading.removeAttribute("aria-sort"));
    headings[c].setAttribute("aria-sort", descending ? "descending" : "ascending");
    arrows.forEach((arrow, a) => {
      arrow.textContent = a === c ? (descending ? " ▾" : " ▴") : "";
    });
    const { key } = columns[c];
    const sign = descending ? -1 : 1;
    fill([...rows].sort((a, b) => sign * compare(key(a), key(b))));
  }

  /**
   * @param {Column<R>} column
   * @param {number} c
   * @param {R} row
   */
  function cell(column, c, row) {
    const attributes = { scope: c === 0 && "row", class: column.number && "number" };
    return element(c === 0 ? "th" : "td", attributes, (column.show ?? column.key)(row));
  }

  /** @param {R[]} ordered */
  function fill(ordered) {
    const line = (/** @type {R} */ row) => columns.map((column, c) => cell(column, c, row));
    body.replaceChildren(...ordered.map((row) => element("tr", {}, line(row))));
  }

  function saveCsv() {
    const lines = rows.map((row) => columns.map((column) => column.key(row)));
    save(`${name}.csv`, "text/csv", csv([columns.map((column) => column.title), ...lines]));
  }

  fill(rows);
  const whole = element("table", {}, element("thead", {}, element("tr", {}, headings)), body);
  return element(
    "figure",
    { class: "table" },
    element("figcaption", {}, caption, " ", button("CSV", saveCsv, { class: "small" })),
    element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": caption }, whole),
  );
}

/**
 * A table in a fixed order.
 * @param {object} parts
 * @param {string} parts.caption
 * @param {Child[]} parts.heads cells of the heading
 * @param {Child[]} parts.rows
 * @param {() => void} [parts.saveCsv]
 */
export function plainTable({ caption, heads, rows, saveCsv }) {
  return element(
    "figure",
    { class: "table plain" },
    element("figcaption", {}, caption, " ", saveCsv && button("CSV", saveCsv, { class: "small" })),
    element(
      "div",
      { class: "scroll", tabindex: "0", role: "group", "aria-label": caption },
      element(
        "table",
        {},
        element("thead", {}, element("tr", {}, heads)),
        element("tbody", {}, rows),
      ),
    ),
  );
}

/**
 * A cell of a table's heading.
 * @param {string} text
 * @param {string} [kind] class
 */
export const head = (text, kind) => element("th", { scope: "col", class: kind }, text);
