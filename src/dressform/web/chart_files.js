// Charts as files: SVG and PNG with the colours that they have on the page.

import { contextOf, element, saveCanvas, svgElement } from "dressform/html.js";

const COPIED_STYLES = [
  "fill",
  "stroke",
  "stroke-width",
  "stroke-dasharray",
  "fill-opacity",
  "font-size",
  "font-family",
];

/** @param {SVGSVGElement} svg */
const sizeOf = (svg) => ({ width: svg.viewBox.baseVal.width, height: svg.viewBox.baseVal.height });

/**
 * The SVG as a file of its own.
 * @param {SVGSVGElement} svg
 */
export function standalone(svg) {
  const copy = /** @type {SVGSVGElement} */ (svg.cloneNode(true));
  const originals = svg.querySelectorAll("*");
  copy.querySelectorAll("*").forEach((node, i) => {
    const style = getComputedStyle(originals[i]);
    for (const property of COPIED_STYLES) {
      node.setAttribute(property, style.getPropertyValue(property));
    }
  });
  copy.querySelector(".cursor")?.remove();
  const size = sizeOf(svg);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  for (const [attribute, value] of Object.entries(size)) copy.setAttribute(attribute, `${value}`);
  const fill = getComputedStyle(document.body).backgroundColor;
  copy.prepend(svgElement("rect", { ...size, fill }));
  return new XMLSerializer().serializeToString(copy);
}

/**
 * @param {string} name
 * @param {SVGSVGElement} svg
 */
export async function savePng(name, svg) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(standalone(svg))}`;
  await image.decode();
  const { width, height } = sizeOf(svg);
  const canvas = element("canvas", { width: 2 * width, height: 2 * height });
  contextOf(canvas).drawImage(image, 0, 0, 2 * width, 2 * height);
  saveCanvas(name, canvas);
}
