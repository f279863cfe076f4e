// A page that classifies photos: each is prepared, judged and shown with the steps on the way. Nothing leaves the browser.
import { array, bytes } from "dressform/data.js";
import { count, csv, element, percent, save, say } from "dressform/html.js";
import { prepare } from "dressform/classify/photo.js";
import { Model, softmax } from "dressform/classify/model.js";

const MOST_PIXELS = 64e6;
const SHOWN = 3;
const DRAWN = 50; // answers whose pictures stay on the page
const ROWS = 256; // drawn at a time: phones give canvases of more than 16 million pixels back empty
const description = JSON.parse(document.getElementById("document").textContent);
const answers = [];

/** A file's pixels, upright, transparency over black. */
export async function decoded(file) {
  const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
  const { width, height } = bitmap;
  if (width * height > MOST_PIXELS) {
    bitmap.close();
    throw new Error(`it is ${count(width)} × ${count(height)} pixels; allowed: ${count(MOST_PIXELS)} in all, so make it smaller`);
  }
  const canvas = element("canvas", { width, height: Math.min(ROWS, height) });
  const drawing = canvas.getContext("2d", { willReadFrequently: true });
  const colours = new Uint8Array(3 * width * height);
  let place = 0;
  for (let top = 0; top < height; top += ROWS) {
    const rows = Math.min(ROWS, height - top);
    drawing.fillStyle = "black";
    drawing.fillRect(0, 0, width, rows);
    drawing.drawImage(bitmap, 0, -top);
    const { data } = drawing.getImageData(0, 0, width, rows);
    for (let i = 0; i < data.length; i += 4) {
      colours[place] = data[i];
      colours[place + 1] = data[i + 1];
      colours[place + 2] = data[i + 2];
      place += 3;
    }
  }
  bitmap.close();
  return { width, height, channels: 3, data: colours };
}

/** What the model makes of a decoded picture. */
export async function answer(model, picture) {
  const ready = prepare(picture, description.shape, description.photo);
  const { logits, oodPValue } = await model.judge(ready.pixels.data);
  const shares = softmax(logits);
  const top = shares.map((share, i) => [description.classes[i], share]).sort((a, b) => b[1] - a[1]);
  const abstain = oodPValue !== null && oodPValue <= description.threshold;
  const unusual = `does not look like the training pictures: of pictures like them ${percent(oodPValue ?? 0, 1)} are as unusual`;
  return { ...ready, logits, oodPValue, top, abstain, warnings: abstain ? [unusual, ...ready.warnings] : ready.warnings };
}

function drawn({ width, height, channels, data }, words) {
  const kind = Math.max(width, height) < 128 ? "tiny" : "";
  const canvas = element("canvas", { width, height, class: kind, role: "img", "aria-label": words });
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = data[i * channels + (channels === 3 ? c : 0)];
    image.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

function titleOf({ abstain, top }) { return `${abstain ? "unsure, perhaps " : ""}${top[0][0]}, ${percent(top[0][1], 1)}`; }

function shown(name, found) {
  const steps = found.steps.map(([words, picture], i) => element("figure", {}, drawn(picture, words), element("figcaption", {}, `${i + 1}. ${words}`)));
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
      answers.push([name, { top: found.top, abstain: found.abstain, warnings: found.warnings }]);
      section = shown(name, found);
      say(`${name}: ${titleOf(found)}`);
    } catch (error) {
      const wrong = error.name === "InvalidStateError" || error.name === "EncodingError";
      section = refused(name, wrong ? "it is not a picture that this browser can read; give PNG, JPEG, WebP, BMP or GIF" : error.message);
      say(`${name}: no answer`);
    }
    list.prepend(section);
    list.children[DRAWN]?.querySelector(".steps")?.remove();
    await new Promise((done) => { setTimeout(done); }); // not a frame: there are none while another tab is looked at
  }
  document.getElementById("save").disabled = answers.length === 0;
}

function table() {
  const head = ["picture", "class", "probability", "abstain", ...description.classes, "notes"];
  return csv([head, ...answers.map(([name, { top, abstain, warnings }]) => {
    const shares = new Map(top);
    return [name, top[0][0], top[0][1].toFixed(4), abstain, ...description.classes.map((label) => shares.get(label).toFixed(4)), warnings.join("; ")];
  })]);
}

function controls(model) {
  const opener = (words, attributes) => {
    const chooser = element("input", { type: "file", accept: "image/*", hidden: true, ...attributes, onchange: () => {
      take(model, [...chooser.files]);
      chooser.value = "";
    } });
    return [element("button", { type: "button", onclick: () => chooser.click() }, words), chooser];
  };
  const choose = opener("Choose photos", { multiple: true, id: "file" });
  const camera = matchMedia("(pointer: coarse)").matches ? opener("Take a photo", { capture: "environment", id: "camera" }) : [];
  const keep = element("button", { type: "button", id: "save", disabled: true, onclick: () => save("answers.csv", "text/csv", table()) }, "Save answers as CSV");
  const zone = element("div", { class: "zone" }, element("p", {}, "Drop photos here, paste one, or"), choose, camera, keep);
  const over = (event) => zone.classList.toggle("over", event.type === "dragover");
  for (const type of ["dragover", "dragleave", "drop"]) document.addEventListener(type, over);
  document.addEventListener("drop", (event) => take(model, [...event.dataTransfer.files]));
  document.addEventListener("paste", (event) => take(model, [...event.clipboardData.files]));
  return zone;
}

/** The model of this page. */
export async function open() {
  const [runtime, model] = await Promise.all([bytes("runtime"), bytes("model")]);
  const [known, scales, distances] = await Promise.all(["known", "scales", "distances"].map(array));
  return Model.open({ runtime, bytes: model, description, known, scales, distances });
}

export async function start() {
  const place = document.getElementById("controls");
  // From the beginning: a photo that is dropped too early would be shown in place of this page.
  for (const type of ["dragover", "drop"]) document.addEventListener(type, (event) => event.preventDefault());
  try {
    const model = await open();
    place.replaceChildren(controls(model));
    document.documentElement.dataset.ready = "true";
  } catch (error) {
    place.replaceChildren(element("p", { class: "note" }, `The model cannot run in this browser: ${error.message}`));
  }
}
