// A finding of the data doctor as a person sees it: its images, why it was found, and the choices.

import { image } from "dressform/data.js";
import { exampleOf } from "dressform/decisions.js";
import { drawWhenNear } from "dressform/gallery.js";
import { button, contextOf, element } from "dressform/html.js";

/** @import { Page } from "dressform/data.js" */
/** @import { Decision } from "dressform/decisions.js" */
/** @import { Sprites } from "dressform/sprites.js" */
/** @import { Action, Finding } from "dressform/types.js" */

/**
 * @typedef {object} Choices
 * @property {(action: Action, to: string, goOn?: boolean) => void} decide goOn: to the next finding
 * @property {() => void} enlarge
 */

/** @type {[Action, string][]} */
const ACTIONS = [
  ["keep", "Keep"],
  ["drop", "Drop"],
  ["relabel", "Relabel"],
];

/** @param {Finding} finding */
export const suggestionOf = ({ suggested, label }) => suggested ?? label;

/** @param {Finding} finding */
export function titleOf({ label, suggested }) {
  return suggested ? `${label} → ${suggested}?` : label;
}

/** The images of the page's findings. */
export class FindingImages {
  /**
   * @param {Page} page
   * @param {Sprites} sprites
   */
  constructor(page, sprites) {
    this.page = page;
    this.sprites = sprites;
    this.indices = new Map(page.ids.map((id, i) => [`${page.splits[i]} ${id}`, i]));
    this.large = new Set(page.large_images);
  }

  /**
   * The image or the two images of a finding.
   * @param {Finding} finding
   * @param {(canvas: HTMLCanvasElement, draw: () => unknown) => void} schedule when each is drawn
   */
  figures({ split, id, other, other_split: otherSplit }, schedule = drawWhenNear) {
    const shown = [{ split, id }];
    if (other) shown.push({ split: otherSplit ?? split, id: other });
    return shown.map((one) => this.figure(one, schedule));
  }

  /**
   * @param {{split: string, id: string}} example
   * @param {(canvas: HTMLCanvasElement, draw: () => unknown) => void} schedule
   */
  figure({ split, id }, schedule) {
    const { page } = this;
    const [width, height] = page.tile; // the final size, so that drawing moves nothing
    const index = this.indices.get(exampleOf({ split, id })) ?? -1;
    const label = page.classes[page.labels[index]] ?? "";
    const path = this.pathOf({ split, id });
    const canvas = element("canvas", {
      width,
      height,
      class: this.large.has(index) ? "photo" : "pixelated",
      role: "img",
      "aria-label": `${label}: ${id} in ${split}`,
    });
    if (index >= 0) schedule(canvas, () => this.draw(canvas, index));
    const shown = page.files[index] ? path.split("/").at(-1) : path;
    const name = element("span", { class: "file", title: path }, shown);
    const caption = element("figcaption", {}, `${label}, ${split}`, element("br"), name);
    return element("figure", {}, canvas, caption);
  }

  /**
   * The path of an example's file; its id where the data are no files.
   * @param {{split: string, id: string}} example
   */
  pathOf({ split, id }) {
    return this.page.files[this.indices.get(exampleOf({ split, id })) ?? -1] || id;
  }

  /**
   * Draw an image with all the pixels that the page has of it.
   * @param {HTMLCanvasElement} canvas
   * @param {number} index
   */
  async draw(canvas, index) {
    if (!this.large.has(index)) {
      await this.sprites.draw(canvas, index);
      return;
    }
    const bitmap = await image(`large-${index}`);
    Object.assign(canvas, { width: bitmap.width, height: bitmap.height });
    contextOf(canvas).drawImage(bitmap, 0, 0);
    bitmap.close();
  }
}

/**
 * The buttons of a finding, and the class that "Relabel" gives.
 * @param {string[]} classes
 * @param {Finding} finding
 * @param {Decision | null} decision null: none yet
 * @param {Choices["decide"]} decide
 */
export function choices(classes, finding, decision, decide) {
  const chosen = decision?.to ?? suggestionOf(finding);
  // Keys pass over other classes on their way: only Enter, or leaving the list, decides.
  let passing = false;
  const relabel = (/** @type {boolean} */ goOn) => {
    passing = false;
    if (select.value !== finding.label) decide("relabel", select.value, goOn);
  };
  const select = element(
    "select",
    {
      "aria-label": `New class of ${finding.id}`,
      onchange: () => passing || relabel(false),
      onblur: () => passing && select.isConnected && relabel(false),
      onkeydown: ({ key }) => {
        if (key === "Enter") relabel(true);
        else if (key === "Escape") passing = false;
        else if (key !== "Tab") passing = true;
      },
    },
    classes.map((value) => element("option", { value, selected: value === chosen }, value)),
  );
  const choose = (/** @type {Action} */ action) => {
    // A class of its own is no relabelling: it has to be chosen first.
    if (action === "relabel" && select.value === finding.label) select.focus();
    else decide(action, select.value);
  };
  const buttons = ACTIONS.map(([action, text]) =>
    button(text, () => choose(action), {
      "data-action": action,
      "aria-pressed": String(decision?.action === action),
    }),
  );
  return element("div", { class: "choices", role: "group", "aria-label": "Decision" }, [
    ...buttons,
    select,
  ]);
}

/**
 * A finding in the grid.
 * @param {FindingImages} images
 * @param {Finding} finding
 * @param {Decision | null} decision
 * @param {Choices} actions
 */
export function card(images, finding, decision, { decide, enlarge }) {
  const title = titleOf(finding);
  return element(
    "article",
    {
      class: "finding",
      tabindex: "-1",
      "data-example": exampleOf(finding),
      "data-decision": decision?.action,
      "aria-label": `${title}, ${finding.id} in ${finding.split}`,
    },
    element("h3", {}, title),
    element("div", { class: "twins", onclick: enlarge }, images.figures(finding)),
    element("p", {}, finding.reason),
    choices(images.page.classes, finding, decision, decide),
    button("Enlarge", enlarge, { class: "small", "aria-label": `Enlarge ${finding.id}` }),
  );
}
