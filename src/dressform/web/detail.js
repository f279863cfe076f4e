// One image: its class, what the model predicts and why, and its nearest neighbours.

import { changeAddress } from "dressform/address.js";
import { button, byId, contextOf, element, percent } from "dressform/html.js";

/** @import { Page, Predictions } from "dressform/data.js" */
/** @import { Projector } from "dressform/projector.js" */
/** @import { Sprites } from "dressform/sprites.js" */
/** @import { Metric, NumberArray } from "dressform/types.js" */

const MAX_CLASSES = 10;
const METRICS = { cosine: "Cosine distance", euclidean: "Euclidean distance" };

export class Detail {
  /**
   * @param {Page} page
   * @param {Sprites} sprites
   */
  constructor(page, sprites) {
    this.page = page;
    this.sprites = sprites;
    /** @type {Projector | null} */
    this.projector = null;
    /** @type {Metric} */
    this.metric = "cosine";
    this.showsSaliency = false;
    this.index = 0;
    /** @type {number[]} */
    this.among = [];
    this.dialog = /** @type {HTMLDialogElement} */ (byId("detail"));
    this.dialog.addEventListener("keydown", (event) => {
      if (event.target instanceof HTMLSelectElement) return;
      if (event.key === "ArrowRight") this.step(1);
      if (event.key === "ArrowLeft") this.step(-1);
    });
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close(); // beside the dialog
    });
    this.dialog.addEventListener("close", () => {
      changeAddress({ image: null, at: null });
    });
  }

  /** @param {number} by */
  step(by) {
    const next = this.among[this.among.indexOf(this.index) + by];
    if (next !== undefined && this.predictions) this.show(next, this.among, this.predictions);
  }

  /**
   * Open an image.
   * @param {number} index
   * @param {number[]} among the images through which the arrow keys go
   * @param {Predictions} predictions
   */
  show(index, among, predictions) {
    Object.assign(this, { index, among });
    this.predictions = predictions;
    const focused = document.activeElement?.getAttribute("aria-label");
    const neighbours = predictions.neighbours(index, this.metric);
    this.dialog.replaceChildren(
      this.heading(),
      element("div", { class: "columns" }, this.view(predictions), this.prediction(predictions)),
      ...(neighbours.length ? this.neighbourhood(predictions, neighbours) : []),
    );
    this.focus(focused);
    // Two splits may share ids.
    changeAddress({ image: this.page.ids[index], at: String(index) });
  }

  /**
   * Open the dialog with the control focused that was focused before, else with "Close".
   * @param {string | null | undefined} label
   */
  focus(label) {
    /** @type {HTMLElement[]} */
    const controls = [...this.dialog.querySelectorAll("button:enabled, select")].filter(
      (node) => node instanceof HTMLElement,
    );
    const close = controls.find((control) => control.hasAttribute("autofocus"));
    const same =
      this.dialog.open && label
        ? controls.find((control) => control.getAttribute("aria-label") === label)
        : undefined;
    if (!this.dialog.open) this.dialog.showModal();
    (same ?? close)?.focus();
  }

  heading() {
    const position = this.among.indexOf(this.index);
    const step = (
      /** @type {number} */ by,
      /** @type {string} */ arrow,
      /** @type {string} */ label,
    ) =>
      button(arrow, () => this.step(by), {
        "aria-label": label,
        disabled: this.among[position + by] === undefined,
      });
    return element(
      "form",
      { method: "dialog", class: "bar" },
      element("h2", { id: "detail-title" }, this.page.ids[this.index]),
      step(-1, "←", "Previous image"),
      step(1, "→", "Next image"),
      element("button", { autofocus: true }, "Close"),
    );
  }

  /**
   * The image itself, and over it the saliency map where there is one.
   * @param {Predictions} predictions
   */
  view({ saliency }) {
    const { page, index, sprites } = this;
    if (!sprites.present) return element("p", { class: "quiet" }, "This file has no images.");
    const label = `Image ${page.ids[index]}, ${page.classes[page.labels[index]]}`;
    const photo = sprites.hasPhoto(index);
    const smooth = photo || sprites.hasPhotos; // every pixel is worth seeing in a small image only
    const canvas = element("canvas", {
      class: smooth ? "big smooth" : "big",
      role: "img",
      "aria-label": label,
    });
    if (photo) sprites.drawPhoto(canvas, index);
    else sprites.draw(canvas, index);
    const [width, height] = page.tile;
    const thumbnail = `Only a thumbnail of ${width} × ${height} pixels: the page has larger versions of other images, errors first.`;
    const map = element("canvas", { class: "saliency", "aria-hidden": "true" });
    const mapped = saliency && index < page.examples && drawSaliency(map, saliency, index);
    map.hidden = !this.showsSaliency;
    const toggle = element("input", {
      type: "checkbox",
      checked: this.showsSaliency,
      onchange: () => {
        this.showsSaliency = toggle.checked;
        map.hidden = !toggle.checked;
      },
    });
    return element(
      "div",
      {},
      element("div", { class: "stack", style: this.aspectRatio }, canvas, map),
      mapped && element("label", {}, toggle, " Saliency map (HiResCAM)"),
      smooth && !photo && element("p", { class: "quiet" }, thumbnail),
    );
  }

  get aspectRatio() {
    const [width, height] = this.page.tile;
    return { "aspect-ratio": `${width} / ${height}` };
  }

  /**
   * Classes, probabilities and loss.
   * @param {Predictions} predictions
   */
  prediction(predictions) {
    const { page, index } = this;
    const [label, predicted] = [page.labels[index], predictions.predicted(index)];
    const right = label === predicted;
    const trained = predictions.trainedOn?.[index - page.examples] !== 0;
    const origin = trained
      ? "Training image: the model was trained on it."
      : "Training image held out for validation: the model was not trained on it.";
    const shown = predictions
      .top(index)
      .filter(([, probability], j) => j < MAX_CLASSES && (probability > 0.0005 || j < 3));
    return element(
      "div",
      {},
      index >= page.examples && element("p", { class: "quiet" }, origin),
      element(
        "p",
        {},
        "True class ",
        element("b", {}, page.classes[label]),
        element("br"),
        "Predicted ",
        element(
          "b",
          { class: right ? "good" : "bad" },
          `${right ? "✓" : "✗"} ${page.classes[predicted]}`,
        ),
      ),
      predictions.labelIssue[index] === 1 && this.labelNote(predictions),
      element(
        "table",
        { class: "probabilities" },
        element("caption", {}, "Probabilities"),
        shown.map(([c, probability]) => this.probabilityRow(c, probability)),
      ),
      element("p", { class: "quiet" }, `Loss ${predictions.loss[index].toFixed(3)} nats`),
    );
  }

  /** @param {Predictions} predictions */
  labelNote(predictions) {
    const { page, index } = this;
    const label = page.classes[page.labels[index]];
    const suggested = page.classes[predictions.suggestedLabel[index]];
    const reason =
      index < page.examples
        ? `the model gives ${label} only ${percent(Math.exp(-predictions.loss[index]), 1)}`
        : `an out-of-fold model gives ${label} a low probability`;
    const text = `⚑ The label may be wrong: ${reason}. Perhaps ${suggested}?`;
    return element("p", { class: "note" }, text);
  }

  /**
   * @param {number} c
   * @param {number} probability
   */
  probabilityRow(c, probability) {
    return element(
      "tr",
      { class: c === this.page.labels[this.index] && "true" },
      element("th", { scope: "row" }, this.page.classes[c]),
      element(
        "td",
        {},
        element("span", { class: "fraction", style: { "--fraction": probability } }),
        element("span", {}, percent(probability, 1)),
      ),
    );
  }

  /**
   * The nearest neighbours, with a choice of the metric where there are two.
   * @param {Predictions} predictions
   * @param {[number, number][]} neighbours
   */
  neighbourhood(predictions, neighbours) {
    const { page, index, among, projector } = this;
    const select = element(
      "select",
      {
        "aria-label": "Distance",
        onchange: () => {
          this.metric = /** @type {Metric} */ (select.value);
          this.show(index, among, predictions);
        },
      },
      predictions.metrics.map((value) =>
        element("option", { value, selected: value === this.metric }, METRICS[value]),
      ),
    );
    const selectPoints = () => {
      this.dialog.close();
      projector?.selectNeighbours(index, this.metric);
    };
    return [
      element(
        "div",
        { class: "bar" },
        element("h3", {}, page.neighbours_title),
        predictions.metrics.length > 1 && select,
        projector && button("Select in the projector", selectPoints),
      ),
      element(
        "ul",
        { class: "neighbours" },
        neighbours.map(([other, distance]) => this.neighbour(other, distance)),
      ),
    ];
  }

  /**
   * @param {number} other
   * @param {number} distance
   */
  neighbour(other, distance) {
    const { page } = this;
    const canvas = element("canvas", { "aria-hidden": "true", style: this.aspectRatio });
    this.sprites.draw(canvas, other);
    const same = page.labels[other] === page.labels[this.index];
    const title = `${page.ids[other]}, ${METRICS[this.metric].toLowerCase()}`;
    return element(
      "li",
      { class: same ? "right" : "wrong" },
      canvas,
      element("span", {}, page.classes[page.labels[other]]),
      element("small", { title }, distance.toFixed(3)),
    );
  }
}

/**
 * Draw an image's saliency map; false where it is empty.
 * @param {HTMLCanvasElement} canvas
 * @param {NumberArray} maps
 * @param {number} index
 */
function drawSaliency(canvas, maps, index) {
  const [, height, width] = maps.shape;
  const values = maps.values.subarray(index * height * width, (index + 1) * height * width);
  if (!values.some((value) => value > 0)) return false;
  Object.assign(canvas, { width, height });
  const context = contextOf(canvas);
  const pixels = context.createImageData(width, height);
  values.forEach((value, i) => {
    pixels.data.set([255, 60 + value / 2, 0, Math.min(230, value * 1.1)], 4 * i);
  });
  context.putImageData(pixels, 0, 0);
  return true;
}
