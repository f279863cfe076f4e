// The data doctor's page: each finding with its images, and what a person decides about it.

import { drawWhenNear } from "dressform/gallery.js";
import {
  announce,
  button,
  count,
  element,
  moreText,
  percent,
  save,
  section,
} from "dressform/html.js";

/** @import { Page } from "dressform/data.js" */
/** @import { Sprites } from "dressform/sprites.js" */
/** @import { Action, Finding, Interval, Rescored } from "dressform/types.js" */

/** @typedef {{action: Action, to: string | null}} Decision */
/** @typedef {{finding: Finding, number: number}} Numbered a finding and its number on the page */

const PAGE_SIZE = 40;

/** @type {[Finding["kind"], string, string][]} */
const KINDS = [
  [
    "label",
    "Suspect labels",
    "Examples whose given label the model finds least likely (confident learning). " +
      "The model was not trained on them.",
  ],
  [
    "duplicate",
    "Near duplicates",
    "Images that are identical, shifted, brighter, darker or mirrored. You can drop the later " +
      "one of each pair. A test image with a near duplicate in the training set is not unseen data.",
  ],
  ["outlier", "Outliers", "Images that are far from their nearest neighbours of the same class."],
];

/**
 * What a decision is about: an example, however many findings concern it.
 * @param {Finding} finding
 */
const exampleOf = ({ split, id }) => `${split} ${id}`; // two splits may share ids

/** The decisions about the examples of a page, kept in the browser's storage. */
class Decisions {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.storage = `dressform-review-${Object.values(page.review.digests).join("-")}`;
    /** @type {Map<string, Decision>} */
    this.decisions = new Map();
    try {
      this.add(JSON.parse(localStorage.getItem(this.storage) ?? "[]"));
    } catch {
      // a page that was opened from the disk may have no storage
    }
  }

  /**
   * @param {Finding} finding
   * @returns {Decision}
   */
  of(finding) {
    return this.decisions.get(exampleOf(finding)) ?? { action: "keep", to: null };
  }

  /**
   * @param {Finding} finding
   * @param {Action} action
   * @param {string | null} to the new class, where the example is relabelled
   */
  set(finding, action, to) {
    if (action === "keep") this.decisions.delete(exampleOf(finding));
    else this.decisions.set(exampleOf(finding), { action, to: action === "relabel" ? to : null });
    this.store();
  }

  /**
   * Take over the decisions of saved findings, as far as they concern examples and classes of this
   * page.
   * @param {Finding[]} findings
   * @returns {number} how many were taken over
   */
  add(findings) {
    const { classes, review } = this.page;
    const examples = new Set(review.findings.map(exampleOf));
    const usable = findings.filter(
      (finding) =>
        examples.has(exampleOf(finding)) &&
        (finding.action === "drop" ||
          (finding.action === "relabel" && classes.includes(finding.to ?? ""))),
    );
    for (const finding of usable) {
      this.decisions.set(exampleOf(finding), { action: finding.action, to: finding.to ?? null });
    }
    return usable.length;
  }

  /**
   * Take over all decisions of saved findings in place of the present ones.
   * @param {Finding[]} findings
   * @returns {number} how many could not be taken over
   */
  replace(findings) {
    const decided = findings.filter((finding) => finding.action !== "keep");
    this.decisions.clear();
    const added = this.add(decided);
    this.store();
    return decided.length - added;
  }

  /** The review with the decisions, as `dressform data apply` reads it. */
  document() {
    const { review } = this.page;
    const findings = review.findings.map((finding) => ({ ...finding, ...this.of(finding) }));
    return { ...review, findings };
  }

  store() {
    const decided = this.document().findings.filter((finding) => finding.action !== "keep");
    try {
      localStorage.setItem(this.storage, JSON.stringify(decided));
    } catch {
      // as above
    }
  }

  summary() {
    const actions = [...this.decisions.values()].map((decision) => decision.action);
    const number = (/** @type {Action} */ action) =>
      count(actions.filter((one) => one === action).length);
    const findings = count(this.page.review.findings.length);
    return `${number("relabel")} to relabel, ${number("drop")} to drop (${findings} findings)`;
  }
}

