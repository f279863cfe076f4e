// Thumbnails with a filter; those that are selected get another class, or are deleted.

import { actionButton, confirmed, failurePlace, showFailure } from "dressform/service/action.js";
import { counted, fileSize } from "dressform/service/texts.js";
import { announce, button, byId, count, element, moreText, percent } from "dressform/html.js";

/** @import { ProjectRoutes } from "dressform/service/api.js" */
/** @import { Listing, Project, StoredImage } from "dressform/service/types.js" */

const PAGE_SIZE = 60;
const MAX_IDS = 5000; // in one request
const NAMED = "class:";
const NEW = "new";
const NONE = "none";
const option = (/** @type {string} */ value, /** @type {string} */ text) =>
  element("option", { value }, text);

export class Gallery {
  /**
   * @param {ProjectRoutes} routes
   * @param {() => Promise<void>} onchange after images were changed
   */
  constructor(routes, onchange) {
    this.routes = routes;
    this.onchange = onchange;
    /** @type {StoredImage[]} */
    this.images = [];
    /** @type {Set<string>} ids */
    this.selected = new Set();
    this.total = 0;
    /** @type {string | null} */
    this.cursor = null;
    this.requests = 0;
    this.failure = failurePlace();
    this.filter = element("select", { id: "image-filter", onchange: () => this.changeFilter() });
    this.about = element("span", { class: "quiet" });
    this.grid = element("div", { class: "thumbnails" });
    this.more = button("", () => this.load(), { hidden: true });
    this.target = element("select", {
      "aria-label": "New class of the selected images",
      onchange: () => {
        this.newClass.hidden = this.target.value !== NEW;
      },
    });
    this.newClass = element("input", {
      maxlength: "200",
      placeholder: "Name of the class",
      "aria-label": "Name of the new class",
      hidden: true,
    });
    this.toolbar = this.makeToolbar();
    this.node = element(
      "div",
      {},
      element(
        "div",
        { class: "bar" },
        element("label", { for: "image-filter" }, "Show"),
        this.filter,
        this.about,
        button("Select all shown", () => this.selectAll(), { class: "small" }),
      ),
      this.failure,
      this.grid,
      this.more,
      this.toolbar,
    );
  }

  makeToolbar() {
    this.chosen = element("strong");
    this.open = button("Open", () => this.openImage(), { hidden: true });
    return element(
      "div",
      { class: "selection", role: "group", "aria-label": "Selected images", hidden: true },
      this.chosen,
      element("span", {}, "Class"),
      this.target,
      this.newClass,
      actionButton("Relabel", this.failure, () => this.relabel(), { class: "main" }),
      this.open,
      button("Delete", () => this.remove(), { class: "danger" }),
      button("Clear", () => this.select([])),
    );
  }

  /** @param {Project} project whose classes are offered */
  offer({ classes }) {
    const [before, target] = [this.filter.value, this.target.value];
    const named = () => classes.map(({ name }) => option(NAMED + name, name));
    const states = [
      option("", "all images"),
      option("unlabelled", "unlabelled"),
      option("problem", "with a problem"),
    ];
    this.filter.replaceChildren(...states, ...named());
    this.filter.value = before;
    if (this.filter.selectedIndex < 0) this.filter.value = "";
    this.target.replaceChildren(
      ...named(),
      option(NEW, "a new class …"),
      option(NONE, "none (unlabelled)"),
    );
    this.target.value = target;
    if (this.target.selectedIndex < 0) this.target.selectedIndex = 0;
    this.newClass.hidden = this.target.value !== NEW;
  }

  /** What is asked for, as the route has it. @returns {Record<string, string>} */
  get asked() {
    const { value } = this.filter;
    if (value.startsWith(NAMED)) return { label: value.slice(NAMED.length) };
    return value ? { state: value } : {};
  }

  async changeFilter() {
    // What is shown until the answer comes is not what is asked for.
    this.images = [];
    this.cursor = null;
    this.select([]);
    await this.reload();
  }

  /** Read what is shown again. */
  async reload() {
    const limit = Math.min(500, Math.max(PAGE_SIZE, this.images.length));
    await this.read({ ...this.asked, limit, cursor: null }, []);
  }

  async load() {
    await this.reading;
    if (this.cursor === null) return;
    await this.read({ ...this.asked, limit: PAGE_SIZE, cursor: this.cursor }, this.images);
  }

  /**
   * @param {Record<string, string | number | null>} filter
   * @param {StoredImage[]} before
   */
  read(filter, before) {
    this.requests += 1;
    this.reading = this.take(this.routes.images(filter), before, this.requests);
    return this.reading;
  }

