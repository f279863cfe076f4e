// The model, run by ONNX Runtime, and how usual an image is for it.

import { InferenceSession, Tensor, env } from "dressform/onnxruntime/ort.wasm.bundle.min.mjs";

/** @import { ClassifierDocument, NumberArray } from "dressform/types.js" */

/** @typedef {{logits: number[], oodPValue: number | null}} Output */

const NEAREST = 10; // as in src/dressform/predict/ood.py
const PARTS = 7;

/**
 * The number that float16 bits stand for.
 * @param {number} bits
 */
function float16(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  return sign * (exponent ? (1 + fraction) * 2 ** (exponent - 15) : fraction * 2 ** -14);
}

export class Model {
  /**
   * @param {InferenceSession} session
   * @param {ClassifierDocument} description
   * @param {OODDetector | null} detector
   */
  constructor(session, description, detector) {
    this.session = session;
    this.description = description;
    this.detector = detector;
  }

  /**
   * @param {ArrayBuffer} runtime the WebAssembly of ONNX Runtime
   * @param {ArrayBuffer} onnx
   * @param {ClassifierDocument} description
   * @param {OODDetector | null} detector
   */
  static async open(runtime, onnx, description, detector) {
    env.wasm.wasmBinary = runtime;
    env.wasm.numThreads = 1; // more need headers that no file has
    env.logLevel = "error";
    const options = { executionProviders: ["wasm"] };
    const session = await InferenceSession.create(new Uint8Array(onnx), options);
    return new Model(session, description, detector);
  }

  /**
   * Logits and OOD p-value of an image.
   * @param {Uint8Array} pixels height × width × channels
   * @returns {Promise<Output>}
   */
  async predict(pixels) {
    const { shape, features } = this.description;
    const images = new Tensor("uint8", Uint8Array.from(pixels), [1, ...shape]);
    const names = this.detector ? ["logits", features] : ["logits"];
    const outputs = await this.session.run({ images }, names);
    const oodPValue = this.detector?.pValue(outputs[features].data, pixels, shape) ?? null;
    return { logits: Array.from(outputs.logits.data), oodPValue };
  }
}

/** How far an image is from training images, compared with validation images. */
export class OODDetector {
  /**
   * @param {NumberArray} reference float16 bits of the training images' rows
   * @param {NumberArray} scales of mean and standard deviation
   * @param {NumberArray} distances of validation images, ascending
   */
  constructor(reference, scales, distances) {
    this.rows = Float32Array.from(reference.values, float16);
    const [count, width] = reference.shape;
    this.count = count;
    this.width = width;
    this.scales = scales.values;
    this.distances = distances.values;
  }

  /**
   * The fraction of validation images that are at least as far from the training images.
   * @param {Float32Array} features
   * @param {Uint8Array} pixels
   * @param {[number, number, number]} shape
   */
  pValue(features, pixels, shape) {
    const row = this.rowOf(features, pixels, shape);
    const distances = new Float32Array(this.count);
    for (let i = 0; i < this.count; i += 1) {
      let sum = 0;
      for (let j = 0; j < this.width; j += 1) {
        sum += (this.rows[i * this.width + j] - row[j]) ** 2;
      }
      distances[i] = sum;
    }
    const distance = distances.sort()[NEAREST - 1];
    const total = this.distances.length;
    const nearer = this.distances.findIndex((value) => value >= distance);
    return ((nearer < 0 ? 0 : total - nearer) + 1) / (total + 1);
  }

  /**
   * What is compared: features of unit length, then coarse means and standard deviations.
   * @param {Float32Array} features
   * @param {Uint8Array} pixels
   * @param {[number, number, number]} shape
   */
  rowOf(features, pixels, shape) {
    const length = Math.max(1e-12, Math.hypot(...features));
    const { means, deviations } = coarse(pixels, shape);
    const [first, second] = this.scales;
    return Float32Array.from([
      ...Array.from(features, (value) => value / length),
      ...means.map((value) => value / first),
      ...deviations.map((value) => value / second),
    ]);
  }
}

/**
 * Mean and standard deviation of the pixels, 0..1, in each of 7 × 7 parts.
 * @param {Uint8Array} pixels
 * @param {[number, number, number]} shape
 */
function coarse(pixels, [height, width, channels]) {
  const ends = (/** @type {number} */ size, /** @type {number} */ part) => [
    Math.floor((part * size) / PARTS),
    Math.ceil(((part + 1) * size) / PARTS),
  ];
  const means = [];
  const deviations = [];
  for (let part = 0; part < PARTS * PARTS; part += 1) {
    const [top, bottom] = ends(height, Math.floor(part / PARTS));
    const [left, right] = ends(width, part % PARTS);
    for (let c = 0; c < channels; c += 1) {
      const values = [];
      for (let y = top; y < bottom; y += 1) {
        for (let x = left; x < right; x += 1) {
          values.push(pixels[(y * width + x) * channels + c] / 255);
        }
      }
      const mean = average(values);
      means.push(mean);
      deviations.push(Math.sqrt(average(values.map((value) => (value - mean) ** 2))));
    }
  }
  return { means, deviations };
}

/** @param {number[]} values */
const average = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** @param {number[]} logits */
export function softmax(logits) {
  const highest = Math.max(...logits);
  const powers = logits.map((value) => Math.exp(value - highest));
  const total = powers.reduce((sum, value) => sum + value, 0);
  return powers.map((value) => value / total);
}
