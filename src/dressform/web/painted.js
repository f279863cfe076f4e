// Many points without a graphics card: a program that pretends to be one needs twenty times as long as writing the pixels.

/** The same calls as of Points, on an ordinary canvas. */
export class Painted {
  /** why: what draws WebGL here, or that nothing does. */
  constructor(canvas, count, why) {
    Object.assign(this, { canvas, count, why, context: canvas.getContext("2d", { alpha: false }), order: new Uint32Array(0), sizes: null });
  }

  setPlaces(values) { this.places = values; }

  setColours(values) { this.colours = values; }

  setSizes(values) { this.sizes = values; }

  setOrder(order) { this.order = order; }

  /** As Points.draw. */
  draw(view, scale, background) {
    const { canvas, places, colours, sizes } = this;
    const { width, height } = canvas;
    if (this.image?.width !== width || this.image?.height !== height) this.image = this.context.createImageData(width, height);
    const bytes = this.image.data;
    const [r, g, b] = background.map((v) => Math.round(255 * v));
    new Uint32Array(bytes.buffer).fill((0xff000000 | (b << 16) | (g << 8) | r) >>> 0);
    const discs = new Map();
    for (const i of this.order) {
      const [px, py, pz] = [places[3 * i], places[3 * i + 1], places[3 * i + 2]];
      const x = ((view[0] * px + view[4] * py + view[8] * pz + view[12] + 1) / 2) * width;
      const y = ((1 - (view[1] * px + view[5] * py + view[9] * pz + view[13])) / 2) * height;
      const side = Math.max(1, Math.round(scale * sizes[i]));
      if (!(x > -side && y > -side && x < width + side && y < height + side)) continue;
      let rows = discs.get(side);
      if (!rows) discs.set(side, rows = disc(side, scale > 2.5));
      const [left, top, alpha] = [Math.round(x - side / 2), Math.round(y - side / 2), colours[4 * i + 3]];
      const [red, green, blue, rest] = [colours[4 * i] * alpha, colours[4 * i + 1] * alpha, colours[4 * i + 2] * alpha, 255 - alpha];
      for (let j = 0; j < side; j += 1) {
        if (top + j < 0 || top + j >= height) continue;
        const [from, to] = [Math.max(0, left + rows[2 * j]), Math.min(width, left + rows[2 * j + 1])];
        for (let k = 4 * ((top + j) * width + from), end = 4 * ((top + j) * width + to); k < end; k += 4) {
          bytes[k] = (red + bytes[k] * rest) / 255;
          bytes[k + 1] = (green + bytes[k + 1] * rest) / 255;
          bytes[k + 2] = (blue + bytes[k + 2] * rest) / 255;
        }
      }
    }
    this.context.putImageData(this.image, 0, 0);
  }

  /** What was drawn: RGBA bytes, row by row from the top. */
  pixels() { return this.image.data; }

  get rasteriser() { return `plain JavaScript (${this.why})`; }
}

/** First pixel and the one after the last, of each row of a disc or square. */
function disc(side, round) {
  const rows = new Int32Array(2 * side);
  for (let j = 0; j < side; j += 1) {
    const half = round ? Math.sqrt(Math.max(0, (side / 2) ** 2 - (j + 0.5 - side / 2) ** 2)) : side / 2;
    rows[2 * j] = Math.round(side / 2 - half);
    rows[2 * j + 1] = Math.round(side / 2 + half);
  }
  return rows;
}
