// The start of a report, an exploration and a data doctor's page.

import { load } from "dressform/data.js";
import { Detail } from "dressform/detail.js";
import { printStage } from "dressform/export.js";
import { drawAll } from "dressform/gallery.js";
import { button, byId, element } from "dressform/html.js";
import { Report } from "dressform/report.js";
import { Review } from "dressform/review.js";
import { Sprites } from "dressform/sprites.js";

const page = await load();
const sprites = new Sprites(page.sheets);
const detail = new Detail(page, sprites);

/** @type {Report | null} */
let report = null;
const projector = () => report?.projector ?? null;

/** @param {HTMLElement[]} sections */
function put(sections) {
  byId("main").replaceChildren(...sections);
  const links = sections.map((section) =>
    element("a", { href: `#${section.id}` }, section.querySelector("h2")?.textContent),
  );
  byId("links").replaceChildren(...links);
}

/** @param {number} run */
async function showRun(run) {
  report = new Report(page, run, sprites, detail);
  put(report.sections());
  await report.start();
}

function runSelect() {
  const select = element(
    "select",
    { "aria-label": "Run", onchange: () => showRun(Number(select.value)) },
    page.runs.map((run, value) => element("option", { value }, run.name)),
  );
  return element("label", {}, "Model: ", select);
}

function themeButton() {
  const root = document.documentElement;
  const themes = ["", "light", "dark"];
  const text = () => `Theme: ${root.dataset.theme || "auto"}`;
  const toggle = button(
    text(),
    () => {
      const theme = themes[(themes.indexOf(root.dataset.theme ?? "") + 1) % themes.length];
      root.dataset.theme = theme;
      try {
        localStorage.setItem("dressform-theme", theme);
      } catch {
        // a page that was opened from the disk may have no storage
      }
      toggle.textContent = text();
      projector()?.draw();
    },
    { class: "small" },
  );
  return toggle;
}

function putHeader() {
  const heading = element("h1", {}, page.title);
  const run = page.runs.length > 1 && runSelect();
  byId("top").append(
    element("div", { class: "bar" }, heading, run, themeButton()),
    element("p", { class: "quiet" }, `dressform ${page.version}, ${page.made}`),
  );
}

/** Open the image that the page's address names. */
function openAddressed() {
  const address = new URLSearchParams(location.hash.slice(1));
  const id = address.get("image") ?? "";
  const position = Number(address.get("at") ?? -1);
  const index = page.ids[position] === id ? position : page.ids.indexOf(id);
  if (index >= 0 && report) detail.show(index, [index], report.predictions);
}

putHeader();
if (page.kind === "doctor") put(new Review(page, sprites).sections());
else await showRun(0);
addEventListener("beforeprint", () => {
  drawAll();
  const stage = projector();
  if (stage) printStage(stage);
});
openAddressed();
Object.assign(globalThis, { dressform: { page, projector: projector() } }); // for the console
document.documentElement.dataset.ready = "yes";
