// The first section of a report: scores, and what was trained on what.

import { count, csv, element, percent, percentRange, save, section } from "dressform/html.js";
import { head, plainTable } from "dressform/table.js";

const SHORT_DIGEST = 16;
const MAX_BESIDE_FACTS = 2; // models whose metrics leave room for what was trained on what

/** @import { MetricEstimate, Page, Run } from "dressform/types.js" */

/**
 * A value of a metric, as text.
 * @param {MetricEstimate} estimate
 * @param {number | null} value null: infinite
 */
function shown(estimate, value) {
  if (value === null) return "∞";
  return estimate.percent ? percent(value) : value.toFixed(4);
}

/** @param {MetricEstimate} estimate */
const interval = (estimate) =>
  estimate.percent
    ? percentRange(estimate.low, estimate.high)
    : `${shown(estimate, estimate.low)} to ${shown(estimate, estimate.high)}`;

/**
 * What the probabilities were computed with.
 * @param {Run} run
 */
export function temperatureSentence({ temperature }) {
  return `${temperature[0].toUpperCase()}${temperature.slice(1)}.`;
}

/**
 * SHA-256 digests by their first digits; the citation has them whole.
 * @param {string} text
 */
const shortDigests = (text) =>
  text.replaceAll(/\b[0-9a-f]{64}\b/g, (digest) => `${digest.slice(0, SHORT_DIGEST)}…`);

/**
 * @param {Page} page
 * @param {Run} run
 */
export function summarySection(page, run) {
  const [accuracy] = run.estimates;
  const [method] = accuracy.method.split(",");
  const facts = run.facts.map(([name, value]) => [
    element("dt", {}, name),
    element("dd", {}, shortDigests(value)),
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
      ` accuracy${page.runs.length > 1 ? ` of ${run.name}` : ""}` +
        ` on ${count(run.examples)} ${page.split} images` +
        ` (95 % interval ${interval(accuracy)}, ${method})`,
    ),
    run.temperature && element("p", { class: "quiet" }, temperatureSentence(run)),
    element(
      "div",
      { class: page.runs.length <= MAX_BESIDE_FACTS ? "pair" : "" },
      metricsTable(page, run),
      element("dl", { class: "facts" }, facts),
    ),
    run.missing.length > 0 && missing,
  );
}

/**
 * Metrics × models, each value with its interval.
 * @param {Page} page
 * @param {Run} shownRun
 */
function metricsTable({ runs }, shownRun) {
  const several = runs.length > 1;
  const names = [...new Set(runs.flatMap((run) => run.estimates.map(({ name }) => name)))];
  const estimateOf = (/** @type {Run} */ run, /** @type {string} */ name) =>
    run.estimates.find((estimate) => estimate.name === name);
  const rows = names.map((name) => {
    const estimates = runs.map((run) => estimateOf(run, name));
    const one = /** @type {MetricEstimate} */ (estimates.find(Boolean));
    const better = one.greater_is_better ? "higher is better" : "lower is better";
    return element(
      "tr",
      {},
      element(
        "th",
        { scope: "row" },
        one.title,
        "\u00a0",
        element("small", { title: better }, one.greater_is_better ? "↑" : "↓"),
        element("small", { class: "narrow-method" }, one.method),
      ),
      estimates.map((estimate, r) =>
        element(
          "td",
          { class: `number ${several && runs[r] === shownRun ? "shown" : ""}` },
          estimate ? shown(estimate, estimate.value) : "–",
          estimate && element("small", { class: "interval" }, interval(estimate)),
        ),
      ),
      element("td", { class: "method" }, one.method),
    );
  });
  const heads = several ? runs.map((run) => run.name) : ["Value"];
  return plainTable({
    caption: "Metrics with 95 % intervals. ↑ higher is better, ↓ lower is better.",
    heads: [
      head("Metric"),
      ...heads.map((name) => head(name, "number name")),
      head("Interval method", "method"),
    ],
    rows,
    saveCsv: () => saveMetrics(runs),
  });
}

/** @param {Run[]} runs */
function saveMetrics(runs) {
  const lines = runs.flatMap((run) =>
    run.estimates.map((e) => [run.name, e.title, e.value, e.low, e.high, e.method, e.n]),
  );
  const heading = ["model", "metric", "value", "low", "high", "method", "n"];
  save("metrics.csv", "text/csv", csv([heading, ...lines]));
}
