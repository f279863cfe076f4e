// Every example as a point.

import { customAxes } from "dressform/axes.js";
import { array } from "dressform/data.js";
import { COLOURINGS } from "dressform/colours.js";
import { count, element, percent, say } from "dressform/html.js";
import { drawOver } from "dressform/over.js";
import { HIT, listen } from "dressform/pointer.js";
import { pointsOn } from "dressform/points.js";
import { savePicture, saveTable } from "dressform/saving.js";
import { View } from "dressform/view.js";

export class Projector {
  /** shown: called with (title, indices) when a selection is made; open(index, among) opens one picture. */
  constructor(page, answers, sprites, shown, open) {
    Object.assign(this, { page, answers, sprites, shown, open });
    [this.first, this.last] = page.points;
    this.total = page.labels.length;
    this.view = new View();
    this.hidden = new Set();
    this.selection = null;
    this.saved = [null, null];
    this.mode = "move";
    this.colouring = "label";
    this.images = new Map();
    this.build();
  }

  build() {
    const choice = (label, options, onchange) => {
      const select = element("select", { "aria-label": label, onchange: () => onchange(select.value) }, options.map(([value, text]) => element("option", { value }, text)));
      return [element("label", {}, `${label} `, select), select];
    };
    this.canvas = element("canvas", { class: "points", tabindex: "0", role: "application", "aria-label": "Projector: arrow keys move, + and - zoom, Enter opens the picture in the middle" });
    this.over = element("canvas", { class: "over", "aria-hidden": "true" });
    this.hint = element("div", { class: "hint", hidden: true });
    this.stage = element("div", { class: "stage" }, this.canvas, this.over, this.hint);
    this.legend = element("div", { class: "classes", role: "group", "aria-label": "Colours and classes shown" });
    const names = this.page.projections.map((p, i) => [String(i), p.title]);
    const [projectionLabel, projection] = choice("Projection", [...names, ...(this.page.basis ? [["custom", "custom axes"]] : [])], (value) => this.project(value));
    this.projection = projection;
    this.axes = element("span", { class: "axes" });
    const [colourLabel, colour] = choice("Colour", Object.entries(COLOURINGS).filter(([, c]) => c.possible(this)).map(([key, c]) => [key, c.title]), (value) => { this.colouring = value; this.paint(); });
    this.colourChoice = colour;
    const [onlyLabel, only] = choice("Show", [["all", "all"], ["wrong", "errors"], ["right", "right ones"], ...(this.answers.suspect ? [["suspect", "suspect labels"]] : []), ...(this.page.examples > this.first && this.page.examples < this.last ? [["judged", this.page.split], ["reference", "training"]] : [])], (value) => { this.only = value; this.filter(); });
    this.onlyChoice = only;
    this.lasso = element("button", { type: "button", "aria-pressed": "false", onclick: () => this.setMode(this.mode === "lasso" ? "move" : "lasso") }, "Lasso");
    const search = element("input", { type: "search", placeholder: "class or id", "aria-label": "Search for a class or an id", onkeydown: (event) => { if (event.key === "Enter") this.search(search.value); } });
    this.status = element("p", { class: "quiet" });
    this.node = element("div", { class: "projector" },
      element("div", { class: "bar" }, projectionLabel, this.axes, colourLabel, onlyLabel, this.lasso, search,
        element("button", { type: "button", onclick: () => this.search(search.value) }, "Find"),
        element("button", { type: "button", class: "small", onclick: () => savePicture(this) }, "PNG"),
        element("button", { type: "button", class: "small", onclick: () => saveTable(this) }, "CSV"),
        element("button", { type: "button", onclick: () => this.reset() }, "Reset")),
      this.stage, this.status, this.legend);
    listen(this);
    new ResizeObserver(() => this.resize()).observe(this.stage);
  }

  /** Everything is shown again, nothing is selected, the view is the first. */
  reset() {
    this.hidden.clear();
    this.onlyChoice.value = this.only = "all";
    this.select(null, null);
    this.paint();
    this.view.reset(this.view.deep);
    this.draw();
  }

  async start() {
    this.gl = pointsOn(this.canvas, this.total);
    if (this.page.basis) this.basis = await this.unpack("basis");
    await this.project("0");
    this.paint();
    this.filter();
    this.resize();
  }

