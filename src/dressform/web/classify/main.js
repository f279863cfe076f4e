// A page that classifies photos: each is prepared, judged and shown with the steps on the way. Nothing leaves the browser.
import { array, bytes } from "dressform/data.js";
import { count, csv, element, percent, save, say } from "dressform/html.js";
import { prepare } from "dressform/classify/photo.js";
import { Model, softmax } from "dressform/classify/model.js";

const MOST_PIXELS = 64e6;
const SHOWN = 3;
const description = JSON.parse(document.getElementById("document").textContent);
const answers = [];

/** A file's pixels, upright, transparency over black. */
export async function decoded(file) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image", colorSpaceConversion: "none" });
  const { width, height } = bitmap;
  if (width * height > MOST_PIXELS) {
    bitmap.close();
    throw new Error(`it is ${count(width)} × ${count(height)} pixels; allowed: ${count(MOST_PIXELS)} in all, so make it smaller`);
  }
  const drawing = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  drawing.fillStyle = "black";
  drawing.fillRect(0, 0, width, height);
  drawing.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = drawing.getImageData(0, 0, width, height);
  const colours = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) colours.set(data.subarray(4 * i, 4 * i + 3), 3 * i);
  return { width, height, channels: 3, data: colours };
}

/** What the model makes of a decoded picture. */
export async function answer(model, picture) {
  const ready = prepare(picture, description.shape, description.photo);
  const { logits, usual } = await model.judge(ready.pixels.data);
  const shares = softmax(logits);
  const top = shares.map((share, i) => [description.classes[i], share]).sort((a, b) => b[1] - a[1]);
  const unsure = usual !== null && usual <= description.threshold;
  const unusual = `does not look like the training pictures: of pictures like them ${percent(usual ?? 0, 1)} are as unusual`;
  return { ...ready, logits, usual, top, unsure, warnings: unsure ? [unusual, ...ready.warnings] : ready.warnings };
}

function drawn({ width, height, channels, data }) {
  const canvas = element("canvas", { width, height, class: Math.max(width, height) < 128 ? "tiny" : "" });
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = data[i * channels + (channels === 3 ? c : 0)];
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

function titleOf({ unsure, top }) { return `${unsure ? "unsure, perhaps " : ""}${top[0][0]}, ${percent(top[0][1], 1)}`; }

function shown(name, found) {
  const steps = found.steps.map(([words, picture], i) => element("figure", {}, drawn(picture), element("figcaption", {}, `${i + 1}. ${words}`)));
  const rows = found.top.slice(0, SHOWN).map(([label, share]) => element("tr", {},
    element("th", { scope: "row" }, label),
    element("td", {}, element("span", { class: "share", style: { "--share": share.toFixed(4) } }), element("span", {}, percent(share, 1)))));
  const notes = found.warnings.length ? element("div", { class: "note" }, element("ul", {}, found.warnings.map((line) => element("li", {}, line)))) : null;
  return element("section", {}, element("h2", {}, `${name}: ${titleOf(found)}`), notes, element("div", { class: "steps" }, steps),
    element("table", { class: "shares" }, rows));
}

function refused(name, reason) {
  return element("section", {}, element("h2", {}, `${name}: no answer`), element("div", { class: "note" }, element("p", {}, reason)));
}

async function take(model, files) {
  const list = document.getElementById("answers");
  for (const file of files) {
    const name = file.name || "pasted picture";
    say(`${name} is looked at`);
    let section;
    try {
      const found = await answer(model, await decoded(file));
      answers.push([name, found]);
      section = shown(name, found);
      say(`${name}: ${titleOf(found)}`);
    } catch (error) {
      const wrong = error.name === "InvalidStateError" || error.name === "EncodingError";
      section = refused(name, wrong ? "it is not a picture that this browser can read; give PNG, JPEG, WebP, BMP or GIF" : error.message);
      say(`${name}: no answer`);
    }
    list.prepend(section);
    await new Promise((done) => { requestAnimationFrame(done); });
  }
  document.getElementById("save").disabled = answers.length === 0;
}

function table() {
  const head = ["picture", "class", "probability", "unsure", ...description.classes, "notes"];
  return csv([head, ...answers.map(([name, { top, unsure, warnings }]) => {
    const shares = new Map(top);
    return [name, top[0][0], top[0][1].toFixed(4), unsure, ...description.classes.map((label) => shares.get(label).toFixed(4)), warnings.join("; ")];
  })]);
}

function controls(model) {
  const chooser = element("input", { type: "file", accept: "image/*", multiple: true, class: "unseen", id: "file", onchange: () => {
    take(model, [...chooser.files]);
    chooser.value = "";
  } });
  const choose = element("button", { type: "button", onclick: () => chooser.click() }, "Choose photos");
  const keep = element("button", { type: "button", id: "save", disabled: true, onclick: () => save("answers.csv", "text/csv", table()) }, "Save answers as CSV");
  const zone = element("div", { class: "zone" }, element("p", {}, "Drop photos here, paste one, or"), choose, chooser, keep);
  const over = (event) => { event.preventDefault(); zone.classList.toggle("over", event.type === "dragover"); };
  for (const type of ["dragover", "dragleave", "drop"]) document.addEventListener(type, over);
  document.addEventListener("drop", (event) => take(model, [...event.dataTransfer.files]));
  document.addEventListener("paste", (event) => take(model, [...event.clipboardData.files]));
  return zone;
}

/** The model of this page. */
export async function open() {
  const [runtime, model, known, distances] = await Promise.all([bytes("runtime"), bytes("model"), array("known"), array("distances")]);
  return Model.open({ runtime, bytes: model, description, known, distances });
}

export async function start() {
  const place = document.getElementById("controls");
  try {
    const model = await open();
    place.replaceChildren(controls(model));
    document.documentElement.dataset.ready = "true";
  } catch (error) {
    place.replaceChildren(element("p", { class: "note" }, `The model cannot run in this browser: ${error.message}`));
  }
}
