// The scores of each class with their intervals, and the pairs of classes that are confused most.

import { button, count, element, percent, percentRange } from "dressform/html.js";
import { area } from "dressform/curves.js";
import { table } from "dressform/table.js";

/** @import { ClassScores, Curves, Run } from "dressform/types.js" */

const MAX_PAIRS = 15;

/**
 * @param {string[]} classes
 * @param {Run} run
 * @param {{openClass: (c: number) => void, openPair: (i: number, j: number) => void}} actions
 */
export function perClassTables(classes, run, { openClass, openPair }) {
  const scores = scoreTable(
    classes,
    run.per_class.map((row, c) => ({ ...row, curves: run.curves[c] })),
    openClass,
  );
  const pairs = confusedPairs(run.confusion);
  return [scores, pairs.length > 0 && pairTable(classes, pairs, openPair)];
}

const LINK = { class: "plain link" };

/** @typedef {ClassScores & {curves: Curves | null}} ClassRow */

/**
 * A value with its interval below it.
 * @param {string} value
 * @param {string} interval
 */
const withInterval = (value, interval) => [
  value,
  element("small", { class: "interval" }, interval),
];

/**
 * @param {string[]} classes
 * @param {ClassRow[]} rows
 * @param {(c: number) => void} open
 */
function scoreTable(classes, rows, open) {
  /**
   * @param {"precision" | "recall" | "f1"} name
   * @param {string} title
   */
  const score = (name, title) => ({
    title,
    number: true,
    key: (/** @type {ClassRow} */ row) => row[name],
    show: (/** @type {ClassRow} */ row) => {
      const [low, high] = row.intervals[name];
      return withInterval(percent(row[name]), percentRange(low, high));
    },
  });
  /**
   * @param {"average_precision" | "roc_auc"} name
   * @param {string} title
   */
  const areaUnder = (name, title) => ({
    title,
    number: true,
    key: (/** @type {ClassRow} */ row) => row.curves?.[name].value ?? NaN,
    show: (/** @type {ClassRow} */ row) => {
      if (!row.curves) return "–";
      const { value, low, high } = row.curves[name];
      return withInterval(area(value), `${area(low)} to ${area(high)}`);
    },
  });
  const caption = "Scores with 95 % intervals. Select a class to see its errors.";
  return table(
    "per-class",
    caption,
    [
      {
        title: "Class",
        key: (row) => row.label,
        show: (row) => button(row.label, () => open(classes.indexOf(row.label)), LINK),
      },
      score("precision", "Precision"),
      score("recall", "Recall"),
      score("f1", "F1"),
      areaUnder("average_precision", "Average precision"),
      areaUnder("roc_auc", "ROC AUC"),
      {
        title: "Support",
        number: true,
        key: (row) => row.support,
        show: (row) => count(row.support),
      },
    ],
    rows,
  );
}

/** @typedef {{i: number, j: number, value: number, fraction: number}} Pair */

/**
 * The fullest cells off the diagonal: class i predicted as class j.
 * @param {number[][]} confusion
 * @returns {Pair[]}
 */
function confusedPairs(confusion) {
  const pairs = confusion.flatMap((row, i) => {
    const total = row.reduce((a, b) => a + b, 0);
    return row.map((value, j) => ({ i, j, value, fraction: value / total }));
  });
  const wrong = pairs.filter(({ i, j, value }) => i !== j && value);
  return wrong.sort((a, b) => b.value - a.value).slice(0, MAX_PAIRS);
}

/**
 * @param {string[]} classes
 * @param {Pair[]} pairs
 * @param {(i: number, j: number) => void} open
 */
function pairTable(classes, pairs, open) {
  const name = (/** @type {Pair} */ { i, j }) => `${classes[i]} → ${classes[j]}`;
  const caption = "Most confused classes. Select a pair to see its images.";
  return table(
    "confused-pairs",
    caption,
    [
      {
        title: "True → predicted",
        key: name,
        show: (pair) => button(name(pair), () => open(pair.i, pair.j), LINK),
      },
      { title: "Images", number: true, key: (pair) => pair.value },
      {
        title: "Fraction of true class",
        number: true,
        key: (pair) => pair.fraction,
        show: (pair) => percent(pair.fraction, 1),
      },
    ],
    pairs,
  );
}
