// Precision-recall and ROC curves of each class against all others.

import { chart } from "dressform/chart.js";
import { element, percent, section } from "dressform/html.js";

/** @import { Series } from "dressform/chart.js" */
/** @import { Curves, Run } from "dressform/types.js" */

const MAX_SHOWN = 10; // of more classes, those with the smallest area are shown at first

const show = (/** @type {number} */ value) => percent(value, 0);
const read = (/** @type {number} */ value) => percent(value, 1);

/**
 * An area, as text.
 * @param {number} value
 */
export const area = (value) => value.toFixed(4);

/**
 * @param {string[]} classes
 * @param {Run} run
 */
export function curvesSection(classes, run) {
  const macro =
    run.macro_average_precision === null || run.macro_roc_auc === null
      ? ""
      : ` Macro means: average precision ${area(run.macro_average_precision)}, ` +
        `ROC AUC ${area(run.macro_roc_auc)}.`;
  const unit = (/** @type {string} */ title) => ({ title, low: 0, high: 1, show, read });
  return section(
    "curves",
    "Precision-recall and ROC curves",
    element(
      "p",
      {},
      "How well does the probability of a class rank its images above all others? Each class " +
        "against the rest; areas and their intervals stand in the per-class metrics.",
      macro,
    ),
    element(
      "div",
      { class: "pair" },
      chart("precision-recall", "Precision-recall curves", {
        x: unit("Recall"),
        y: unit("Precision"),
        choosable: true,
        series: series(classes, run.curves, "precision_recall", "average_precision"),
      }),
      chart("roc", "ROC curves", {
        x: unit("False positive rate"),
        y: { ...unit("True positive rate"), title: "True positive rate (recall)" },
        choosable: true,
        series: series(classes, run.curves, "roc", "roc_auc"),
      }),
    ),
  );
}

/**
 * @param {string[]} classes
 * @param {(Curves | null)[]} curves
 * @param {"precision_recall" | "roc"} kind
 * @param {"average_precision" | "roc_auc"} measure
 * @returns {Series[]}
 */
function series(classes, curves, kind, measure) {
  const present = curves.flatMap((one, c) => (one ? [{ c, one }] : []));
  const worst = [...present].sort((a, b) => a.one[measure].value - b.one[measure].value);
  const shown = new Set(worst.slice(0, MAX_SHOWN).map(({ c }) => c));
  return present.map(({ c, one }) => ({
    title: `${classes[c]} ${area(one[measure].value)}`,
    name: `${classes[c]} ${kind === "roc" ? "true positive rate" : "precision"}`,
    kind: "line",
    hue: Math.round((c * 360) / Math.min(classes.length, MAX_SHOWN)) % 360,
    points: one[kind].map(([x, y]) => /** @type {[number, number]} */ ([x, y])),
    broken: c % 2 === 1,
    notes: one[kind].map(([, , threshold]) =>
      threshold === null ? "threshold above 1" : `threshold ${percent(threshold)}`,
    ),
    hidden: !shown.has(c),
  }));
}
