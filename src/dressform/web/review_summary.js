// How much the data doctor found, and what it does to scores.

import { count, element, percent, percentRange, section } from "dressform/html.js";

/** @import { Page } from "dressform/data.js" */
/** @import { Interval, Rescored } from "dressform/types.js" */

/**
 * @param {Page} page
 * @param {HTMLElement} filters of the findings below
 */
export function summarySection(page, filters) {
  const { counts, reevaluated } = page;
  const about = reevaluated.length
    ? "The scored model also decides which labels are suspect, so the score without them is " +
      "an upper bound. Intervals are 95 % (Wilson)."
    : "Labels were not checked. To check them, give predictions of a model that was not " +
      "trained on these examples, with --predictions.";
  return section(
    "findings",
    "Findings",
    element(
      "ul",
      {},
      counts.map(([what, number]) => element("li", {}, `${count(number)} ${what}`)),
    ),
    reevaluated.map(scoreTable),
    element("p", { class: "quiet" }, about),
    element("p", { class: "quiet" }, sizes(page)),
    filters,
    element(
      "p",
      { class: "quiet" },
      "This browser keeps your decisions until you save them as review.json. " +
        "Then apply them: dressform data apply review.json",
    ),
  );
}

/**
 * Which images are not shown as large as the others; empty where all are shown alike.
 * @param {Page} page
 */
function sizes({ ids, large_images: large, tile }) {
  if (!large.length || large.length === ids.length) return "";
  return (
    `${count(large.length)} of ${count(ids.length)} images are shown at up to 256 pixels a side, ` +
    `those of the first findings; the others at ${tile.join(" × ")}.`
  );
}

/**
 * A model's accuracy with and without the examples that were found.
 * @param {Rescored} rescored
 */
function scoreTable({ name, split, scores }) {
  const row = (/** @type {[string, Interval]} */ [what, { value, low, high, n }]) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, what),
      element(
        "td",
        { class: "number" },
        percent(value),
        element("small", { class: "interval" }, percentRange(low, high)),
      ),
      element("td", { class: "number" }, `n = ${count(n)}`),
    );
  return element(
    "figure",
    {},
    element("figcaption", {}, `Accuracy of ${name} on ${split}`),
    element("div", { class: "scroll" }, element("table", {}, scores.map(row))),
  );
}
