// Puts the page together from what its document has.

import { chart } from "dressform/chart.js";
import { confusion } from "dressform/confusion.js";
import { load } from "dressform/data.js";
import { Detail } from "dressform/detail.js";
import { Gallery, seeAll } from "dressform/gallery.js";
import { count, element, percent } from "dressform/html.js";
import { Projector } from "dressform/projector.js";
import { findings, Review } from "dressform/review.js";
import { putOnPaper } from "dressform/saving.js";
import { Sprites } from "dressform/sprites.js";
import { table } from "dressform/table.js";

const page = await load();
const sprites = new Sprites(page.sheets);
let projector = null;
const detail = new Detail(page, sprites, () => projector);
const main = document.getElementById("main");
let chosen = 0; // the run that is shown

const amount = (found, value) => (found.percent ? percent(value) : value.toFixed(4));
const between = (found) => `${amount(found, found.low)} to ${amount(found, found.high)}`;

function section(id, title, ...children) {
  return element("section", { id, "aria-labelledby": `${id}-title` }, element("h2", { id: `${id}-title` }, title), ...children);
}

const calm = matchMedia("(prefers-reduced-motion: reduce)");

/** Show what a gallery has now. */
function reveal(gallery) {
  gallery.node.scrollIntoView({ behavior: calm.matches ? "auto" : "smooth", block: "nearest" });
}

const where = (condition) => Array.from({ length: page.examples }, (_, i) => i).filter(condition);

function summary(run) {
  const [accuracy, ...others] = run.estimates;
  return section("summary", "Result",
    element("p", { class: "headline" }, element("strong", {}, amount(accuracy, accuracy.value)), ` of ${count(run.examples)} ${page.split} pictures right; between ${amount(accuracy, accuracy.low)} and ${amount(accuracy, accuracy.high)} with 95 % confidence (${accuracy.method.split(",")[0]}).`),
    element("div", { class: "cards" }, others.map((found) => element("div", { class: "card" }, element("span", {}, found.title), element("b", {}, amount(found, found.value)), element("small", {}, between(found))))),
    element("dl", { class: "facts" }, run.facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])),
    run.missing.length ? element("div", { class: "note" }, element("b", {}, "Not in this report"), element("ul", {}, run.missing.map((line) => element("li", {}, line)))) : null);
}

function comparisons() {
  const top = Math.max(...page.comparisons.flatMap((c) => [Math.abs(c.low), Math.abs(c.high), c.rope]));
  const place = (value) => `${(50 + (50 * value) / (top || 1)).toFixed(2)}%`;
  return section("comparison", "Is one really better?",
    page.comparisons.map((c) => element("div", { class: "versus" },
      element("p", {}, c.sentence),
      element("div", { class: "forest", role: "img", "aria-label": `${c.b} minus ${c.a}: ${c.show}` },
        element("span", { class: "rope", style: { left: place(-c.rope), right: `calc(100% - ${place(c.rope)})` } }), element("span", { class: "zero" }),
        element("span", { class: "reach", style: { left: place(c.low), right: `calc(100% - ${place(c.high)})` } }), element("span", { class: "point", style: { left: place(c.difference) } })),
      element("p", { class: "ends" }, element("span", {}, `${c.a} better`), element("span", { class: "quiet" }, c.show), element("span", {}, `${c.b} better`)))),
    element("p", { class: "quiet" }, `Lines are 95 % intervals, the band is the region of practical equivalence. ${page.comparisons[0].scope}`));
}

function historySection(run) {
  const rows = run.history;
  const last = rows.length;
  const x = { title: "epoch", low: 1, high: Math.max(2, last), ticks: last <= 12 ? rows.map((r) => r.epoch) : undefined };
  const line = (title, name, colour) => ({ title, kind: "line", colour, points: rows.filter((r) => r[name] !== null && r[name] !== undefined).map((r) => [r.epoch, r[name]]) });
  const parts = (name) => [line("training", `train_${name}`, 1), line("validation", `val_${name}`, 2)].filter((one) => one.points.length);
  const values = (series) => series.flatMap((one) => one.points.map((p) => p[1]));
  const [loss, accuracy] = [parts("loss"), parts("accuracy")];
  const lowest = Math.max(0, Math.floor(20 * Math.min(...values(accuracy))) / 20);
  return section("history", "How it learned", element("div", { class: "pair" },
    chart("history-accuracy", "Accuracy over the epochs", x, { title: "accuracy", low: lowest, high: 1, show: (v) => percent(v, 0) }, accuracy),
    chart("history-loss", "Loss over the epochs", x, { title: "loss in nats", low: 0, high: Math.max(...values(loss)) }, loss)),
    element("p", { class: "quiet" }, run.history_note));
}

