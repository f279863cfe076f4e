// Colours of the projector's points.

import { contextOf, element } from "dressform/html.js";

/** @import { Projector } from "dressform/projector.js" */

/**
 * @typedef {object} LegendEntry
 * @property {string} text
 * @property {string} colour
 * @property {number} [label] of a class, which a click hides
 */
/** @typedef {{colours: Uint8Array, legend: LegendEntry[]}} Painted colours: RGBA of each point */
/** @typedef {{text: string, colour: string, alpha: number}} Kind */
/**
 * @typedef {object} Colouring
 * @property {string} title
 * @property {(projector: Projector) => boolean} applies
 * @property {(projector: Projector) => Painted} colours
 */

const PALETTE = [
  "#3b78d8",
  "#f28e2b",
  "#3fa556",
  "#e0474c",
  "#9a62c7",
  "#c9a400",
  "#2bb3b1",
  "#ee70ac",
  "#96694c",
  "#8a8f98",
];
const GOLDEN_ANGLE = 137.5;
const CLASS_ALPHA = 200;

/**
 * Distinct colours, readable on light and dark; after the palette round the circle.
 * @param {number} c
 */
export const categorical = (c) =>
  PALETTE[c] ?? `hsl(${((c * GOLDEN_ANGLE) % 360).toFixed(1)} 65% ${c % 2 ? 60 : 45}%)`;

/**
 * Colour each point by its kind.
 * @param {number} total
 * @param {Kind[]} kinds
 * @param {(i: number) => number} kindOf
 */
function paint(total, kinds, kindOf) {
  const pixel = element("canvas", { width: 1, height: 1 });
  const context = contextOf(pixel, { willReadFrequently: true });
  const table = kinds.map(({ colour, alpha }) => {
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3), alpha];
  });
  const colours = new Uint8Array(4 * total);
  for (let i = 0; i < total; i += 1) colours.set(table[kindOf(i)], 4 * i);
  return colours;
}

/**
 * @param {Projector} projector
 * @param {(i: number) => number} classOf
 * @param {boolean} hideable whether a click on the legend hides a class
 */
function byClass({ page, total }, classOf, hideable) {
  const legend = page.classes.map((text, c) => {
    const colour = categorical(c);
    return hideable ? { text, colour, label: c } : { text, colour };
  });
  const kinds = legend.map((entry) => ({ ...entry, alpha: CLASS_ALPHA }));
  return { colours: paint(total, kinds, classOf), legend };
}

/**
 * @param {Projector} projector
 * @param {Kind[]} kinds
 * @param {(i: number) => number} kindOf
 */
function byKind({ total }, kinds, kindOf) {
  const legend = kinds.map(({ text, colour }) => ({ text, colour }));
  return { colours: paint(total, kinds, kindOf), legend };
}

/** Upper limits of the loss in nats. */
const LOSS_LIMITS = [0.01, 0.1, 0.7, 2];
const LOSS_KINDS = [
  { text: "below 0.01", colour: "hsl(230 40% 62%)", alpha: 100 },
  { text: "0.01 to 0.1", colour: "hsl(180 50% 48%)", alpha: 150 },
  { text: "0.1 to 0.7", colour: "hsl(70 60% 45%)", alpha: 200 },
  { text: "0.7 to 2", colour: "hsl(35 90% 52%)", alpha: 240 },
  { text: "above 2", colour: "hsl(0 85% 52%)", alpha: 255 },
];
const ERROR_KINDS = [
  { text: "correct", colour: "hsl(211 25% 60%)", alpha: 90 },
  { text: "error", colour: "hsl(0 80% 55%)", alpha: 255 },
];
const LABEL_KINDS = [
  { text: "label plausible", colour: "hsl(211 25% 60%)", alpha: 90 },
  { text: "label suspect", colour: "hsl(45 95% 50%)", alpha: 255 },
];

const always = () => true;

/** @type {Record<string, Colouring>} */
export const COLOURINGS = {
  label: {
    title: "Label",
    applies: always,
    colours: (p) => byClass(p, (i) => p.page.labels[i], true),
  },
  prediction: {
    title: "Prediction",
    applies: always,
    colours: (p) => byClass(p, (i) => p.predictions.predicted(i), false),
  },
  error: {
    title: "Error",
    applies: always,
    colours: (p) =>
      byKind(p, ERROR_KINDS, (i) => Number(p.page.labels[i] !== p.predictions.predicted(i))),
  },
  loss: {
    title: "Loss",
    applies: always,
    colours: (p) =>
      byKind(
        p,
        LOSS_KINDS,
        (i) => LOSS_LIMITS.filter((limit) => p.predictions.loss[i] >= limit).length,
      ),
  },
  suspect: {
    title: "Suspect label",
    applies: always,
    colours: (p) => byKind(p, LABEL_KINDS, (i) => p.predictions.labelIssue[i] ?? 0),
  },
  split: {
    title: "Split",
    applies: (p) => p.page.examples > p.first && p.page.examples < p.last,
    colours: (p) => {
      const kinds = [
        { text: p.page.split, colour: "hsl(28 90% 55%)", alpha: 230 },
        { text: "train", colour: "hsl(211 45% 58%)", alpha: 120 },
      ];
      return byKind(p, kinds, (i) => Number(i >= p.page.examples));
    },
  },
};
