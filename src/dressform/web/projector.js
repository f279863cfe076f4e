// Every example as a point.

import { customAxes } from "dressform/axes.js";
import { COLOURINGS } from "dressform/colours.js";
import { Controls } from "dressform/controls.js";
import { array } from "dressform/data.js";
import { FILTERS } from "dressform/filters.js";
import { GestureHint, Hint, zoomButtons } from "dressform/hint.js";
import { announce, count, element } from "dressform/html.js";
import { drawOverlay } from "dressform/overlay.js";
import { listen } from "dressform/pointer.js";
import { createPoints } from "dressform/points.js";
import { ProjectorLink } from "dressform/projector_link.js";
import { View } from "dressform/view.js";

/** @import { Matrix } from "dressform/axes.js" */
/** @import { Page, Predictions } from "dressform/data.js" */
/** @import { Filter } from "dressform/filters.js" */
/** @import { Point } from "dressform/pointer.js" */
/** @import { Sprites } from "dressform/sprites.js" */
/** @import { Metric, PointRenderer, Quantised, Sheet } from "dressform/types.js" */

/**
 * @typedef {object} Actions
 * @property {(index: number, among: number[]) => void} open one image
 * @property {(title: string, indices: number[]) => void} select show a selection's images; none
 *   where nothing is selected
 */

const MAX_SELECTED_IMAGES = 20000;
const CANVAS = {
  class: "points",
  tabindex: "0",
  role: "application",
  "aria-label":
    "Embedding projector: arrow keys move, plus and minus zoom, 0 shows all, " +
    "Enter opens the image nearest to the centre",
};

export class Projector {
  /**
   * @param {Page} page
   * @param {Predictions} predictions
   * @param {Sprites} sprites
   * @param {Actions} actions
   */
  constructor(page, predictions, sprites, actions) {
    this.page = page;
    this.predictions = predictions;
    this.sprites = sprites;
    this.actions = actions;
    const [first, last] = page.points;
    this.first = first; // the images from first to last - 1 are points
    this.last = last;
    this.total = page.labels.length;
    this.view = new View();
    /** @type {Float32Array} x, y and z of each image, -1..1 */
    this.positions = new Float32Array(3 * this.total);
    /** @type {Uint8Array} RGBA of each image */
    this.colours = new Uint8Array(4 * this.total);
    /** @type {number[]} */
    this.visible = [];
    /** @type {Set<number>} classes that are not shown */
    this.hidden = new Set();
    /** @type {Filter} */
    this.filter = "all";
    this.colouring = "label";
    /** @type {number[] | null} */
    this.selection = null;
    this.selectionTitle = "";
    this.projection = ""; // its name, or "custom"
    this.components = [0, 1, -1]; // on the axes x, y and z
    /** @type {"move" | "lasso"} */
    this.mode = "move";
    /** @type {Point[] | null} the lasso while it is drawn */
    this.path = null;
    /** @type {PointRenderer | null} */
    this.renderer = null;
    /** @type {Map<string, ImageBitmap | null>} */
    this.bitmaps = new Map();
    this.thumbnails = 0;
    this.frames = 0;
    this.frameRequest = 0;
    this.canvas = element("canvas", CANVAS);
    this.overlay = element("canvas", { class: "overlay", "aria-hidden": "true" });
    this.hint = new Hint(this);
    this.gesture = new GestureHint();
    this.link = new ProjectorLink(this);
    this.stage = element(
      "div",
      { class: "stage" },
      this.canvas,
      this.overlay,
      zoomButtons(this),
      this.hint.node,
      this.gesture.node,
    );
    this.status = element("p", { class: "quiet status" });
    this.controls = new Controls(this);
    this.node = element(
      "div",
      { class: "projector" },
      this.controls.bar,
      this.stage,
      element("div", { class: "bar" }, this.status, this.controls.exports),
      this.controls.legend,
    );
    listen(this);
    new ResizeObserver(() => this.resize()).observe(this.stage);
  }

  /** Draw for the first time. */
  async start() {
    this.renderer = createPoints(this.canvas);
    const { basis, projections } = this.page;
    if (basis) this.basis = await this.dequantised(basis);
    await this.project(projections[0]);
    this.colour(this.colouring);
    this.applyFilter();
    this.resize();
    await this.link.start();
  }

