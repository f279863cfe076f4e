// Line and bar charts in SVG, drawn with the page's own colours.

import { csv, element, save } from "dressform/html.js";

const WIDTH = 560, HEIGHT = 280, LEFT = 52, RIGHT = 22, TOP = 12, BOTTOM = 40;

/** Round values between two ends, about `wanted` of them. */
export function ticks(low, high, wanted = 5) {
  const rough = (high - low) / wanted || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i += 1) found.push(Number((i * step).toPrecision(12)));
  return found;
}

/**
 * A chart.
 * x, y: {title, low, high, show: value => text, ticks}.
 * series: [{title, kind: "line" | "bars" | "dash", points: [[x, y]], colour: 1..4, width (bars), range: [[low, high]]}].
 */
export function chart(name, caption, x, y, series) {
  const across = (value) => LEFT + ((value - x.low) / (x.high - x.low || 1)) * (WIDTH - LEFT - RIGHT);
  const up = (value) => HEIGHT - BOTTOM - ((value - y.low) / (y.high - y.low || 1)) * (HEIGHT - TOP - BOTTOM);
  const svg = element("svg:svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": caption, class: "chart" });
  for (const value of y.ticks ?? ticks(y.low, y.high)) {
    svg.append(element("svg:line", { x1: LEFT, x2: WIDTH - RIGHT, y1: up(value), y2: up(value), class: "grid" }),
      element("svg:text", { x: LEFT - 6, y: up(value) + 4, "text-anchor": "end" }, (y.show ?? String)(value)));
  }
  for (const value of x.ticks ?? ticks(x.low, x.high, 8)) {
    svg.append(element("svg:text", { x: across(value), y: HEIGHT - BOTTOM + 16, "text-anchor": "middle" }, (x.show ?? String)(value)));
  }
  svg.append(element("svg:line", { x1: LEFT, x2: WIDTH - RIGHT, y1: up(y.low), y2: up(y.low), class: "axis" }),
    element("svg:text", { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 6, "text-anchor": "middle" }, x.title),
    element("svg:text", { x: 0, y: 0, "text-anchor": "middle", transform: `translate(11 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)` }, y.title));
  for (const one of series) {
    const group = element("svg:g", { class: `series c${one.colour} ${one.kind}` });
    if (one.kind === "bars") {
      for (const [px, py] of one.points) {
        const right = across(px + one.width);
        group.append(element("svg:rect", { x: across(px) + 1, width: Math.max(1, right - across(px) - 2), y: up(py), height: up(y.low) - up(py) }));
      }
    } else {
      group.append(element("svg:polyline", { points: one.points.map(([px, py]) => `${across(px).toFixed(1)},${up(py).toFixed(1)}`).join(" ") }));
      if (one.kind === "line" && one.points.length <= 40) {
        for (const [px, py] of one.points) group.append(element("svg:circle", { cx: across(px), cy: up(py), r: 3 }));
      }
      (one.range ?? []).forEach(([low, high], i) => {
        const px = across(one.points[i][0]);
        group.append(element("svg:line", { x1: px, x2: px, y1: up(low), y2: up(high), class: "reach" }));
      });
    }
    svg.append(group);
  }
  const legend = element("div", { class: "legend" }, series.map((one) => element("span", { class: `key c${one.colour} ${one.kind}` }, one.title)));
  const rows = [["series", x.title, y.title], ...series.flatMap((one) => one.points.map((point) => [one.title, ...point]))];
  return element("figure", {}, element("figcaption", {}, caption, " ",
    element("button", { type: "button", class: "small", onclick: () => save(`${name}.svg`, "image/svg+xml", standalone(svg)) }, "SVG"),
    element("button", { type: "button", class: "small", onclick: () => saveImage(`${name}.png`, svg) }, "PNG"),
    element("button", { type: "button", class: "small", onclick: () => save(`${name}.csv`, "text/csv", csv(rows)) }, "CSV")), svg, legend);
}

/** The SVG as a file of its own, with the colours that it has on the page. */
function standalone(svg) {
  const copy = svg.cloneNode(true);
  const originals = svg.querySelectorAll("*");
  copy.querySelectorAll("*").forEach((node, i) => {
    const style = getComputedStyle(originals[i]);
    for (const property of ["fill", "stroke", "stroke-width", "stroke-dasharray", "fill-opacity", "font-size", "font-family"]) {
      node.setAttribute(property, style.getPropertyValue(property));
    }
  });
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", WIDTH);
  copy.setAttribute("height", HEIGHT);
  copy.prepend(element("svg:rect", { width: WIDTH, height: HEIGHT, fill: getComputedStyle(document.body).backgroundColor }));
  return new XMLSerializer().serializeToString(copy);
}

async function saveImage(name, svg) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(standalone(svg))}`;
  await image.decode();
  const canvas = element("canvas", { width: 2 * WIDTH, height: 2 * HEIGHT });
  canvas.getContext("2d").drawImage(image, 0, 0, 2 * WIDTH, 2 * HEIGHT);
  canvas.toBlob((blob) => save(name, "image/png", blob));
}
