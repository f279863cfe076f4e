// What floats over the projector's stage: the image under the pointer, the zoom buttons, and how to
// zoom.

import { button, element } from "dressform/html.js";
import { HIT_RADIUS } from "dressform/pointer.js";

/** @import { Point } from "dressform/pointer.js" */
/** @import { Projector } from "dressform/projector.js" */

const SIZE = { width: 150, height: 110 };
const ZOOM_STEP = 1.5;
const GESTURE_TIME = 1600; // milliseconds

/** The image under the pointer. */
export class Hint {
  /** @param {Projector} projector */
  constructor(projector) {
    this.projector = projector;
    this.node = element("div", { class: "hint", hidden: true });
  }

  /** @param {Point} point */
  show([x, y]) {
    const { page, predictions, sprites, stage } = this.projector;
    const i = this.projector.nearestTo(x, y, HIT_RADIUS);
    this.node.hidden = i < 0;
    if (i < 0) return;
    const canvas = element("canvas");
    if (sprites.present) sprites.draw(canvas, i);
    const [label, predicted] = [page.labels[i], predictions.predicted(i)];
    const error = label === predicted ? "" : `, predicted ${page.classes[predicted]}`;
    const text = `${page.ids[i]}: ${page.classes[label]}${error}`;
    this.node.replaceChildren(sprites.present ? canvas : "", element("span", {}, text));
    this.node.style.left = `${Math.min(x + 14, stage.clientWidth - SIZE.width)}px`;
    this.node.style.top = `${Math.min(y + 14, stage.clientHeight - SIZE.height)}px`;
  }

  hide() {
    this.node.hidden = true;
  }
}

/** A line that says for a moment how to zoom, to somebody who scrolls over the stage. */
export class GestureHint {
  constructor() {
    this.node = element("p", { class: "gesture", hidden: true, "aria-hidden": "true" });
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
  }

  /** @param {string} message */
  show(message) {
    this.node.textContent = message;
    this.node.hidden = false;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.node.hidden = true;
    }, GESTURE_TIME);
  }
}

/**
 * The buttons that zoom.
 * @param {Projector} projector
 */
export function zoomButtons(projector) {
  const zoom = (/** @type {number} */ factor) => () => {
    const { canvas, view } = projector;
    view.scale(factor, canvas.width / 2, canvas.height / 2, canvas);
    projector.draw();
  };
  return element(
    "div",
    { class: "zoom", role: "group", "aria-label": "Zoom" },
    button("+", zoom(ZOOM_STEP), { "aria-label": "Zoom in", title: "Zoom in" }),
    button("−", zoom(1 / ZOOM_STEP), { "aria-label": "Zoom out", title: "Zoom out" }),
    button("Fit", () => projector.resetView(), { title: "Show all points" }),
  );
}
