// The confusion matrix: a table whose cells open their images. Arrow keys move, Enter opens.

import { button, count, csv, element, percent, save } from "dressform/html.js";

const MAX_CLASSES_WITH_NUMBERS = 30; // a larger matrix has cells without numbers

/**
 * @param {string[]} classes
 * @param {number[][]} matrix rows true, columns predicted
 * @param {(i: number, j: number) => void} open
 */
export function confusionMatrix(classes, matrix, open) {
  const withNumbers = classes.length <= MAX_CLASSES_WITH_NUMBERS;
  const totals = matrix.map((row) => row.reduce((a, b) => a + b, 0));
  const cells = matrix.map((row, i) =>
    row.map((value, j) => {
      const part = `${count(value)} of ${count(totals[i])}`;
      const label = `${part} ${classes[i]} predicted as ${classes[j]}`;
      return element(
        "td",
        {
          class: i === j ? "right" : "wrong",
          tabindex: "-1",
          role: "button",
          "aria-label": label,
          title: label,
          "data-i": i,
          "data-j": j,
          style: { "--fraction": Math.sqrt(totals[i] ? value / totals[i] : 0).toFixed(3) },
        },
        withNumbers && String(value),
      );
    }),
  );
  const body = element(
    "tbody",
    {},
    cells.map((row, i) => element("tr", {}, element("th", { scope: "row" }, classes[i]), row)),
  );
  const corner = element("td", { class: "corner" }, "true ↓ predicted →");
  const names = classes.map((name) => element("th", { scope: "col" }, element("span", {}, name)));
  const head = element("thead", {}, element("tr", {}, corner, names));
  const kind = withNumbers ? "numbers" : "fine";
  listen(body, cells, open);
  return element(
    "figure",
    {},
    element(
      "figcaption",
      {},
      "Rows are true classes, columns are predicted classes. Select a cell to see its images. ",
      withNumbers && normaliseButton(cells, matrix, totals),
      button("CSV", () => saveCsv(classes, matrix), { class: "small" }),
    ),
    element(
      "div",
      { class: "scroll" },
      element("table", { class: `confusion ${kind}` }, head, body),
    ),
  );
}

/**
 * Let keys and clicks choose a cell; one cell at a time can be reached by the Tab key.
 * @param {HTMLElement} body
 * @param {HTMLTableCellElement[][]} cells
 * @param {(i: number, j: number) => void} open
 */
function listen(body, cells, open) {
  let current = cells[0][0];
  current.tabIndex = 0;

  /** @param {HTMLTableCellElement} cell */
  function move(cell) {
    current.tabIndex = -1;
    current = cell;
    current.tabIndex = 0;
  }

  /** @param {HTMLTableCellElement} cell */
  function choose(cell) {
    body.querySelector(".chosen")?.classList.remove("chosen");
    cell.classList.add("chosen");
    open(...positionOf(cell));
  }

  const cellOf = (/** @type {Event} */ event) =>
    /** @type {HTMLElement} */ (event.target).closest("td");
  body.addEventListener("click", (event) => {
    const cell = cellOf(event);
    if (!cell) return;
    move(cell);
    choose(cell);
  });
  body.addEventListener("keydown", (event) => {
    const cell = cellOf(event);
    if (!cell) return;
    const [i, j] = target(event.key, positionOf(cell), cells.length);
    if (event.key === "Enter" || event.key === " ") choose(cell);
    else if (!cells[i]?.[j]) return;
    else {
      move(cells[i][j]);
      current.focus();
    }
    event.preventDefault();
  });
}

/**
 * @param {HTMLElement} cell
 * @returns {[number, number]}
 */
const positionOf = (cell) => [Number(cell.dataset.i), Number(cell.dataset.j)];

/**
 * Where a key leads from a cell; nowhere: [-1, -1].
 * @param {string} key
 * @param {[number, number]} position
 * @param {number} classes
 */
function target(key, [i, j], classes) {
  /** @type {Record<string, [number, number]>} */
  const targets = {
    ArrowUp: [i - 1, j],
    ArrowDown: [i + 1, j],
    ArrowLeft: [i, j - 1],
    ArrowRight: [i, j + 1],
    Home: [i, 0],
    End: [i, classes - 1],
  };
  return targets[key] ?? [-1, -1];
}

/**
 * The button that shows fractions of each true class instead of counts.
 * @param {HTMLTableCellElement[][]} cells
 * @param {number[][]} matrix
 * @param {number[]} totals of the rows
 */
function normaliseButton(cells, matrix, totals) {
  let normalised = false;
  const text = (/** @type {number} */ i, /** @type {number} */ j) => {
    if (!normalised) return String(matrix[i][j]);
    return totals[i] ? percent(matrix[i][j] / totals[i], 1) : "–";
  };
  const toggle = button(
    "Normalise",
    () => {
      normalised = !normalised;
      toggle.setAttribute("aria-pressed", String(normalised));
      for (const cell of cells.flat()) cell.textContent = text(...positionOf(cell));
    },
    { class: "small", "aria-pressed": "false" },
  );
  return toggle;
}

/**
 * @param {string[]} classes
 * @param {number[][]} matrix
 */
function saveCsv(classes, matrix) {
  const rows = matrix.map((row, i) => [classes[i], ...row]);
  save("confusion.csv", "text/csv", csv([["true \\ predicted", ...classes], ...rows]));
}
