// The data doctor's page: each finding with its images, and what a person decides about it.

import { Decisions, exampleOf } from "dressform/decisions.js";
import { FindingImages, card, suggestionOf } from "dressform/finding.js";
import { announce, button, byId, count, element, moreText, save, section } from "dressform/html.js";
import { KEYS, ReviewDialog, listenToKeys } from "dressform/review_dialog.js";
import { summarySection } from "dressform/review_summary.js";

/** @import { Page } from "dressform/data.js" */
/** @import { Sprites } from "dressform/sprites.js" */
/** @import { Action, Finding } from "dressform/types.js" */

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
    "Images that are identical, shifted, brighter, darker or mirrored. A decision is about the " +
      "first image of a pair. A test image with a near duplicate in the training set is not unseen " +
      "data.",
  ],
  [
    "outlier",
    "Outliers",
    "Images that are far from their nearest neighbours of the same class. The farthest 100 of each " +
      "split are listed.",
  ],
];

/** @type {Record<string, string>} */
const STATES = { all: "All", undecided: "Undecided", decided: "Decided" };

/**
 * A list of findings on the page.
 * @typedef {object} Listing
 * @property {Finding[]} findings those that pass the filters
 * @property {HTMLElement} grid
 * @property {() => void} grow show the next page
 * @property {() => void} refill show the first page of what passes the filters
 * @property {() => void} redraw draw the shown cards again
 */

export class Review {
  /**
   * @param {Page} page
   * @param {Sprites} sprites
   */
  constructor(page, sprites) {
    this.page = page;
    this.images = new FindingImages(page, sprites);
    this.decisions = new Decisions(page);
    /** @type {Listing[]} */
    this.listings = [];
    /** @type {Finding | null} the one that keys decide about */
    this.current = null;
    this.className = "";
    this.state = "all";
    this.status = element("p", { role: "status" });
    this.undoButton = button("Undo", () => this.undo());
    this.dialog = new ReviewDialog(this);
    byId("main").after(this.bar());
    document.body.append(this.dialog.node);
    listenToKeys(this);
    this.showSummary();
  }

  sections() {
    const { review } = this.page;
    const sections = KINDS.map(([kind, title, explanation]) => {
      const findings = review.findings.filter((finding) => finding.kind === kind);
      return findings.length ? this.kindSection(kind, title, explanation, findings) : [];
    });
    // The finding that the first key is about.
    const [first] = this.shown();
    if (first) this.cardOf(first)?.classList.add("first");
    return [summarySection(this.page, this.filters()), ...sections.flat()];
  }

  filters() {
    const choice = (
      /** @type {string} */ text,
      /** @type {[string, string][]} */ options,
      /** @type {(value: string) => void} */ onchange,
    ) => {
      const select = element(
        "select",
        {
          "aria-label": text,
          onchange: () => {
            onchange(select.value);
            for (const listing of this.listings) listing.refill();
          },
        },
        options.map(([value, label]) => element("option", { value }, label)),
      );
      return element("label", {}, `${text} `, select);
    };
    const classes = this.page.classes.map((name) => /** @type {[string, string]} */ ([name, name]));
    return element(
      "div",
      { class: "bar" },
      choice("Class", [["", "All classes"], ...classes], (value) => {
        this.className = value;
      }),
      choice("Show", Object.entries(STATES), (value) => {
        this.state = value;
      }),
    );
  }

  /** The bar at the bottom of the window: what was decided, saving and loading, and the keys. */
  bar() {
    const input = element("input", {
      type: "file",
      accept: ".json",
      class: "visually-hidden",
      id: "load",
      onchange: () => this.load(input.files?.[0]),
    });
    const keys = KEYS.map(([key, text]) => [element("kbd", {}, key), ` ${text} `]);
    return element(
      "aside",
      { class: "review-bar", "aria-label": "Decisions" },
      element(
        "div",
        { class: "bar" },
        this.status,
        this.undoButton,
        button("Save review.json", () => this.save(), { class: "main" }),
        input,
        element("label", { for: "load", class: "button" }, "Load a saved review"),
      ),
      element("p", { class: "keys quiet" }, "Keys: ", keys),
    );
  }

  /** @param {Finding} finding */
  passes(finding) {
    const { className, state, decisions } = this;
    const ofClass = !className || [finding.label, finding.suggested].includes(className);
    return ofClass && (state === "all" || decisions.isDecided(finding) === (state === "decided"));
  }

