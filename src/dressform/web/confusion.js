// The confusion matrix: a table whose cells open their pictures. Arrow keys walk, Enter opens.

import { count, csv, element, percent, save } from "dressform/html.js";

const WORDS_UP_TO = 30; // classes; a larger matrix has cells without numbers

export function confusion(classes, matrix, open) {
  const totals = matrix.map((row) => row.reduce((a, b) => a + b, 0));
  const wordy = classes.length <= WORDS_UP_TO;
  let shares = false;
  const cells = matrix.map((row, i) => row.map((value, j) => {
    const share = totals[i] ? value / totals[i] : 0;
    const label = `${count(value)} of ${count(totals[i])} ${classes[i]} taken for ${classes[j]}`;
    return element("td", {
      class: i === j ? "right" : "wrong", tabindex: i === 0 && j === 0 ? "0" : "-1", role: "button", "aria-label": label, title: label,
      "data-i": i, "data-j": j, style: { "--share": Math.sqrt(share).toFixed(3) },
    }, wordy ? String(value) : "");
  }));
  const body = element("tbody", {}, cells.map((row, i) => element("tr", {}, element("th", { scope: "row" }, classes[i]), row)));
  const heading = element("tr", {}, element("td", { class: "corner" }, "true ↓ predicted →"),
    classes.map((name) => element("th", { scope: "col" }, element("span", {}, name))));
  const made = element("table", { class: `confusion ${wordy ? "wordy" : "fine"}` }, element("thead", {}, heading), body);
  let at = cells[0][0];
  const walk = (cell) => {
    at.tabIndex = -1;
    at = cell;
    at.tabIndex = 0;
    at.focus();
  };
  const choose = (cell) => {
    made.querySelector(".chosen")?.classList.remove("chosen");
    cell.classList.add("chosen");
    open(Number(cell.dataset.i), Number(cell.dataset.j));
  };
  body.addEventListener("click", (event) => {
    const cell = event.target.closest("td");
    if (cell) { at.tabIndex = -1; at = cell; at.tabIndex = 0; choose(cell); }
  });
  body.addEventListener("keydown", (event) => {
    const cell = event.target.closest("td");
    if (!cell) return;
    const [i, j] = [Number(cell.dataset.i), Number(cell.dataset.j)];
    const to = { ArrowUp: [i - 1, j], ArrowDown: [i + 1, j], ArrowLeft: [i, j - 1], ArrowRight: [i, j + 1], Home: [i, 0], End: [i, classes.length - 1] }[event.key];
    if (to && cells[to[0]]?.[to[1]]) { event.preventDefault(); walk(cells[to[0]][to[1]]); }
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); choose(cell); }
  });
  const toggle = element("button", { type: "button", class: "small", "aria-pressed": "false", onclick: () => {
    shares = !shares;
    toggle.setAttribute("aria-pressed", String(shares));
    cells.forEach((row, i) => row.forEach((cell, j) => { cell.textContent = shares ? (totals[i] ? percent(matrix[i][j] / totals[i], 1) : "–") : String(matrix[i][j]); }));
  } }, "as shares");
  const toCsv = () => save("confusion.csv", "text/csv", csv([["true \\ predicted", ...classes], ...matrix.map((row, i) => [classes[i], ...row])]));
  return element("figure", {}, element("figcaption", {}, "Rows are true classes, columns predicted ones. A cell opens its pictures. ",
    wordy ? toggle : null, element("button", { type: "button", class: "small", onclick: toCsv }, "CSV")),
    element("div", { class: "scroll" }, made));
}
