// Mouse, fingers and keys on the projector. The wheel and one finger scroll the page; Ctrl and the
// wheel, two fingers and buttons zoom.

import { lassoSelect } from "dressform/overlay.js";

/** @import { Projector } from "dressform/projector.js" */

/** @typedef {[number, number]} Point of the stage, in CSS pixels */

export const HIT_RADIUS = 14; // pixels around a point that still hit it
const CLICK_TOLERANCE = 6; // pixels that the pointer may move in a click
const MAX_WHEEL_DELTA = 30; // a notch of a wheel; a touchpad's pinch has smaller steps
const WHEEL_SPEED = 0.008;
const LINE_HEIGHT = 16; // pixels of a wheel that counts lines

const ratio = () => window.devicePixelRatio || 1;

/**
 * Hand what happens on the projector's canvas to its view, its lasso and its images.
 * @param {Projector} projector
 */
export function listen(projector) {
  const { canvas } = projector;
  const gesture = new Gesture(projector);
  canvas.addEventListener("pointerdown", (event) => gesture.begin(event));
  canvas.addEventListener("pointermove", (event) => gesture.move(event));
  canvas.addEventListener("pointerup", (event) => gesture.end(event));
  canvas.addEventListener("pointercancel", (event) => gesture.end(event));
  canvas.addEventListener("pointerleave", () => projector.hint.hide());
  canvas.addEventListener("wheel", (event) => onWheel(projector, event), { passive: false });
  canvas.addEventListener("keydown", (event) => onKey(projector, event));
  for (const type of /** @type {const} */ (["touchstart", "touchmove"])) {
    const keep = (/** @type {TouchEvent} */ event) => {
      if (event.touches.length > 1) event.preventDefault(); // else two fingers scroll the page
    };
    canvas.addEventListener(type, keep, { passive: false });
  }
}

/**
 * Where on the canvas an event happened.
 * @param {MouseEvent} event
 * @returns {Point}
 */
function pointOf(event) {
  const box = /** @type {HTMLElement} */ (event.currentTarget).getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

/** A drag, two fingers, a lasso or a click. */
class Gesture {
  /** @param {Projector} projector */
  constructor(projector) {
    this.projector = projector;
    /** @type {Map<number, Point>} */
    this.pointers = new Map();
    this.moved = 0;
  }

  /** @param {PointerEvent} event */
  begin(event) {
    if (event.button !== 0) return;
    const { projector } = this;
    projector.canvas.setPointerCapture(event.pointerId);
    const here = pointOf(event);
    this.pointers.set(event.pointerId, here);
    const alone = this.pointers.size === 1;
    this.moved = alone ? 0 : Infinity; // several fingers are no click
    const draws = alone && (projector.mode === "lasso" || event.shiftKey);
    projector.path = draws ? [here] : null;
  }

  /** @param {PointerEvent} event */
  move(event) {
    const { projector, pointers } = this;
    const [here, before] = [pointOf(event), pointers.get(event.pointerId)];
    if (!before) {
      if (event.pointerType !== "touch") projector.hint.show(here);
      return;
    }
    const [dx, dy] = [here[0] - before[0], here[1] - before[1]];
    this.moved += Math.abs(dx) + Math.abs(dy);
    if (pointers.size === 2) this.moveTwo(event.pointerId, before, here);
    else if (projector.path) projector.path.push(here);
    else if (event.pointerType !== "touch") {
      projector.view.drag(dx * ratio(), dy * ratio(), projector.canvas);
    }
    pointers.set(event.pointerId, here);
    projector.draw();
  }

  /**
   * One of two fingers has moved: their distance zooms, their middle drags.
   * @param {number} id
   * @param {Point} before
   * @param {Point} here
   */
  moveTwo(id, before, here) {
    const { view, canvas } = this.projector;
    const [[, other]] = [...this.pointers].filter(([key]) => key !== id);
    const length = (/** @type {Point} */ [x, y]) => Math.hypot(x - other[0], y - other[1]);
    view.drag(((here[0] - before[0]) / 2) * ratio(), ((here[1] - before[1]) / 2) * ratio(), canvas);
    const [x, y] = [(here[0] + other[0]) / 2, (here[1] + other[1]) / 2];
    const factor = length(here) / Math.max(1, length(before));
    view.scale(factor, x * ratio(), y * ratio(), canvas);
  }

  /** @param {PointerEvent} event */
  end(event) {
    const { projector, pointers } = this;
    const last = pointers.get(event.pointerId);
    if (!last) return;
    pointers.delete(event.pointerId);
    const { path } = projector;
    projector.path = null;
    const clicked = this.moved <= CLICK_TOLERANCE;
    if (path && !clicked) lassoSelect(projector, path);
    else if (clicked && event.type === "pointerup") {
      projector.openPoint(projector.nearestTo(...last, HIT_RADIUS));
    } else if (event.type === "pointercancel" && event.pointerType === "touch" && !pointers.size) {
      projector.gesture.show("Use two fingers to move and zoom");
    }
    projector.draw();
  }
}

/**
 * @param {Projector} projector
 * @param {WheelEvent} event
 */
function onWheel(projector, event) {
  if (!event.ctrlKey && !event.metaKey) {
    const mac = /mac/i.test(navigator.platform);
    projector.gesture.show(`Use ${mac ? "⌘" : "Ctrl"} and the wheel to zoom`);
    return;
  }
  event.preventDefault();
  const [x, y] = pointOf(event);
  const pixels = event.deltaY * (event.deltaMode ? LINE_HEIGHT : 1);
  const delta = Math.max(-MAX_WHEEL_DELTA, Math.min(MAX_WHEEL_DELTA, pixels));
  const factor = Math.exp(-delta * WHEEL_SPEED);
  projector.view.scale(factor, x * ratio(), y * ratio(), projector.canvas);
  projector.draw();
}

/** @type {Record<string, Point>} */
const DRAGS = {
  ArrowLeft: [60, 0],
  ArrowRight: [-60, 0],
  ArrowUp: [0, 60],
  ArrowDown: [0, -60],
};

/** @type {Record<string, number>} */
const ZOOMS = { "+": 1.3, "=": 1.3, "-": 1 / 1.3 };

/**
 * @param {Projector} projector
 * @param {KeyboardEvent} event
 */
function onKey(projector, event) {
  const { canvas, view } = projector;
  if (event.ctrlKey || event.metaKey || event.altKey) return; // the browser's own zoom
  if (event.key in DRAGS) view.drag(...DRAGS[event.key], canvas);
  else if (event.key in ZOOMS) {
    view.scale(ZOOMS[event.key], canvas.width / 2, canvas.height / 2, canvas);
  } else if (event.key === "0") projector.resetView();
  else if (event.key === "Enter") {
    const { width, height } = canvas.getBoundingClientRect();
    projector.openPoint(projector.nearestTo(width / 2, height / 2));
  } else return;
  event.preventDefault();
  projector.draw();
}
