// A photo of a thing becomes a picture like those of Fashion-MNIST; src/dressform/data/photo.py tells how.
import { findForeground } from "dressform/classify/foreground.js";
import { colour, edges, fit, grey, nearest, padded, quantile, resize, round, shrunk } from "dressform/classify/resample.js";

const BLACK = 16;
const SMALLEST_SIDE = 8;

const isPhoto = (picture) => quantile(edges(grey(picture))) > BLACK;

/** What the model sees of a picture: {pixels, steps: [[words, picture]…], warnings}. */
export function prepare(picture, shape, settings) {
  const [height, width] = shape;
  if (settings && isPhoto(picture) && Math.max(picture.width, picture.height) > Math.max(height, width)) return prepared(picture, shape, settings);
  const pixels = fit(picture, shape);
  return { pixels, steps: [[`shrunk to ${width} × ${height}: what the network sees`, pixels]], warnings: [] };
}

function prepared(picture, shape, { side, margin, median }) {
  const [height, width, channels] = shape;
  const photo = colour(picture);
  const small = shrunk(photo, side);
  const steps = [["the photo, upright", shrunk(photo, 2 * side)]];
  const found = Math.min(small.width, small.height) < SMALLEST_SIDE ? null : findForeground(small);
  if (!found) return untreated(picture, shape, steps);
  let [pixels, mask] = [small, found.mask];
  const detail = shrunk(photo, 4 * Math.max(height, width));
  if (Math.max(detail.width, detail.height) > side) {
    mask = nearest(mask, small.width, small.height, detail.width, detail.height);
    pixels = detail;
  }
  const thing = masked(pixels, mask);
  steps.push(["what is not background", thing]);
  let made = thing;
  if (channels === 1) {
    const [negative, words] = negated(grey(pixels), mask, median);
    made = negative;
    steps.push([words, made]);
  }
  const cropped = crop(made, mask);
  const free = [width, height].map((length) => Math.max(1, round(length * (1 - 2 * margin))));
  const scale = Math.min(free[0] / cropped.width, free[1] / cropped.height);
  const inner = [Math.max(1, round(cropped.width * scale)), Math.max(1, round(cropped.height * scale))];
  const last = padded(resize(cropped, ...inner, scale < 1 ? "box" : "bicubic"), width, height, new Array(channels).fill(0));
  steps.push([`cropped, padded, shrunk to ${width} × ${height}: what the network sees`, last]);
  return { pixels: last, steps, warnings: warningsOf(found) };
}

function masked(picture, mask) {
  const data = picture.data.map((value, i) => (mask[Math.floor(i / picture.channels)] ? value : 0));
  return { ...picture, data };
}

function crop({ width, height, channels, data }, mask) {
  let [left, top, right, bottom] = [width, height, -1, -1];
  mask.forEach((inside, i) => {
    if (!inside) return;
    const [x, y] = [i % width, Math.floor(i / width)];
    [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
  });
  const wide = right - left + 1;
  const made = new Uint8Array(wide * (bottom - top + 1) * channels);
  for (let y = top; y <= bottom; y++) {
    made.set(data.subarray((y * width + left) * channels, (y * width + right + 1) * channels), (y - top) * wide * channels);
  }
  return { width: wide, height: bottom - top + 1, channels, data: made };
}

function negated(picture, mask, median) {
  const inside = [];
  picture.data.forEach((value, i) => { if (mask[i]) inside.push(255 - value); });
  const lift = Math.max(0, median - quantile(inside));
  const data = picture.data.map((value, i) => (mask[i] ? round(Math.min(255, Math.max(1, 255 - value + lift))) : 0));
  return [{ ...picture, data }, `grey and negated, as Fashion-MNIST's pictures are${lift ? ", then made brighter" : ""}`];
}

function untreated(picture, shape, steps) {
  const shade = grey(picture);
  const negative = isPhoto(shade) && shape[2] === 1;
  const made = fit(negative ? { ...shade, data: shade.data.map((value) => 255 - value) } : picture, shape);
  steps.push([`${negative ? "negated and " : ""}shrunk to ${shape[1]} × ${shape[0]}: what the network sees`, made]);
  return { pixels: made, steps, warnings: ["nothing stands out from the background; the whole photo was used"] };
}

function warningsOf({ mask, objects, cut }) {
  const share = mask.reduce((sum, value) => sum + value, 0) / mask.length;
  const lines = [];
  if (objects > 1) lines.push(`${objects} separate objects; all of them were used, so cut the photo if only one is meant`);
  if (cut > 0.15) lines.push("what was found runs out of the photo; leave some background around it");
  if (share < 0.03) lines.push(`what was found fills ${(100 * share).toFixed(1)} % of the photo; go nearer`);
  return lines;
}
