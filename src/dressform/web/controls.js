// The bar above the projector and the legend below it.

import { COLOURINGS } from "dressform/colours.js";
import { saveCoordinates, saveStage } from "dressform/export.js";
import { button, count, element, percent } from "dressform/html.js";
import { search } from "dressform/search.js";

/** @import { Filter } from "dressform/filters.js" */
/** @import { Projector } from "dressform/projector.js" */
/** @import { LegendEntry } from "dressform/colours.js" */
/** @import { Projection } from "dressform/types.js" */

/** @typedef {[string, string]} Option value and text */

/**
 * A labelled choice.
 * @param {string} label
 * @param {Option[]} options
 * @param {(value: string) => void} onchange
 */
function choice(label, options, onchange) {
  const select = element(
    "select",
    { "aria-label": label, onchange: () => onchange(select.value) },
    options.map(([value, text]) => element("option", { value }, text)),
  );
  return { select, node: element("label", {}, `${label} `, select) };
}

export class Controls {
  /** @param {Projector} projector */
  constructor(projector) {
    this.projector = projector;
    /** @type {Record<"A" | "B", number[] | null>} selections that custom axes lead from and to */
    this.ends = { A: null, B: null };
    this.axes = element("span", { class: "axes" });
    this.legend = element("div", {
      class: "classes",
      role: "group",
      "aria-label": "Colours and visible classes",
    });
    this.filter = choice("Show", this.filterOptions(), (value) => {
      projector.filter = /** @type {Filter} */ (value);
      projector.applyFilter();
    });
    this.lasso = button(
      "Lasso",
      () => projector.setMode(projector.mode === "lasso" ? "move" : "lasso"),
      { "aria-pressed": "false" },
    );
    const colourings = Object.entries(COLOURINGS).filter(([, c]) => c.applies(projector));
    this.colouring = choice(
      "Colour by",
      colourings.map(([key, { title }]) => [key, title]),
      (value) => projector.colour(value),
    );
    this.projection = choice("Projection", this.projectionOptions(), (value) =>
      this.project(value),
    );
    this.exports = element(
      "span",
      { class: "axes" },
      button("PNG", () => saveStage(projector), { class: "small" }),
      button("CSV", () => saveCoordinates(projector), { class: "small" }),
      button("Copy link", () => this.copyLink(), { class: "small" }),
    );
    this.clear = button("Clear selection", () => projector.select("", null), { hidden: true });
    this.bar = element(
      "div",
      { class: "bar" },
      this.projection.node,
      this.axes,
      this.colouring.node,
      this.filter.node,
      this.lasso,
      this.search(),
      this.clear,
      button("Reset", () => projector.reset()),
    );
  }

  /** @returns {Option[]} */
  projectionOptions() {
    const { projections, basis } = this.projector.page;
    /** @type {Option[]} */
    const options = projections.map(({ name, title, knn_recall: recall }) => [
      name,
      `${title} (kNN recall ${percent(recall, recall < 0.1 ? 1 : 0)})`,
    ]);
    return basis ? [...options, ["custom", "Custom axes"]] : options;
  }

  /** @returns {Option[]} */
  filterOptions() {
    const { page, first, last } = this.projector;
    /** @type {Option[]} */
    const options = [
      ["all", "All"],
      ["errors", "Errors"],
      ["correct", "Correct"],
      ["suspect", "Suspect labels"],
    ];
    const twoSplits = page.examples > first && page.examples < last;
    if (twoSplits)
      options.push(["evaluated", `Split: ${page.split}`], ["training", "Split: train"]);
    return options;
  }

  search() {
    const { projector } = this;
    const input = element("input", {
      type: "search",
      placeholder: "Class or id",
      list: "classes",
      "aria-label": "Find a class or an id",
      onkeydown: (event) => {
        if (event.key === "Enter") search(projector, input.value);
      },
    });
    const classes = element(
      "datalist",
      { id: "classes" },
      projector.page.classes.map((value) => element("option", { value })),
    );
    return [input, classes, button("Find", () => search(projector, input.value))];
  }

  /** Show in the choices what the projector shows. */
  show() {
    const { projector } = this;
    this.filter.select.value = projector.filter;
    this.colouring.select.value = projector.colouring;
    if (projector.projection) this.projection.select.value = projector.projection;
  }

  /** Put the address of the view into the clipboard. */
  async copyLink() {
    const { projector } = this;
    projector.link.write();
    try {
      await navigator.clipboard.writeText(location.href);
      projector.report("The link to this view is in the clipboard.");
    } catch {
      projector.report("This browser gives no clipboard: copy the address of this page.");
    }
  }

  /** @param {string} value name of a projection, or "custom" */
  project(value) {
    const { projector } = this;
    const projection = projector.page.projections.find(({ name }) => name === value);
    if (projection) projector.project(projection);
    else this.offerEnds();
    this.projection.select.value = value;
  }

  /** The buttons that make a selection one end of the horizontal axis. */
  offerEnds() {
    const { projector, ends } = this;
    const use = (/** @type {"A" | "B"} */ end) => {
      if (!projector.selection?.length) {
        projector.report("Select points first: draw a lasso or find a class.");
        return;
      }
      ends[end] = projector.selection;
      projector.report(`${count(projector.selection.length)} points are now ${end}.`);
      if (ends.A && ends.B) projector.showCustomAxes(ends.A, ends.B);
    };
    const names = /** @type {const} */ (["A", "B"]);
    this.axes.replaceChildren(
      ...names.map((end) => button(`Use selection as ${end}`, () => use(end))),
    );
    if (ends.A && ends.B) projector.showCustomAxes(ends.A, ends.B);
    else {
      projector.report(
        "The horizontal axis runs from A to B. Select points and use them as A, " +
          "then select others and use them as B.",
      );
    }
  }

  /**
   * A choice of the component on each axis, for principal components.
   * @param {Projection} projection
   */
  offerComponents({ explained_variance_ratio: ratios }) {
    const { projector } = this;
    const options = ratios.map((ratio, j) => ({ j, text: `PC ${j + 1} (${percent(ratio, 1)})` }));
    const selects = ["x", "y", "z"].map((axis, a) => {
      const select = element(
        "select",
        {
          "aria-label": `Component on ${axis}`,
          onchange: () => {
            projector.components.splice(a, 1, Number(select.value));
            projector.showComponents();
          },
        },
        axis === "z" && element("option", { value: "-1" }, "2D"),
        options.map(({ j, text }) =>
          element("option", { value: j, selected: projector.components[a] === j }, text),
        ),
      );
      return select;
    });
    this.axes.replaceChildren(...(ratios.length ? selects : []));
  }

  /**
   * The colours' key; where it has the classes, a click hides one.
   * @param {LegendEntry[]} legend
   */
  showLegend(legend) {
    const { projector } = this;
    const key = (/** @type {LegendEntry} */ { text, colour, label }) => {
      const dot = element("span", { class: "dot", style: { background: colour } });
      if (label === undefined) {
        return element("button", { type: "button", class: "key", disabled: true }, dot, text);
      }
      const shown = () => String(!projector.hidden.has(label));
      const toggle = button(
        [dot, text],
        () => {
          if (!projector.hidden.delete(label)) projector.hidden.add(label);
          toggle.setAttribute("aria-pressed", shown());
          projector.applyFilter();
        },
        { class: "key", "aria-pressed": shown() },
      );
      return toggle;
    };
    this.legend.replaceChildren(...legend.map(key));
  }
}
