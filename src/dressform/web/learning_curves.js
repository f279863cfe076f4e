// Loss, accuracy and learning rate over the epochs.

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
  const read = (/** @type {number} */ value) => percent(value);
  const readLoss = (/** @type {number} */ value) => value.toFixed(4);
  const rate = column(history, "lr");
  const highest = Math.max(...rate.map(([, y]) => y));
  return section(
    "learning-curves",
    "Learning curves",
    element(
      "div",
      { class: "trio" },
      chart("accuracy", "Accuracy by epoch", {
        x,
        y: { title: "Accuracy", low, high: 1, show, read },
        together: true,
        series: accuracy,
      }),
      chart("loss", "Loss by epoch", {
        x,
        y: {
          title: "Cross-entropy loss (nats)",
          low: 0,
          high: Math.max(...heights(loss)),
          read: readLoss,
        },
        together: true,
        series: loss,
      }),
      rate.length > 0 &&
        chart("learning-rate", "Learning rate by epoch", {
          x,
          y: { title: "Learning rate", low: 0, high: highest, show: shortRate, read: shortRate },
          series: [
            {
              title: "Learning rate at the epoch's end",
              name: "learning rate",
              kind: "line",
              colour: 4,
              points: rate,
            },
          ],
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
    /** @type {string} */ name,
    /** @type {number} */ colour,
  ) => {
    const points = column(history, name);
    return { title, kind: /** @type {const} */ ("line"), colour, points };
  };
  const training = curve("Training", `train_${quantity}`, 1);
  const validation = curve("Validation", `val_${quantity}`, 2);
  return [training, validation].filter((series) => series.points.length);
}

/**
 * The epochs with a value in a column.
 * @param {Epoch[]} history
 * @param {string} name
 */
function column(history, name) {
  return history.flatMap((row) => {
    const value = row[name];
    return typeof value === "number" ? [/** @type {[number, number]} */ ([row.epoch, value])] : [];
  });
}

/** @param {number} value */
function shortRate(value) {
  const rounded = Number(value.toPrecision(3));
  return rounded && rounded < 0.001 ? rounded.toExponential() : String(rounded);
}

/** @param {Series[]} series */
const heights = (series) => series.flatMap((one) => one.points.map(([, y]) => y));
