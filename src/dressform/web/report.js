// The sections of a report about one run.

import { calibrationSection } from "dressform/calibration.js";
import { comparisonSection } from "dressform/comparison.js";
import { confusionMatrix } from "dressform/confusion.js";
import { Gallery } from "dressform/gallery.js";
import { element, section } from "dressform/html.js";
import { learningCurvesSection } from "dressform/learning_curves.js";
import { perClassTables } from "dressform/per_class.js";
import { Projector } from "dressform/projector.js";
import { summarySection } from "dressform/summary.js";

/** @import { Page } from "dressform/data.js" */
/** @import { Detail } from "dressform/detail.js" */
/** @import { Sprites } from "dressform/sprites.js" */

const TOP_LOSSES = 60;

const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

export class Report {
  /**
   * @param {Page} page
   * @param {number} run
   * @param {Sprites} sprites
   * @param {Detail} detail
   */
  constructor(page, run, sprites, detail) {
    this.page = page;
    this.run = page.runs[run];
    this.predictions = page.predictions[run];
    this.sprites = sprites;
    this.detail = detail;
    this.gallery = this.newGallery();
    this.gallery.show("Errors", this.examples(this.isError));
    /** @type {Projector | null} */
    this.projector = page.projections.length ? this.newProjector() : null;
    detail.projector = this.projector;
  }

  sections() {
    const { page, run } = this;
    const sections = [
      summarySection(page, run),
      this.projector && this.projectorSection(this.projector),
      page.comparisons.length && comparisonSection(page.comparisons),
      this.confusionSection(),
      this.perClassSection(),
      this.topLossesSection(),
      run.calibration && calibrationSection(run.calibration),
      run.history.length && learningCurvesSection(run),
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

  /**
   * Indices of the evaluated examples that meet a condition.
   * @param {(i: number) => boolean} condition
   */
  examples(condition) {
    return Array.from({ length: this.page.examples }, (_, i) => i).filter(condition);
  }

  isError = (/** @type {number} */ i) => this.page.labels[i] !== this.predictions.predicted(i);

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
        this.selected.node.hidden = false;
        this.selected.show(title, indices, "dataset");
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
      projector.node,
      this.selected?.node,
    );
  }

  confusionSection() {
    const { page, run } = this;
    const matrix = confusionMatrix(page.classes, run.confusion, (i, j) => this.openCell(i, j));
    return section("confusion", "Confusion matrix", matrix, this.gallery.node);
  }

  /**
   * Show the images of class i that were predicted as class j.
   * @param {number} i
   * @param {number} j
   */
  openCell(i, j) {
    const { page, predictions, projector } = this;
    const [label, predicted] = [page.classes[i], page.classes[j]];
    const title = i === j ? `${label}, correct` : `${label} predicted as ${predicted}`;
    const cell = this.examples((n) => page.labels[n] === i && predictions.predicted(n) === j);
    this.reveal(title, cell);
    const members = new Set(cell);
    const points = projector?.visible.filter((n) => members.has(n)) ?? [];
    if (points.length) projector?.select(title, points);
  }

  perClassSection() {
    const { page, run, predictions } = this;
    const errorsOf = (/** @type {number} */ c) =>
      this.examples((n) => (page.labels[n] === c) !== (predictions.predicted(n) === c));
    const focusGallery = () => this.gallery.heading.focus({ preventScroll: true });
    const tables = perClassTables(page.classes, run, {
      openClass: (c) => {
        this.reveal(`Errors involving ${page.classes[c]}`, errorsOf(c));
        focusGallery();
      },
      openPair: (i, j) => {
        this.openCell(i, j);
        focusGallery();
      },
    });
    return section("per-class", "Per-class metrics", element("div", { class: "pair" }, tables));
  }

  topLossesSection() {
    const { loss, labelIssue } = this.predictions;
    const order = this.examples(() => true).sort((a, b) => loss[b] - loss[a]);
    const worst = this.newGallery("Images with the highest loss");
    worst.show("Highest loss", order.slice(0, TOP_LOSSES), "loss");
    const suspects = this.newGallery("Images whose label is suspect");
    const issues = this.examples((i) => labelIssue[i] === 1);
    suspects.show("Suspect labels", issues, "loss");
    return section(
      "top-losses",
      "Top losses",
      element(
        "p",
        {},
        "A high loss means that the model gives the true class a low probability. " +
          "Where it is confident of another class, the label itself may be wrong " +
          "(confident learning); a flag marks these images.",
      ),
      worst.node,
      suspects.node,
    );
  }

  /**
   * Show images in the gallery under the confusion matrix, and scroll to it.
   * @param {string} title
   * @param {number[]} indices
   */
  reveal(title, indices) {
    this.gallery.show(title, indices);
    const behavior = reducedMotion.matches ? "auto" : "smooth";
    this.gallery.node.scrollIntoView({ behavior, block: "nearest" });
  }
}
