// What the projector shows, in the page's address: a link opens the same view.

import { addressed, changeAddress } from "dressform/address.js";
import { COLOURINGS } from "dressform/colours.js";
import { FILTERS } from "dressform/filters.js";
import { packIndices, unpackIndices } from "dressform/indices.js";

/** @import { Filter } from "dressform/filters.js" */
/** @import { Projector } from "dressform/projector.js" */

const WRITE_DELAY = 300; // milliseconds of rest before the address is written
const SEPARATOR = "_"; // of numbers, which may have points and signs

/** @typedef {"projection" | "components" | "a" | "b" | "view" | "colour" | "show" | "hidden" | "selected" | "title"} Name */

/** @type {Name[]} */
const NAMES = [
  "projection",
  "components",
  "a",
  "b",
  "view",
  "colour",
  "show",
  "hidden",
  "selected",
  "title",
];

const round = (/** @type {number} */ value) => String(Number(value.toPrecision(5)));

export class ProjectorLink {
  /** @param {Projector} projector */
  constructor(projector) {
    this.projector = projector;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    /** @type {Record<string, string | null>} what it shows without being asked */
    this.initial = {};
  }

  /** Take what is shown now as what a page shows whose address says nothing; follow the address. */
  async start() {
    this.initial = this.state();
    await this.restore();
    addEventListener("hashchange", () => this.restore());
  }

  /** Write the address as soon as the view rests. */
  touch() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.write(), WRITE_DELAY);
  }

  write() {
    clearTimeout(this.timer);
    const { initial } = this;
    if (!initial.projection) return; // not started yet
    const changes = Object.entries(this.state()).map(([name, value]) => [
      name,
      value === initial[name] ? null : value,
    ]);
    changeAddress(Object.fromEntries(changes));
  }

  /** @returns {Record<Name, string | null>} */
  state() {
    const { projector } = this;
    const { view, selection, total, controls } = projector;
    const { A, B } = controls.ends;
    const custom = projector.projection === "custom";
    const pack = (/** @type {number[] | null} */ indices) =>
      indices?.length ? packIndices(indices, total) : null;
    return {
      projection: projector.projection,
      components: custom ? null : projector.components.join(SEPARATOR),
      a: custom ? pack(A) : null,
      b: custom ? pack(B) : null,
      view: [view.x, view.y, view.zoom, view.yaw, view.pitch].map(round).join(SEPARATOR),
      colour: projector.colouring,
      show: projector.filter,
      hidden: [...projector.hidden].sort((p, q) => p - q).join(SEPARATOR) || null,
      selected: pack(selection),
      title: selection?.length ? projector.selectionTitle : null,
    };
  }

  /** Show what the address names; what this page does not have is left as it is, and said. */
  async restore() {
    const values = addressed();
    if (!NAMES.some((name) => values.has(name))) return;
    const { projector } = this;
    const get = (/** @type {Name} */ name) => values.get(name) ?? this.initial[name] ?? "";
    const unknown = await this.restoreProjection(get);
    const [colour, show] = [get("colour"), get("show")];
    if (!(colour in COLOURINGS)) unknown.push(`colour ${colour}`);
    if (!(show in FILTERS)) unknown.push(`filter ${show}`);
    projector.hidden = new Set(
      numbers(get("hidden")).filter((label) => label in projector.page.classes),
    );
    projector.filter = show in FILTERS ? /** @type {Filter} */ (show) : "all";
    projector.colour(colour in COLOURINGS ? colour : projector.colouring);
    projector.applyFilter();
    const selected = values.get("selected");
    const indices = selected ? unpackIndices(selected, projector.total) : [];
    projector.select(get("title"), indices.length ? indices : null);
    const view = numbers(get("view"));
    if (view.length === 5 && view[2] > 0) projector.view.place(view);
    projector.controls.show();
    projector.stage.scrollIntoView({ block: "center" });
    projector.draw();
    if (unknown.length) projector.report(`This page has no ${unknown.join(", no ")}.`);
  }

  /**
   * @param {(name: Name) => string} get
   * @returns {Promise<string[]>} what this page does not have
   */
  async restoreProjection(get) {
    const { projector } = this;
    const { page, controls, total } = projector;
    const name = get("projection");
    if (name === "custom" && projector.basis && get("a") && get("b")) {
      controls.ends = { A: unpackIndices(get("a"), total), B: unpackIndices(get("b"), total) };
      controls.project("custom");
      return [];
    }
    const projection = page.projections.find((one) => one.name === name);
    if (!projection) return [`projection ${name}`];
    await projector.project(projection);
    const components = numbers(get("components"));
    const columns = projection.ranges.length;
    if (
      components.length === 3 &&
      components.every((c, axis) => c < columns && c >= (axis === 2 ? -1 : 0))
    ) {
      projector.components = components;
      projector.showComponents();
      controls.offerComponents(projection);
    }
    return [];
  }
}

/** @param {string} text */
const numbers = (text) =>
  text.split(SEPARATOR).flatMap((part) => (part && Number.isFinite(+part) ? [Number(part)] : []));
