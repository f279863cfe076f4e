// Whether the model is right as often as it says: a reliability diagram and a histogram.

import { chart } from "dressform/chart.js";
import { element, percent, section } from "dressform/html.js";

/** @import { Bin, Run } from "dressform/types.js" */

/** @param {NonNullable<Run["calibration"]>} calibration */
export function calibrationSection({ bins, summary }) {
  return section(
    "calibration",
    "Calibration",
    element("p", {}, "When the model says 90 %, is it right nine times out of ten? ", summary),
    element("div", { class: "pair" }, reliabilityDiagram(bins), confidenceHistogram(bins)),
  );
}

const show = (/** @type {number} */ value) => percent(value, 0);
const CONFIDENCE = {
  title: "Confidence (probability of the predicted class)",
  low: 0,
  high: 1,
  show,
};

/** @param {Bin[]} bins */
function reliabilityDiagram(bins) {
  /** @type {[number, number][]} */
  const points = [];
  /** @type {[number, number][]} */
  const ranges = [];
  for (const { confidence, accuracy, low, high } of bins) {
    if (confidence === undefined || accuracy === undefined) continue; // an empty bin
    points.push([confidence, accuracy]);
    ranges.push([low ?? accuracy, high ?? accuracy]);
  }
  const diagonal = /** @type {[number, number][]} */ ([
    [0, 0],
    [1, 1],
  ]);
  return chart("reliability", "Reliability diagram", {
    x: CONFIDENCE,
    y: { title: "Accuracy", low: 0, high: 1, show },
    series: [
      { title: "Perfect calibration", kind: "dash", colour: 3, points: diagonal },
      { title: "Model, with 95 % intervals", kind: "line", colour: 1, points, ranges },
    ],
  });
}

/** @param {Bin[]} bins */
function confidenceHistogram(bins) {
  const highest = Math.max(...bins.map((bin) => bin.fraction));
  const points = bins.map((bin) => /** @type {[number, number]} */ ([bin.from, bin.fraction]));
  const width = bins[0].to - bins[0].from;
  return chart("confidence", "Confidence histogram", {
    x: CONFIDENCE,
    y: { title: "Fraction of examples", low: 0, high: highest, show },
    series: [{ title: "Examples", kind: "bars", colour: 1, points, width }],
  });
}
