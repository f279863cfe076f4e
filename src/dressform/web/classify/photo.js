// A photo of an object becomes an image like those of Fashion-MNIST; src/dressform/data/photo.py
// explains how.

import { segmentForeground } from "dressform/classify/foreground.js";
import {
  borderPixels,
  fit,
  padded,
  quantile,
  resizeMask,
  resizeToFit,
  round,
  shrunk,
  toColour,
  toGrey,
} from "dressform/classify/resample.js";

/** @import { Foreground } from "dressform/classify/foreground.js" */
/** @import { Image, PhotoSettings } from "dressform/types.js" */

/** @typedef {[number, number, number]} Shape height, width and channels */
/** @typedef {[string, Image]} Step a description and the image after it */
/** @typedef {{pixels: Image, steps: Step[], warnings: string[]}} PreparedImage */

const MAX_BLACK = 16;
const MIN_SIDE = 8;
const MIN_CLEAR_FRACTION = 0.05;

/** @param {Image} image */
function isCutOut({ width, height, alpha }) {
  const clear = alpha ? alpha.reduce((sum, value) => sum + Number(value === 0), 0) : 0;
  return clear > 0 && clear >= MIN_CLEAR_FRACTION * width * height;
}

/** @param {Image} image */
function isPhoto(image) {
  return isCutOut(image) || quantile(borderPixels(toGrey(image))) > MAX_BLACK;
}

/**
 * The opaque pixels of a cut-out; null if it is none, or has none.
 * @param {Image} image
 * @param {number} side
 * @returns {Foreground | null}
 */
function cutOut(image, side) {
  if (!image.alpha || !isCutOut(image)) return null;
  const { data } = shrunk({ ...image, channels: 1, data: image.alpha }, side);
  const mask = data.map((value) => Number(value >= 128));
  return mask.includes(1) ? { mask, objects: 1, cut: 0 } : null;
}

/** @param {Shape} shape */
const seenText = ([height, width]) => `${width} × ${height}: what the network sees`;

/**
 * What `fit` does to an image, in words before the size.
 * @param {Image} image
 * @param {Shape} shape
 */
function howFitted(image, [height, width]) {
  if (image.width === width && image.height === height) return "";
  const scale = Math.min(width / image.width, height / image.height);
  if (scale < 1) return "shrunk to ";
  return scale > 1 ? "enlarged to " : "padded to ";
}

/**
 * What the network sees of an image, and how it was made.
 * @param {Image} image
 * @param {Shape} shape
 * @param {PhotoSettings | null} settings
 * @returns {PreparedImage}
 */
export function prepare(image, shape, settings) {
  const large = Math.max(image.width, image.height) > Math.max(shape[0], shape[1]);
  if (settings && large && isPhoto(image)) return preparedPhoto(image, shape, settings);
  const pixels = fit(image, shape);
  return { pixels, steps: [[howFitted(image, shape) + seenText(shape), pixels]], warnings: [] };
}

/**
 * @param {Image} image
 * @param {Shape} shape
 * @param {PhotoSettings} settings
 * @returns {PreparedImage}
 */
function preparedPhoto(image, shape, { side, margin, median }) {
  const [height, width, channels] = shape;
  const photo = toColour(image);
  const small = shrunk(photo, side);
  /** @type {Step[]} */
  const steps = [["the photo, upright", shrunk(photo, 2 * side)]];
  const large = Math.min(small.width, small.height) >= MIN_SIDE;
  const foreground = cutOut(image, side) ?? (large ? segmentForeground(small) : null);
  if (!foreground) return withoutForeground(image, shape, steps);
  const detail = shrunk(photo, 4 * Math.max(height, width));
  const sharper = Math.max(detail.width, detail.height) > side;
  const pixels = sharper ? detail : small;
  const mask = sharper ? resizeMask(foreground.mask, small, detail) : foreground.mask;
  /** @type {Image} */
  let object = masked(pixels, mask);
  steps.push(["foreground", object]);
  if (channels === 1) {
    const [grey, description] = negated(toGrey(pixels), mask, median);
    object = grey;
    steps.push([description, grey]);
  }
  const [availableWidth, availableHeight] = [width, height].map((length) =>
    Math.max(1, round(length * (1 - 2 * margin))),
  );
  const inner = resizeToFit(cropped(object, mask), availableWidth, availableHeight);
  const result = padded(inner, width, height, new Array(channels).fill(0));
  steps.push([`cropped, padded, shrunk to ${seenText(shape)}`, result]);
  return { pixels: result, steps, warnings: warningsOf(foreground) };
}