export class Review {
  /**
   * @param {Page} page
   * @param {Sprites} sprites
   */
  constructor(page, sprites) {
    this.page = page;
    this.sprites = sprites;
    this.indices = new Map(page.ids.map((id, i) => [`${page.splits[i]} ${id}`, i]));
    this.decisions = new Decisions(page);
    this.status = element("p", { role: "status" }, this.decisions.summary());
    /** @type {(() => void)[]} draw the cards of a section again */
    this.refills = [];
  }

  sections() {
    const { review } = this.page;
    const numbered = review.findings.map((finding, number) => ({ finding, number }));
    const sections = KINDS.map(([kind, title, explanation]) => {
      const findings = numbered.filter(({ finding }) => finding.kind === kind);
      return findings.length ? this.kindSection(kind, title, explanation, findings) : [];
    });
    return [this.summarySection(), ...sections.flat()];
  }

  /** What was found, what it does to scores, and saving and loading. */
  summarySection() {
    const { counts, reevaluated } = this.page;
    const input = element("input", {
      type: "file",
      accept: ".json",
      class: "visually-hidden",
      id: "load",
      onchange: () => this.load(input.files?.[0]),
    });
    const about = reevaluated.length
      ? "The scored model also decides which labels are suspect, so the score without them is " +
        "an upper bound. Intervals are 95 % (Wilson)."
      : "Labels were not checked. To check them, give predictions of a model that was not " +
        "trained on these examples, with --predictions.";
    return section(
      "findings",
      "Findings",
      element(
        "ul",
        {},
        counts.map(([what, number]) => element("li", {}, `${count(number)} ${what}`)),
      ),
      reevaluated.map(scoreTable),
      element("p", { class: "quiet" }, about),
      element(
        "div",
        { class: "bar" },
        button("Save review.json", () => this.save(), { class: "main" }),
        input,
        element("label", { for: "load", class: "button" }, "Load a saved review"),
        this.status,
      ),
      element(
        "p",
        { class: "quiet" },
        "This browser keeps your decisions until you save them. " +
          "Then apply them: dressform data apply review.json",
      ),
    );
  }

  /**
   * @param {string} kind
   * @param {string} title
   * @param {string} explanation
   * @param {Numbered[]} findings
   */
  kindSection(kind, title, explanation, findings) {
    const grid = element("div", { class: "finding-grid" });
    const more = button("", () => show(grid.childElementCount + PAGE_SIZE));
    const show = (/** @type {number} */ end) => {
      const next = findings.slice(grid.childElementCount, end);
      grid.append(...next.map(({ finding, number }) => this.card(finding, number)));
      const left = findings.length - grid.childElementCount;
      more.hidden = left <= 0;
      more.textContent = moreText(left, PAGE_SIZE);
    };
    this.refills.push(() => {
      const shown = grid.childElementCount;
      grid.replaceChildren();
      show(shown);
    });
    show(PAGE_SIZE);
    const all = (/** @type {Action} */ action, /** @type {string} */ text) => {
      const apply = () => {
        for (const { finding } of findings.slice(0, grid.childElementCount)) {
          this.decide(finding, action, finding.suggested ?? finding.label);
        }
      };
      return button(text, apply, { class: "small" });
    };
    return section(
      kind,
      `${title} (${count(findings.length)})`,
      element("p", {}, explanation),
      element(
        "div",
        { class: "bar" },
        "Apply to all shown: ",
        all("keep", "keep"),
        kind === "label" && all("relabel", "relabel as suggested"),
        all("drop", "drop"),
      ),
      grid,
      more,
    );
  }

