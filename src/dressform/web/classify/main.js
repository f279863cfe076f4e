// A page that classifies photos: each is prepared, classified and shown with the steps on the way.
// Nothing leaves the browser.

import { Camera } from "dressform/classify/camera.js";
import { Model, OODDetector, softmax } from "dressform/classify/model.js";
import { prepare } from "dressform/classify/photo.js";
import { array, bytes } from "dressform/data.js";
import {
  announce,
  button,
  byId,
  contextOf,
  count,
  csv,
  element,
  percent,
  save,
} from "dressform/html.js";

/** @import { PreparedImage } from "dressform/classify/photo.js" */
/** @import { Attributes, ClassifierDocument, Image } from "dressform/types.js" */

/**
 * @typedef {PreparedImage & {
 *   logits: number[],
 *   oodPValue: number | null,
 *   top: [string, number][],
 *   abstain: boolean | null,
 * }} Prediction top: classes and probabilities, the most probable first
 */

const MAX_PIXELS = 64e6;
const TOP_CLASSES = 3;
const MAX_SHOWN = 50; // photos whose images stay on the page
const ROWS = 256; // drawn at a time: phones return canvases above 16 million pixels empty
const MAX_PIXELATED = 128;

/** @type {ClassifierDocument} */
const description = JSON.parse(byId("document").textContent ?? "");

/**
 * @typedef {Pick<Prediction, "top" | "abstain" | "oodPValue" | "warnings">} Answer
 * @type {{name: string, answer: Answer | null, error: string}[]}
 */
const results = [];

/**
 * Decode an image file: upright, with transparency over white.
 * @param {Blob} file
 * @returns {Promise<Image>}
 */
export async function decodeImage(file) {
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
  const { width, height } = bitmap;
  if (width * height > MAX_PIXELS) {
    bitmap.close();
    const size = `${count(width)} × ${count(height)} pixels`;
    throw new Error(`it has ${size}; allowed: ${count(MAX_PIXELS)} in total, so resize it`);
  }
  const canvas = element("canvas", { width, height: Math.min(ROWS, height) });
  const context = contextOf(canvas, { willReadFrequently: true });
  const data = new Uint8Array(3 * width * height);
  /** @type {Uint8Array | null} */
  let alpha = null;
  let end = 0;
  for (let top = 0; top < height; top += ROWS) {
    const rows = Math.min(ROWS, height - top);
    context.clearRect(0, 0, width, rows);
    context.drawImage(bitmap, 0, -top);
    let rgba = context.getImageData(0, 0, width, rows).data;
    if (rgba.some((value, i) => i % 4 === 3 && value < 255)) {
      alpha ??= new Uint8Array(width * height).fill(255);
      for (let i = 0; i < rows * width; i += 1) alpha[top * width + i] = rgba[4 * i + 3];
      context.globalCompositeOperation = "destination-over";
      context.fillStyle = "white";
      context.fillRect(0, 0, width, rows);
      context.globalCompositeOperation = "source-over";
      rgba = context.getImageData(0, 0, width, rows).data;
    }
    for (let i = 0; i < rgba.length; i += 4) {
      data[end] = rgba[i];
      data[end + 1] = rgba[i + 1];
      data[end + 2] = rgba[i + 2];
      end += 3;
    }
  }
  bitmap.close();
  return { width, height, channels: 3, data, ...(alpha?.includes(0) && { alpha }) };
}

/**
 * Classify a decoded image.
 * @param {Model} model
 * @param {Image} image
 * @returns {Promise<Prediction>}
 */
export async function classify(model, image) {
  const { classes, shape, photo, threshold, temperature } = description;
  const prepared = prepare(image, shape, photo);
  const { logits, oodPValue } = await model.predict(prepared.pixels.data);
  const probabilities = softmax(logits.map((value) => value / temperature));
  const top = classes.map((name, c) => /** @type {[string, number]} */ ([name, probabilities[c]]));
  top.sort(([, a], [, b]) => b - a);
  const abstain = oodPValue === null ? null : oodPValue <= threshold;
  const unusual =
    "does not look like the training images: only " +
    `${percent(oodPValue ?? 0, 1)} of validation images are this unusual`;
  const warnings = abstain ? [unusual, ...prepared.warnings] : prepared.warnings;
  return { ...prepared, logits, oodPValue, top, abstain, warnings };
}