  /** Show everything, select nothing, and look from where it began. */
  reset() {
    this.hidden.clear();
    this.filter = "all";
    this.select("", null);
    this.colour(this.colouring);
    this.controls.show();
    this.resetView();
  }

  /** Look from where it began. */
  resetView() {
    this.view = new View(this.view.threeDimensional);
    this.draw();
  }

  /**
   * Coordinates as a matrix with a row per image of the page; images that are no points have zeros.
   * @param {Quantised} quantised
   * @returns {Promise<Matrix>}
   */
  async dequantised({ blob, ranges }) {
    const packed = await array(blob);
    if (!packed) throw new Error(`the page has no ${blob}`);
    const { values, shape } = packed;
    const [n, d] = shape;
    const steps = 256 ** values.BYTES_PER_ELEMENT - 1;
    const rows = new Float32Array(this.total * d);
    for (let j = 0; j < d; j += 1) {
      const [low, high] = ranges[j];
      for (let i = 0; i < n; i += 1) {
        rows[(this.first + i) * d + j] = low + (values[i * d + j] / steps) * (high - low);
      }
    }
    return { rows, n: this.total, d };
  }

  /**
   * Show a projection; of principal components the first two.
   * @param {Page["projections"][number]} projection
   */
  async project(projection) {
    this.coordinates = await this.dequantised(projection);
    this.projection = projection.name;
    this.components = [0, 1, projection.three_dimensional ? 2 : -1];
    this.controls.offerComponents(projection);
    this.controls.show();
    this.showComponents();
  }

  /** Put the chosen columns of the coordinates on the axes x, y and z; -1 leaves an axis empty. */
  showComponents() {
    if (!this.coordinates) return;
    const { components } = this;
    const { rows, n, d } = this.coordinates;
    const positions = new Float32Array(3 * n);
    components.forEach((component, axis) => {
      if (component < 0) return;
      for (let i = 0; i < n; i += 1) positions[3 * i + axis] = rows[i * d + component];
    });
    this.setPositions(positions, components[2] >= 0);
  }

  /**
   * Show the points along the line from the mean of some to the mean of others.
   * @param {number[]} a
   * @param {number[]} b
   */
  showCustomAxes(a, b) {
    if (!this.basis) return;
    this.projection = "custom";
    this.setPositions(customAxes(this.basis, a, b), false);
  }

  /**
   * Scale positions to -1..1 and show them.
   * @param {Float32Array} positions
   * @param {boolean} threeDimensional
   */
  setPositions(positions, threeDimensional) {
    const centre = [0, 0, 0];
    let reach = 1e-12;
    for (let axis = 0; axis < 3; axis += 1) {
      let [low, high] = [Infinity, -Infinity];
      for (let i = 3 * this.first + axis; i < 3 * this.last; i += 3) {
        low = Math.min(low, positions[i]);
        high = Math.max(high, positions[i]);
      }
      centre[axis] = (low + high) / 2;
      reach = Math.max(reach, (high - low) / 2);
    }
    this.positions = positions.map((value, i) => (value - centre[i % 3]) / reach);
    this.renderer?.setPositions(this.positions);
    this.view = new View(threeDimensional);
    this.draw();
  }

  /** @param {string} colouring */
  colour(colouring) {
    this.colouring = colouring;
    const { colours, legend } = COLOURINGS[colouring].colours(this);
    this.colours = colours;
    this.controls.showLegend(legend);
    this.emphasise();
  }

  /** Make the selection stand out. */
  emphasise() {
    const colours = new Uint8Array(this.colours);
    const sizes = new Float32Array(this.total).fill(1);
    if (this.selection) {
      for (let i = 0; i < this.total; i += 1) colours[4 * i + 3] = 40;
      for (const i of this.selection) {
        colours[4 * i + 3] = 255;
        sizes[i] = 1.8;
      }
    }
    this.renderer?.setColours(colours);
    this.renderer?.setSizes(sizes);
    this.draw();
  }

  /** Show the points that the filter and the hidden classes leave. */
  applyFilter() {
    const { labels } = this.page;
    const passes = FILTERS[this.filter];
    this.visible = [];
    for (let i = this.first; i < this.last; i += 1) {
      if (!this.hidden.has(labels[i]) && passes(this, i)) this.visible.push(i);
    }
    this.renderer?.setOrder(new Uint32Array(this.visible));
    this.report(`${count(this.visible.length)} of ${count(this.last - this.first)} points`);
    this.draw();
  }

