// The model by ONNX Runtime, and how usual an image is for it.
import { InferenceSession, Tensor, env } from "dressform/onnxruntime/ort.wasm.bundle.min.mjs";

const NEAREST = 10;
const PARTS = 7;

/** float16 bits as a number. */
function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const power = (bits >> 10) & 31;
  const rest = bits & 1023;
  return sign * (power ? (1 + rest / 1024) * 2 ** (power - 15) : (rest / 1024) * 2 ** -14);
}

export class Model {
  /** bytes of the runtime's WebAssembly and of model.onnx; description: of the page; known, scales, distances: arrays or null. */
  static async open({ runtime, bytes, description, known, scales, distances }) {
    env.wasm.wasmBinary = runtime;
    env.wasm.numThreads = 1; // more need headers that no file has
    env.logLevel = "error";
    const model = new Model();
    model.session = await InferenceSession.create(new Uint8Array(bytes), { executionProviders: ["wasm"] });
    Object.assign(model, { description, scales, distances });
    model.known = known && { ...known, values: Float32Array.from(known.values, half) };
    return model;
  }

  /** Logits, and how usual the picture is, 0..1, or null where that is not known; data: bytes [H, W, C]. */
  async judge(data) {
    const images = new Tensor("uint8", Uint8Array.from(data), [1, ...this.description.shape]);
    const wanted = this.known ? ["logits", this.description.features] : ["logits"];
    const found = await this.session.run({ images }, wanted);
    return { logits: Array.from(found.logits.data), oodPValue: this.known ? this.oodPValue(found[this.description.features].data, data) : null };
  }

  /** The share of pictures that the model had not learned from which are at least as far from what it knows. */
  oodPValue(features, data) {
    const length = Math.max(1e-12, Math.hypot(...features));
    const [means, spreads] = lookOf(data, this.description.shape);
    const [first, second] = this.scales.values;
    const row = Float32Array.from([...Array.from(features, (x) => x / length), ...means.map((x) => x / first), ...spreads.map((x) => x / second)]);
    const { values, shape: [count, width] } = this.known;
    const away = new Float32Array(count);
    for (let i = 0; i < count; i++) {
      let sum = 0;
      for (let j = 0; j < width; j++) sum += (values[i * width + j] - row[j]) ** 2;
      away[i] = sum;
    }
    const tenth = away.sort()[NEAREST - 1];
    const all = this.distances.values;
    let [low, high] = [0, all.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (all[middle] < tenth) low = middle + 1; else high = middle;
    }
    return (all.length - low + 1) / (all.length + 1);
  }
}

/** How a picture looks from afar: mean and standard deviation of the pixels, 0..1, in each of 7 x 7 parts. */
function lookOf(data, [height, width, channels]) {
  const [means, spreads] = [[], []];
  for (let i = 0; i < PARTS; i++) {
    for (let j = 0; j < PARTS; j++) {
      for (let c = 0; c < channels; c++) {
        const values = [];
        for (let y = Math.floor(i * height / PARTS); y < Math.ceil((i + 1) * height / PARTS); y++) {
          for (let x = Math.floor(j * width / PARTS); x < Math.ceil((j + 1) * width / PARTS); x++) {
            values.push(data[(y * width + x) * channels + c] / 255);
          }
        }
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        means.push(mean);
        spreads.push(Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length));
      }
    }
  }
  return [means, spreads];
}

export function softmax(logits) {
  const top = Math.max(...logits);
  const powers = logits.map((value) => Math.exp(value - top));
  const total = powers.reduce((sum, value) => sum + value, 0);
  return powers.map((value) => value / total);
}
