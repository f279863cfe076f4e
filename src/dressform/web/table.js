// A table whose columns sort.

import { csv, element, save } from "dressform/html.js";

/**
 * columns: [{title, key: row => value for sorting, show: row => text or node, number: bool}], rows: any values.
 * Sorted by a click on a column's heading; the arrow tells how.
 */
export function table(name, caption, columns, rows) {
  const body = element("tbody");
  const headings = columns.map((column, c) => element("th", { scope: "col", class: column.number ? "number" : null },
    element("button", { type: "button", class: "plain", onclick: () => sort(c) }, column.title, element("span", { class: "arrow", "aria-hidden": "true" }))));
  let by = -1, down = true;
  function sort(c) {
    down = by === c ? !down : Boolean(columns[c].number);
    by = c;
    headings.forEach((heading, h) => {
      if (h === c) heading.setAttribute("aria-sort", down ? "descending" : "ascending"); else heading.removeAttribute("aria-sort");
      heading.querySelector(".arrow").textContent = h === c ? (down ? " ▾" : " ▴") : "";
    });
    const key = columns[c].key;
    fill([...rows].sort((a, b) => {
      const [x, y] = [key(a), key(b)];
      return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1);
    }));
  }
  function fill(ordered) {
    body.replaceChildren(...ordered.map((row) => element("tr", {}, columns.map((column, c) =>
      element(c === 0 ? "th" : "td", { scope: c === 0 ? "row" : null, class: column.number ? "number" : null }, (column.show ?? column.key)(row))))));
  }
  fill(rows);
  const toCsv = () => save(`${name}.csv`, "text/csv", csv([columns.map((c) => c.title), ...rows.map((row) => columns.map((c) => c.key(row)))]));
  return element("figure", { class: "table" },
    element("figcaption", {}, caption, " ", element("button", { type: "button", class: "small", onclick: toCsv }, "CSV")),
    element("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": caption },
      element("table", {}, element("thead", {}, element("tr", {}, headings)), body)));
}
