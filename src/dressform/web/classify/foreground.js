// Which pixels of a photo belong to the object that it shows; src/dressform/data/foreground.py
// explains how, and why.

import { Mixture } from "dressform/classify/mixture.js";
import { quantile, round } from "dressform/classify/resample.js";

/** @import { Image } from "dressform/types.js" */

/** @typedef {{width: number, height: number}} Size */
/** @typedef {{mask: Uint8Array, objects: number, cut: number}} Foreground */
/**
 * @typedef {object} PairwiseTerm neighbours in one direction
 * @property {Int32Array} first the first neighbour of each pair
 * @property {number} offset where the second one is
 * @property {Float64Array} weights 0..1, low across edges
 */

const BORDER_FRACTION = 0.04;
const ITERATIONS = 4;
const MEAN_FIELD_STEPS = 10;
const BACKGROUND_COMPONENTS = 5;
const FOREGROUND_COMPONENTS = 4;
const PAIRWISE_WEIGHT = 1;
const MAX_LOG_ODDS = 5;
const CENTRE_PRIOR = 1;
const MIN_PIXELS = 60;
const NEIGHBOUR_OFFSETS = [
  { down: 0, right: 1, weight: 1 },
  { down: 1, right: 0, weight: 1 },
  { down: 1, right: 1, weight: 0.707 },
  { down: 1, right: -1, weight: 0.707 },
];

/**
 * @param {number} x
 * @param {number} low
 * @param {number} high
 */
const clip = (x, low, high) => Math.min(high, Math.max(low, x));

const LINEAR = Float64Array.from({ length: 256 }, (_, i) => {
  const value = i / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
});
const WHITE = [0.950456, 1, 1.088754];
const TO_XYZ = [
  [0.412453, 0.212671, 0.019334],
  [0.35758, 0.71516, 0.119193],
  [0.180423, 0.072169, 0.950227],
].map((row) => row.map((value, i) => value / WHITE[i]));

/**
 * Convert sRGB to CIE Lab (D65), three numbers per pixel.
 * @param {Uint8Array} data
 */
function rgbToLab(data) {
  const lab = new Float64Array(data.length);
  for (let i = 0; i < data.length; i += 3) {
    const [red, green, blue] = [LINEAR[data[i]], LINEAR[data[i + 1]], LINEAR[data[i + 2]]];
    const [x, y, z] = [0, 1, 2].map((to) => {
      const xyz = red * TO_XYZ[0][to] + green * TO_XYZ[1][to] + blue * TO_XYZ[2][to];
      return xyz > 0.008856 ? Math.cbrt(xyz) : 7.787 * xyz + 16 / 116;
    });
    lab[i] = 116 * y - 16;
    lab[i + 1] = 500 * (x - y);
    lab[i + 2] = 200 * (y - z);
  }
  return lab;
}

const BLUR = [-2, -1, 0, 1, 2].map((i) => Math.exp(-(i ** 2) / (2 * 0.8 ** 2)));
const BLUR_TOTAL = BLUR.reduce((sum, weight) => sum + weight, 0);

/**
 * Gaussian blur of 0.8 pixels along one axis; the border is repeated.
 * @param {Float64Array} values
 * @param {Size} size
 * @param {number} right 1 along the rows, else 0
 * @param {number} down 1 along the columns, else 0
 */
function blurredAlong(values, { width, height }, right, down) {
  const blurred = new Float64Array(values.length);
  for (let pixel = 0; 3 * pixel < values.length; pixel += 1) {
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    for (let i = -2; i <= 2; i += 1) {
      const [row, column] = [clip(y + i * down, 0, height - 1), clip(x + i * right, 0, width - 1)];
      const neighbour = row * width + column;
      const weight = BLUR[i + 2] / BLUR_TOTAL;
      for (let c = 0; c < 3; c += 1) blurred[3 * pixel + c] += weight * values[3 * neighbour + c];
    }
  }
  return blurred;
}

/**
 * The pixels along the border, 1 or 0.
 * @param {Size} size
 */
function borderMask({ width, height }) {
  const wide = Math.max(2, round(BORDER_FRACTION * Math.min(width, height)));
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return x < wide || y < wide || x >= width - wide || y >= height - wide ? 1 : 0;
  });
}

/**
 * Log odds of foreground before colours are known: higher in the middle, lower on the border.
 * @param {Uint8Array} border
 * @param {Size} size
 */
