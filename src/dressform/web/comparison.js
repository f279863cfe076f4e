// Which of several models is better: a forest plot and a sentence for each pair, and the images
// that only one of them gets right.

import { matching, DEFAULTS, modelChoices } from "dressform/image_filters.js";
import { button, count, element, percent, section } from "dressform/html.js";
import { head, plainTable } from "dressform/table.js";

/** @import { Page } from "dressform/data.js" */
/** @import { Comparison } from "dressform/types.js" */

/**
 * @param {Page} page
 * @param {(models: string) => void} open shows the images on which those models are right
 */
export function comparisonSection(page, open) {
  const { comparisons } = page;
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
    agreement(page, open),
  );
}

/**
 * How many images which models get right.
 * @param {Page} page
 * @param {(models: string) => void} open
 */
function agreement(page, open) {
  const disjoint = Object.entries(modelChoices(page.runs)).filter(
    ([models]) => !["any", "one", "differ"].includes(models),
  );
  const rows = disjoint.map(([models, title]) => {
    const matches = matching({ ...DEFAULTS, models }, page, 0);
    let images = 0;
    for (let i = 0; i < page.examples; i += 1) images += Number(matches(i));
    return element(
      "tr",
      {},
      element(
        "th",
        { scope: "row" },
        button(title, () => open(models), { class: "plain link" }),
      ),
      element("td", { class: "number" }, count(images)),
      element("td", { class: "number" }, percent(images / page.examples, 1)),
    );
  });
  return plainTable({
    caption: "Where the models agree. Select a row to see its images.",
    heads: [head("Models"), head("Images", "number"), head("Fraction", "number")],
    rows,
  });
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
      "p",
      { class: "quiet" },
      `${count(c.n)} examples; interval: ${c.method}; p-value: ${c.test}.`,
    ),
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
