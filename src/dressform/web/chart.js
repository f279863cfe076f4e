// Line and bar charts in SVG, drawn as wide as their place on the page, with a cursor that reads
// values: it follows the pointer and the arrow keys.

import { savePng, standalone } from "dressform/chart_files.js";
import {
  axes,
  BOTTOM,
  drawn,
  HEIGHT,
  hueStyle,
  middle,
  scales,
  TOP,
} from "dressform/chart_marks.js";
import { button, csv, element, save, svgElement } from "dressform/html.js";

/**
 * @typedef {object} Axis
 * @property {string} title
 * @property {string} [name] a shorter title, for the values that are read
 * @property {number} low
 * @property {number} high
 * @property {(value: number) => string} [show] a tick's text
 * @property {(value: number) => string} [read] a value's text, more exact
 * @property {number[]} [ticks]
 */
/**
 * @typedef {object} Series
 * @property {string} title
 * @property {string} [name] in place of the title, for the values that are read
 * @property {"line" | "bars" | "dash"} kind dashed lines are references, whose values are not read
 * @property {[number, number][]} points
 * @property {number} [colour] 1 to 4
 * @property {number} [hue] in degrees, in place of a colour
 * @property {boolean} [broken] whether the line is interrupted, to tell it from its neighbours
 * @property {number} [width] of bars
 * @property {[number, number][]} [ranges] an interval for each point
 * @property {boolean[]} [faded] points that say little
 * @property {string[]} [notes] what else is read at each point
 * @property {boolean} [hidden] until its name in the legend is pressed
 */
/**
 * @typedef {object} Plot
 * @property {Axis} x
 * @property {Axis} y
 * @property {Series[]} series
 * @property {boolean} [together] whether all series have a value at each x, read together
 * @property {boolean} [choosable] whether the legend shows and hides series
 * @property {(series: number, point: number) => void} [onread]
 */

const MIN_WIDTH = 280;
const MAX_WIDTH = 640;
const HINT = "Point at the chart, or use the arrow keys, to read values.";

/** @type {WeakMap<Element, Chart>} */
const charts = new WeakMap();
const observer =
  typeof ResizeObserver === "undefined"
    ? null
    : new ResizeObserver((entries) => {
        for (const { target, contentRect } of entries) charts.get(target)?.fit(contentRect.width);
      });

/**
 * A chart that can be read, and saved as SVG, PNG and CSV.
 * @param {string} name of the files
 * @param {string} caption
 * @param {Plot} plot
 */
export const chart = (name, caption, plot) => new Chart(name, caption, plot).node;

export class Chart {
  /**
   * @param {string} name of the files
   * @param {string} caption
   * @param {Plot} plot
   */
  constructor(name, caption, plot) {
    this.name = name;
    this.plot = plot;
    this.shown = plot.series.map((series) => !series.hidden);
    /** @type {[number, number] | null} series and point */
    this.cursor = null;
    this.width = MAX_WIDTH;
    this.svg = svgElement("svg", { role: "img", "aria-label": caption, class: "chart" });
    this.area = element(
      "div",
      {
        class: "plot",
        tabindex: "0",
        role: "group",
        "aria-label": `${caption}: values`,
        onkeydown: (event) => this.key(event),
      },
      this.svg,
    );
    for (const type of /** @type {const} */ (["pointermove", "pointerdown"])) {
      this.svg.addEventListener(type, (event) => this.point(event));
    }
    this.readout = element("output", { class: "readout quiet" }, HINT);
    this.legend = element(
      "div",
      { class: "legend" },
      plot.series.map((_, s) => this.legendKey(s)),
    );
    const small = { class: "small" };
    this.node = element(
      "figure",
      {},
      element(
        "figcaption",
        {},
        caption,
        " ",
        button("SVG", () => save(`${name}.svg`, "image/svg+xml", standalone(this.svg)), small),
        button("PNG", () => savePng(`${name}.png`, this.svg), small),
        button("CSV", () => this.saveCsv(), small),
      ),
      this.area,
      this.readout,
      this.legend,
    );
    charts.set(this.area, this);
    observer?.observe(this.area);
    this.draw();
  }

  /** @param {number} width that the page has for it */
  fit(width) {
    const fitting = Math.round(Math.max(MIN_WIDTH, Math.min(MAX_WIDTH, width)));
    if (!width || fitting === this.width) return; // 0: it is not on the page
    this.width = fitting;
    this.draw();
  }

  get scales() {
    return scales(this.plot, this.width);
  }