function centrePrior(border, { width, height }) {
  return Float64Array.from(border, (isBorder, i) => {
    const x = (((i % width) + 0.5) / width) * 2 - 1;
    const y = ((Math.floor(i / width) + 0.5) / height) * 2 - 1;
    return CENTRE_PRIOR * (1 - 1.6 * (y * y + x * x)) - 1.5 * isBorder;
  });
}

/**
 * For each direction the pairs of neighbours and how much they belong together.
 * @param {Float64Array} lab
 * @param {Size} size
 * @returns {PairwiseTerm[]}
 */
function pairwiseTerms(lab, { width, height }) {
  const directions = NEIGHBOUR_OFFSETS.map(({ down, right, weight }) => {
    const offset = down * width + right;
    const [first, distances] = [/** @type {number[]} */ ([]), /** @type {number[]} */ ([])];
    for (let y = 0; y < height - down; y += 1) {
      for (let x = Math.max(0, -right); x < width - Math.max(0, right); x += 1) {
        const i = y * width + x;
        const j = i + offset;
        let sum = 0;
        for (let c = 0; c < 3; c += 1) sum += (lab[3 * i + c] - lab[3 * j + c]) ** 2;
        first.push(i);
        distances.push(sum);
      }
    }
    return { first: Int32Array.from(first), offset, distances, weight };
  });
  const pairs = directions.reduce((sum, { distances }) => sum + distances.length, 0);
  const total = directions.reduce(
    (sum, { distances }) => sum + distances.reduce((s, d) => s + d, 0),
    0,
  );
  const mean = total / pairs;
  return directions.map(({ first, offset, distances, weight }) => {
    const scale = PAIRWISE_WEIGHT * weight;
    const weights = distances.map((d) => scale * Math.exp(-d / (2 * mean + 1e-6)));
    return { first, offset, weights: Float64Array.from(weights) };
  });
}

/**
 * Log odds of each pixel after its neighbours have their say.
 * @param {Float64Array} logOdds
 * @param {PairwiseTerm[]} pairwise
 */
function meanField(logOdds, pairwise) {
  const unary = logOdds.map((value) => clip(value, -MAX_LOG_ODDS, MAX_LOG_ODDS));
  let field = unary;
  for (let step = 0; step < MEAN_FIELD_STEPS; step += 1) {
    const expected = field.map((value) => Math.tanh(value / 2)); // 2 p - 1
    field = unary.slice();
    for (const { first, offset, weights } of pairwise) {
      for (let k = 0; k < first.length; k += 1) {
        field[first[k]] += weights[k] * expected[first[k] + offset];
      }
      for (let k = 0; k < first.length; k += 1) {
        field[first[k] + offset] += weights[k] * expected[first[k]];
      }
    }
  }
  return field;
}

/**
 * The 3 × 3 neighbourhood of a pixel, itself included; -1 outside the image.
 * @param {number} i
 * @param {Size} size
 */
function neighbourhood(i, { width, height }) {
  const [x, y] = [i % width, Math.floor(i / width)];
  const neighbours = [];
  for (let dy = -1; dy <= 1; dy += 1) {
    for (let dx = -1; dx <= 1; dx += 1) {
      const inside = x + dx >= 0 && x + dx < width && y + dy >= 0 && y + dy < height;
      neighbours.push(inside ? i + dy * width + dx : -1);
    }
  }
  return neighbours;
}

/**
 * Morphological opening by a 3 × 3 square.
 * @param {Uint8Array} mask
 * @param {Size} size
 */
function opened(mask, size) {
  const eroded = mask.map((_, i) => Number(neighbourhood(i, size).every((j) => mask[j] === 1)));
  return eroded.map((_, i) => Number(neighbourhood(i, size).some((j) => eroded[j] === 1)));
}

const SIDES = [1, 3, 5, 7]; // of a neighbourhood, without its corners

/**
 * Connected components, numbered from 1 in reading order; 0 outside the mask.
 * @param {Uint8Array} mask
 * @param {Size} size
 * @param {boolean} corners whether pixels that touch at corners are connected
 */
function label(mask, size, corners) {
  const labels = new Int32Array(mask.length);
  let count = 0;
  mask.forEach((value, start) => {
    if (!value || labels[start]) return;
    count += 1;
    labels[start] = count;
    const queue = [start];
    for (let i = queue.pop(); i !== undefined; i = queue.pop()) {
      const around = neighbourhood(i, size);
      for (const j of corners ? around : SIDES.map((side) => around[side])) {
        if (mask[j] === 1 && !labels[j]) {
          labels[j] = count;
          queue.push(j);
        }
      }
    }
  });
  return { labels, count };
}

