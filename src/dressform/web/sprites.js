// Pictures, packed into sheets of equal tiles.

import { picture } from "dressform/data.js";

export class Sprites {
  /** sheets: [{blob, first, count, columns, width, height}], decoded when first needed. */
  constructor(sheets) {
    this.sheets = sheets;
    this.decoded = new Map();
  }

  get present() { return this.sheets.length > 0; }

  sheetOf(index) {
    return this.sheets.find((sheet) => index >= sheet.first && index < sheet.first + sheet.count);
  }

  bitmap(sheet) {
    if (!this.decoded.has(sheet.blob)) this.decoded.set(sheet.blob, picture(sheet.blob));
    return this.decoded.get(sheet.blob);
  }

  /** Draw picture `index` so that it fills `canvas`, whose size becomes the tile's. */
  async draw(canvas, index) {
    const sheet = this.sheetOf(index);
    if (!sheet) return false;
    const source = await this.bitmap(sheet);
    const place = index - sheet.first;
    canvas.width = sheet.width;
    canvas.height = sheet.height;
    canvas.getContext("2d").drawImage(
      source, (place % sheet.columns) * sheet.width, Math.floor(place / sheet.columns) * sheet.height, sheet.width, sheet.height,
      0, 0, sheet.width, sheet.height);
    return true;
  }
}
