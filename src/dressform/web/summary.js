// The first section of a report: scores, and what was trained on what.

import { count, element, percent, section } from "dressform/html.js";

/** @import { MetricEstimate, Page, Run } from "dressform/types.js" */

/**
 * A value of a metric, as text.
 * @param {MetricEstimate} estimate
 * @param {number} value
 */
const shown = (estimate, value) => (estimate.percent ? percent(value) : value.toFixed(4));

/** @param {MetricEstimate} estimate */
const interval = (estimate) =>
  `${shown(estimate, estimate.low)} to ${shown(estimate, estimate.high)}`;

/** @param {MetricEstimate} estimate */
function card(estimate) {
  return element(
    "div",
    { class: "card" },
    element("span", {}, estimate.title),
    element("b", {}, shown(estimate, estimate.value)),
    element("small", {}, interval(estimate)),
  );
}

/**
 * @param {Page} page
 * @param {Run} run
 */
export function summarySection(page, run) {
  const [accuracy, ...others] = run.estimates;
  const [method] = accuracy.method.split(",");
  const facts = run.facts.map(([name, value]) => [
    element("dt", {}, name),
    element("dd", {}, value),
  ]);
  const missing = element(
    "div",
    { class: "note" },
    element("b", {}, "Not in this report"),
    element(
      "ul",
      {},
      run.missing.map((line) => element("li", {}, line)),
    ),
  );
  return section(
    "summary",
    "Results",
    element(
      "p",
      { class: "headline" },
      element("strong", {}, shown(accuracy, accuracy.value)),
      ` accuracy on ${count(run.examples)} ${page.split} images` +
        ` (95 % interval ${interval(accuracy)}, ${method})`,
    ),
    element("div", { class: "cards" }, others.map(card)),
    element("dl", { class: "facts" }, facts),
    run.missing.length > 0 && missing,
  );
}
