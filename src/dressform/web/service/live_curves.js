// The curves of a training while it runs: the folds of the methods compared, then the epochs.

import { Chart } from "dressform/chart.js";
import { element, percent } from "dressform/html.js";

/** @import { Series } from "dressform/chart.js" */
/** @import { Progress } from "dressform/service/types.js" */

const show = (/** @type {number} */ value) => percent(value, 0);
const read = (/** @type {number} */ value) => percent(value, 1);

export class LiveCurves {
  /** @param {string} name of saved files */
  constructor(name) {
    /** @type {Map<string, number[]>} accuracies of the folds of each recipe */
    this.folds = new Map();
    this.foldList = element("ul");
    this.compared = element(
      "div",
      { hidden: true },
      element("h3", {}, "Methods compared"),
      this.foldList,
    );
    /** @type {Series[]} */
    const series = [
      { title: "Training", kind: "line", colour: 1, points: [] },
      { title: "Validation", kind: "line", colour: 2, points: [] },
    ];
    this.chart = new Chart(name, "Accuracy by epoch", {
      x: { title: "Epoch", low: 1, high: 2 },
      y: { title: "Accuracy", low: 0, high: 1, show, read },
      together: true,
      series,
    });
    this.chart.node.hidden = true;
    this.node = element("div", {}, this.compared, this.chart.node);
  }

  /** @param {Progress} progress what is new */
  hear({ fold, recipe, accuracy, epoch, epochs, train_accuracy: train, val_accuracy: val }) {
    if (fold !== undefined && recipe && accuracy !== undefined) {
      const before = fold === 1 ? [] : (this.folds.get(recipe) ?? []);
      this.folds.set(recipe, [...before, accuracy]);
      this.drawFolds();
    }
    if (epoch === undefined) return;
    const { plot } = this.chart;
    // After a resumption epochs come again.
    for (const one of plot.series) one.points = one.points.filter(([x]) => x < epoch);
    if (train !== undefined) plot.series[0].points.push([epoch, train]);
    if (val !== undefined) plot.series[1].points.push([epoch, val]);
    plot.x.high = Math.max(2, epochs ?? epoch);
    const heights = plot.series.flatMap(({ points }) => points.map(([, y]) => y));
    if (!heights.length) return;
    plot.y.low = Math.max(0, Math.floor(10 * Math.min(...heights)) / 10);
    this.chart.cursor = null;
    this.chart.node.hidden = false;
    this.chart.draw();
  }

  drawFolds() {
    this.compared.hidden = false;
    this.foldList.replaceChildren(
      ...[...this.folds].map(([recipe, accuracies]) => {
        const mean = accuracies.reduce((sum, one) => sum + one, 0) / accuracies.length;
        const folds = accuracies.length === 1 ? "1 fold" : `${accuracies.length} folds`;
        return element("li", {}, `${recipe}: ${percent(mean, 1)} on average of ${folds}`);
      }),
    );
  }
}
