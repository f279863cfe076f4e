// Labelling with the model's help: the most useful image first, one key for each.

import { failurePlace, showFailure } from "dressform/service/action.js";
import { ProjectRoutes } from "dressform/service/api.js";
import { labelled, numbered, typedClass } from "dressform/service/label_keys.js";
import { projectAddress } from "dressform/service/projects.js";
import { counted } from "dressform/service/texts.js";
import { announce, button, count, element, percent, section } from "dressform/html.js";

/** @import { ProjectContext, Screen, StoredImage } from "dressform/service/types.js" */
/** @typedef {{image: StoredImage, label: string | null}} Step a label, or null for one skipped */

const FETCHED = 60; // images at a time
const AHEAD = 3; // images that are loaded before they are shown

/** Labels are sent one after another, in the order in which they were given. */
let sent = Promise.resolve();

/** Resolves once each label is sent, of a screen that was left too; reads come after it. */
export const labelsSent = () => sent;

class Labelling {
  /** @param {ProjectContext} context */
  constructor({ project, signal, refresh }) {
    this.routes = new ProjectRoutes(project.id);
    this.project = project;
    this.refresh = refresh;
    /** @type {StoredImage[]} */
    this.queue = [];
    /** @type {Step[]} what undo goes back through */
    this.steps = [];
    /** @type {Set<string>} ids that are not shown again */
    this.seen = new Set();
    this.left = project.unlabelled;
    this.typed = "";
    this.failure = failurePlace();
    this.place = element("div", { class: "labelling", tabindex: "-1" });
    this.node = element("div", {}, this.failure, this.place);
    addEventListener("keydown", (event) => this.key(event), { signal });
  }

  get classes() {
    return this.project.classes.map(({ name }) => name);
  }

  get image() {
    return this.queue[0];
  }

  /** Read more images, most useful first. */
  async fetch() {
    const filter = { state: "unlabelled", sort: "usefulness", limit: FETCHED + this.seen.size };
    const { images, total } = await this.routes.images({
      ...filter,
      limit: Math.min(500, filter.limit),
    });
    this.queue = images.filter(({ id }) => !this.seen.has(id));
    this.left = Math.max(total, this.queue.length);
  }

  draw() {
    const { image } = this;
    if (!image) return this.drawEnd();
    for (const next of this.queue.slice(1, AHEAD + 1)) new Image().src = next.original;
    const { suggestion } = image;
    this.suggested = element(
      "p",
      { class: "headline", role: "status" },
      suggestion
        ? [
            "Suggestion: ",
            element("strong", { class: "suggestion" }, suggestion.label),
            ` ${percent(suggestion.probability, 0)}`,
          ]
        : element("span", { class: "quiet" }, "No suggestion yet."),
    );
    this.typing = element("span", { class: "quiet" });
    const parts = [
      this.figure(image),
      element(
        "div",
        {},
        this.suggested,
        suggestion &&
          button(["Confirm ", element("kbd", {}, "Enter")], () => this.give(suggestion.label), {
            class: "main",
          }),
        this.classButtons(),
        element(
          "div",
          { class: "bar" },
          button(["Skip ", element("kbd", {}, "→")], () => this.skip()),
          button(["Undo ", element("kbd", {}, "←")], () => this.undo(), {
            disabled: !this.steps.length,
          }),
          this.typing,
        ),
        element(
          "p",
          { class: "quiet" },
          `${count(this.given)} labelled now, ${count(this.left)} left.`,
        ),
        element(
          "p",
          { class: "keys quiet" },
          numbered(this.classes)
            ? "Number keys, or the first letters of a class, choose it."
            : "The first characters of a class choose it; Enter chooses what is typed in full.",
        ),
      ),
    ];
    const inside = this.place.contains(document.activeElement);
    this.place.replaceChildren(...parts);
    if (inside) this.place.focus();
  }

  /** @param {StoredImage} image */
  figure({ original, name }) {
    const onerror = (/** @type {Event} */ event) => this.fallBack(event);
    return element(
      "figure",
      { class: "labelled-image" },
      element("img", { src: original, alt: name, onerror }),
      element("figcaption", {}, name),
    );
  }

  /** A browser that does not show the format shows the thumbnail. @param {Event} event */
  fallBack(event) {
    const shown = /** @type {HTMLImageElement} */ (event.target);
    if (!shown.src.endsWith(this.image.thumbnail)) shown.src = this.image.thumbnail;
  }

  get given() {
    return this.steps.filter(({ label }) => label !== null).length;
  }

