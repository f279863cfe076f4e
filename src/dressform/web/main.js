// The start of a report, an exploration and a data doctor's page.

import { addressed, addressedElement, changeAddress } from "dressform/address.js";
import { load } from "dressform/data.js";
import { Detail } from "dressform/detail.js";
import { printStage } from "dressform/export.js";
import { FILTER_NAMES, parseFilters } from "dressform/image_filters.js";
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

/** @param {HTMLElement[]} nodes sections, or several of them in one element */
function put(nodes) {
  const main = byId("main");
  main.replaceChildren(...nodes);
  const links = [...main.querySelectorAll("section")].map((section) =>
    element("a", { href: `#${section.id}` }, section.querySelector("h2")?.textContent),
  );
  byId("links").replaceChildren(...links);
}

/** The model that the page's address names. */
function addressedRun() {
  const run = Number(addressed().get("model") ?? 1) - 1;
  return page.runs[run] ? run : 0;
}

/**
 * Show the report of a model; the filters of the images stay.
 * @param {number} run
 */
async function showRun(run) {
  const filters = report?.images.filters ?? parseFilters(addressed(), page);
  report = new Report(page, { run, filters, sprites, detail, showRun: chooseRun });
  put(report.sections());
  models.value = String(run);
  await report.start();
}

/** @param {number} run */
async function chooseRun(run) {
  const focused = document.activeElement?.getAttribute("aria-label");
  const { scrollX, scrollY } = window;
  changeAddress({ model: run ? String(run + 1) : null });
  await showRun(run);
  scrollTo(scrollX, scrollY);
  const same = focused && document.querySelector(`[aria-label="${CSS.escape(focused)}"]`);
  if (same instanceof HTMLElement) same.focus({ preventScroll: true });
}

const models = element(
  "select",
  { "aria-label": "Model", onchange: () => chooseRun(Number(models.value)) },
  page.runs.map((run, value) => element("option", { value }, run.name)),
);

/** Scroll to what the page's address names, which was not there when the browser looked for it. */
function arrive() {
  const { images } = report ?? {};
  const filtered = FILTER_NAMES.some((name) => addressed().has(name));
  const target = filtered && images ? images.node : addressedElement();
  target?.scrollIntoView({ behavior: "auto", block: "start" });
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
  // The system's own theme may change meanwhile, by night for example.
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    projector()?.draw();
  });
  return toggle;
}

function putHeader() {
  const heading = element("h1", {}, page.title);
  const run = page.runs.length > 1 && element("label", {}, "Model: ", models);
  byId("top").append(
    element("div", { class: "bar" }, heading, run, themeButton()),
    element("p", { class: "quiet" }, `dressform ${page.version}, ${page.made}`),
  );
}

/** Open the image that the page's address names. */
function openAddressed() {
  const address = addressed();
  const id = address.get("image") ?? "";
  const position = Number(address.get("at") ?? -1);
  const index = page.ids[position] === id ? position : page.ids.indexOf(id);
  if (index >= 0 && report) detail.show(index, [index], report.predictions);
}

putHeader();
if (page.kind === "doctor") put(new Review(page, sprites).sections());
else await showRun(addressedRun());
arrive();
addEventListener("beforeprint", () => {
  drawAll();
  const stage = projector();
  if (stage) printStage(stage);
});
addEventListener("hashchange", async () => {
  if (report && addressed().has("model") && page.runs[addressedRun()] !== report.run) {
    await showRun(addressedRun());
  }
  if (report && FILTER_NAMES.some((name) => addressed().has(name))) {
    report.images.filters = parseFilters(addressed(), page);
    report.images.apply();
  }
  openAddressed();
  arrive();
});
openAddressed();
Object.assign(globalThis, { dressform: { page, projector: projector() } }); // for the console
document.documentElement.dataset.ready = "yes";
// Decoded when there is time, so that whoever prints has the images on paper.
requestIdleCallback(drawAll);
