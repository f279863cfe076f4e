// The page's data: a JSON document and packed arrays, each in a script element of its own.

const TYPES = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, i4: Int32Array, f4: Float32Array };

async function bytesOf(element) {
  const kind = element.dataset.packing === "gzip" ? "application/octet-stream" : element.dataset.type;
  const response = await fetch(`data:${kind};base64,${element.textContent}`);
  if (element.dataset.packing !== "gzip") return response.blob();
  return new Response(response.body.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
}

/** A named array {values, shape}, or text for type "text"; null where the page has none of that name. */
export async function array(name) {
  const element = document.getElementById(`blob-${name}`);
  if (!element) return null;
  const buffer = await bytesOf(element);
  if (element.dataset.type === "text") return new TextDecoder().decode(buffer);
  return { values: new TYPES[element.dataset.type](buffer), shape: element.dataset.shape.split(",").map(Number) };
}

/** Named bytes, as an ArrayBuffer. */
export async function bytes(name) {
  return bytesOf(document.getElementById(`blob-${name}`));
}

/** A named picture, decoded. */
export async function picture(name) {
  return createImageBitmap(await bytesOf(document.getElementById(`blob-${name}`)));
}

/** What one run says about each example; every array has a row per example. */
class Answers {
  constructor(first, topClass, topShare, loss, suspect, suggested, learned, saliency, cosine, cosineDistance, euclidean, euclideanDistance) {
    Object.assign(this, { first, topClass, topShare, loss, suspect, suggested, learned, saliency });
    this.near = { cosine: [cosine, cosineDistance], euclidean: [euclidean, euclideanDistance] };
    this.width = topClass.shape[1];
  }

  predicted(i) { return this.topClass.values[i * this.width]; }

  confidence(i) { return this.topShare.values[i * this.width] / 65535; }

  /** [class, probability], most probable first. */
  top(i) {
    return Array.from({ length: this.width }, (_, j) => [this.topClass.values[i * this.width + j], this.topShare.values[i * this.width + j] / 65535]);
  }

  /** Whether neighbours by a metric are known. */
  knows(metric) { return this.near[metric][0] !== null; }

  /** [picture, distance], nearest first; none where they are not known. */
  neighbours(i, metric = "cosine") {
    const [near, distance] = this.near[metric];
    const row = i - this.first;
    if (!near || row < 0 || row >= near.shape[0]) return [];
    const k = near.shape[1];
    return Array.from({ length: k }, (_, j) => [near.values[row * k + j], distance.values[row * k + j]]);
  }
}

/** The document with its arrays: pictures 0..examples-1 were judged, those after them are neighbours only. */
export async function load() {
  const page = JSON.parse(document.getElementById("document").textContent);
  const [ids, splits, labels] = await Promise.all([array("ids"), array("splits"), array("labels")]);
  page.ids = JSON.parse(ids ?? "[]"); // an id may have any character in it
  page.splits = JSON.parse(splits ?? "[]");
  page.labels = labels?.values;
  page.answers = await Promise.all(page.runs.map(async (run, r) => {
    const names = ["top_class", "top_share", "loss", "suspect", "suggested", "learned", "saliency", "near_cosine", "distance_cosine", "near_euclidean", "distance_euclidean"];
    return new Answers(page.points[0], ...await Promise.all(names.map((name) => array(`${name}-${r}`))));
  }));
  return page;
}
