// The report's one gallery, with filters that stand in the page's address.

import { changeAddress } from "dressform/address.js";
import {
  DEFAULTS,
  describe,
  filterParameters,
  matching,
  modelChoices,
  RESULTS,
  SUSPICIONS,
} from "dressform/image_filters.js";
import { button, element, section } from "dressform/html.js";

/** @import { Page } from "dressform/data.js" */
/** @import { Filters, Order } from "dressform/image_filters.js" */
/** @import { Gallery } from "dressform/gallery.js" */

/** @type {[string, Partial<Filters>][]} */
const PRESETS = [
  ["Top losses", {}],
  ["Errors", { result: "errors" }],
  ["Suspect labels", { suspicion: "suspect" }],
];

/**
 * @typedef {object} ImagesOptions
 * @property {number} run whose predictions are shown
 * @property {Filters} filters at first
 * @property {(filters: Filters) => void} onchange
 * @property {(run: number) => void} showRun
 */

export class Images {
  /**
   * @param {Page} page
   * @param {Gallery} gallery
   * @param {ImagesOptions} options
   */
  constructor(page, gallery, { run, filters, onchange, showRun }) {
    this.page = page;
    this.gallery = gallery;
    this.run = run;
    this.filters = filters;
    this.onchange = onchange;
    const classes = [["", "Any"], ...page.classes.map((name, c) => [String(c), name])];
    const classOf = (/** @type {string} */ value) => (value === "" ? null : Number(value));
    this.controls = {
      label: this.choice("True class", classes, (value) => ({ label: classOf(value) })),
      predicted: this.choice("Predicted class", classes, (v) => ({ predicted: classOf(v) })),
      result: this.choice("Result", Object.entries(RESULTS), (value) => ({
        result: /** @type {Filters["result"]} */ (value),
      })),
      suspicion: this.choice("Label", Object.entries(SUSPICIONS), (value) => ({
        suspicion: /** @type {Filters["suspicion"]} */ (value),
      })),
      models: this.choice("Correct models", Object.entries(modelChoices(page.runs)), (models) => ({
        models,
      })),
    };
    this.low = this.bound("Lowest confidence in percent", (low) => ({ low }));
    this.high = this.bound("Highest confidence in percent", (high) => ({ high }));
    gallery.order.addEventListener("change", () =>
      this.set({ order: /** @type {Order} */ (gallery.order.value) }),
    );
    this.node = this.build(showRun);
    this.apply();
  }

  /** The section. @param {(run: number) => void} showRun */
  build(showRun) {
    const { page, run, gallery } = this;
    const model = element(
      "select",
      { "aria-label": "Model of the images", onchange: () => showRun(Number(model.value)) },
      page.runs.map(({ name }, value) =>
        element("option", { value, selected: value === run }, name),
      ),
    );
    const several = page.runs.length > 1;
    const { label, predicted, result, suspicion, models } = this.controls;
    return section(
      "images",
      "Images",
      element(
        "div",
        { class: "bar presets", role: "group", "aria-label": "Selections" },
        PRESETS.map(([title, values]) =>
          button(title, () => this.set({ ...DEFAULTS, ...values }), { class: "small" }),
        ),
      ),
      element(
        "p",
        { class: "quiet" },
        "⚑ The label may be wrong: the model prefers another class, with more confidence than it " +
          "usually has. A weak model flags many labels that are right.",
      ),
      element(
        "div",
        { class: "filters", role: "group", "aria-label": "Filters" },
        several && labelled("Model", model),
        labelled("True class", label),
        labelled("Predicted", predicted),
        labelled("Result", result),
        labelled("Label", suspicion),
        element(
          "div",
          {},
          element("span", {}, "Confidence, %"),
          element("span", {}, this.low, " to ", this.high),
        ),
        several && labelled("Correct models", models),
      ),
      gallery.node,
    );
  }

  /**
   * @param {string} label
   * @param {string[][]} options value and text
   * @param {(value: string) => Partial<Filters>} changes
   */
  choice(label, options, changes) {
    const select = element(
      "select",
      { "aria-label": label, onchange: () => this.set(changes(select.value)) },
      options.map(([value, text]) => element("option", { value }, text)),
    );
    return select;
  }

  /**
   * @param {string} label
   * @param {(value: number) => Partial<Filters>} changes
   */
  bound(label, changes) {
    const input = element("input", {
      type: "number",
      min: 0,
      max: 100,
      step: "any",
      "aria-label": label,
      onchange: () => {
        if (input.value !== "" && input.checkValidity()) this.set(changes(Number(input.value)));
        else this.showValues();
      },
    });
    return input;
  }

  /** @param {Partial<Filters>} changes */
  set(changes) {
    this.filters = { ...this.filters, ...changes };
    changeAddress(filterParameters(this.filters, this.page.classes));
    this.apply();
  }

  /** Let the controls say what is shown. */
  showValues() {
    const { filters, controls } = this;
    for (const name of /** @type {const} */ (["label", "predicted"])) {
      controls[name].value = String(filters[name] ?? "");
    }
    for (const name of /** @type {const} */ (["result", "suspicion", "models"])) {
      controls[name].value = filters[name];
    }
    this.low.value = String(filters.low);
    this.high.value = String(filters.high);
  }

  /** Show the images that meet the conditions. */
  apply() {
    const { page, filters } = this;
    this.showValues();
    const matches = matching(filters, page, this.run);
    const indices = [];
    for (let i = 0; i < page.examples; i += 1) if (matches(i)) indices.push(i);
    this.gallery.show(describe(filters, page), indices, filters.order);
    this.onchange(filters);
  }
}

/**
 * @param {string} text
 * @param {HTMLElement} control
 */
const labelled = (text, control) => element("label", {}, element("span", {}, text), control);
