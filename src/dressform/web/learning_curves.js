// Loss and accuracy over the epochs.

import { chart } from "dressform/chart.js";
import { element, percent, section } from "dressform/html.js";

/** @import { Series } from "dressform/chart.js" */
/** @import { Epoch, Run } from "dressform/types.js" */

const MAX_EPOCH_TICKS = 12;

/** @param {Run} run */
export function learningCurvesSection({ history, history_note: note }) {
  const last = history.length;
  const ticks = last <= MAX_EPOCH_TICKS ? history.map((row) => row.epoch) : undefined;
  const x = { title: "Epoch", low: 1, high: Math.max(2, last), ticks };
  const accuracy = curves(history, "accuracy");
  const loss = curves(history, "loss");
  const low = Math.max(0, Math.floor(20 * Math.min(...heights(accuracy))) / 20);
  const show = (/** @type {number} */ value) => percent(value, 0);
  return section(
    "learning-curves",
    "Learning curves",
    element(
      "div",
      { class: "pair" },
      chart("accuracy", "Accuracy by epoch", {
        x,
        y: { title: "Accuracy", low, high: 1, show },
        series: accuracy,
      }),
      chart("loss", "Loss by epoch", {
        x,
        y: { title: "Cross-entropy loss (nats)", low: 0, high: Math.max(...heights(loss)) },
        series: loss,
      }),
    ),
    element("p", { class: "quiet" }, note),
  );
}

/**
 * The training and the validation curve of a quantity, as far as there are any.
 * @param {Epoch[]} history
 * @param {string} quantity
 * @returns {Series[]}
 */
function curves(history, quantity) {
  const curve = (
    /** @type {string} */ title,
    /** @type {string} */ column,
    /** @type {number} */ colour,
  ) => {
    const points = history.flatMap((row) => {
      const value = row[column];
      return typeof value === "number"
        ? [/** @type {[number, number]} */ ([row.epoch, value])]
        : [];
    });
    return { title, kind: /** @type {const} */ ("line"), colour, points };
  };
  const training = curve("Training", `train_${quantity}`, 1);
  const validation = curve("Validation", `val_${quantity}`, 2);
  return [training, validation].filter((series) => series.points.length);
}

/** @param {Series[]} series */
const heights = (series) => series.flatMap((one) => one.points.map(([, y]) => y));
