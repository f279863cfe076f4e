// Mouse, fingers and keys on the projector.

import { lassoSelect } from "dressform/overlay.js";

/** @import { Projector } from "dressform/projector.js" */

/** @typedef {[number, number]} Point of the stage, in CSS pixels */

export const HIT_RADIUS = 14; // pixels around a point that still hit it
const CLICK_TOLERANCE = 6; // pixels that the pointer may move in a click

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
  canvas.addEventListener("pointerleave", () => projector.hideHint());
  canvas.addEventListener("wheel", (event) => onWheel(projector, event), { passive: false });
  canvas.addEventListener("keydown", (event) => onKey(projector, event));
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

/** A drag, a pinch, a lasso or a click. */
class Gesture {
  /** @param {Projector} projector */
  constructor(projector) {
    this.projector = projector;
    /** @type {Map<number, Point>} */
    this.touches = new Map();
    /** @type {Point | null} */
    this.last = null;
    this.moved = 0;
    this.pinch = 0;
  }

  /** @param {PointerEvent} event */
  begin(event) {
    if (event.button !== 0) return;
    const { projector } = this;
    projector.canvas.setPointerCapture(event.pointerId);
    const here = pointOf(event);
    this.touches.set(event.pointerId, here);
    this.last = here;
    this.moved = 0;
    this.pinch = 0;
    projector.path = projector.mode === "lasso" || event.shiftKey ? [here] : null;
  }

  /** @param {PointerEvent} event */
  move(event) {
    const { projector, last } = this;
    const here = pointOf(event);
    if (!last) {
      projector.hover(here);
      return;
    }
    this.touches.set(event.pointerId, here);
    const [dx, dy] = [here[0] - last[0], here[1] - last[1]];
    if (this.touches.size === 2) this.zoomByPinch();
    else if (projector.path) projector.path.push(here);
    else projector.view.drag(dx * ratio(), dy * ratio(), projector.canvas);
    this.moved += Math.abs(dx) + Math.abs(dy);
    this.last = here;
    projector.draw();
  }

  zoomByPinch() {
    const { view, canvas } = this.projector;
    const [[ax, ay], [bx, by]] = [...this.touches.values()];
    const distance = Math.hypot(ax - bx, ay - by);
    const [x, y] = [((ax + bx) / 2) * ratio(), ((ay + by) / 2) * ratio()];
    if (this.pinch) view.scale(distance / this.pinch, x, y, canvas);
    this.pinch = distance;
  }

  /** @param {PointerEvent} event */
  end(event) {
    const { projector, last } = this;
    this.touches.delete(event.pointerId);
    if (!last) return;
    const path = projector.path;
    this.last = null;
    projector.path = null;
    const clicked = this.moved <= CLICK_TOLERANCE;
    if (path && !clicked) lassoSelect(projector, path);
    else if (clicked && event.type === "pointerup") {
      projector.openPoint(projector.nearestTo(...last, HIT_RADIUS));
    }
    projector.draw();
  }
}

/**
 * @param {Projector} projector
 * @param {WheelEvent} event
 */
function onWheel(projector, event) {
  event.preventDefault();
  const [x, y] = pointOf(event);
  const factor = Math.exp(-event.deltaY * 0.0015);
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
  if (event.key in DRAGS) view.drag(...DRAGS[event.key], canvas);
  else if (event.key in ZOOMS) {
    view.scale(ZOOMS[event.key], canvas.width / 2, canvas.height / 2, canvas);
  } else if (event.key === "Enter") {
    const { width, height } = canvas.getBoundingClientRect();
    projector.openPoint(projector.nearestTo(width / 2, height / 2));
  } else return;
  event.preventDefault();
  projector.draw();
}