  draw() {
    const { across, up } = this.scales;
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${HEIGHT}`);
    const shown = this.plot.series.filter((_, s) => this.shown[s]);
    this.svg.replaceChildren(
      ...axes(this.plot, across, up, this.width),
      ...shown.map((one) => drawn(one, across, up)),
    );
    this.drawCursor();
  }

  drawCursor() {
    this.svg.querySelector(".cursor")?.remove();
    if (!this.cursor) return;
    const [s, i] = this.cursor;
    const { across, up } = this.scales;
    const [x, y] = middle(this.plot.series[s], i);
    this.svg.append(
      svgElement(
        "g",
        { class: "cursor" },
        svgElement("line", { x1: across(x), x2: across(x), y1: TOP, y2: BOTTOM }),
        svgElement("circle", { cx: across(x), cy: up(y), r: 5 }),
      ),
    );
  }

  /** Whether the cursor may be on a series. @param {number} s */
  readable(s) {
    const { kind, points } = this.plot.series[s];
    return this.shown[s] && kind !== "dash" && points.length > 0;
  }

  /**
   * Put the cursor on a point and read it.
   * @param {number} s
   * @param {number} i
   */
  read(s, i) {
    if (this.cursor?.[0] === s && this.cursor[1] === i) return;
    this.mark(s, i);
    this.plot.onread?.(s, i);
  }

  /**
   * Put the cursor on a point without telling.
   * @param {number} s
   * @param {number} i
   */
  mark(s, i) {
    this.cursor = [s, i];
    this.readout.textContent = this.reading(s, i);
    this.readout.classList.remove("quiet");
    this.drawCursor();
  }

  /**
   * @param {number} s
   * @param {number} i
   */
  reading(s, i) {
    const { x, y, series, together } = this.plot;
    const [at] = series[s].points[i];
    const readX = x.read ?? x.show ?? String;
    const { kind, width = 0, notes } = series[s];
    const where = kind === "bars" ? `${readX(at)} to ${readX(at + width)}` : readX(at);
    const read = series.flatMap((one, other) => {
      if (!this.readable(other) || (other !== s && !together)) return [];
      const j = other === s ? i : one.points.findIndex(([value]) => value === at);
      return j < 0
        ? []
        : [`${one.name ?? one.title} ${valueOf(one, j, y.read ?? y.show ?? String)}`];
    });
    const note = notes ? `, ${notes[i]}` : "";
    return `${x.name ?? x.title} ${where}: ${read.join(", ")}${note}`;
  }

  /** @param {PointerEvent} event */
  point(event) {
    const box = this.svg.getBoundingClientRect();
    const px = ((event.clientX - box.left) / box.width) * this.width;
    const py = ((event.clientY - box.top) / box.height) * HEIGHT;
    const { across, up } = this.scales;
    const weight = this.plot.together ? 0.001 : 1; // then the nearest x counts
    /** @type {[number, number] | null} */
    let nearest = null;
    let least = Infinity;
    for (const [s, series] of this.plot.series.entries()) {
      if (!this.readable(s)) continue;
      for (let i = 0; i < series.points.length; i += 1) {
        const [x, y] = middle(series, i);
        const distance =
          (across(x) - px) ** 2 + (series.kind === "bars" ? 0 : weight * (up(y) - py) ** 2);
        if (distance < least) [least, nearest] = [distance, [s, i]];
      }
    }
    if (nearest) this.read(...nearest);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const readable = this.plot.series.flatMap((_, s) => (this.readable(s) ? [s] : []));
    const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
    const turns = { ArrowUp: -1, ArrowDown: 1 };
    const step = steps[/** @type {keyof typeof steps} */ (event.key)];
    const turn = turns[/** @type {keyof typeof turns} */ (event.key)];
    if ((step === undefined && turn === undefined) || !readable.length) return;
    event.preventDefault();
    if (!this.cursor || !this.readable(this.cursor[0])) return this.read(readable[0], 0);
    const [s, i] = this.cursor;
    if (step !== undefined) {
      this.read(s, Math.max(0, Math.min(this.plot.series[s].points.length - 1, i + step)));
    } else {
      const next = readable[(readable.indexOf(s) + turn + readable.length) % readable.length];
      const [at] = this.plot.series[s].points[i];
      const distances = this.plot.series[next].points.map(([x]) => Math.abs(x - at));
      this.read(next, distances.indexOf(Math.min(...distances)));
    }
  }

  /** @param {number} s */
  legendKey(s) {
    const { title, kind, colour = 0, hue, broken } = this.plot.series[s];
    const attributes = {
      class: `key c${colour} ${kind} ${broken ? "broken" : ""}`,
      style: hueStyle(hue),
    };
    if (!this.plot.choosable) return element("span", attributes, title);
    const toggle = button(
      title,
      () => {
        this.shown[s] = !this.shown[s];
        toggle.setAttribute("aria-pressed", String(this.shown[s]));
        if (this.cursor?.[0] === s) this.cursor = null;
        this.draw();
      },
      { ...attributes, "aria-pressed": String(this.shown[s]) },
    );
    return toggle;
  }

  saveCsv() {
    const { x, y, series } = this.plot;
    const intervals = series.some((one) => one.ranges);
    const heading = ["series", x.title, y.title, ...(intervals ? ["low", "high"] : [])];
    const rows = series.flatMap((one) =>
      one.points.map((point, i) => [one.title, ...point, ...(one.ranges?.[i] ?? [])]),
    );
    save(`${this.name}.csv`, "text/csv", csv([heading, ...rows]));
  }
}

/**
 * @param {Series} series
 * @param {number} i
 * @param {(value: number) => string} show
 */
function valueOf(series, i, show) {
  const value = show(series.points[i][1]);
  const range = series.ranges?.[i];
  return range ? `${value} (${show(range[0])} to ${show(range[1])})` : value;
}