/** The pictures of class i that were taken for j, in the gallery and, where there is one, in the projector. */
function openCell(i, j, answers, gallery) {
  const title = i === j ? `${page.classes[i]}, recognised` : `${page.classes[i]} taken for ${page.classes[j]}`;
  const own = (n) => n < page.examples && page.labels[n] === i && answers.predicted(n) === j;
  gallery.show(title, where(own), answers);
  const points = projector?.visible.filter(own) ?? [];
  if (points.length) projector.select(title, points); // the cell's pictures may be no points
  reveal(gallery);
}

function confusionSection(run, answers, gallery) {
  return section("confusion", "What is taken for what", confusion(page.classes, run.confusion, (i, j) => openCell(i, j, answers, gallery)), gallery.node);
}

function classesSection(run, answers, gallery) {
  const share = (name, title) => ({ title, number: true, key: (row) => row[name], show: (row) => element("span", { title: `${percent(row.intervals[name][0])} to ${percent(row.intervals[name][1])}, 95 %` }, percent(row[name])) });
  const errorsOf = (c) => { gallery.show(`Errors with ${page.classes[c]}`, where((n) => (page.labels[n] === c) !== (answers.predicted(n) === c)), answers); reveal(gallery); gallery.heading.focus({ preventScroll: true }); };
  const classes = table("per-class", "Scores of each class; a name opens its errors", [
    { title: "class", key: (row) => row.label, show: (row) => element("button", { type: "button", class: "plain link", onclick: () => errorsOf(page.classes.indexOf(row.label)) }, row.label) },
    share("precision", "precision"), share("recall", "recall"), share("f1", "F1"), { title: "examples", number: true, key: (row) => row.support, show: (row) => count(row.support) },
  ], run.per_class);
  const pairs = run.confusion.flatMap((row, i) => row.map((value, j) => ({ i, j, value, total: row.reduce((a, b) => a + b, 0) }))).filter((p) => p.i !== p.j && p.value).sort((a, b) => b.value - a.value).slice(0, 15);
  const confused = table("confused-pairs", "Most confused pairs; a pair opens its pictures", [
    { title: "true → predicted", key: (p) => `${page.classes[p.i]} → ${page.classes[p.j]}`, show: (p) => element("button", { type: "button", class: "plain link", onclick: () => { openCell(p.i, p.j, answers, gallery); gallery.heading.focus({ preventScroll: true }); } }, `${page.classes[p.i]} → ${page.classes[p.j]}`) },
    { title: "pictures", number: true, key: (p) => p.value }, { title: "of the class", number: true, key: (p) => p.value / p.total, show: (p) => percent(p.value / p.total, 1) },
  ], pairs);
  return section("classes", "Class by class", element("div", { class: "pair" }, classes, pairs.length ? confused : null));
}

function lossSection(answers) {
  const own = new Gallery(page, sprites, (index, among) => detail.show(index, among, answers));
  own.node.setAttribute("aria-label", "Pictures with the highest loss");
  const worst = where(() => true).sort((a, b) => answers.loss.values[b] - answers.loss.values[a]).slice(0, 60);
  own.show("Highest loss", worst, answers, "loss");
  const found = answers.suspect ? where((n) => answers.suspect.values[n]) : [];
  const suspects = new Gallery(page, sprites, (index, among) => detail.show(index, among, answers));
  suspects.node.setAttribute("aria-label", "Pictures whose label is suspect");
  suspects.show("Label suspect", found, answers, "loss");
  return section("worst", "Where it is most wrong", element("p", {}, "High loss: the model gives the true class little. Where it is sure of another class, the label itself may be wrong (confident learning)."), own.node, suspects.node);
}

