// Images as Pillow resizes them: the same integers, so that a photo gives the same pixels here and
// in Python.

/** @import { Image } from "dressform/types.js" */

const PRECISION_BITS = 22; // of Pillow's fixed point

/** @typedef {"box" | "bicubic"} Filter */

/** @type {Record<Filter, {support: number, weight: (x: number) => number}>} */
const FILTERS = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bicubic: {
    support: 2,
    weight: (x) => {
      const a = -0.5;
      const t = Math.abs(x);
      if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
      return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
    },
  },
};

/**
 * Round half to even, as Python does.
 * @param {number} x
 */
export function round(x) {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest === 0.5) return floor + (floor % 2 === 0 ? 0 : 1);
  return rest < 0.5 ? floor : floor + 1;
}

/**
 * @param {number} width
 * @param {number} height
 * @param {number} channels
 * @returns {Image}
 */
function blank(width, height, channels) {
  return { width, height, channels, data: new Uint8Array(width * height * channels) };
}

/**
 * Red, green and blue as one grey, ITU-R 601-2.
 * @param {Image} image
 */
export function toGrey(image) {
  if (image.channels === 1) return image;
  const grey = blank(image.width, image.height, 1);
  for (let i = 0; i < grey.data.length; i += 1) {
    const [red, green, blue] = image.data.subarray(3 * i, 3 * i + 3);
    grey.data[i] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
  }
  return grey;
}

/**
 * Grey as three equal colours.
 * @param {Image} image
 */
export function toColour(image) {
  if (image.channels === 3) return image;
  const colour = blank(image.width, image.height, 3);
  image.data.forEach((value, i) => colour.data.fill(value, 3 * i, 3 * i + 3));
  return colour;
}

/**
 * For each output pixel, the first input pixel that contributes and the fixed-point weights.
 * @param {number} from
 * @param {number} to
 * @param {Filter} kind
 */
