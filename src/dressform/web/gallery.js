// Pictures in a grid, in an order that can be chosen, a page at a time.

import { count, element, percent, say } from "dressform/html.js";

const PAGE = 60;

export const ORDERS = {
  surest: ["surest first", (answers, i) => -answers.confidence(i)],
  unsure: ["least sure first", (answers, i) => answers.confidence(i)],
  loss: ["highest loss first", (answers, i) => -answers.loss.values[i]],
  plain: ["as in the data", (answers, i) => i],
};

/** A tile: the picture with what was said about it. */
export function tile(page, answers, sprites, index, open) {
  const [label, predicted] = [page.labels[index], answers.predicted(index)];
  const right = label === predicted;
  const words = `${page.classes[label]}, predicted ${page.classes[predicted]} ${percent(answers.confidence(index), 0)}${answers.suspect?.values[index] ? ", label suspect" : ""}`;
  const canvas = element("canvas", { width: page.tile[0], height: page.tile[1], "aria-hidden": "true" });
  const made = element("button", { type: "button", class: `tile ${right ? "right" : "wrong"}`, "data-index": index, "aria-label": `Picture ${page.ids[index]}: ${words}`, title: words, onclick: () => open(index) },
    sprites.present ? canvas : element("span", { class: "noimage" }, page.ids[index]),
    element("span", { class: "words" }, right ? page.classes[label] : `${page.classes[label]} → ${page.classes[predicted]}`, " ", element("small", {}, percent(answers.confidence(index), 0))));
  if (answers.suspect?.values[index]) made.append(element("span", { class: "flag", title: "label suspect", "aria-hidden": "true" }, "⚑"));
  if (sprites.present) whenSeen(made, () => sprites.draw(canvas, index));
  return made;
}

let watcher;
const waiting = new WeakMap();

const left = new Set();

/** Draw what has not been seen yet, for paper. */
export async function seeAll() {
  const drawn = [...left].filter((node) => node.isConnected).map((node) => waiting.get(node)?.());
  left.clear();
  await Promise.all(drawn);
}

/** Call `then` once, when `node` comes near the window. */
export function whenSeen(node, then) {
  watcher ??= new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      watcher.unobserve(entry.target);
      left.delete(entry.target);
      waiting.get(entry.target)?.();
    }
  }, { rootMargin: "300px" });
  waiting.set(node, then);
  left.add(node);
  watcher.observe(node);
}

/** A gallery that shows what it is told to; open(index, indices) opens one picture among those shown. */
export class Gallery {
  constructor(page, sprites, open) {
    Object.assign(this, { page, sprites, open });
    this.grid = element("div", { class: "grid" });
    this.heading = element("h3", { tabindex: "-1" });
    this.order = element("select", { "aria-label": "Order of the pictures", onchange: () => this.fill() },
      Object.entries(ORDERS).map(([key, [title]]) => element("option", { value: key }, title)));
    this.more = element("button", { type: "button", onclick: () => this.grow() });
    this.node = element("div", { class: "gallery", role: "region", "aria-label": "Pictures" },
      element("div", { class: "bar" }, this.heading, this.order), this.grid, this.more);
  }

  show(title, indices, answers, order = "surest") {
    Object.assign(this, { title, indices, answers });
    this.order.value = order;
    this.heading.textContent = `${title} (${count(indices.length)})`;
    say(`${count(indices.length)} pictures: ${title}`);
    this.fill();
  }

  fill() {
    const key = ORDERS[this.order.value][1];
    const keys = new Map(this.indices.map((i) => [i, key(this.answers, i)]));
    this.sorted = [...this.indices].sort((a, b) => keys.get(a) - keys.get(b) || a - b);
    this.grid.replaceChildren();
    this.grow();
  }

  grow() {
    const from = this.grid.childElementCount;
    this.grid.append(...this.sorted.slice(from, from + PAGE).map((i) => tile(this.page, this.answers, this.sprites, i, (index) => this.open(index, this.sorted))));
    const left = this.sorted.length - this.grid.childElementCount;
    this.more.hidden = left <= 0;
    this.more.textContent = `Show ${Math.min(PAGE, left)} more of ${count(left)}`;
    if (!this.sorted.length) this.grid.append(element("p", { class: "quiet" }, "No pictures."));
  }
}