  /** A quantised array with a row per point as {rows, n, d}, a row per picture of the page. */
  async unpack(name) {
    const { values, shape } = await array(name);
    const found = this.page.projections.concat(this.page.basis ?? []).find((p) => p.blob === name);
    const [n, d] = shape;
    const rows = new Float32Array(this.total * d);
    const top = values.BYTES_PER_ELEMENT === 2 ? 65535 : 255;
    for (let j = 0; j < d; j += 1) {
      const [low, high] = found.ranges[j];
      for (let i = 0; i < n; i += 1) rows[(this.first + i) * d + j] = low + (values[i * d + j] / top) * (high - low);
    }
    return { rows, n: this.total, d };
  }

  async project(value) {
    if (value === "custom") {
      if (!this.saved[0] || !this.saved[1]) { this.tell("Custom axes: select points (lasso or search), keep them as A, select others, keep them as B."); this.offerAxes(); return; }
      this.place(customAxes(this.basis, ...this.saved));
      this.view.reset(false);
      this.offerAxes();
      this.draw();
      return;
    }
    const chosen = this.page.projections[Number(value)];
    const data = await this.unpack(chosen.blob);
    this.data = data;
    this.chosen = chosen;
    this.components = [0, 1, chosen.deep ? 2 : -1];
    this.offerAxes();
    this.show();
  }

  /** Choosers of components where there are more than are shown, and the keeping of selections for custom axes. */
  offerAxes() {
    this.axes.replaceChildren();
    if (this.projection.value === "custom") {
      this.axes.append(...["A", "B"].map((name, s) => element("button", { type: "button", onclick: () => {
        if (!this.selection?.length) { this.tell("Select points first: lasso, or search for a class."); return; }
        this.saved[s] = this.selection;
        this.tell(`${count(this.selection.length)} points kept as ${name}.`);
        if (this.saved[0] && this.saved[1]) this.project("custom");
      } }, `Keep selection as ${name}`)));
      return;
    }
    const { chosen, data } = this;
    if (!chosen?.explained?.length) return;
    const options = chosen.explained.map((share, j) => [j, `component ${j + 1} (${percent(share, 1)})`]);
    ["x", "y", "z"].forEach((axis, a) => {
      const select = element("select", { "aria-label": `Component on ${axis}`, onchange: () => { this.components[a] = Number(select.value); this.show(); } },
        a === 2 ? element("option", { value: "-1" }, "flat") : null, options.slice(0, data.d).map(([j, text]) => element("option", { value: j, selected: this.components[a] === j }, text)));
      this.axes.append(select);
    });
  }

  show() {
    const { data, components } = this;
    const out = new Float32Array(3 * data.n);
    components.forEach((component, a) => { if (component >= 0) for (let i = 0; i < data.n; i += 1) out[3 * i + a] = data.rows[i * data.d + component]; });
    this.place(out);
    this.view.reset(components[2] >= 0);
    this.draw();
  }

  /** Bring places to -1..1 and hand them to the graphics card. */
  place(out) {
    const middle = [0, 0, 0];
    let most = 1e-12;
    for (let a = 0; a < 3; a += 1) {
      let [low, high] = [Infinity, -Infinity];
      for (let i = 3 * this.first + a; i < 3 * this.last; i += 3) { low = Math.min(low, out[i]); high = Math.max(high, out[i]); }
      middle[a] = (low + high) / 2;
      most = Math.max(most, (high - low) / 2);
    }
    for (let i = 0; i < out.length; i += 1) out[i] = (out[i] - middle[i % 3]) / most;
    this.places = out;
    this.gl.setPlaces(out);
  }

  paint() {
    const found = COLOURINGS[this.colouring].colours(this);
    this.colours = found.colours;
    this.legend.replaceChildren(...found.legend.map(([text, colour, label]) => element("button", {
      type: "button", class: "key", "aria-pressed": label === undefined ? null : String(!this.hidden.has(label)), disabled: label === undefined,
      onclick: (event) => { if (this.hidden.has(label)) this.hidden.delete(label); else this.hidden.add(label); event.currentTarget.setAttribute("aria-pressed", String(!this.hidden.has(label))); this.filter(); },
    }, element("span", { class: "dot", style: { background: colour } }), text)));
    this.shade();
  }

  /** Colours and sizes with the selection standing out. */
  shade() {
    const shaded = new Uint8Array(this.colours);
    const sizes = new Float32Array(this.total).fill(1);
    if (this.selection) {
      for (let i = 0; i < this.total; i += 1) shaded[4 * i + 3] = 40;
      for (const i of this.selection) { shaded[4 * i + 3] = 255; sizes[i] = 1.8; }
    }
    this.gl.setColours(shaded);
    this.gl.setSizes(sizes);
    this.draw();
  }

