// The confusion matrix: a table whose cells open their images. Arrow keys move, Enter opens.

import { byErrors, bySimilarity } from "dressform/class_order.js";
import { button, count, csv, element, percent, save } from "dressform/html.js";

const MAX_CLASSES_WITH_NUMBERS = 30; // a larger matrix has cells without numbers
const MAX_CLASSES_BESIDE = 14; // a larger matrix has the page's whole width
const MAX_CLASSES = 150; // of a larger matrix a part is shown: a browser draws 22,500 cells in a second

/** @typedef {"counts" | "rows" | "columns"} Normalisation */

/** @type {Record<Normalisation, string>} */
const NORMALISATIONS = {
  counts: "Counts",
  rows: "% of true class (rows)",
  columns: "% of predicted class (columns)",
};

/** @type {Record<string, [string, (matrix: number[][]) => number[]]>} */
const ORDERS = {
  dataset: ["Dataset order", (matrix) => matrix.map((_, i) => i)],
  errors: ["Most errors", byErrors],
  similarity: ["Similar classes together", bySimilarity],
};

const HINT = "Select a cell to see its images.";

/** Whether a matrix of so many classes has room for images beside it. @param {number} classes */
export const fitsBeside = (classes) => classes <= MAX_CLASSES_BESIDE;

export class ConfusionMatrix {
  /**
   * @param {string[]} classes
   * @param {number[][]} matrix rows true, columns predicted
   * @param {(i: number, j: number) => void} open
   */
  constructor(classes, matrix, open) {
    this.classes = classes;
    this.matrix = matrix;
    this.open = open;
    this.withNumbers = classes.length <= MAX_CLASSES_WITH_NUMBERS;
    this.rowTotals = matrix.map((row) => row.reduce((a, b) => a + b, 0));
    this.columnTotals = matrix.map((_, j) => matrix.reduce((sum, row) => sum + row[j], 0));
    this.rowCounts = this.rowTotals.map(count);
    this.columnCounts = this.columnTotals.map(count);
    const fits = classes.length <= MAX_CLASSES;
    /** @type {Set<number>} classes that have a row and a column */
    this.shown = new Set(fits ? classes.keys() : byErrors(matrix).slice(0, MAX_CLASSES));
    /** @type {Normalisation} */
    this.normalisation = "counts";
    this.hidesDiagonal = false;
    /** @type {number[]} */
    this.order = [];
    /** @type {[number, number] | null} */
    this.chosen = null;
    /** @type {HTMLTableCellElement[][]} in the order that is shown */
    this.cells = [];
    /** @type {HTMLTableCellElement | null} the one that the Tab key reaches */
    this.current = null;
    const kind = this.withNumbers ? "numbers" : "fine";
    this.table = element("table", { class: `confusion ${kind}` });
    this.readout = element("output", { class: "readout quiet" }, HINT);
    this.node = element(
      "figure",
      { class: "matrix" },
      element(
        "figcaption",
        {},
        "Rows are true classes, columns are predicted classes.",
        this.part(),
      ),
      this.controls(),
      element("div", { class: "scroll" }, this.table),
      this.readout,
    );
    this.sort("dataset");
    this.listen();
  }

  /** What is left out, if anything is. */
  part() {
    const left = this.classes.length - this.shown.size;
    if (!left) return "";
    return (
      ` The ${count(this.shown.size)} classes with the most errors are shown; the other ` +
      `${count(left)} are left out. CSV has all.`
    );
  }

  /** @param {string} order */
  sort(order) {
    this.order = ORDERS[order][1](this.matrix).filter((i) => this.shown.has(i));
    this.fill();
  }

  controls() {
    const choice = (
      /** @type {string} */ label,
      /** @type {[string, string][]} */ options,
      /** @type {(value: string) => void} */ chosen,
    ) => {
      const select = element(
        "select",
        { "aria-label": label, onchange: () => chosen(select.value) },
        options.map(([value, text]) => element("option", { value }, text)),
      );
      return element("label", {}, `${label} `, select);
    };
    const diagonal = element("input", {
      type: "checkbox",
      onchange: () => {
        this.hidesDiagonal = diagonal.checked;
        this.fill();
      },
    });
    return element(
      "div",
      { class: "bar controls" },
      choice("Normalise", Object.entries(NORMALISATIONS), (value) => {
        this.normalisation = /** @type {Normalisation} */ (value);
        this.fill();
      }),
      choice(
        "Sort",
        Object.entries(ORDERS).map(([value, [title]]) => [value, title]),
        (value) => this.sort(value),
      ),
      element("label", {}, diagonal, " Hide the diagonal"),
      button("CSV", () => this.saveCsv(), { class: "small" }),
    );
  }

  /**
   * A cell as a fraction of its row, or of its column where columns are normalised.
   * @param {number} i
   * @param {number} j
   */
  fraction(i, j) {
    const total = this.normalisation === "columns" ? this.columnTotals[j] : this.rowTotals[i];
    return total ? this.matrix[i][j] / total : 0;
  }

  highestOffDiagonal() {
    let highest = 0;
    for (const i of this.order) {
      for (const j of this.order) if (i !== j) highest = Math.max(highest, this.fraction(i, j));
    }
    return highest;
  }

