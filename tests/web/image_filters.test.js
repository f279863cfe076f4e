import assert from "node:assert/strict";
import { test } from "node:test";

import {
  DEFAULTS,
  describe,
  filterParameters,
  matching,
  modelChoices,
  parseFilters,
} from "dressform/image_filters.js";

const CLASSES = ["T-shirt/top", "Shirt & tie", "Coat"];
const LABELS = [0, 0, 1, 1, 2, 2];

/**
 * @param {number[]} predicted
 * @param {number[]} confidence
 * @param {number[]} labelIssue
 */
const model = (predicted, confidence, labelIssue) => ({
  predicted: (/** @type {number} */ i) => predicted[i],
  confidence: (/** @type {number} */ i) => confidence[i],
  labelIssue,
});

const PAGE = {
  classes: CLASSES,
  labels: LABELS,
  runs: [{ name: "a" }, { name: "b" }],
  predictions: [
    model([0, 1, 1, 0, 2, 1], [0.9, 0.8, 0.5, 0.95, 1, 0.4], [0, 1, 0, 0, 0, 0]),
    model([0, 0, 0, 1, 2, 1], [0.6, 0.6, 0.6, 0.6, 0.6, 0.6], [0, 0, 0, 0, 0, 0]),
  ],
};

/** @param {Partial<import("dressform/image_filters.js").Filters>} changes */
const shown = (changes, run = 0) =>
  LABELS.map((_, i) => i).filter(matching({ ...DEFAULTS, ...changes }, PAGE, run));

test("each filter keeps the images that it names", () => {
  assert.deepEqual(shown({}), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(shown({ result: "errors" }), [1, 3, 5]);
  assert.deepEqual(shown({ result: "errors" }, 1), [2, 5]);
  assert.deepEqual(shown({ result: "correct" }), [0, 2, 4]);
  assert.deepEqual(shown({ label: 1 }), [2, 3]);
  assert.deepEqual(shown({ predicted: 1 }), [1, 2, 5]);
  assert.deepEqual(shown({ label: 0, predicted: 1 }), [1]);
  assert.deepEqual(shown({ suspicion: "suspect" }), [1]);
  assert.deepEqual(shown({ result: "errors", suspicion: "plausible" }), [3, 5]);
  assert.deepEqual(shown({ low: 80, high: 95 }), [0, 1, 3]);
});

test("which models are right", () => {
  const by = (/** @type {string} */ models) => shown({ models });
  assert.deepEqual(by("one"), [1, 2, 3]);
  assert.deepEqual(by("only-0"), [2]);
  assert.deepEqual(by("only-1"), [1, 3]);
  assert.deepEqual(by("none"), [5]);
  assert.deepEqual(by("all"), [0, 4]);
  assert.deepEqual(by("differ"), [1, 2, 3]);
  assert.deepEqual(Object.keys(modelChoices([{ name: "alone" }])), ["any"]);
});

test("filters come back from the address", () => {
  const all = {
    label: 1,
    predicted: 0,
    result: /** @type {const} */ ("errors"),
    suspicion: /** @type {const} */ ("suspect"),
    low: 12.5,
    high: 99,
    models: "only-1",
    order: /** @type {const} */ ("most_confident"),
  };
  for (const filters of [all, { ...DEFAULTS }, { ...DEFAULTS, high: 50 }]) {
    const parameters = new URLSearchParams();
    for (const [name, value] of Object.entries(filterParameters(filters, CLASSES))) {
      if (value !== null) parameters.set(name, value);
    }
    assert.deepEqual(parseFilters(new URLSearchParams(`${parameters}`), PAGE), filters);
  }
  assert.ok(Object.values(filterParameters({ ...DEFAULTS }, CLASSES)).every((v) => v === null));
});

test("an address of another report changes nothing", () => {
  const text = "class=Boot&result=toString&label=1&confidence=x-3&correct=only-7&order=constructor";
  assert.deepEqual(parseFilters(new URLSearchParams(text), PAGE), { ...DEFAULTS });
});

test("the title says what is shown", () => {
  const title = (/** @type {object} */ changes) => describe({ ...DEFAULTS, ...changes }, PAGE);
  assert.equal(title({}), "Top losses");
  assert.equal(title({ order: "dataset" }), "All images");
  assert.equal(title({ label: 0, predicted: 2 }), "T-shirt/top predicted as Coat");
  assert.equal(title({ label: 2, predicted: 2 }), "Coat, correct");
  assert.equal(
    title({
      label: 2,
      result: "errors",
      low: 20,
      high: 90,
      suspicion: "suspect",
      models: "only-1",
    }),
    "Errors, true class Coat, suspect label, confidence 20 to 90 %, only b is correct",
  );
});