  /**
   * @param {string} kind
   * @param {string} title
   * @param {string} explanation
   * @param {Finding[]} findings
   */
  kindSection(kind, title, explanation, findings) {
    const grid = element("div", { class: "finding-grid" });
    const more = button("", () => listing.grow());
    const fill = (/** @type {number} */ end) => {
      grid.append(...listing.findings.slice(grid.childElementCount, end).map((f) => this.card(f)));
      const left = listing.findings.length - grid.childElementCount;
      more.hidden = left <= 0;
      more.textContent = moreText(left, PAGE_SIZE);
    };
    /** @type {Listing} */
    const listing = {
      findings,
      grid,
      grow: () => fill(grid.childElementCount + PAGE_SIZE),
      refill: () => {
        listing.findings = findings.filter((finding) => this.passes(finding));
        const [shown, all] = [listing.findings.length, findings.length].map(count);
        const heading = node.querySelector("h2");
        if (heading)
          heading.textContent = `${title} (${shown === all ? all : `${shown} of ${all}`})`;
        grid.replaceChildren();
        fill(PAGE_SIZE);
      },
      redraw: () => {
        const end = grid.childElementCount;
        grid.replaceChildren();
        fill(end);
      },
    };
    const all = (/** @type {Action} */ action, /** @type {string} */ text) =>
      button(text, () => this.decide(listing.findings.slice(0, grid.childElementCount), action), {
        class: "small",
      });
    const node = section(
      kind,
      `${title} (${count(findings.length)})`,
      element("p", {}, explanation),
      element(
        "div",
        { class: "bar controls" },
        "Apply to all shown: ",
        all("keep", "keep"),
        kind === "label" && all("relabel", "relabel as suggested"),
        all("drop", "drop"),
      ),
      grid,
      more,
    );
    this.listings.push(listing);
    listing.grow();
    return node;
  }

  /** @param {Finding} finding */
  card(finding) {
    const decision = this.decisions.isDecided(finding) ? this.decisions.of(finding) : null;
    const node = card(this.images, finding, decision, {
      decide: (action, to, goOn = false) => {
        this.decide([finding], action, () => to);
        if (goOn) this.step(1);
      },
      enlarge: () => this.dialog.open(finding),
    });
    node.addEventListener("focusin", () => {
      this.current = finding;
      document.querySelector(".finding.first")?.classList.remove("first");
    });
    return node;
  }

  /**
   * Decide about findings and show it on each card of their examples.
   * @param {Finding[]} findings
   * @param {Action} action
   * @param {(finding: Finding) => string} classOf
   */
  decide(findings, action, classOf = suggestionOf) {
    this.decisions.decide(findings, action, classOf);
    this.refresh(findings.map(exampleOf));
    announce(`${findings.length} ${action === "keep" ? "kept" : `to ${action}`}`);
  }

  undo() {
    const examples = this.decisions.undo();
    this.refresh(examples);
    const finding = this.shown().find((one) => examples.includes(exampleOf(one)));
    if (finding) this.goTo(finding);
    announce(examples.length ? "Undone" : "Nothing to undo");
  }

  /**
   * Draw the cards of some examples again.
   * @param {string[]} examples
   */
  refresh(examples) {
    const changed = new Set(examples);
    const focused = document.activeElement;
    for (const { findings, grid } of this.listings) {
      findings.slice(0, grid.childElementCount).forEach((finding, i) => {
        if (!changed.has(exampleOf(finding))) return;
        const old = grid.children[i];
        const place = controlIn(old, focused);
        const node = this.card(finding);
        old.replaceWith(node);
        if (place !== null) focusControl(node, place);
      });
    }
    this.dialog.refresh();
    this.showSummary();
  }

  showSummary() {
    this.status.textContent = this.decisions.summary();
    this.undoButton.disabled = this.decisions.steps.length === 0;
  }

  /** The findings that have a card, in the page's order. */
  shown() {
    return this.listings.flatMap(({ findings, grid }) => findings.slice(0, grid.childElementCount));
  }

  /**
   * Make a finding the current one and bring it into view.
   * @param {Finding} finding
   */
  goTo(finding) {
    this.current = finding;
    if (this.dialog.isOpen) this.dialog.show(finding);
    else this.cardOf(finding)?.focus();
  }

  /** @param {Finding} finding */
  cardOf(finding) {
    const { grid, findings } =
      this.listings.find((listing) => listing.findings.includes(finding)) ?? {};
    const node = grid?.children[findings?.indexOf(finding) ?? -1];
    return node instanceof HTMLElement ? node : null;
  }

  /** Whether the first finding of the page can be seen, so that a key may decide about it. */
  firstIsInView() {
    const [first] = this.shown();
    const box = first && this.cardOf(first)?.getBoundingClientRect();
    return Boolean(box && box.top < innerHeight && box.bottom > 0);
  }

  /**
   * Go some findings on; at the end of what a section shows, it shows more.
   * @param {number} by
   */
  step(by) {
    const at = this.current ? this.shown().indexOf(this.current) : -1;
    const listing = this.listings.find(
      ({ findings, grid }) => this.current && findings[grid.childElementCount - 1] === this.current,
    );
    if (by > 0 && listing && listing.findings.length > listing.grid.childElementCount) {
      listing.grow();
    }
    const next = this.shown()[at < 0 ? 0 : at + by];
    if (next) this.goTo(next);
    else announce(by > 0 ? "This is the last finding" : "This is the first finding");
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
      for (const listing of this.listings) listing.redraw();
      this.showSummary();
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

/**
 * Which control of a card has the focus: its number, -1 for the card itself, null for none.
 * @param {Element} node
 * @param {Element | null} focused
 */
function controlIn(node, focused) {
  if (!focused || !node.contains(focused)) return null;
  return [...node.querySelectorAll("button, select")].indexOf(focused);
}

/**
 * @param {HTMLElement} node
 * @param {number} place
 */
function focusControl(node, place) {
  const control = node.querySelectorAll("button, select")[place] ?? node;
  if (control instanceof HTMLElement) control.focus({ preventScroll: true });
}

/** @param {{digests?: Record<string, string>}} review */
const digestsOf = ({ digests }) => JSON.stringify(Object.entries(digests ?? {}).sort());
