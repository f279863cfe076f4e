// Many points without a graphics card: emulated WebGL takes twenty times as long as writing the
// pixels.

import { contextOf } from "dressform/html.js";

/** @import { PointRenderer } from "dressform/types.js" */

/** @typedef {{width: number, height: number, bytes: Uint8ClampedArray}} Bitmap */

export const MIN_ROUND_SIZE = 2.5; // device pixels; smaller points are squares

/**
 * The same as WebGLPoints, on an ordinary canvas.
 * @implements {PointRenderer}
 */
export class CanvasPoints {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {string} reason why WebGL does not draw
   */
  constructor(canvas, reason) {
    this.canvas = canvas;
    this.reason = reason;
    this.context = contextOf(canvas, { alpha: false });
    this.image = this.context.createImageData(1, 1);
    /** @type {Float32Array} */
    this.positions = new Float32Array(0);
    /** @type {Uint8Array} */
    this.colours = new Uint8Array(0);
    /** @type {Float32Array} */
    this.sizes = new Float32Array(0);
    /** @type {Uint32Array} */
    this.order = new Uint32Array(0);
  }

  /** @param {Float32Array} values */
  setPositions(values) {
    this.positions = values;
  }

  /** @param {Uint8Array} values */
  setColours(values) {
    this.colours = values;
  }

  /** @param {Float32Array} values */
  setSizes(values) {
    this.sizes = values;
  }

  /** @param {Uint32Array} order */
  setOrder(order) {
    this.order = order;
  }

  /**
   * As WebGLPoints.draw.
   * @param {Float32Array} view
   * @param {number} scale
   * @param {number[]} background
   */
  draw(view, scale, background) {
    const { positions, colours, sizes } = this;
    const { width, height } = this.canvas;
    if (this.image.width !== width || this.image.height !== height) {
      this.image = this.context.createImageData(width, height);
    }
    const bitmap = { width, height, bytes: this.image.data };
    const [red, green, blue] = background.map((value) => Math.round(255 * value));
    const clear = (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
    new Uint32Array(bitmap.bytes.buffer).fill(clear);
    /** @type {Map<number, Int32Array>} */
    const shapes = new Map();
    for (const i of this.order) {
      const [px, py, pz] = [positions[3 * i], positions[3 * i + 1], positions[3 * i + 2]];
      const x = ((view[0] * px + view[4] * py + view[8] * pz + view[12] + 1) / 2) * width;
      const y = ((1 - (view[1] * px + view[5] * py + view[9] * pz + view[13])) / 2) * height;
      const side = Math.max(1, Math.round(scale * sizes[i]));
      if (!(x > -side && y > -side && x < width + side && y < height + side)) continue;
      let rows = shapes.get(side);
      if (!rows) {
        rows = rowsOf(side, scale > MIN_ROUND_SIZE);
        shapes.set(side, rows);
      }
      blend(bitmap, rows, Math.round(x - side / 2), Math.round(y - side / 2), colours, 4 * i);
    }
    this.context.putImageData(this.image, 0, 0);
  }

  /** What was drawn: RGBA bytes, row by row from the top. */
  pixels() {
    return this.image.data;
  }

  get rasteriser() {
    return `plain JavaScript (${this.reason})`;
  }
}

/**
 * Blend a point over what is there.
 * @param {Bitmap} bitmap
 * @param {Int32Array} rows
 * @param {number} left
 * @param {number} top
 * @param {Uint8Array} colours RGBA
 * @param {number} c where the point's colour is among them
 */
function blend({ width, height, bytes }, rows, left, top, colours, c) {
  const alpha = colours[c + 3];
  const [red, green, blue] = [colours[c] * alpha, colours[c + 1] * alpha, colours[c + 2] * alpha];
  const rest = 255 - alpha;
  for (let j = 0; 2 * j < rows.length; j += 1) {
    const y = top + j;
    if (y < 0 || y >= height) continue;
    const end = 4 * (y * width + Math.min(width, left + rows[2 * j + 1]));
    for (let k = 4 * (y * width + Math.max(0, left + rows[2 * j])); k < end; k += 4) {
      bytes[k] = (red + bytes[k] * rest) / 255;
      bytes[k + 1] = (green + bytes[k + 1] * rest) / 255;
      bytes[k + 2] = (blue + bytes[k + 2] * rest) / 255;
    }
  }
}

/**
 * The first pixel and the one after the last, in each row of a disc or a square.
 * @param {number} side
 * @param {boolean} round
 */
function rowsOf(side, round) {
  const rows = new Int32Array(2 * side);
  for (let j = 0; j < side; j += 1) {
    const height = j + 0.5 - side / 2;
    const half = round ? Math.sqrt(Math.max(0, (side / 2) ** 2 - height ** 2)) : side / 2;
    rows[2 * j] = Math.round(side / 2 - half);
    rows[2 * j + 1] = Math.round(side / 2 + half);
  }
  return rows;
}
