// Images in a grid, in an order that can be chosen, a page at a time.

import { ORDERS } from "dressform/image_filters.js";
import { announce, button, count, element, moreText, percent } from "dressform/html.js";

/** @import { Page, Predictions } from "dressform/data.js" */
/** @import { Order } from "dressform/image_filters.js" */
/** @import { Sprites } from "dressform/sprites.js" */

const PAGE_SIZE = 60;

/** @type {Record<Order, (predictions: Predictions, i: number) => number>} */
const KEYS = {
  loss: (predictions, i) => -predictions.loss[i],
  most_confident: (predictions, i) => -predictions.confidence(i),
  least_confident: (predictions, i) => predictions.confidence(i),
  dataset: (_, i) => i,
};

/** @type {Map<Element, () => unknown>} */
const notDrawn = new Map();

/** @type {IntersectionObserver | undefined} */
let observer;

/** Draw what has not come near the window yet, for paper. */
export async function drawAll() {
  const drawn = [...notDrawn].filter(([node]) => node.isConnected).map(([, draw]) => draw());
  notDrawn.clear();
  await Promise.all(drawn);
}

/**
 * Draw once, when a node comes near the window.
 * @param {Element} node
 * @param {() => unknown} draw
 */
export function drawWhenNear(node, draw) {
  observer ??= new IntersectionObserver(drawNear, { rootMargin: "300px" });
  notDrawn.set(node, draw);
  observer.observe(node);
}

/** @param {IntersectionObserverEntry[]} entries */
function drawNear(entries) {
  for (const { target } of entries.filter((entry) => entry.isIntersecting)) {
    observer?.unobserve(target);
    notDrawn.get(target)?.();
    notDrawn.delete(target);
  }
}

export class Gallery {
  /**
   * @param {Page} page
   * @param {Sprites} sprites
   * @param {Predictions} predictions
   * @param {(index: number, among: number[]) => void} open opens one image among those shown
   * @param {string} label what screen readers call the region
   */
  constructor(page, sprites, predictions, open, label = "Images") {
    this.page = page;
    this.sprites = sprites;
    this.predictions = predictions;
    this.open = open;
    this.title = "";
    /** @type {number[]} */
    this.indices = [];
    /** @type {number[]} */
    this.sorted = [];
    this.grid = element("div", { class: "grid" });
    this.heading = element("h3", { tabindex: "-1" });
    this.order = element(
      "select",
      { "aria-label": "Order of the images", onchange: () => this.fill() },
      Object.entries(ORDERS).map(([value, title]) => element("option", { value }, title)),
    );
    this.more = button("", () => this.grow());
    this.node = element(
      "div",
      { class: "gallery", role: "region", "aria-label": label },
      element("div", { class: "bar" }, this.heading, this.order),
      this.grid,
      this.more,
    );
  }

  /**
   * @param {string} title
   * @param {number[]} indices of the images
   * @param {Order} order
   */
  show(title, indices, order = "most_confident") {
    this.title = title;
    this.indices = indices;
    this.order.value = order;
    this.heading.textContent = `${title} (${count(indices.length)})`;
    announce(`${title}: ${count(indices.length)} images`);
    this.fill();
  }

  /** Show the images in the chosen order, from the beginning. */
  fill() {
    const key = KEYS[/** @type {Order} */ (this.order.value)];
    const keyed = this.indices.map((i) => ({ i, key: key(this.predictions, i) }));
    this.sorted = keyed.sort((a, b) => a.key - b.key || a.i - b.i).map(({ i }) => i);
    this.grid.replaceChildren();
    this.grow();
  }

  /** Show the next page. */
  grow() {
    const shown = this.grid.childElementCount;
    this.grid.append(...this.sorted.slice(shown, shown + PAGE_SIZE).map((i) => this.tile(i)));
    const left = this.sorted.length - this.grid.childElementCount;
    this.more.hidden = left <= 0;
    this.more.textContent = moreText(left, PAGE_SIZE);
    if (!this.sorted.length) this.grid.append(element("p", { class: "none" }, "No images."));
  }

  /**
   * An image with its prediction; a click opens it.
   * @param {number} index
   */
  tile(index) {
    const { page, sprites, predictions } = this;
    const label = page.classes[page.labels[index]];
    const predicted = page.classes[predictions.predicted(index)];
    const confidence = percent(predictions.confidence(index), 0);
    const right = page.labels[index] === predictions.predicted(index);
    const suspect = predictions.labelIssue[index] === 1;
    const flag = suspect ? ", label suspect" : "";
    const caption = right ? label : `${label} → ${predicted}`;
    const name = sprites.present ? "" : `${page.ids[index]} `; // what is read is what is seen
    const text = `${label}, predicted ${predicted} ${confidence}${flag}`;
    const [width, height] = page.tile;
    const canvas = element("canvas", { width, height, "aria-hidden": "true" });
    const node = button(
      [
        sprites.present ? canvas : element("span", { class: "noimage" }, page.ids[index]),
        element("span", { class: "caption" }, caption, " ", element("small", {}, confidence)),
        suspect && element("span", { class: "flag", "aria-hidden": "true" }, "⚑"),
      ],
      () => this.open(index, this.sorted),
      {
        class: `tile ${right ? "right" : "wrong"}`,
        "data-index": index,
        "aria-label": `${name}${caption} ${confidence}${flag}, image ${page.ids[index]}`,
        title: text,
      },
    );
    if (sprites.present) drawWhenNear(node, () => sprites.draw(canvas, index));
    return node;
  }
}
