// The sections of a report about one run.

import { calibrationSection } from "dressform/calibration.js";
import { citationSection } from "dressform/citation.js";
import { comparisonSection } from "dressform/comparison.js";
import { ConfusionMatrix, fitsBeside } from "dressform/confusion.js";
import { curvesSection } from "dressform/curves.js";
import { DEFAULTS } from "dressform/image_filters.js";
import { Gallery } from "dressform/gallery.js";
import { element, section } from "dressform/html.js";
import { Images } from "dressform/images.js";
import { learningCurvesSection } from "dressform/learning_curves.js";
import { perClassTables } from "dressform/per_class.js";
import { Projector } from "dressform/projector.js";
import { selectiveSection } from "dressform/selective.js";
import { summarySection } from "dressform/summary.js";

/** @import { Page } from "dressform/data.js" */
/** @import { Detail } from "dressform/detail.js" */
/** @import { Filters } from "dressform/image_filters.js" */
/** @import { Sprites } from "dressform/sprites.js" */

const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

/**
 * @typedef {object} ReportOptions
 * @property {number} run
 * @property {Filters} filters of the images
 * @property {Sprites} sprites
 * @property {Detail} detail
 * @property {(run: number) => void} showRun
 */

export class Report {
  /**
   * @param {Page} page
   * @param {ReportOptions} options
   */
  constructor(page, { run, filters, sprites, detail, showRun }) {
    this.page = page;
    this.run = page.runs[run];
    this.predictions = page.predictions[run];
    this.sprites = sprites;
    this.detail = detail;
    this.matrix = new ConfusionMatrix(page.classes, this.run.confusion, (i, j) =>
      this.openCell(i, j),
    );
    this.gallery = this.newGallery();
    this.images = new Images(page, this.gallery, {
      run,
      filters,
      showRun,
      onchange: ({ label, predicted }) =>
        this.matrix.mark(label === null || predicted === null ? null : [label, predicted]),
    });
    /** @type {Projector | null} */
    this.projector = page.projections.length ? this.newProjector() : null;
    detail.projector = this.projector;
  }

  /** The sections in their order; some stand side by side. */
  sections() {
    const { page, run } = this;
    const beside = fitsBeside(page.classes.length) ? "matrix-images" : "";
    const sections = [
      this.projector && this.projectorSection(this.projector),
      summarySection(page, run),
      page.comparisons.length &&
        comparisonSection(page, (models) => this.reveal({ ...DEFAULTS, models })),
      element(
        "div",
        { class: beside },
        section("confusion", "Confusion matrix", this.matrix.node),
        this.images.node,
      ),
      this.perClassSection(),
      curvesSection(page.classes, run),
      selectiveSection(run),
      calibrationSection(run),
      run.history.length && learningCurvesSection(run),
      citationSection(page),
    ];
    return sections.filter((one) => one instanceof HTMLElement);
  }

  /** Draw the projector, which has to be on the page for that. */
  async start() {
    try {
      await this.projector?.start();
    } catch (error) {
      const reason = error instanceof Error ? error.message : error;
      const note = element("p", { class: "note" }, `The projector cannot start: ${reason}.`);
      this.projector?.node.replaceWith(note);
      this.projector = this.detail.projector = null;
    }
  }

  openImage = (/** @type {number} */ index, /** @type {number[]} */ among) =>
    this.detail.show(index, among, this.predictions);

  /** @param {string} [label] */
  newGallery(label) {
    return new Gallery(this.page, this.sprites, this.predictions, this.openImage, label);
  }

  newProjector() {
    this.selected = this.newGallery("Selected images");
    this.selected.node.hidden = true;
    return new Projector(this.page, this.predictions, this.sprites, {
      open: this.openImage,
      select: (title, indices) => {
        if (!this.selected) return;
        this.selected.node.hidden = !indices.length;
        if (indices.length) this.selected.show(title, indices, "dataset");
      },
    });
  }

  /** @param {Projector} projector */
  projectorSection(projector) {
    return section(
      "projector",
      "Embedding projector",
      element("p", {}, "Each point is an image. Images with similar features lie close together."),
      element("p", { class: "quiet" }, this.page.projector_note),
      element("div", { class: "beside" }, projector.node, this.selected?.node),
    );
  }

  /**
   * Show the images of class i that were predicted as class j.
   * @param {number} i
   * @param {number} j
   */
  openCell(i, j) {
    const { order } = this.images.filters;
    this.reveal({ ...DEFAULTS, label: i, predicted: j, order });
    const { projector, gallery } = this;
    const members = new Set(gallery.indices);
    const points = projector?.visible.filter((n) => members.has(n)) ?? [];
    if (points.length) projector?.select(gallery.title, points);
  }

  perClassSection() {
    const { page, run } = this;
    const focusGallery = () => this.gallery.heading.focus({ preventScroll: true });
    const tables = perClassTables(page.classes, run, {
      openClass: (label) => {
        this.reveal({ ...DEFAULTS, label, result: "errors" });
        focusGallery();
      },
      openPair: (i, j) => {
        this.openCell(i, j);
        focusGallery();
      },
    });
    return section("per-class", "Per-class metrics", tables);
  }

  /**
   * Show images in the gallery, and scroll to it.
   * @param {Filters} filters
   */
  reveal(filters) {
    this.images.set(filters);
    const behavior = reducedMotion.matches ? "auto" : "smooth";
    this.gallery.heading.scrollIntoView({ behavior, block: "nearest" });
  }
}