/**
 * @param {Image} image
 * @param {Uint8Array} mask
 */
function masked(image, mask) {
  const inside = (/** @type {number} */ i) => mask[Math.floor(i / image.channels)];
  return { ...image, data: image.data.map((value, i) => (inside(i) ? value : 0)) };
}

/**
 * Cropped to the mask.
 * @param {Image} image
 * @param {Uint8Array} mask
 */
function cropped({ width, height, channels, data }, mask) {
  let [left, top, right, bottom] = [width, height, -1, -1];
  mask.forEach((inside, i) => {
    if (!inside) return;
    const [x, y] = [i % width, Math.floor(i / width)];
    [left, right] = [Math.min(left, x), Math.max(right, x)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
  });
  const size = { width: right - left + 1, height: bottom - top + 1 };
  const pixels = new Uint8Array(size.width * size.height * channels);
  for (let y = 0; y < size.height; y += 1) {
    const start = ((top + y) * width + left) * channels;
    const row = data.subarray(start, start + size.width * channels);
    pixels.set(row, y * size.width * channels);
  }
  return { ...size, channels, data: pixels };
}

/**
 * The negative of what the mask shows, brightened where it is dark, and a description.
 * @param {Image} grey
 * @param {Uint8Array} mask
 * @param {number} median
 * @returns {[Image, string]}
 */
function negated(grey, mask, median) {
  const negative = grey.data.map((value) => 255 - value);
  const offset = Math.max(0, median - quantile(negative.filter((_, i) => mask[i])));
  const brightened = (/** @type {number} */ value) =>
    round(Math.min(255, Math.max(1, value + offset)));
  const data = negative.map((value, i) => (mask[i] ? brightened(value) : 0));
  const addition = offset ? ", then brightened" : "";
  return [{ ...grey, data }, `grey and negated, like Fashion-MNIST's images${addition}`];
}

/**
 * The whole photo, negated if its border is bright.
 * @param {Image} image
 * @param {Shape} shape
 * @param {Step[]} steps
 * @returns {PreparedImage}
 */
function withoutForeground(image, shape, steps) {
  const grey = toGrey(image);
  const negate = isPhoto(grey) && shape[2] === 1;
  const whole = negate ? { ...grey, data: grey.data.map((value) => 255 - value) } : image;
  const pixels = fit(whole, shape);
  const warning = "nothing stands out from the background; the whole photo was used";
  const description = `${negate ? "negated and " : ""}shrunk to ${seenText(shape)}`;
  return { pixels, steps: [...steps, [description, pixels]], warnings: [warning] };
}

/**
 * @param {Foreground} foreground
 * @returns {string[]}
 */
function warningsOf({ mask, objects, cut }) {
  const fraction = mask.reduce((sum, value) => sum + value, 0) / mask.length;
  const size = (100 * fraction).toFixed(1);
  const warnings = [];
  if (objects > 1) {
    warnings.push(
      `${objects} separate objects were found and used; crop the photo to classify only one`,
    );
  }
  if (cut > 0.15) {
    warnings.push("the object is cut off by the photo's edge; leave some background around it");
  }
  if (fraction < 0.03) {
    warnings.push(`the object fills only ${size} % of the photo; move closer`);
  }
  return warnings;
}
