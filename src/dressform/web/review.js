// The data doctor's page: each finding with its pictures, and what is to be done about it.

import { whenSeen } from "dressform/gallery.js";
import { count, element, percent, save, say } from "dressform/html.js";

const PAGE = 40;
const KINDS = {
  label: ["Labels that may be wrong", "As many as the model, which did not learn from them, contradicts as surely as it is usually right; those whose label it believes least."],
  duplicate: ["Near duplicates", "Equal, shifted, brighter, darker or mirrored. The later one of each pair can be dropped; one in test whose twin is in train is not unseen."],
  outlier: ["Like no other", "Far from their nearest ones of the same class."],
};

export class Review {
  constructor(page, sprites) {
    Object.assign(this, { page, sprites });
    this.place = new Map(page.ids.map((id, i) => [`${page.splits[i]} ${id}`, i])); // two splits may share ids
    this.storage = `dressform-review-${Object.values(page.review.digests).join("-")}`;
    this.decided = new Map();
    this.restore();
    this.status = element("p", { role: "status" });
    this.sections = Object.keys(KINDS).map((kind) => this.section(kind)).filter(Boolean);
    const load = element("input", { type: "file", accept: ".json", class: "unseen", id: "load", onchange: () => this.load(load.files[0]) });
    this.node = element("div", {},
      element("div", { class: "bar" }, element("button", { type: "button", class: "main", onclick: () => this.save() }, "Save review.json"), load, element("label", { for: "load", class: "button" }, "Go on with a saved one"), this.status),
      element("p", { class: "quiet" }, "Decisions are kept in this browser until saved. Then: dressform data apply review.json"));
    this.tell();
  }

  /** A decision is about an example, however many findings there are about it: {action, to} by split and id. */
  key(finding) { return `${finding.split} ${finding.id}`; }

  of(finding) { return this.decided.get(this.key(finding)) ?? { action: "keep", to: null }; }

  restore() {
    try { this.take(JSON.parse(localStorage.getItem(this.storage) ?? "[]")); } catch { /* a page from disk may have no storage */ }
  }

  keep() {
    try { localStorage.setItem(this.storage, JSON.stringify(this.document().findings.filter((f) => f.action !== "keep"))); } catch { /* as above */ }
  }

  /** Decisions of saved findings, those that are about examples of this page; how many were. */
  take(findings) {
    const here = new Set(this.page.review.findings.map((finding) => this.key(finding)));
    const good = ({ action, to }) => action === "drop" || (action === "relabel" && this.page.classes.includes(to));
    const taken = findings.filter((finding) => here.has(this.key(finding)) && good(finding));
    for (const finding of taken) this.decided.set(this.key(finding), { action: finding.action, to: finding.to ?? null });
    return taken.length;
  }

  tell() {
    const actions = [...this.decided.values()].map((d) => d.action);
    const of = (action) => actions.filter((a) => a === action).length;
    this.status.textContent = `${count(of("relabel"))} to relabel, ${count(of("drop"))} to drop, of ${count(this.page.review.findings.length)} findings`;
  }

  decide(finding, action, to) {
    if (action === "keep") this.decided.delete(this.key(finding)); else this.decided.set(this.key(finding), { action, to: action === "relabel" ? to : null });
    for (const card of document.querySelectorAll(`.finding[data-example="${CSS.escape(this.key(finding))}"]`)) {
      card.querySelector(`[value="${action}"]`).checked = true;
      if (action === "relabel") card.querySelector("select").value = to;
    }
    this.keep();
    this.tell();
  }

  document() {
    const { review } = this.page;
    return { ...review, findings: review.findings.map((finding) => ({ ...finding, ...this.of(finding) })) };
  }

  save() { save("review.json", "application/json", `${JSON.stringify(this.document(), null, 2)}\n`); }

  async load(file) {
    if (!file) return;
    try {
      const found = JSON.parse(await file.text());
      const digests = (of) => JSON.stringify(Object.entries(of ?? {}).sort());
      if (!Array.isArray(found.findings) || digests(found.digests) !== digests(this.page.review.digests)) throw new Error("it is a review of other data");
      const wanted = found.findings.filter((finding) => finding.action !== "keep");
      this.decided = new Map();
      const taken = this.take(wanted);
      for (const grid of document.querySelectorAll(".findings")) grid.refill();
      this.keep();
      this.tell();
      if (taken < wanted.length) this.status.textContent += `; ${count(wanted.length - taken)} decisions in ${file.name} are about nothing on this page, or name no class of it`;
      say("Review loaded");
    } catch (error) { this.status.textContent = `${file.name} cannot be used: ${error.message}.`; }
  }