  /**
   * Show an answer, unless something else has been asked for since.
   * @param {Promise<Listing>} answer
   * @param {StoredImage[]} before
   * @param {number} request
   */
  async take(answer, before, request) {
    try {
      const { images, next, total } = await answer;
      if (request !== this.requests) return;
      this.images = [...before, ...images];
      this.cursor = next;
      this.total = total;
      this.failure.replaceChildren();
    } catch (error) {
      if (request === this.requests) this.fail(error);
      return;
    }
    const here = new Set(this.images.map(({ id }) => id));
    for (const id of this.selected) if (!here.has(id)) this.selected.delete(id);
    this.draw();
  }

  /** @param {unknown} error */
  fail(error) {
    showFailure(this.failure, error);
  }

  draw() {
    /** @type {Map<string, HTMLElement>} */
    this.tiles = new Map(this.images.map((image) => [image.id, this.tile(image)]));
    this.grid.replaceChildren(...this.tiles.values());
    if (!this.images.length) {
      this.grid.append(
        element("p", { class: "quiet" }, this.filter.value ? "None." : "No images yet."),
      );
    }
    this.about.textContent = `${count(this.images.length)} of ${counted(this.total, "image")}`;
    const left = this.total - this.images.length;
    this.more.hidden = this.cursor === null;
    this.more.textContent = moreText(left, PAGE_SIZE);
    this.drawSelection();
  }

  /** @param {StoredImage} image */
  tile(image) {
    const { id, name, label, problem, suggestion } = image;
    const perhaps = suggestion && `${suggestion.label}? ${percent(suggestion.probability, 0)}`;
    const text = label ?? perhaps ?? "unlabelled";
    const node = button(
      [
        element("img", {
          src: image.thumbnail,
          alt: "",
          loading: "lazy",
          decoding: "async",
          width: image.width,
          height: image.height,
        }),
        element("span", { class: label === null ? "caption quiet" : "caption" }, text),
        problem && element("span", { class: "caption bad" }, problem),
      ],
      (event) => this.toggle(id, event.shiftKey),
      {
        class: "thumbnail",
        "aria-label": [text, name, problem].filter(Boolean).join(", "),
        title: name,
      },
    );
    return node;
  }

  /**
   * @param {string} id
   * @param {boolean} range whether all since the last one are selected, too
   */
  toggle(id, range) {
    const ids = this.images.map((image) => image.id);
    const [from, to] = [ids.indexOf(this.last ?? id), ids.indexOf(id)].sort((a, b) => a - b);
    if (range && from >= 0) ids.slice(from, to + 1).forEach((one) => this.selected.add(one));
    else if (!this.selected.delete(id)) this.selected.add(id);
    /** @type {string | undefined} */
    this.last = id;
    this.drawSelection();
  }

  selectAll() {
    this.select(this.images.map(({ id }) => id));
  }

  /** @param {string[]} ids */
  select(ids) {
    this.selected = new Set(ids);
    this.drawSelection();
  }

  drawSelection() {
    for (const [id, tile] of this.tiles ?? []) {
      tile.setAttribute("aria-pressed", String(this.selected.has(id)));
    }
    const { size } = this.selected;
    this.toolbar.hidden = size === 0;
    if (this.open) this.open.hidden = size !== 1;
    if (this.chosen) this.chosen.textContent = `${count(size)} selected`;
  }

  async relabel() {
    const { value } = this.target;
    const typed = this.newClass.value.trim();
    if (value === NEW && !typed) {
      this.newClass.focus();
      throw new Error("The new class has no name yet; type one.");
    }
    const ids = [...this.selected];
    const label = value === NONE ? null : value === NEW ? typed : value.slice(NAMED.length);
    for (let i = 0; i < ids.length; i += MAX_IDS) {
      await this.routes.label(ids.slice(i, i + MAX_IDS), label);
    }
    this.newClass.value = "";
    this.select([]);
    announce(`${counted(ids.length, "image")} relabelled`);
    await this.onchange();
  }

  remove() {
    const ids = [...this.selected];
    confirmed(
      `Delete ${counted(ids.length, "image")}?`,
      "Models that were trained on them stay as they are. This cannot be undone.",
      "Delete",
      async () => {
        await this.routes.deleteImages(ids);
        this.select([]);
        await this.onchange();
      },
    );
  }

  /** Show the one selected image in its full size. */
  openImage() {
    const image = this.images.find(({ id }) => this.selected.has(id));
    if (!image) return;
    const dialog = /** @type {HTMLDialogElement} */ (byId("dialog"));
    const about = `${image.label ?? "unlabelled"}, ${image.width} × ${image.height} pixels, ${fileSize(image.size)}`;
    const content = [
      element("h2", { id: "dialog-title" }, image.name),
      element("p", {}, about),
      image.problem && element("p", { class: "note" }, image.problem),
      element("img", { src: image.original, alt: image.name, class: "whole-image" }),
      element(
        "div",
        { class: "bar" },
        button("Close", () => dialog.close(), { autofocus: true }),
      ),
    ];
    dialog.replaceChildren(element("div", {}, content));
    dialog.showModal();
  }
}