  filter() {
    const { page, answers } = this;
    const wanted = {
      wrong: (i) => page.labels[i] !== answers.predicted(i), right: (i) => page.labels[i] === answers.predicted(i),
      suspect: (i) => answers.suspect.values[i] === 1, judged: (i) => i < page.examples, reference: (i) => i >= page.examples,
    }[this.only] ?? (() => true);
    const order = [];
    for (let i = this.first; i < this.last; i += 1) if (!this.hidden.has(page.labels[i]) && wanted(i)) order.push(i);
    this.visible = order;
    this.gl.setOrder(new Uint32Array(order));
    this.tell(`${count(order.length)} of ${count(this.last - this.first)} points`);
    this.draw();
  }

  tell(text) { this.status.textContent = text; say(text); }

  /** Make a selection (null: none) and show its pictures. */
  select(title, indices) {
    this.selection = indices;
    this.shade();
    if (indices) {
      this.tell(`${count(indices.length)} points selected: ${title}`);
      this.shown(title, indices.slice(0, 20000));
    } else this.filter();
  }

  search(text) {
    const wanted = text.trim().toLowerCase();
    if (!wanted) { this.select(null, null); return; }
    const classes = new Set(this.page.classes.flatMap((name, c) => (name.toLowerCase().includes(wanted) ? [c] : [])));
    this.select(`“${text.trim()}”`, this.visible.filter((i) => classes.has(this.page.labels[i]) || this.page.ids[i].toLowerCase().includes(wanted)));
  }

  setMode(mode) {
    this.mode = mode;
    this.lasso.setAttribute("aria-pressed", String(mode === "lasso"));
    this.canvas.classList.toggle("drawing", mode === "lasso");
  }

  resize() {
    const ratio = window.devicePixelRatio || 1;
    for (const canvas of [this.canvas, this.over]) {
      canvas.width = Math.max(1, Math.round(this.stage.clientWidth * ratio));
      canvas.height = Math.max(1, Math.round(this.stage.clientHeight * ratio));
    }
    this.draw();
  }

  /** The visible point nearest to a pixel, at most so many pixels away; -1 where there is none. */
  nearestTo(px, py, within = Infinity) {
    const ratio = window.devicePixelRatio || 1;
    const place = this.view.toPixels(this.canvas.width, this.canvas.height);
    let [best, nearest] = [-1, (within * ratio) ** 2];
    for (const i of this.visible) {
      const [x, y] = place(this.places[3 * i], this.places[3 * i + 1], this.places[3 * i + 2]);
      const d = (x - px * ratio) ** 2 + (y - py * ratio) ** 2;
      if (d < nearest) [best, nearest] = [i, d];
    }
    return best;
  }

  draw() {
    if (this.waiting || !this.gl || !this.places || !this.visible) return;
    this.waiting = requestAnimationFrame(() => { this.waiting = 0; this.frame(); });
  }

  frame() {
    const ratio = window.devicePixelRatio || 1;
    const background = getComputedStyle(this.stage).backgroundColor.match(/[\d.]+/g).slice(0, 3).map((v) => v / 255);
    this.gl.draw(this.view.matrix(this.canvas.width, this.canvas.height), ratio * Math.max(2, Math.min(9, 1.6 * Math.sqrt(this.view.zoom) * (this.last - this.first < 2000 ? 3.5 : this.last - this.first < 20000 ? 1.6 : 1))), background);
    drawOver(this, ratio);
    this.frames = (this.frames ?? 0) + 1;
  }

  hover([x, y]) {
    const i = this.nearestTo(x, y, HIT);
    this.hint.hidden = i < 0;
    if (i < 0) return;
    const { page, answers } = this;
    const canvas = element("canvas", {});
    if (this.sprites.present) this.sprites.draw(canvas, i);
    this.hint.replaceChildren(this.sprites.present ? canvas : "", element("span", {}, `${page.ids[i]}: ${page.classes[page.labels[i]]}${answers.predicted(i) === page.labels[i] ? "" : `, predicted ${page.classes[answers.predicted(i)]}`}`));
    this.hint.style.left = `${Math.min(x + 14, this.stage.clientWidth - 150)}px`;
    this.hint.style.top = `${Math.min(y + 14, this.stage.clientHeight - 110)}px`;
  }

  /** Open a picture; the arrow keys then go through what is selected, else through what is visible. */
  pick(i) {
    if (i >= 0) this.open(i, this.selection?.includes(i) ? this.selection : this.visible);
  }

  /** Select the nearest ones of a picture, by one of the metrics. */
  selectNear(index, metric) {
    const found = this.answers.neighbours(index, metric).map(([other]) => other);
    this.select(`nearest to ${this.page.ids[index]}, ${metric}`, [index, ...found]);
  }
}