  canvas(split, id) {
    const [width, height] = this.page.tile; // as it will be: nothing may move when it is drawn
    const canvas = element("canvas", { width, height, role: "img", "aria-label": `${id} in ${split}` });
    const place = this.place.get(`${split} ${id}`);
    if (place !== undefined) whenSeen(canvas, () => this.sprites.draw(canvas, place));
    return element("figure", {}, canvas, element("figcaption", {}, id));
  }

  card(finding, i) {
    const { classes } = this.page;
    const decision = this.of(finding);
    const to = element("select", { "aria-label": `New class of ${finding.id}`, onchange: () => { this.decide(finding, "relabel", to.value); } },
      classes.map((name) => element("option", { value: name, selected: name === (decision.to ?? finding.suggested ?? finding.label) }, name)));
    const radio = (action) => element("input", { type: "radio", name: `finding-${i}`, value: action, checked: decision.action === action, onchange: () => this.decide(finding, action, to.value) });
    return element("fieldset", { class: "finding", "data-example": this.key(finding) },
      element("legend", {}, `${finding.label}${finding.suggested ? ` → ${finding.suggested}?` : ""} `, element("small", {}, finding.split)),
      element("div", { class: "twins" }, this.canvas(finding.split, finding.id), finding.other ? this.canvas(finding.other_split ?? finding.split, finding.other) : null),
      element("p", {}, finding.reason),
      element("div", { class: "choices" }, element("label", {}, radio("keep"), " keep"), element("label", {}, radio("drop"), " drop"), element("span", {}, element("label", {}, radio("relabel"), " relabel "), to)));
  }

  section(kind) {
    const own = this.page.review.findings.flatMap((finding, i) => (finding.kind === kind ? [[finding, i]] : []));
    if (!own.length) return null;
    const grid = element("div", { class: "findings" });
    const more = element("button", { type: "button", onclick: () => grow() });
    const grow = (upTo = grid.childElementCount + PAGE) => {
      grid.append(...own.slice(grid.childElementCount, upTo).map(([finding, i]) => this.card(finding, i)));
      const left = own.length - grid.childElementCount;
      more.hidden = left <= 0;
      more.textContent = `Show ${Math.min(PAGE, left)} more of ${count(left)}`;
    };
    grid.refill = () => { const shown = grid.childElementCount; grid.replaceChildren(); grow(shown); };
    grow();
    const all = (action, text) => element("button", { type: "button", class: "small", onclick: () => {
      for (const [finding] of own.slice(0, grid.childElementCount)) this.decide(finding, action, finding.suggested ?? finding.label);
    } }, text);
    return element("section", { id: kind, "aria-labelledby": `${kind}-title` }, element("h2", { id: `${kind}-title` }, `${KINDS[kind][0]} (${count(own.length)})`),
      element("p", {}, KINDS[kind][1]), element("div", { class: "bar" }, "All that are shown: ", all("keep", "keep"), kind === "label" ? all("relabel", "relabel as suggested") : null, all("drop", "drop")), grid, more);
  }
}

/** What was counted, and what it does to scores. */
export function findings(page) {
  return element("section", { id: "found", "aria-labelledby": "found-title" }, element("h2", { id: "found-title" }, "What was found"),
    element("ul", {}, page.counts.map(([what, number]) => element("li", {}, `${count(number)} ${what}`))),
    page.reevaluated.map((one) => element("figure", {}, element("figcaption", {}, `Accuracy of ${one.name} on ${one.split}`),
      element("table", {}, one.scores.map(([what, found]) => element("tr", {}, element("th", { scope: "row" }, what), element("td", { class: "number" }, percent(found.value)), element("td", {}, `${percent(found.low)} to ${percent(found.high)}`), element("td", { class: "number" }, `n = ${count(found.n)}`)))))),
    page.reevaluated.length ? element("p", { class: "quiet" }, "The model that is scored also says which labels are suspect, so the score without them is an upper bound. Intervals: Wilson, 95 %.") : element("p", {}, "Labels were not judged: give predictions of models that did not learn from them, with --predictions."));
}