/**
 * The components that count: large, near the middle, and not along the border.
 * @param {Int32Array} labels
 * @param {number} count
 * @param {Uint8Array} border
 * @param {Size} size
 */
function mainComponents(labels, count, border, { width, height }) {
  const components = Array.from({ length: count + 1 }, () => ({ area: 0, x: 0, y: 0, border: 0 }));
  labels.forEach((number, i) => {
    const component = components[number];
    component.area += 1;
    component.x += i % width;
    component.y += Math.floor(i / width);
    component.border += border[i];
  });
  const borderArea = border.reduce((sum, value) => sum + value, 0);
  const weights = components.map((component, number) => {
    if (number === 0) return 0;
    const x = (component.x / component.area + 0.5) / width - 0.5;
    const y = (component.y / component.area + 0.5) / height - 0.5;
    const centred = Math.exp(-2 * (x ** 2 + y ** 2));
    return component.area * centred * (1 - component.border / borderArea);
  });
  const least = 0.25 * Math.max(...weights);
  return weights.map((weight) => weight > least);
}

/**
 * The mask with its holes filled.
 * @param {Uint8Array} mask
 * @param {Size} size
 */
function withoutHoles(mask, size) {
  const { width, height } = size;
  const inverse = mask.map((value) => 1 - value);
  const { labels } = label(inverse, size, false);
  const outside = new Set();
  labels.forEach((number, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    if (x === 0 || y === 0 || x === width - 1 || y === height - 1) outside.add(number);
  });
  return mask.map((value, i) => (value || !outside.has(labels[i]) ? 1 : 0));
}

/**
 * The main components without holes and specks; null where nothing is left.
 * @param {Uint8Array} mask
 * @param {Uint8Array} border
 * @param {Size} size
 * @returns {Foreground | null}
 */
function cleanMask(mask, border, size) {
  const { labels, count } = label(opened(mask, size), size, true);
  if (!count) return null;
  const kept = mainComponents(labels, count, border, size);
  const main = Uint8Array.from(labels, (number) => Number(kept[number]));
  const filled = withoutHoles(main, size);
  let [cut, borderArea] = [0, 0];
  filled.forEach((value, i) => {
    cut += value & border[i];
    borderArea += border[i];
  });
  return { mask: filled, objects: kept.filter(Boolean).length, cut: cut / borderArea };
}

/**
 * Segment the object in the middle of a photo; null where nothing stands out from the border.
 * @param {Image} image in colour
 */
export function segmentForeground(image) {
  const blurred = blurredAlong(blurredAlong(rgbToLab(image.data), image, 0, 1), image, 1, 0);
  const lab = blurred.map((value) => round(value * 64) / 64);
  const border = borderMask(image);
  const prior = centrePrior(border, image);
  const indices = Array.from(border, (_, i) => i);
  const borderIndices = indices.filter((i) => border[i]);
  const background = new Mixture(lab, borderIndices, BACKGROUND_COMPONENTS);
  const borderDistance = background.logDensity(lab).map((value) => -value);
  const usual = borderIndices.map((i) => borderDistance[i]);
  const median = quantile(usual);
  const spread = quantile(usual, 0.9) - median + 1;
  let logOdds = borderDistance.map(
    (value, i) => 1.5 * clip((value - median - 1.5 * spread) / spread, -2, 2) + prior[i],
  );
  const pairwise = pairwiseTerms(lab, image);
  for (let iteration = 0; iteration < ITERATIONS; iteration += 1) {
    const field = meanField(logOdds, pairwise);
    const inside = indices.filter((i) => field[i] > 0);
    const outside = indices.filter((i) => !(field[i] > 0));
    if (Math.min(inside.length, outside.length) < MIN_PIXELS) break;
    const foregroundDensity = new Mixture(lab, inside, FOREGROUND_COMPONENTS).logDensity(lab);
    const backgroundDensity = new Mixture(lab, outside, BACKGROUND_COMPONENTS).logDensity(lab);
    logOdds = foregroundDensity.map((value, i) => value - backgroundDensity[i] + prior[i]);
  }
  const mask = Uint8Array.from(meanField(logOdds, pairwise), (value) => Number(value > 0));
  return cleanMask(mask, border, image);
}
