// What lies over the points: thumbnails where there are few enough, and the lasso.

import { contextOf } from "dressform/html.js";
import { cornerOf } from "dressform/sprites.js";

/** @import { Point } from "dressform/pointer.js" */
/** @import { Projector } from "dressform/projector.js" */

const ALWAYS_THUMBNAILS = 150; // so few points are thumbnails without zooming in
const MAX_THUMBNAILS = 500; // points in view; more stay points

/**
 * @param {Projector} projector
 * @param {number} ratio device pixels per CSS pixel
 */
export function drawOverlay(projector, ratio) {
  const { overlay, path, sprites, view, visible } = projector;
  const context = contextOf(overlay);
  context.clearRect(0, 0, overlay.width, overlay.height);
  projector.thumbnails = 0;
  if (sprites.present && (view.zoom > 1.5 || visible.length <= ALWAYS_THUMBNAILS)) {
    const points = inView(projector);
    if (points.length <= MAX_THUMBNAILS) {
      const side = Math.max(18, Math.min(56, 700 / Math.sqrt(points.length + 1))) * ratio;
      for (const [i, x, y] of points) drawThumbnail(projector, context, i, [x, y], side);
    }
  }
  if (path && path.length > 1) {
    const scaled = path.map(([x, y]) => [x * ratio, y * ratio]);
    context.strokeStyle = getComputedStyle(projector.stage).color;
    context.lineWidth = 1.5 * ratio;
    context.beginPath();
    for (const [x, y] of scaled) context.lineTo(x, y);
    context.closePath();
    context.stroke();
  }
}

/**
 * Draw an image around a pixel, framed in its colour, as soon as its sheet is decoded.
 * @param {Projector} projector
 * @param {CanvasRenderingContext2D} context
 * @param {number} i
 * @param {Point} centre in device pixels
 * @param {number} side of the square that the image fits into
 */
export function drawThumbnail(projector, context, i, [x, y], side) {
  const sheet = projector.sprites.sheetOf(i);
  const bitmap = sheet && projector.bitmapOf(sheet);
  if (!bitmap) return;
  const corner = cornerOf(sheet, i);
  const scale = side / Math.max(sheet.width, sheet.height);
  const [width, height] = [scale * sheet.width, scale * sheet.height];
  /** @type {[number, number, number, number]} */
  const box = [x - width / 2, y - height / 2, width, height];
  const [red, green, blue] = projector.colours.subarray(4 * i, 4 * i + 3);
  context.imageSmoothingEnabled = false;
  context.drawImage(bitmap, corner.x, corner.y, sheet.width, sheet.height, ...box);
  context.strokeStyle = `rgb(${red} ${green} ${blue})`;
  context.lineWidth = Math.max(2, side / 14);
  context.strokeRect(...box);
  projector.thumbnails += 1;
}

/**
 * [index, x, y] in device pixels of the visible points inside the canvas, but not many more than
 * can be thumbnails.
 * @param {Projector} projector
 */
export function inView({ canvas, positions, view, visible }) {
  const { width, height } = canvas;
  const toPixels = view.toPixels(width, height);
  /** @type {[number, number, number][]} */
  const points = [];
  for (const i of visible) {
    const [x, y] = toPixels(positions[3 * i], positions[3 * i + 1], positions[3 * i + 2]);
    if (x >= 0 && x <= width && y >= 0 && y <= height) points.push([i, x, y]);
    if (points.length > MAX_THUMBNAILS) break;
  }
  return points;
}

/**
 * Select the visible points inside a closed line.
 * @param {Projector} projector
 * @param {Point[]} path
 */
export function lassoSelect(projector, path) {
  const { canvas, positions } = projector;
  const ratio = window.devicePixelRatio || 1;
  const toPixels = projector.view.toPixels(canvas.width, canvas.height);
  const selected = projector.visible.filter((i) => {
    const [x, y] = toPixels(positions[3 * i], positions[3 * i + 1], positions[3 * i + 2]);
    return isInside(path, x / ratio, y / ratio);
  });
  projector.setMode("move");
  projector.select("inside the lasso", selected);
}

/**
 * Whether a point is inside a polygon: a ray from it crosses an odd number of edges.
 * @param {Point[]} path
 * @param {number} x
 * @param {number} y
 */
function isInside(path, x, y) {
  let inside = false;
  path.forEach(([xi, yi], i) => {
    const [xj, yj] = path.at(i - 1) ?? [xi, yi];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  });
  return inside;
}
