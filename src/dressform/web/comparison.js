// Which of several models is better: a forest plot and a sentence for each pair.

import { element, section } from "dressform/html.js";

/** @import { Comparison } from "dressform/types.js" */

/** @param {Comparison[]} comparisons */
export function comparisonSection(comparisons) {
  const ends = comparisons.flatMap((c) => [Math.abs(c.low), Math.abs(c.high), c.rope]);
  const scale = Math.max(...ends) || 1;
  return section(
    "comparison",
    "Model comparison",
    comparisons.map((comparison) => pair(comparison, scale)),
    element(
      "p",
      { class: "quiet" },
      "Line: 95 % interval of the difference. Band: region of practical equivalence. ",
      comparisons[0].scope,
    ),
  );
}

/**
 * @param {Comparison} c
 * @param {number} scale the difference at either end of the plot
 */
function pair(c, scale) {
  const left = (/** @type {number} */ value) => `${(50 + (50 * value) / scale).toFixed(2)}%`;
  const right = (/** @type {number} */ value) => `calc(100% - ${left(value)})`;
  return element(
    "div",
    { class: "comparison" },
    element("p", {}, c.sentence),
    element(
      "div",
      { class: "forest", role: "img", "aria-label": `${c.b} minus ${c.a}: ${c.difference_text}` },
      element("span", { class: "rope", style: { left: left(-c.rope), right: right(c.rope) } }),
      element("span", { class: "zero" }),
      element("span", { class: "interval", style: { left: left(c.low), right: right(c.high) } }),
      element("span", { class: "point", style: { left: left(c.difference) } }),
    ),
    element(
      "p",
      { class: "ends" },
      element("span", {}, `${c.a} better`),
      element("span", { class: "quiet" }, c.difference_text),
      element("span", {}, `${c.b} better`),
    ),
  );
}
