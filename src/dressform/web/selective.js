// What a threshold of the confidence does: how much is answered, and how much of that is correct.

import { Chart } from "dressform/chart.js";
import { button, csv, element, percent, percentRange, save, section } from "dressform/html.js";
import { head, plainTable } from "dressform/table.js";

/** @import { Chart as ChartType } from "dressform/chart.js" */
/** @import { OperatingPoint, Run, Selective } from "dressform/types.js" */

const show = (/** @type {number} */ value) => percent(value, 0);
const exact = (/** @type {number} */ value) => percent(value, 1);
const threshold = (/** @type {number} */ value) => percent(value);

/** @param {[number, number, number]} value with its bounds */
const withInterval = ([value, low, high]) => `${exact(value)} (${percentRange(low, high, 1)})`;

/**
 * What a threshold does, in a sentence.
 * @param {OperatingPoint} point
 */
export function sentence({ threshold: at, coverage, precision }) {
  const start = `At a confidence of ${threshold(at)} or more, `;
  if (!precision) return `${start}nothing is answered automatically.`;
  const left = 1 - coverage[0];
  const rest = left >= 0.0005 ? ` The other ${exact(left)} are left to a person.` : "";
  return (
    `${start}${withInterval(coverage)} of the images are answered automatically (coverage), and ` +
    `${withInterval(precision)} of these answers are correct (selective accuracy).${rest}`
  );
}

/** @param {Selective} selective */
export const source = ({ measured_on: measured, chosen_on: chosen, too_few: few }) =>
  few !== null
    ? `Measured on ${measured}.`
    : chosen
      ? `Measured on ${measured}; the thresholds in the table were chosen on ${chosen}.`
      : `Measured on ${measured}. The thresholds in the table were chosen on the same images, so ` +
        `their selective accuracy is slightly optimistic.`;

/** @param {number} count */
export const tooFew = (count) => `Too few validation examples (${count}) to choose a threshold.`;

/**
 * The curve with the points of the table, so that chart, slider and sentence have the same threshold.
 * @param {Selective} selective
 */
export function withTargets({ curve, targets }) {
  const points = new Map(curve.map((point) => [point.threshold, point]));
  for (const { point } of targets) if (point?.precision) points.set(point.threshold, point);
  return [...points.values()].sort((a, b) => a.threshold - b.threshold);
}

/** @param {Run} run */
export function selectiveSection({ selective }) {
  const { targets } = selective;
  const curve = withTargets(selective);
  const said = element("output", { class: "said" });
  const slider = element("input", {
    type: "range",
    min: 0,
    max: curve.length - 1,
    "aria-label": "Confidence threshold",
    oninput: () => choose(Number(slider.value)),
  });

  /** @type {ChartType} */
  const chart = coverageChart(curve, (i) => choose(i));

  /**
   * @param {number} i point of the curve
   * @param {OperatingPoint} point what is said
   */
  function choose(i, point = curve[i]) {
    slider.value = String(i);
    slider.setAttribute("aria-valuetext", threshold(point.threshold));
    said.textContent = sentence(point);
    if (chart.cursor?.[1] !== i) chart.mark(chart.cursor?.[0] ?? 0, i);
  }

  /** @param {OperatingPoint} point */
  function chooseNearest(point) {
    const distances = curve.map((one) => Math.abs(one.threshold - point.threshold));
    choose(distances.indexOf(Math.min(...distances)), point);
  }

  const [all] = curve[0].precision ?? [0]; // with everything answered: less is no aim
  const start = targets.find((one) => one.point && one.precision > all);
  chooseNearest(start?.point ?? curve[0]);
  return section(
    "selective",
    "Selective classification",
    element(
      "p",
      {},
      "Answer automatically where the model is confident, and leave the rest to a person: how " +
        "many images are answered, and how many answers are correct? ",
    ),
    element("p", { class: "quiet" }, source(selective)),
    element(
      "div",
      { class: "pair" },
      chart.node,
      element(
        "div",
        {},
        element("label", { class: "slider" }, "Threshold ", slider),
        element("p", { class: "answer" }, said),
        selective.too_few === null
          ? targetTable(selective, chooseNearest)
          : element("p", { class: "quiet" }, tooFew(selective.too_few)),
      ),
    ),
  );
}

/**
 * @param {OperatingPoint[]} curve
 * @param {(i: number) => void} onread
 */
function coverageChart(curve, onread) {
  const low = curve[0].threshold;
  /** @param {"coverage" | "precision"} name */
  const points = (name) =>
    curve.map((point) => {
      const [value] = /** @type {[number, number, number]} */ (point[name]);
      return /** @type {[number, number]} */ ([point.threshold, value]);
    });
  return new Chart("coverage", "Coverage and selective accuracy by threshold", {
    x: { title: "Confidence threshold", name: "Threshold", low, high: 1, show, read: threshold },
    y: { title: "Fraction", low: 0, high: 1, show, read: exact },
    together: true,
    onread: (_, i) => onread(i),
    series: [
      { title: "Coverage", name: "coverage", kind: "line", colour: 1, points: points("coverage") },
      {
        title: "Selective accuracy",
        name: "selective accuracy",
        kind: "line",
        colour: 2,
        points: points("precision"),
      },
    ],
  });
}

/**
 * @param {Selective} selective
 * @param {(point: OperatingPoint) => void} choose
 */
function targetTable({ targets }, choose) {
  const rows = targets.map(({ precision, point }) => {
    const title = exact(precision).replace(".0", "");
    if (!point) {
      const never = element("td", { colspan: 3, class: "quiet" }, "not reached at any threshold");
      return element("tr", {}, element("th", { scope: "row" }, title), never);
    }
    const cell = (/** @type {[number, number, number] | null} */ value) =>
      element(
        "td",
        { class: "number" },
        value ? exact(value[0]) : "–",
        value && element("small", { class: "interval" }, percentRange(value[1], value[2], 1)),
      );
    return element(
      "tr",
      {},
      element(
        "th",
        { scope: "row" },
        button(title, () => choose(point), { class: "plain link" }),
      ),
      element("td", { class: "number" }, threshold(point.threshold)),
      cell(point.coverage),
      cell(point.precision),
    );
  });
  return plainTable({
    caption: "Thresholds, with 95 % intervals (Wilson score).",
    heads: [
      head("Target accuracy"),
      ...["Threshold", "Coverage", "Selective accuracy"].map((text) => head(text, "number")),
    ],
    rows,
    saveCsv: () => saveTargets(targets),
  });
}

/** @param {Selective["targets"]} targets */
function saveTargets(targets) {
  const lines = targets.map(({ precision, point }) => [
    precision,
    point?.threshold,
    ...(point?.coverage ?? ["", "", ""]),
    ...(point?.precision ?? ["", "", ""]),
  ]);
  const bounds = (/** @type {string} */ name) => [name, `${name} low`, `${name} high`];
  const heading = ["target", "threshold", ...bounds("coverage"), ...bounds("precision")];
  save("thresholds.csv", "text/csv", csv([heading, ...lines]));
}