/**
 * @param {Image} image
 * @param {string} label
 */
function canvasOf({ width, height, channels, data }, label) {
  const kind = Math.max(width, height) < MAX_PIXELATED && "pixelated";
  const canvas = element("canvas", {
    width,
    height,
    class: kind,
    role: "img",
    "aria-label": label,
  });
  const pixels = new ImageData(width, height);
  for (let i = 0; i < width * height; i += 1) {
    for (let c = 0; c < 3; c += 1) {
      pixels.data[4 * i + c] = data[i * channels + (channels === 3 ? c : 0)];
    }
    pixels.data[4 * i + 3] = 255;
  }
  contextOf(canvas).putImageData(pixels, 0, 0);
  return canvas;
}

/** @param {Prediction} prediction */
function answerOf({ abstain, top: [[name]] }) {
  return `${abstain ? "Unsure, perhaps " : ""}${name}`;
}

/** @param {Prediction} prediction */
const titleOf = (prediction) => `${answerOf(prediction)}, ${percent(prediction.top[0][1], 1)}`;

/**
 * The answer first, then the photo, and what led to the answer on request.
 * @param {string} name
 * @param {Prediction} prediction
 */
function predictionSection(name, prediction) {
  const steps = prediction.steps.map(([text, image], i) =>
    element("figure", {}, canvasOf(image, text), element("figcaption", {}, `${i + 1}. ${text}`)),
  );
  const [, photo] = prediction.steps[0];
  const rows = prediction.top.slice(0, TOP_CLASSES).map(([label, probability]) => {
    const style = { "--fraction": probability.toFixed(4) };
    const bar = element("span", { class: "fraction", style });
    const text = element("span", {}, percent(probability, 1));
    return element("tr", {}, element("th", { scope: "row" }, label), element("td", {}, bar, text));
  });
  const warnings = prediction.warnings.map((line) => element("li", {}, line));
  return element(
    "section",
    { class: "result" },
    element("div", { class: "photo" }, canvasOf(photo, name)),
    element(
      "div",
      {},
      element("h2", { class: prediction.abstain && "unsure" }, answerOf(prediction)),
      element("p", { class: "quiet" }, `${percent(prediction.top[0][1], 1)} · ${name}`),
      element("table", { class: "probabilities" }, rows),
    ),
    warnings.length > 0 && element("div", { class: "note" }, element("ul", {}, warnings)),
    element(
      "details",
      {},
      element("summary", {}, "How the photo was prepared"),
      element("div", { class: "steps" }, steps),
    ),
  );
}

/** @param {unknown} error */
function reasonOf(error) {
  const kind = error instanceof Error ? error.name : "";
  const unreadable = kind === "InvalidStateError" || kind === "EncodingError";
  return unreadable
    ? "this browser cannot read it as an image; give PNG, JPEG, WebP, BMP or GIF"
    : String(error instanceof Error ? error.message : error);
}

/**
 * @param {string} name
 * @param {string} reason
 */
function errorSection(name, reason) {
  return element(
    "section",
    {},
    element("h2", {}, "No prediction"),
    element("p", { class: "quiet" }, name),
    element("div", { class: "note" }, element("p", {}, reason)),
  );
}

/**
 * Classify a file and keep the result.
 * @param {Model} model
 * @param {File} file
 */
async function resultOf(model, file) {
  const name = file.name || "pasted image";
  announce(`Classifying ${name}`);
  try {
    const prediction = await classify(model, await decodeImage(file));
    const { top, abstain, oodPValue, warnings } = prediction;
    results.push({ name, answer: { top, abstain, oodPValue, warnings }, error: "" });
    announce(`${name}: ${titleOf(prediction)}`);
    return predictionSection(name, prediction);
  } catch (error) {
    announce(`${name}: no prediction`);
    const reason = reasonOf(error);
    results.push({ name, answer: null, error: reason });
    return errorSection(name, reason);
  }
}

/**
 * Classify files, the newest result on top.
 * @param {Model} model
 * @param {Iterable<File>} files
 */