  classButtons() {
    const keys = numbered(this.classes) ? 10 : 0;
    return element(
      "div",
      { class: "label-choices", role: "group", "aria-label": "Class" },
      this.classes.map((name, c) =>
        button([c < keys && element("kbd", {}, String((c + 1) % 10)), ` ${name}`], () =>
          this.give(name),
        ),
      ),
    );
  }

  drawEnd() {
    const skipped = this.steps.filter(({ label }) => label === null).length;
    const text =
      this.project.images === 0 || (this.left === 0 && !this.steps.length)
        ? "There are no unlabelled images. Upload some on the Images tab as “unlabelled”; they arrive here, and after the first training with a suggestion, the most useful first."
        : `All done: ${counted(this.given, "image")} labelled${skipped ? `, ${skipped} skipped` : ""}. The next training uses them.`;
    this.place.replaceChildren(
      element(
        "div",
        {},
        element("p", {}, text),
        element(
          "div",
          { class: "bar" },
          this.steps.length > 0 && button("Undo", () => this.undo()),
          skipped > 0 && button("Show the skipped ones", () => this.restart()),
          element("a", { href: projectAddress(this.project) }, "Images"),
          element("a", { href: projectAddress(this.project, "training") }, "Training"),
        ),
      ),
    );
  }

  /** @param {string} label */
  give(label) {
    const { image } = this;
    if (!image) return;
    this.left -= 1;
    this.advance({ image, label });
    this.send(image, label);
    announce(
      `${label}; ${this.image?.suggestion ? `next: ${this.image.suggestion.label}?` : "next"}`,
    );
  }

  skip() {
    if (this.image) this.advance({ image: this.image, label: null });
  }

  /** @param {Step} step */
  advance(step) {
    this.typed = "";
    this.steps.push(step);
    this.seen.add(step.image.id);
    this.queue.shift();
    this.draw();
    if (!this.queue.length) this.restock();
  }

  async restock() {
    await labelsSent();
    try {
      await this.fetch();
      await this.refresh();
      this.draw();
    } catch (error) {
      showFailure(this.failure, error);
    }
  }

  async restart() {
    this.seen.clear();
    this.steps = [];
    await this.restock();
  }

  undo() {
    const step = this.steps.pop();
    if (!step) return;
    this.seen.delete(step.image.id);
    this.queue.unshift(step.image);
    if (step.label !== null) {
      this.left += 1;
      this.send(step.image, null);
    }
    this.draw();
    announce(`Back to ${step.image.name}`);
  }

  /**
   * Send a label; an image whose label was not taken comes back.
   * @param {StoredImage} image
   * @param {string | null} label
   */
  send(image, label) {
    sent = sent.then(async () => {
      try {
        await this.routes.label([image.id], label);
        this.failure.replaceChildren();
      } catch (error) {
        showFailure(this.failure, error);
        if (label === null) return;
        this.steps = this.steps.filter((step) => step.image.id !== image.id);
        this.seen.delete(image.id);
        this.left += 1;
        this.queue.unshift(image);
        this.draw();
      }
    });
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const target = /** @type {Element} */ (event.target);
    const elsewhere = target.closest("a, button, input, select, textarea, dialog, summary");
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowLeft" || event.key === "Backspace") return this.undo();
    if (!this.image) return;
    if (event.key === "ArrowRight") return this.skip();
    if (event.key === "Enter" && !elsewhere) return this.confirm();
    if (!target.closest("input, select, textarea, dialog") && event.key.length === 1) {
      this.type(event.key);
    }
  }

  /** Take the class that was typed in full, else the suggestion. */
  confirm() {
    const typed = this.classes.find((name) => name.toLowerCase() === this.typed.toLowerCase());
    const label = typed ?? this.image.suggestion?.label;
    if (label && (typed || !this.typed)) this.give(label);
  }

  /** @param {string} character a number, or a letter of a class */
  type(character) {
    const digit = labelled(character, this.classes, this.typed);
    if (digit) return this.give(digit);
    const { typed, label } = typedClass(this.typed + character, character, this.classes);
    this.typed = typed;
    if (this.typing) this.typing.textContent = typed && `${typed} …`;
    if (label) this.give(label);
  }
}

/**
 * @param {ProjectContext} context
 * @returns {Promise<Screen>}
 */
export async function labellingScreen(context) {
  const labelling = new Labelling(context);
  await labelling.fetch();
  labelling.draw();
  const { classes } = context.project;
  const none = element(
    "p",
    { class: "note" },
    "There are no classes yet. Add them on the Images tab.",
  );
  return {
    title: "Label",
    node: section("label", "Label images", classes.length ? labelling.node : none),
  };
}
