// One finding of the data doctor at a time, with large images, and the keys that decide.

import { choices, titleOf } from "dressform/finding.js";
import { announce, button, element } from "dressform/html.js";

/** @import { Review } from "dressform/review.js" */
/** @import { Action, Finding } from "dressform/types.js" */

/** @type {[string, string][]} */
export const KEYS = [
  ["K", "keep"],
  ["D", "drop"],
  ["R", "relabel"],
  ["→", "next"],
  ["←", "previous"],
  ["U", "undo"],
  ["Enter", "enlarge"],
  ["Esc", "close"],
];

/** @type {Record<string, Action>} */
const ACTIONS = { k: "keep", d: "drop", r: "relabel" };

/** @type {Record<string, number>} */
const STEPS = { arrowright: 1, n: 1, arrowleft: -1, p: -1 };

export class ReviewDialog {
  /** @param {Review} review */
  constructor(review) {
    this.review = review;
    /** @type {Finding | null} */
    this.finding = null;
    this.node = element("dialog", { class: "enlarged", "aria-labelledby": "enlarged-title" });
    this.node.addEventListener("click", (event) => {
      if (event.target === this.node) this.node.close(); // beside the dialog
    });
    this.node.addEventListener("close", () => {
      if (this.finding) review.cardOf(this.finding)?.focus();
    });
  }

  get isOpen() {
    return this.node.open;
  }

  /** @param {Finding} finding */
  open(finding) {
    this.review.current = finding;
    this.show(finding);
    if (!this.isOpen) this.node.showModal();
  }

  /** Show the present finding again, with its present decision. */
  refresh() {
    if (this.isOpen && this.finding) this.show(this.finding);
  }

  /** @param {Finding} finding */
  show(finding) {
    const { review } = this;
    const { images, page, decisions } = review;
    const focused = document.activeElement?.getAttribute("data-focus");
    this.finding = finding;
    const shown = review.shown();
    const at = shown.indexOf(finding);
    const step = (
      /** @type {number} */ by,
      /** @type {string} */ text,
      /** @type {string} */ key,
    ) => button(text, () => review.step(by), { "data-focus": key, "aria-label": key });
    const decision = decisions.isDecided(finding) ? decisions.of(finding) : null;
    const paths = [images.pathOf(finding)];
    if (finding.other) {
      paths.push(images.pathOf({ split: finding.other_split ?? finding.split, id: finding.other }));
    }
    this.node.replaceChildren(
      element(
        "form",
        { method: "dialog", class: "bar" },
        element("h2", { id: "enlarged-title" }, titleOf(finding)),
        element("span", { class: "quiet" }, `${at + 1} of ${shown.length}`),
        step(-1, "←", "Previous finding"),
        step(1, "→", "Next finding"),
        element("button", { "data-focus": "close" }, "Close"),
      ),
      element(
        "div",
        { class: "twins" },
        images.figures(finding, (_, draw) => draw()),
      ),
      element("p", {}, finding.reason),
      choices(page.classes, finding, decision, (action, to) => {
        review.decide([finding], action, () => to);
        review.step(1);
      }),
      ...paths.map((path) => element("p", { class: "path" }, element("code", {}, path))),
      element(
        "p",
        { class: "keys quiet" },
        "Keys: ",
        KEYS.map(([key, text]) => [element("kbd", {}, key), ` ${text} `]),
      ),
    );
    if (this.isOpen) this.focus(focused ?? "Next finding");
  }

  /** @param {string} key */
  focus(key) {
    const node = this.node.querySelector(`[data-focus="${CSS.escape(key)}"]`);
    if (node instanceof HTMLElement) node.focus();
  }
}

/**
 * Let keys decide about the current finding, on the page and in the dialog.
 * @param {Review} review
 */
export function listenToKeys(review) {
  document.addEventListener("keydown", (event) => {
    const { target } = event;
    if (target instanceof HTMLSelectElement || target instanceof HTMLInputElement) {
      const leaves = event.key === "Escape" && target.closest(".finding");
      if (leaves && review.current) review.goTo(review.current);
      return;
    }
    const onCard = target instanceof Element && target.matches(".finding");
    if (press(review, keyOf(event), onCard)) event.preventDefault();
  });
}

/**
 * The key as text, such as "k" or "ctrl+z".
 * @param {KeyboardEvent} event
 */
function keyOf({ key, altKey, ctrlKey, metaKey }) {
  return `${altKey ? "alt+" : ""}${ctrlKey || metaKey ? "ctrl+" : ""}${key.toLowerCase()}`;
}

/**
 * Do what a key stands for; false where it stands for nothing.
 * @param {Review} review
 * @param {string} key
 * @param {boolean} onCard whether a finding in the grid has the focus
 */
function press(review, key, onCard) {
  if (key === "u" || key === "ctrl+z") review.undo();
  else if (key in STEPS) review.step(STEPS[key]);
  else if (key in ACTIONS) decideCurrent(review, ACTIONS[key]);
  else if (key === "enter" && onCard && review.current) review.dialog.open(review.current);
  else return false;
  return true;
}

/**
 * Decide about the current finding and go on. Where no class is suggested, choose one first.
 * @param {Review} review
 * @param {Action} action
 */
function decideCurrent(review, action) {
  const { current, dialog } = review;
  if (!current) {
    const inView = review.firstIsInView();
    review.step(1);
    if (inView) decideCurrent(review, action);
    return;
  }
  if (action === "relabel" && !current.suggested) {
    const place = dialog.isOpen ? dialog.node : review.cardOf(current);
    place?.querySelector("select")?.focus();
    announce("Choose a class, then press Enter");
    return;
  }
  review.decide([current], action);
  review.step(1);
}
