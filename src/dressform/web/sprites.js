// Images, packed into sheets of equal tiles.

import { image } from "dressform/data.js";
import { contextOf } from "dressform/html.js";

/** @import { Sheet } from "dressform/types.js" */

/**
 * The corner of an image's tile in its sheet, in pixels.
 * @param {Sheet} sheet
 * @param {number} index
 */
export function cornerOf(sheet, index) {
  const tile = index - sheet.first;
  const x = (tile % sheet.columns) * sheet.width;
  return { x, y: Math.floor(tile / sheet.columns) * sheet.height };
}

export class Sprites {
  /** @param {Sheet[]} sheets decoded when first needed */
  constructor(sheets) {
    this.sheets = sheets;
    /** @type {Map<string, Promise<ImageBitmap>>} */
    this.decoded = new Map();
  }

  get present() {
    return this.sheets.length > 0;
  }

  /** @param {number} index */
  sheetOf(index) {
    return this.sheets.find((sheet) => index >= sheet.first && index < sheet.first + sheet.count);
  }

  /** @param {Sheet} sheet */
  bitmap(sheet) {
    const bitmap = this.decoded.get(sheet.blob) ?? image(sheet.blob);
    this.decoded.set(sheet.blob, bitmap);
    return bitmap;
  }

  /**
   * Draw an image so that it fills the canvas, whose size becomes the tile's.
   * @param {HTMLCanvasElement} canvas
   * @param {number} index
   */
  async draw(canvas, index) {
    const sheet = this.sheetOf(index);
    if (!sheet) return;
    const { width, height } = sheet;
    const bitmap = await this.bitmap(sheet);
    const { x, y } = cornerOf(sheet, index);
    Object.assign(canvas, { width, height });
    contextOf(canvas).drawImage(bitmap, x, y, width, height, 0, 0, width, height);
  }
}
