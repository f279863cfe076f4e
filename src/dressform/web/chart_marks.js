// What a chart is made of: scales, axes, lines and bars.

import { svgElement } from "dressform/html.js";

/** @import { Axis, Series } from "dressform/chart.js" */
/** @typedef {(value: number) => number} Scale a value's pixel */

export const HEIGHT = 280;
export const LEFT = 64;
export const TOP = 12;
export const BOTTOM = HEIGHT - 40;
const RIGHT_MARGIN = 22;
const MAX_MARKED_POINTS = 40;
const TICK_SPACE = 62;

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
 * @param {number | undefined} hue
 * @returns {Record<string, number>}
 */
export const hueStyle = (hue) => (hue === undefined ? {} : { "--hue": hue });

/**
 * Where a point, or the top of a bar, is.
 * @param {Series} series
 * @param {number} i
 * @returns {[number, number]}
 */
export function middle({ points, kind, width = 0 }, i) {
  const [x, y] = points[i];
  return [kind === "bars" ? x + width / 2 : x, y];
}

/**
 * The scales of a plot that is so wide.
 * @param {{x: Axis, y: Axis}} plot
 * @param {number} width
 */
export const scales = ({ x, y }, width) => ({
  across: scale(x, LEFT, width - RIGHT_MARGIN),
  up: scale(y, BOTTOM, TOP),
});

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
 * @param {number} width
 */
export function axes({ x, y }, across, up, width) {
  const centred = { "text-anchor": "middle" };
  const right = width - RIGHT_MARGIN;
  const line = (/** @type {number} */ y1, /** @type {string} */ kind) =>
    svgElement("line", { x1: LEFT, x2: right, y1, y2: y1, class: kind });
  const text = (/** @type {Axis} */ axis, /** @type {number} */ value) =>
    (axis.show ?? String)(value);
  const rows = (y.ticks ?? ticks(y.low, y.high)).flatMap((value) => [
    line(up(value), "grid"),
    svgElement("text", { x: LEFT - 6, y: up(value) + 4, "text-anchor": "end" }, text(y, value)),
  ]);
  const number = Math.min(8, Math.floor((right - LEFT) / TICK_SPACE));
  const columns = (x.ticks ?? ticks(x.low, x.high, number)).map((value) =>
    svgElement("text", { x: across(value), y: BOTTOM + 16, ...centred }, text(x, value)),
  );
  const turned = `translate(11 ${(TOP + BOTTOM) / 2}) rotate(-90)`;
  return [
    ...rows,
    ...columns,
    line(up(y.low), "axis"),
    svgElement("text", { x: (LEFT + right) / 2, y: HEIGHT - 6, ...centred }, x.title),
    svgElement("text", { x: 0, y: 0, ...centred, transform: turned }, y.title),
  ];
}

/**
 * @param {Series} series
 * @param {Scale} across
 * @param {Scale} up
 */
export function drawn(series, across, up) {
  const { kind, points, colour = 0, hue, broken, ranges = [], faded = [] } = series;
  const style = hueStyle(hue);
  const group = svgElement("g", {
    class: `series c${colour} ${kind} ${broken ? "broken" : ""}`,
    style,
  });
  if (kind === "bars") {
    group.append(...points.map(([x, y]) => bar(across(x), across(x + (series.width ?? 0)), up(y))));
    return group;
  }
  const path = points.map(([x, y]) => `${across(x).toFixed(1)},${up(y).toFixed(1)}`).join(" ");
  group.append(svgElement("polyline", { points: path }));
  for (const [i, [low, high]] of ranges.entries()) {
    const x = across(points[i][0]);
    const kindOf = faded[i] ? "interval faded" : "interval";
    group.append(svgElement("line", { x1: x, x2: x, y1: up(low), y2: up(high), class: kindOf }));
  }
  if (kind === "line" && points.length <= MAX_MARKED_POINTS) {
    group.append(
      ...points.map(([x, y], i) =>
        svgElement("circle", { cx: across(x), cy: up(y), r: 3, class: faded[i] ? "faded" : "" }),
      ),
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
