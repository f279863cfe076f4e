// Whether the model is right as often as it says: a reliability diagram and a histogram.

import { chart } from "dressform/chart.js";
import { count, element, percent, section } from "dressform/html.js";
import { temperatureSentence } from "dressform/summary.js";

/** @import { Bin, Run } from "dressform/types.js" */

/** @param {Run} run */
export function calibrationSection(run) {
  if (!run.calibration) return null;
  const { bins, summary } = run.calibration;
  return section(
    "calibration",
    "Calibration",
    element("p", {}, "When the model says 90 %, is it right nine times out of ten? ", summary),
    run.temperature && element("p", { class: "quiet" }, temperatureSentence(run)),
    element("div", { class: "pair" }, reliabilityDiagram(bins), confidenceHistogram(bins)),
    bins.some(({ few, count: images }) => few && images) &&
      element("p", { class: "quiet" }, "Faded: bins with so few images that chance decides."),
  );
}

const show = (/** @type {number} */ value) => percent(value, 0);
const read = (/** @type {number} */ value) => percent(value, 1);
const CONFIDENCE = {
  title: "Confidence (probability of the predicted class)",
  name: "Confidence",
  low: 0,
  high: 1,
  show,
  read,
};

/** @param {Bin[]} bins */
function reliabilityDiagram(bins) {
  /** @type {[number, number][]} */
  const points = [];
  /** @type {[number, number][]} */
  const ranges = [];
  /** @type {boolean[]} */
  const faded = [];
  for (const { confidence, accuracy, low, high, few } of bins) {
    if (confidence === undefined || accuracy === undefined) continue; // an empty bin
    points.push([confidence, accuracy]);
    ranges.push([low ?? accuracy, high ?? accuracy]);
    faded.push(few);
  }
  const diagonal = /** @type {[number, number][]} */ ([
    [0, 0],
    [1, 1],
  ]);
  return chart("reliability", "Reliability diagram", {
    x: CONFIDENCE,
    y: { title: "Accuracy", low: 0, high: 1, show, read },
    series: [
      { title: "Perfect calibration", kind: "dash", colour: 3, points: diagonal },
      {
        title: "Accuracy, with 95 % intervals",
        kind: "line",
        colour: 1,
        points,
        ranges,
        faded,
        notes: bins.filter((bin) => bin.count).map((bin) => `${count(bin.count)} images`),
      },
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
    y: { title: "Fraction of examples", low: 0, high: highest, show, read },
    series: [
      {
        title: "Examples",
        kind: "bars",
        colour: 1,
        points,
        width,
        notes: bins.map((bin) => `${count(bin.count)} images`),
      },
    ],
  });
}