async function classifyFiles(model, files) {
  const list = byId("results");
  for (const file of [...files]) {
    list.prepend(await resultOf(model, file));
    for (const node of list.children[MAX_SHOWN]?.querySelectorAll(".photo, details") ?? []) {
      node.remove();
    }
    // Let the page answer; no frame: there are none while another tab is in front.
    await new Promise((done) => {
      setTimeout(done);
    });
  }
  offerResults();
}

/** Results can be saved and cleared where there are some. */
function offerResults() {
  byId("save").toggleAttribute("disabled", results.length === 0);
  byId("clear").toggleAttribute("disabled", byId("results").childElementCount === 0);
}

function clearResults() {
  results.length = 0;
  byId("results").replaceChildren();
  offerResults();
  byId("choose").focus();
  announce("Results cleared");
}

/** The results as CSV text, with the columns of `dressform predict --out`. */
function resultTable() {
  const places = description.classes.slice(0, TOP_CLASSES).map((_, k) => k);
  const ends = places.map((k) => (k ? `_${k + 1}` : ""));
  const head = ends.flatMap((end) => [`label${end}`, `probability${end}`]);
  const rows = results.map(({ name, answer, error }) => {
    if (!answer) return [name, ...head.map(() => ""), "", "", "", error];
    const top = answer.top.slice(0, TOP_CLASSES);
    const classes = top.flatMap(([label, probability]) => [label, rounded(probability)]);
    const pValue = answer.oodPValue === null ? "" : rounded(answer.oodPValue);
    return [name, ...classes, answer.abstain, pValue, answer.warnings.join("; "), ""];
  });
  return csv([["path", ...head, "abstain", "ood_p_value", "warnings", "error"], ...rows]);
}

/** @param {number} fraction */
const rounded = (fraction) => Number(fraction.toPrecision(6));

/**
 * A button that opens a chooser of images.
 * @param {Model} model
 * @param {HTMLButtonElement} opener
 * @param {Attributes} attributes
 */
function chooser(model, opener, attributes) {
  const input = element("input", {
    type: "file",
    accept: "image/*",
    hidden: true,
    onchange: () => {
      classifyFiles(model, [...(input.files ?? [])]);
      input.value = "";
    },
    ...attributes,
  });
  opener.addEventListener("click", () => input.click());
  return [opener, input];
}

/** @param {Model} model */
function controls(model) {
  const touch = matchMedia("(pointer: coarse)").matches;
  const choose = button("Choose photos", () => {}, { id: "choose", class: "main" });
  const camera = new Camera((file) => classifyFiles(model, [file]));
  const saveResults = () => save("results.csv", "text/csv", resultTable());
  const zone = element(
    "div",
    { class: "zone" },
    element("p", {}, "Drop photos here, paste one, or"),
    chooser(model, choose, { multiple: true, id: "file" }),
    camera.opener,
    touch &&
      chooser(
        model,
        button("Camera app", () => {}),
        { capture: "environment" },
      ),
    element("span", { class: "spring" }),
    button("Save results as CSV", saveResults, { id: "save", disabled: true }),
    button("Clear results", clearResults, { id: "clear", disabled: true }),
  );
  for (const type of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(type, () => zone.classList.toggle("over", type === "dragover"));
  }
  document.addEventListener("drop", (event) =>
    classifyFiles(model, event.dataTransfer?.files ?? []),
  );
  document.addEventListener("paste", (event) =>
    classifyFiles(model, event.clipboardData?.files ?? []),
  );
  return [zone, camera.node];
}

/** The model of this page. */
export async function openModel() {
  const names = ["ood_reference", "ood_scales", "ood_distances"];
  const [reference, scales, distances] = await Promise.all(names.map(array));
  const detector =
    reference && scales && distances ? new OODDetector(reference, scales, distances) : null;
  return Model.open(await bytes("runtime"), await bytes("model"), description, detector);
}

export async function start() {
  const place = byId("controls");
  // At once: a photo that is dropped too early would replace this page.
  for (const type of ["dragover", "drop"]) {
    document.addEventListener(type, (event) => event.preventDefault());
  }
  try {
    place.replaceChildren(...controls(await openModel()));
    document.documentElement.dataset.ready = "yes";
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    const text = `The model cannot run in this browser: ${reason}`;
    place.replaceChildren(element("p", { class: "note" }, text));
  }
}
