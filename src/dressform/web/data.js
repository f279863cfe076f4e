// The page's data: a JSON document and packed arrays, each in a script element of its own.

/** @import { Metric, NumberArray, Page as PageDocument } from "dressform/types.js" */

const TYPES = {
  u1: Uint8Array,
  u2: Uint16Array,
  u4: Uint32Array,
  i4: Int32Array,
  f4: Float32Array,
};

/**
 * @param {HTMLElement} node
 * @returns {Promise<Response>}
 */
async function unpacked(node) {
  const { packing, type } = node.dataset;
  const mediaType = packing === "gzip" ? "application/octet-stream" : type;
  const response = await fetch(`data:${mediaType};base64,${node.textContent}`);
  if (packing !== "gzip" || !response.body) return response;
  return new Response(response.body.pipeThrough(new DecompressionStream("gzip")));
}

const blob = (/** @type {string} */ name) => document.getElementById(`blob-${name}`);

/** Whether the page has a blob of that name. @param {string} name */
export const hasBlob = (name) => blob(name) !== null;

/**
 * A named array; null where the page has none of that name.
 * @param {string} name
 * @returns {Promise<NumberArray | null>}
 */
export async function array(name) {
  const node = blob(name);
  if (!node) return null;
  const buffer = await (await unpacked(node)).arrayBuffer();
  const Type = TYPES[/** @type {keyof typeof TYPES} */ (node.dataset.type)];
  const shape = (node.dataset.shape ?? "").split(",").map(Number);
  return { values: new Type(buffer), shape };
}

/**
 * A named list of texts; empty where the page has none of that name.
 * @param {string} name
 * @returns {Promise<string[]>}
 */
async function texts(name) {
  const node = blob(name);
  return node ? (await unpacked(node)).json() : []; // JSON: an id may have any character in it
}

/**
 * Named bytes.
 * @param {string} name
 */
export async function bytes(name) {
  const node = blob(name);
  if (!node) throw new Error(`the page has no ${name}`);
  return (await unpacked(node)).arrayBuffer();
}

/**
 * A named image, decoded.
 * @param {string} name
 */
export async function image(name) {
  const node = blob(name);
  if (!node) throw new Error(`the page has no image ${name}`);
  return createImageBitmap(await (await unpacked(node)).blob());
}

/** What one run predicts about each image; every array has a row per image of the page. */
export class Predictions {
  /**
   * @param {number} first the first image that has neighbours
   * @param {Record<string, NumberArray | null>} arrays
   */
  constructor(first, arrays) {
    const present = (/** @type {string} */ name) => /** @type {NumberArray} */ (arrays[name]);
    this.first = first;
    this.topClass = present("top_class");
    this.topProbability = present("top_probability");
    this.loss = present("loss").values;
    this.labelIssue = present("label_issue").values;
    this.suggestedLabel = present("suggested_label").values;
    this.trainedOn = arrays.trained_on?.values;
    this.saliency = arrays.saliency;
    this.nearest = {
      cosine: { indices: arrays.neighbours_cosine, distances: arrays.distances_cosine },
      euclidean: { indices: arrays.neighbours_euclidean, distances: arrays.distances_euclidean },
    };
    this.width = this.topClass.shape[1];
  }

  /** @param {number} i */
  predicted(i) {
    return this.topClass.values[i * this.width];
  }

  /**
   * The probability of the predicted class, 0..1.
   * @param {number} i
   */
  confidence(i) {
    return this.topProbability.values[i * this.width] / 65535;
  }

  /**
   * Class and probability, the most probable first.
   * @param {number} i
   * @returns {[number, number][]}
   */
  top(i) {
    const from = i * this.width;
    return Array.from({ length: this.width }, (_, j) => [
      this.topClass.values[from + j],
      this.topProbability.values[from + j] / 65535,
    ]);
  }

  /** The metrics by which neighbours are known. */
  get metrics() {
    const metrics = /** @type {Metric[]} */ (["cosine", "euclidean"]);
    return metrics.filter((metric) => this.nearest[metric].indices);
  }

  /**
   * Neighbours and their distances, nearest first; none where they are not known.
   * @param {number} i
   * @param {Metric} metric
   * @returns {[number, number][]}
   */
  neighbours(i, metric) {
    const { indices, distances } = this.nearest[metric];
    const row = i - this.first;
    if (!indices || !distances || row < 0 || row >= indices.shape[0]) return [];
    const k = indices.shape[1];
    return Array.from({ length: k }, (_, j) => [
      indices.values[row * k + j],
      distances.values[row * k + j],
    ]);
  }
}

const ARRAYS = [
  "top_class",
  "top_probability",
  "loss",
  "label_issue",
  "suggested_label",
  "trained_on",
  "saliency",
  "neighbours_cosine",
  "distances_cosine",
  "neighbours_euclidean",
  "distances_euclidean",
];

/**
 * @param {number} first
 * @param {number} run
 */
async function predictionsOf(first, run) {
  const entries = ARRAYS.map(async (name) => [name, await array(`${name}-${run}`)]);
  return new Predictions(first, Object.fromEntries(await Promise.all(entries)));
}

/**
 * The page's document with its arrays. Images 0..examples-1 were evaluated; those after them are
 * training images.
 */
export async function load() {
  /** @type {PageDocument} */
  const page = JSON.parse(
    /** @type {HTMLElement} */ (document.getElementById("document")).textContent,
  );
  const [ids, splits, labels] = await Promise.all([texts("ids"), texts("splits"), array("labels")]);
  const runs = page.runs.map((_, run) => predictionsOf(page.points[0], run));
  return {
    ...page,
    ids,
    splits,
    labels: labels?.values ?? [],
    predictions: await Promise.all(runs),
  };
}

/** @typedef {Awaited<ReturnType<typeof load>>} Page */