function kernels(from, to, kind) {
  const filter = FILTERS[kind];
  const scale = from / to;
  const stretch = Math.max(1, scale);
  const support = filter.support * stretch;
  return Array.from({ length: to }, (_, output) => {
    const centre = (output + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const end = Math.min(from, Math.trunc(centre + support + 0.5));
    const weights = Array.from({ length: end - first }, (__, i) =>
      filter.weight((i + first - centre + 0.5) * (1 / stretch)),
    );
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const fixed = weights.map((weight) =>
      Math.trunc((weight / total) * (1 << PRECISION_BITS) + (weight < 0 ? -0.5 : 0.5)),
    );
    return { first, weights: Int32Array.from(fixed) };
  });
}

/**
 * A weighted sum of values that lie `step` apart, as a byte.
 * @param {Uint8Array} data
 * @param {number} start
 * @param {number} step
 * @param {Int32Array} weights
 */
function weighted(data, start, step, weights) {
  let sum = 1 << (PRECISION_BITS - 1);
  for (let i = 0; i < weights.length; i += 1) sum += data[start + i * step] * weights[i];
  return Math.min(255, Math.max(0, sum >> PRECISION_BITS));
}

/**
 * @param {Image} image
 * @param {number} width
 * @param {Filter} kind
 */
function resizeRows(image, width, kind) {
  if (width === image.width) return image;
  const { height, channels, data } = image;
  const resized = blank(width, height, channels);
  kernels(image.width, width, kind).forEach(({ first, weights }, x) => {
    for (let y = 0; y < height; y += 1) {
      for (let c = 0; c < channels; c += 1) {
        const start = (y * image.width + first) * channels + c;
        resized.data[(y * width + x) * channels + c] = weighted(data, start, channels, weights);
      }
    }
  });
  return resized;
}

/**
 * @param {Image} image
 * @param {number} height
 * @param {Filter} kind
 */
function resizeColumns(image, height, kind) {
  if (height === image.height) return image;
  const { width, channels, data } = image;
  const resized = blank(width, height, channels);
  const row = width * channels;
  kernels(image.height, height, kind).forEach(({ first, weights }, y) => {
    for (let x = 0; x < row; x += 1) {
      resized.data[y * row + x] = weighted(data, first * row + x, row, weights);
    }
  });
  return resized;
}

/**
 * Another size: first the rows, then the columns, with bytes in between.
 * @param {Image} image
 * @param {number} width
 * @param {number} height
 * @param {Filter} kind
 */
export function resize(image, width, height, kind) {
  return resizeColumns(resizeRows(image, width, kind), height, kind);
}

/**
 * Scaled to fit into a width and a height, its aspect ratio kept.
 * @param {Image} image
 * @param {number} width
 * @param {number} height
 */
export function resizeToFit(image, width, height) {
  const scale = Math.min(width / image.width, height / image.height);
  const sides = [image.width, image.height].map((side) => Math.max(1, round(side * scale)));
  return resize(image, sides[0], sides[1], scale < 1 ? "box" : "bicubic");
}

/**
 * Shrunk by averaging until the longer side is at most `side`.
 * @param {Image} image
 * @param {number} side
 */
export function shrunk(image, side) {
  const scale = side / Math.max(image.width, image.height);
  if (scale >= 1) return image;
  const sides = [image.width, image.height].map((length) => Math.max(1, round(length * scale)));
  return resize(image, sides[0], sides[1], "box");
}

/**
 * For each output pixel the nearest input pixel, by Pillow's running sum.
 * @param {number} from
 * @param {number} to
 */
function nearestIndices(from, to) {
  const step = from / to;
  let position = step * 0.5;
  return Array.from({ length: to }, () => {
    const index = Math.min(from - 1, Math.trunc(position));
    position += step;
    return index;
  });
}

/**
 * A mask in another size, without values in between.
 * @param {Uint8Array} mask
 * @param {{width: number, height: number}} from
 * @param {{width: number, height: number}} to
 */
export function resizeMask(mask, from, to) {
  const columns = nearestIndices(from.width, to.width);
  const rows = nearestIndices(from.height, to.height);
  const values = rows.flatMap((y) => columns.map((x) => mask[y * from.width + x]));
  return Uint8Array.from(values);
}

/**
 * An image in the middle of a larger one of a single colour.
 * @param {Image} image
 * @param {number} width
 * @param {number} height
 * @param {number[]} colour
 */
export function padded(image, width, height, colour) {
  const { channels } = image;
  const canvas = blank(width, height, channels);
  canvas.data.forEach((_, i) => {
    canvas.data[i] = colour[i % channels];
  });
  const left = Math.floor((width - image.width) / 2);
  const top = Math.floor((height - image.height) / 2);
  const length = image.width * channels;
  for (let y = 0; y < image.height; y += 1) {
    const row = image.data.subarray(y * length, (y + 1) * length);
    canvas.data.set(row, ((top + y) * width + left) * channels);
  }
  return canvas;
}

/**
 * A quantile, interpolated linearly as numpy does; default: the median.
 * @param {ArrayLike<number>} values
 */
export function quantile(values, fraction = 0.5) {
  const sorted = Float64Array.from(values).sort();
  const position = fraction * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(sorted.length - 1, below + 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (position - below);
}

/**
 * One channel of the pixels at the border, corners twice.
 * @param {Image} image
 * @param {number} channel
 */
export function borderPixels({ width, height, channels, data }, channel = 0) {
  const pixels = [];
  const pixel = (/** @type {number} */ x, /** @type {number} */ y) =>
    data[(y * width + x) * channels + channel];
  for (let x = 0; x < width; x += 1) pixels.push(pixel(x, 0), pixel(x, height - 1));
  for (let y = 0; y < height; y += 1) pixels.push(pixel(0, y), pixel(width - 1, y));
  return pixels;
}

/**
 * Fit an image to a model's input: scaled until it fits and padded with the border's median colour,
 * never distorted or cropped.
 * @param {Image} image
 * @param {[number, number, number]} shape
 */
export function fit(image, [height, width, channels]) {
  const converted = channels === 1 ? toGrey(image) : toColour(image);
  if (converted.width === width && converted.height === height) return converted;
  const border = Array.from({ length: channels }, (_, c) =>
    Math.trunc(quantile(borderPixels(converted, c))),
  );
  return padded(resizeToFit(converted, width, height), width, height, border);
}