  /**
   * @param {Finding} finding
   * @param {number} number
   */
  card(finding, number) {
    const { action, to } = this.decisions.of(finding);
    const relabelled = to ?? finding.suggested ?? finding.label;
    const select = element(
      "select",
      {
        "aria-label": `New class of ${finding.id}`,
        onchange: () => this.decide(finding, "relabel", select.value),
      },
      this.page.classes.map((value) =>
        element("option", { value, selected: value === relabelled }, value),
      ),
    );
    const radio = (/** @type {Action} */ value) => {
      const input = element("input", {
        type: "radio",
        name: `finding-${number}`,
        value,
        checked: action === value,
        onchange: () => this.decide(finding, value, select.value),
      });
      return element("label", {}, input, ` ${value} `);
    };
    const suggestion = finding.suggested ? ` → ${finding.suggested}?` : "";
    return element(
      "fieldset",
      { class: "finding", "data-example": exampleOf(finding) },
      element("legend", {}, finding.label, suggestion, " ", element("small", {}, finding.split)),
      element(
        "div",
        { class: "twins" },
        this.figure(finding.split, finding.id),
        finding.other && this.figure(finding.other_split ?? finding.split, finding.other),
      ),
      element("p", {}, finding.reason),
      element(
        "div",
        { class: "choices" },
        radio("keep"),
        radio("drop"),
        element("span", {}, radio("relabel"), select),
      ),
    );
  }

  /**
   * @param {string} split
   * @param {string} id
   */
  figure(split, id) {
    const [width, height] = this.page.tile; // the final size, so that drawing moves nothing
    const label = `${id} in ${split}`;
    const canvas = element("canvas", { width, height, role: "img", "aria-label": label });
    const index = this.indices.get(`${split} ${id}`);
    if (index !== undefined) drawWhenNear(canvas, () => this.sprites.draw(canvas, index));
    return element("figure", {}, canvas, element("figcaption", {}, id));
  }

  /**
   * Decide about an example and show it on each of its cards.
   * @param {Finding} finding
   * @param {Action} action
   * @param {string} to
   */
  decide(finding, action, to) {
    this.decisions.set(finding, action, to);
    const example = CSS.escape(exampleOf(finding));
    for (const card of document.querySelectorAll(`.finding[data-example="${example}"]`)) {
      const radio = card.querySelector(`[value="${action}"]`);
      const select = card.querySelector("select");
      if (radio instanceof HTMLInputElement) radio.checked = true;
      if (select && action === "relabel") select.value = to;
    }
    this.status.textContent = this.decisions.summary();
  }

  save() {
    const text = `${JSON.stringify(this.decisions.document(), null, 2)}\n`;
    save("review.json", "application/json", text);
  }

  /** @param {File | undefined} file */
  async load(file) {
    if (!file) return;
    try {
      const review = JSON.parse(await file.text());
      const same = digestsOf(review) === digestsOf(this.page.review);
      if (!same || !Array.isArray(review.findings)) {
        throw new Error("it is a review of a different dataset");
      }
      const ignored = this.decisions.replace(review.findings);
      for (const refill of this.refills) refill();
      this.status.textContent = this.decisions.summary();
      if (ignored) {
        this.status.textContent +=
          `; ${count(ignored)} decisions of ${file.name} were ignored: ` +
          "this page has no such example or class";
      }
      announce("Review loaded");
    } catch (error) {
      const reason = error instanceof Error ? error.message : error;
      this.status.textContent = `${file.name} cannot be loaded: ${reason}.`;
    }
  }
}

/** @param {{digests?: Record<string, string>}} review */
const digestsOf = ({ digests }) => JSON.stringify(Object.entries(digests ?? {}).sort());

/**
 * A model's accuracy with and without the examples that were found.
 * @param {Rescored} rescored
 */
function scoreTable({ name, split, scores }) {
  const row = (/** @type {[string, Interval]} */ [what, { value, low, high, n }]) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, what),
      element("td", { class: "number" }, percent(value)),
      element("td", { class: "number" }, `${percent(low)} to ${percent(high)}`),
      element("td", { class: "number" }, `n = ${count(n)}`),
    );
  return element(
    "figure",
    {},
    element("figcaption", {}, `Accuracy of ${name} on ${split}`),
    element("div", { class: "scroll" }, element("table", {}, scores.map(row))),
  );
}
