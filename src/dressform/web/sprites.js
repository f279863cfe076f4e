// Images, packed into sheets of equal tiles.

import { hasBlob, image } from "dressform/data.js";
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
    /** @type {Map<string, ImageBitmap>} those that need no waiting for */
    this.ready = new Map();
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
    const known = this.decoded.get(sheet.blob);
    if (known) return known;
    const bitmap = image(sheet.blob);
    this.decoded.set(sheet.blob, bitmap);
    bitmap.then((found) => this.ready.set(sheet.blob, found));
    return bitmap;
  }

  /** Whether the sheets hold thumbnails, and some images have larger versions. */
  get hasPhotos() {
    return document.querySelector('[id^="blob-large-"]') !== null;
  }

  /** Whether there is a larger version of an image. @param {number} index */
  hasPhoto(index) {
    return hasBlob(`large-${index}`);
  }

  /**
   * Draw the larger version of an image, whose size the canvas takes.
   * @param {HTMLCanvasElement} canvas
   * @param {number} index
   */
  async drawPhoto(canvas, index) {
    const bitmap = await image(`large-${index}`);
    Object.assign(canvas, { width: bitmap.width, height: bitmap.height });
    contextOf(canvas).drawImage(bitmap, 0, 0);
    bitmap.close();
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
    // At once where it can be: a page is printed before anything that waits.
    const bitmap = this.ready.get(sheet.blob) ?? (await this.bitmap(sheet));
    const { x, y } = cornerOf(sheet, index);
    Object.assign(canvas, { width, height });
    contextOf(canvas).drawImage(bitmap, x, y, width, height, 0, 0, width, height);
  }
}