function calibrationSection(run) {
  const found = run.calibration;
  const full = found.bins.filter((bin) => bin.count);
  return section("calibration", "Is it right as often as it says?", element("p", {}, found.sentence), element("div", { class: "pair" },
    chart("reliability", "Share that is right, by the probability of the answer", { title: "probability of the predicted class", low: 0, high: 1, show: (v) => percent(v, 0) }, { title: "share that is right", low: 0, high: 1, show: (v) => percent(v, 0) }, [
      { title: "right as often as it says", kind: "dash", colour: 3, points: [[0, 0], [1, 1]] },
      { title: "the model, 95 % intervals", kind: "line", colour: 1, points: full.map((bin) => [bin.confidence, bin.accuracy]), range: full.map((bin) => [bin.low, bin.high]) }]),
    chart("confidence", "How sure it is", { title: "probability of the predicted class", low: 0, high: 1, show: (v) => percent(v, 0) }, { title: "share of the examples", low: 0, high: Math.max(...found.bins.map((bin) => bin.share)), show: (v) => percent(v, 0) }, [
      { title: "examples", kind: "bars", colour: 1, points: found.bins.map((bin) => [bin.from, bin.share]), width: found.bins[0].to - found.bins[0].from }])));
}

function projectorSection(answers) {
  const gallery = new Gallery(page, sprites, (index, among) => detail.show(index, among, answers));
  gallery.node.setAttribute("aria-label", "Selected pictures");
  gallery.node.hidden = true;
  projector = new Projector(page, answers, sprites, (title, indices) => { gallery.node.hidden = false; gallery.show(title, indices, answers, "plain"); }, (index, among) => detail.show(index, among, answers));
  return section("projector", "Every picture a point", element("p", {}, page.projector_note), projector.node, gallery.node);
}

function put(sections) {
  main.replaceChildren(...sections);
  const links = sections.map((one) => element("a", { href: `#${one.id}` }, one.querySelector("h2").textContent));
  document.getElementById("links").replaceChildren(...links);
}

function drawDoctor() {
  const review = new Review(page, sprites);
  const found = findings(page);
  found.append(review.node);
  put([found, ...review.sections]);
}

function draw() {
  if (page.kind === "doctor") return drawDoctor();
  const [run, answers] = [page.runs[chosen], page.answers[chosen]];
  const gallery = new Gallery(page, sprites, (index, among) => detail.show(index, among, answers));
  gallery.show("Errors", where((n) => page.labels[n] !== answers.predicted(n)), answers);
  const sections = [
    summary(run), page.projections.length ? projectorSection(answers) : null, page.comparisons.length ? comparisons() : null, confusionSection(run, answers, gallery), classesSection(run, answers, gallery),
    lossSection(answers), run.calibration ? calibrationSection(run) : null, run.history.length ? historySection(run) : null,
  ].filter(Boolean);
  put(sections);
  return projector?.start().catch((error) => { projector.node.replaceWith(element("p", { class: "note" }, `The projector cannot start: ${error.message}.`)); projector = null; });
}

function header() {
  const select = element("select", { "aria-label": "Run", onchange: () => { chosen = Number(select.value); draw(); } },
    page.runs.map((run, r) => element("option", { value: r }, run.name)));
  const themes = ["", "light", "dark"];
  const words = { "": "auto", light: "light", dark: "dark" };
  const root = document.documentElement;
  const theme = element("button", { type: "button", class: "small", onclick: () => {
    root.dataset.theme = themes[(themes.indexOf(root.dataset.theme) + 1) % themes.length];
    try { localStorage.setItem("dressform-theme", root.dataset.theme); } catch { /* a page from disk may have no storage */ }
    theme.textContent = `Colours: ${words[root.dataset.theme]}`;
    projector?.draw();
  } }, `Colours: ${words[root.dataset.theme] ?? "auto"}`);
  document.getElementById("top").append(
    element("div", { class: "bar" }, element("h1", {}, page.title), page.runs.length > 1 ? element("label", {}, "Shown: ", select) : null, theme),
    element("p", { class: "quiet" }, `dressform ${page.version}`.trim(), `, ${page.made}`));
}

header();
await draw();
addEventListener("beforeprint", () => { seeAll(); if (projector) putOnPaper(projector); });
const asked = new URLSearchParams(location.hash.slice(1));
const at = page.ids[Number(asked.get("at") ?? -1)] === asked.get("picture") ? Number(asked.get("at")) : page.ids.indexOf(asked.get("picture"));
if (at >= 0) detail.show(at, [at], page.answers[chosen]);
globalThis.dressform = { page, projector }; // for the browser's console, and for tests
document.documentElement.dataset.ready = "yes";