  /** Show the classes in the chosen order. */
  fill() {
    const { classes, order } = this;
    const highest = this.hidesDiagonal ? this.highestOffDiagonal() : 1;
    this.cells = order.map((i, row) =>
      order.map((j, column) => this.cell(i, j, [row, column], highest || 1)),
    );
    const corner = element("td", { class: "corner" }, "true ↓ predicted →");
    const names = order.map((j) =>
      element("th", { scope: "col" }, element("span", {}, classes[j])),
    );
    const rows = this.cells.map((cells, row) =>
      element("tr", {}, element("th", { scope: "row" }, classes[order[row]]), cells),
    );
    this.table.replaceChildren(
      element("thead", {}, element("tr", {}, corner, names)),
      element("tbody", {}, rows),
    );
    this.current = null;
    this.focusable(this.cells[0][0]);
    this.mark(this.chosen);
  }

  /**
   * @param {number} i
   * @param {number} j
   * @param {[number, number]} place row and column as shown
   * @param {number} highest fraction, which has the full colour
   */
  cell(i, j, [row, column], highest) {
    const hidden = i === j && this.hidesDiagonal;
    const fraction = hidden ? 0 : Math.min(1, this.fraction(i, j) / highest);
    return element(
      "td",
      {
        class: `${i === j ? "right" : "wrong"} ${this.matrix[i][j] ? "" : "zero"}`,
        tabindex: "-1",
        role: "button",
        "aria-label": this.label(i, j),
        "data-i": i,
        "data-j": j,
        "data-row": row,
        "data-column": column,
        style: { "--fraction": Math.sqrt(fraction).toFixed(3) },
      },
      this.withNumbers && !hidden && this.text(i, j),
    );
  }

  /**
   * @param {number} i
   * @param {number} j
   */
  text(i, j) {
    if (this.normalisation === "counts") return String(this.matrix[i][j]);
    const total = this.normalisation === "columns" ? this.columnTotals[j] : this.rowTotals[i];
    return total ? (100 * this.fraction(i, j)).toFixed(1) : "–";
  }

  /**
   * @param {number} i
   * @param {number} j
   */
  label(i, j) {
    const { classes, matrix, rowTotals, columnTotals, rowCounts, columnCounts } = this;
    const value = matrix[i][j];
    const part = (/** @type {number} */ total) => (total ? percent(value / total, 1) : "–");
    return (
      `${classes[i]} predicted as ${classes[j]}: ${count(value)} of ${rowCounts[i]} ` +
      `(${part(rowTotals[i])}), and of ${columnCounts[j]} predictions ` +
      `(${part(columnTotals[j])})`
    );
  }

  /**
   * Frame the cell of class i predicted as class j; null: none.
   * @param {[number, number] | null} chosen
   */
  mark(chosen) {
    this.chosen = chosen;
    this.table.querySelector(".chosen")?.classList.remove("chosen");
    if (!chosen) return;
    const [i, j] = chosen;
    this.cells[this.order.indexOf(i)]?.[this.order.indexOf(j)]?.classList.add("chosen");
    this.readout.textContent = `${this.label(i, j)}.`;
  }

  /** @param {HTMLTableCellElement} cell */
  focusable(cell) {
    if (this.current) this.current.tabIndex = -1;
    this.current = cell;
    cell.tabIndex = 0;
  }

  /** Let keys and clicks choose a cell; one cell at a time can be reached by the Tab key. */
  listen() {
    const cellOf = (/** @type {Event} */ event) =>
      /** @type {HTMLTableCellElement | null} */ (
        /** @type {HTMLElement} */ (event.target).closest("td[role]")
      );
    const read = (/** @type {Event} */ event) => {
      const label = cellOf(event)?.getAttribute("aria-label");
      if (label) this.readout.textContent = `${label}.`;
    };
    this.table.addEventListener("pointerover", read);
    this.table.addEventListener("focusin", read);
    this.table.addEventListener("click", (event) => {
      const cell = cellOf(event);
      if (!cell) return;
      this.focusable(cell);
      this.choose(cell);
    });
    this.table.addEventListener("keydown", (event) => {
      const cell = cellOf(event);
      if (!cell) return;
      const [row, column] = this.target(event.key, cell);
      const next = this.cells[row]?.[column];
      if (event.key === "Enter" || event.key === " ") this.choose(cell);
      else if (!next) return;
      else {
        this.focusable(next);
        next.focus();
      }
      event.preventDefault();
    });
  }

  /** @param {HTMLElement} cell */
  choose({ dataset }) {
    const [i, j] = [Number(dataset.i), Number(dataset.j)];
    this.mark([i, j]);
    this.open(i, j);
  }

  /**
   * Where a key leads from a cell; nowhere: [-1, -1].
   * @param {string} key
   * @param {HTMLElement} cell
   * @returns {[number, number]}
   */
  target(key, { dataset }) {
    const [row, column] = [Number(dataset.row), Number(dataset.column)];
    /** @type {Record<string, [number, number]>} */
    const targets = {
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      Home: [row, 0],
      End: [row, this.order.length - 1],
    };
    return targets[key] ?? [-1, -1];
  }

  saveCsv() {
    const { classes } = this;
    const rows = this.matrix.map((row, i) => [classes[i], ...row]);
    save("confusion.csv", "text/csv", csv([["true \\ predicted", ...classes], ...rows]));
  }
}
