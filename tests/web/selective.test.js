import assert from "node:assert/strict";
import { test } from "node:test";

import { sentence, source, tooFew, withTargets } from "dressform/selective.js";

test("a threshold in a sentence", () => {
  const point = {
    threshold: 0.7123,
    coverage: /** @type {[number, number, number]} */ ([0.882, 0.87, 0.89]),
    precision: /** @type {[number, number, number]} */ ([0.95, 0.94, 0.96]),
  };
  assert.equal(
    sentence(point),
    "At a confidence of 71.23 % or more, 88.2 % (87.0 to 89.0 %) of the images are answered " +
      "automatically (coverage), and 95.0 % (94.0 to 96.0 %) of these answers are correct " +
      "(selective accuracy). The other 11.8 % are left to a person.",
  );
  assert.match(sentence({ ...point, precision: null }), /nothing is answered/);
  assert.doesNotMatch(sentence({ ...point, coverage: [1, 0.9, 1] }), /left to a person/);
});

test("the thresholds of the table are points of the curve", () => {
  const point = (/** @type {number} */ threshold, correct = true) => ({
    threshold,
    coverage: /** @type {[number, number, number]} */ ([1, 1, 1]),
    precision: correct ? /** @type {[number, number, number]} */ ([1, 1, 1]) : null,
  });
  const curve = withTargets({
    measured_on: "10 test images",
    chosen_on: null,
    too_few: null,
    curve: [point(0.2), point(0.8)],
    targets: [
      { precision: 0.9, point: point(0.5) },
      { precision: 0.95, point: point(0.8) },
      { precision: 0.98, point: point(0.99, false) },
      { precision: 0.99, point: null },
    ],
  });
  assert.deepEqual(
    curve.map((one) => one.threshold),
    [0.2, 0.5, 0.8],
  );
});

test("where thresholds come from", () => {
  const selective = { measured_on: "10 test images", curve: [], targets: [], too_few: null };
  assert.match(
    source({ ...selective, chosen_on: "5 validation images" }),
    /on 5 validation images/,
  );
  assert.match(source({ ...selective, chosen_on: null }), /slightly optimistic/);
});

test("few validation examples choose no threshold", () => {
  const few = { measured_on: "9 test images", chosen_on: "5 validation images", curve: [] };
  assert.equal(source({ ...few, targets: [], too_few: 5 }), "Measured on 9 test images.");
  assert.equal(tooFew(5), "Too few validation examples (5) to choose a threshold.");
});
