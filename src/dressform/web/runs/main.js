// The table of all runs: sorted by a click on a heading, filtered by what is typed.

import { element } from "dressform/html.js";
import { table } from "dressform/table.js";

/**
 * @typedef {object} Row
 * @property {string} title
 * @property {string} path
 * @property {string} data
 * @property {string} recipe
 * @property {string[]} settings
 * @property {number | null} seed
 * @property {string} status
 * @property {string} detail
 * @property {number | null} val_accuracy
 * @property {number | null} test_accuracy
 * @property {number | null} parameters
 * @property {number | null} seconds
 * @property {string} val
 * @property {string} test
 * @property {string} time
 * @property {string} date
 * @property {boolean} best
 * @property {string} note
 * @property {string[]} tags
 * @property {Record<string, string>} links
 */

/** @type {import("dressform/table.js").Column<Row>[]} */
const COLUMNS = [
  { title: "Run", key: (row) => row.title, show: title },
  { title: "Data", key: (row) => row.data },
  { title: "Seed", key: (row) => row.seed ?? "", number: true },
  { title: "Status", key: (row) => row.status },
  {
    title: "Validation",
    key: (row) => row.val_accuracy ?? -1,
    show: (row) => (row.best ? element("strong", {}, `${row.val} (best)`) : row.val),
    number: true,
  },
  {
    title: "Test",
    key: (row) => row.test_accuracy ?? -1,
    show: (row) => row.test,
    number: true,
  },
  {
    title: "Parameters",
    key: (row) => row.parameters ?? -1,
    show: (row) => row.parameters?.toLocaleString("en") ?? "-",
    number: true,
  },
  { title: "Time", key: (row) => row.seconds ?? -1, show: (row) => row.time, number: true },
  {
    title: "Date",
    key: (row) => row.date,
    show: (row) => element("span", { class: "whole" }, row.date.slice(0, 10)),
  },
];

/** @param {Row} row */
function title(row) {
  const links = Object.entries(row.links).map(([name, href]) => [
    " ",
    element("a", { href, "aria-label": `${name} of ${row.path}` }, name),
  ]);
  const about = [row.tags.map((tag) => `[${tag}]`).join(" "), row.note].filter(Boolean).join(" ");
  return element(
    "span",
    {},
    row.title,
    links,
    element("code", { class: "folder" }, row.path),
    about && element("div", { class: "quiet" }, about),
    row.status !== "finished" && row.detail && element("div", { class: "quiet" }, row.detail),
  );
}

/** @param {Row} row */
function searchable(row) {
  const texts = [row.title, row.path, row.data, row.status, row.note, ...row.tags];
  return texts.join("\n").toLowerCase();
}

export function start() {
  const text = /** @type {HTMLElement} */ (document.getElementById("document")).textContent;
  const { rows } = /** @type {{ rows: Row[] }} */ (JSON.parse(text ?? ""));
  const place = /** @type {HTMLElement} */ (document.getElementById("runs"));
  const shown = element("div", { "aria-live": "polite" });
  const search = element("input", {
    type: "search",
    "aria-label": "Filter runs",
    placeholder: "Filter: recipe, data, tag, status …",
    oninput: fill,
  });

  function fill() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const some = rows.filter((row) => words.every((word) => searchable(row).includes(word)));
    const caption =
      some.length === rows.length
        ? "All runs: accuracies, parameters and times"
        : `${some.length} of ${rows.length}`;
    shown.replaceChildren(table("runs", caption, COLUMNS, some));
  }

  fill();
  const about =
    "The best run of each dataset is the one with the highest validation accuracy. Test accuracy " +
    "was measured once after each training and is never used to choose.";
  place.replaceChildren(search, shown, element("p", { class: "quiet" }, about));
  document.documentElement.dataset.ready = "";
}
