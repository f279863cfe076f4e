// Line and bar charts in SVG, drawn with the page's own colours.

import { button, contextOf, csv, element, save, saveCanvas, svgElement } from "dressform/html.js";

/**
 * @typedef {object} Axis
 * @property {string} title
 * @property {number} low
 * @property {number} high
 * @property {(value: number) => string} [show] a tick's text
 * @property {number[]} [ticks]
 */
/**
 * @typedef {object} Series
 * @property {string} title
 * @property {"line" | "bars" | "dash"} kind
 * @property {[number, number][]} points
 * @property {number} colour 1 to 4
 * @property {number} [width] of bars
 * @property {[number, number][]} [ranges] an interval for each point
 */
/** @typedef {{x: Axis, y: Axis, series: Series[]}} Plot */
/** @typedef {(value: number) => number} Scale a value's pixel */

const WIDTH = 560;
const HEIGHT = 280;
const LEFT = 52;
const RIGHT = WIDTH - 22;
const TOP = 12;
const BOTTOM = HEIGHT - 40;
const MAX_MARKED_POINTS = 40;

/**
 * Round values between two ends, about `number` of them.
 * @param {number} low
 * @param {number} high
 */
export function ticks(low, high, number = 5) {
  const rough = (high - low) / number || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= rough * 0.999) ?? 10;
  const step = power * factor;
  const values = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i += 1) {
    values.push(Number((i * step).toPrecision(12)));
  }
  return values;
}

/**
 * A chart that can be saved as SVG, PNG and CSV.
 * @param {string} name of the files
 * @param {string} caption
 * @param {Plot} plot
 */
export function chart(name, caption, { x, y, series }) {
  const across = scale(x, LEFT, RIGHT);
  const up = scale(y, BOTTOM, TOP);
  const viewBox = `0 0 ${WIDTH} ${HEIGHT}`;
  const svg = svgElement("svg", { viewBox, role: "img", "aria-label": caption, class: "chart" });
  svg.append(...axes({ x, y }, across, up), ...series.map((one) => drawn(one, across, up)));
  const keys = series.map((one) =>
    element("span", { class: `key c${one.colour} ${one.kind}` }, one.title),
  );
  const rows = series.flatMap((one) => one.points.map((point) => [one.title, ...point]));
  const saveCsv = () =>
    save(`${name}.csv`, "text/csv", csv([["series", x.title, y.title], ...rows]));
  const small = { class: "small" };
  return element(
    "figure",
    {},
    element(
      "figcaption",
      {},
      caption,
      " ",
      button("SVG", () => save(`${name}.svg`, "image/svg+xml", standalone(svg)), small),
      button("PNG", () => savePng(`${name}.png`, svg), small),
      button("CSV", saveCsv, small),
    ),
    svg,
    element("div", { class: "legend" }, keys),
  );
}

/**
 * @param {Axis} axis
 * @param {number} start
 * @param {number} end
 * @returns {Scale}
 */
function scale({ low, high }, start, end) {
  return (value) => start + ((value - low) / (high - low || 1)) * (end - start);
}

/**
 * Grid, ticks and titles.
 * @param {{x: Axis, y: Axis}} plot
 * @param {Scale} across
 * @param {Scale} up
 */
function axes({ x, y }, across, up) {
  const middle = { "text-anchor": "middle" };
  const line = (/** @type {number} */ y1, /** @type {string} */ kind) =>
    svgElement("line", { x1: LEFT, x2: RIGHT, y1, y2: y1, class: kind });
  const text = (/** @type {Axis} */ axis, /** @type {number} */ value) =>
    (axis.show ?? String)(value);
  const rows = (y.ticks ?? ticks(y.low, y.high)).flatMap((value) => [
    line(up(value), "grid"),
    svgElement("text", { x: LEFT - 6, y: up(value) + 4, "text-anchor": "end" }, text(y, value)),
  ]);
  const columns = (x.ticks ?? ticks(x.low, x.high, 8)).map((value) =>
    svgElement("text", { x: across(value), y: BOTTOM + 16, ...middle }, text(x, value)),
  );
  const turned = `translate(11 ${(TOP + BOTTOM) / 2}) rotate(-90)`;
  return [
    ...rows,
    ...columns,
    line(up(y.low), "axis"),
    svgElement("text", { x: (LEFT + RIGHT) / 2, y: HEIGHT - 6, ...middle }, x.title),
    svgElement("text", { x: 0, y: 0, ...middle, transform: turned }, y.title),
  ];
}

/**
 * @param {Series} series
 * @param {Scale} across
 * @param {Scale} up
 */
function drawn(series, across, up) {
  const { kind, points, colour, ranges = [] } = series;
  const group = svgElement("g", { class: `series c${colour} ${kind}` });
  if (kind === "bars") {
    group.append(...points.map(([x, y]) => bar(across(x), across(x + (series.width ?? 0)), up(y))));
    return group;
  }
  const path = points.map(([x, y]) => `${across(x).toFixed(1)},${up(y).toFixed(1)}`).join(" ");
  group.append(svgElement("polyline", { points: path }));
  if (kind === "line" && points.length <= MAX_MARKED_POINTS) {
    const mark = ([x, y] = points[0]) => svgElement("circle", { cx: across(x), cy: up(y), r: 3 });
    group.append(...points.map((point) => mark(point)));
  }
  for (const [i, [low, high]] of ranges.entries()) {
    const x = across(points[i][0]);
    group.append(
      svgElement("line", { x1: x, x2: x, y1: up(low), y2: up(high), class: "interval" }),
    );
  }
  return group;
}

/**
 * @param {number} left
 * @param {number} right
 * @param {number} top
 */
function bar(left, right, top) {
  const width = Math.max(1, right - left - 2);
  return svgElement("rect", { x: left + 1, width, y: top, height: BOTTOM - top });
}

const COPIED_STYLES = [
  "fill",
  "stroke",
  "stroke-width",
  "stroke-dasharray",
  "fill-opacity",
  "font-size",
  "font-family",
];

/**
 * The SVG as a file of its own, with the colours that it has on the page.
 * @param {SVGSVGElement} svg
 */
function standalone(svg) {
  const copy = /** @type {SVGSVGElement} */ (svg.cloneNode(true));
  const originals = svg.querySelectorAll("*");
  copy.querySelectorAll("*").forEach((node, i) => {
    const style = getComputedStyle(originals[i]);
    for (const property of COPIED_STYLES) {
      node.setAttribute(property, style.getPropertyValue(property));
    }
  });
  const size = { width: String(WIDTH), height: String(HEIGHT) };
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  for (const [attribute, value] of Object.entries(size)) copy.setAttribute(attribute, value);
  const fill = getComputedStyle(document.body).backgroundColor;
  copy.prepend(svgElement("rect", { ...size, fill }));
  return new XMLSerializer().serializeToString(copy);
}

/**
 * @param {string} name
 * @param {SVGSVGElement} svg
 */
async function savePng(name, svg) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(standalone(svg))}`;
  await image.decode();
  const canvas = element("canvas", { width: 2 * WIDTH, height: 2 * HEIGHT });
  contextOf(canvas).drawImage(image, 0, 0, 2 * WIDTH, 2 * HEIGHT);
  saveCanvas(name, canvas);
}