  /**
   * Show a line under the stage.
   * @param {string} message
   */
  report(message) {
    if (this.status) this.status.textContent = message;
    announce(message);
  }

  /**
   * Select points and show their images; null selects nothing.
   * @param {string} title
   * @param {number[] | null} indices
   */
  select(title, indices) {
    this.selection = indices;
    this.selectionTitle = title;
    this.controls.clear.hidden = !indices;
    this.emphasise();
    if (!indices) {
      this.applyFilter();
      this.actions.select("", []);
      return;
    }
    this.report(`${count(indices.length)} points selected: ${title}`);
    this.actions.select(title, indices.slice(0, MAX_SELECTED_IMAGES));
  }

  /**
   * Select an image and its nearest neighbours.
   * @param {number} index
   * @param {Metric} metric
   */
  selectNeighbours(index, metric) {
    const neighbours = this.predictions.neighbours(index, metric).map(([other]) => other);
    this.select(`nearest to ${this.page.ids[index]}, ${metric}`, [index, ...neighbours]);
  }

  /** @param {"move" | "lasso"} mode */
  setMode(mode) {
    this.mode = mode;
    this.controls.lasso.setAttribute("aria-pressed", String(mode === "lasso"));
    this.canvas.classList.toggle("drawing", mode === "lasso");
  }

  resize() {
    const ratio = window.devicePixelRatio || 1;
    for (const canvas of [this.canvas, this.overlay]) {
      canvas.width = Math.max(1, Math.round(this.stage.clientWidth * ratio));
      canvas.height = Math.max(1, Math.round(this.stage.clientHeight * ratio));
    }
    this.draw();
  }

  /**
   * The visible point nearest to a place of the stage; -1 where none is within the radius.
   * @param {number} px
   * @param {number} py
   * @param {number} radius in CSS pixels
   */
  nearestTo(px, py, radius = Infinity) {
    const ratio = window.devicePixelRatio || 1;
    const toPixels = this.view.toPixels(this.canvas.width, this.canvas.height);
    let nearest = -1;
    let least = (radius * ratio) ** 2;
    for (const i of this.visible) {
      const [x, y] = toPixels(...this.positionOf(i));
      const distance = (x - px * ratio) ** 2 + (y - py * ratio) ** 2;
      if (distance < least) [nearest, least] = [i, distance];
    }
    return nearest;
  }

  /**
   * @param {number} i
   * @returns {[number, number, number]}
   */
  positionOf(i) {
    return [this.positions[3 * i], this.positions[3 * i + 1], this.positions[3 * i + 2]];
  }

  /** Draw with the browser's next frame. */
  draw() {
    this.link.touch();
    if (this.frameRequest || !this.renderer) return;
    this.frameRequest = requestAnimationFrame(() => {
      this.frameRequest = 0;
      this.frame();
    });
  }

  /** Draw now. */
  frame() {
    const { width, height } = this.canvas;
    const ratio = window.devicePixelRatio || 1;
    const rgb = getComputedStyle(this.stage).backgroundColor.match(/[\d.]+/g) ?? [];
    const background = rgb.slice(0, 3).map((value) => Number(value) / 255);
    this.renderer?.draw(this.view.matrix(width, height), ratio * this.pointSize(), background);
    drawOverlay(this, ratio);
    this.frames += 1;
  }

  /** Diameter of a point in CSS pixels: larger where there are few, and when zoomed in. */
  pointSize() {
    const points = this.last - this.first;
    const factor = points < 2000 ? 3.5 : points < 20000 ? 1.6 : 1;
    return Math.max(2, Math.min(9, 1.6 * Math.sqrt(this.view.zoom) * factor));
  }

  /**
   * A sheet's bitmap, or null while it is decoded; then the stage is drawn again.
   * @param {Sheet} sheet
   */
  bitmapOf(sheet) {
    if (!this.bitmaps.has(sheet.blob)) {
      this.bitmaps.set(sheet.blob, null);
      this.sprites.bitmap(sheet).then((bitmap) => {
        this.bitmaps.set(sheet.blob, bitmap);
        this.draw();
      });
    }
    return this.bitmaps.get(sheet.blob);
  }

  /**
   * Open a point's image; the arrow keys then go through the selection, else through what is
   * visible.
   * @param {number} i -1 opens nothing
   */
  openPoint(i) {
    if (i >= 0) this.actions.open(i, this.selection?.includes(i) ? this.selection : this.visible);
  }
}
