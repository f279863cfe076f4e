import assert from "node:assert/strict";
import { test } from "node:test";

import { fit, quantile, resize, resizeMask, round, toGrey } from "dressform/classify/resample.js";

import { unpacked, vectors } from "./vectors.js";

const image = unpacked(vectors.image);

test("round is Python's", () => {
  for (const [value, rounded] of vectors.round) assert.ok(round(value) === rounded, String(value));
});

test("quantile is numpy's", () => {
  const { values, quantiles } = vectors.quantile;
  for (const [fraction, value] of quantiles) {
    assert.ok(Math.abs(quantile(values, fraction) - value) < 1e-12, String(fraction));
  }
});

test("grey is Pillow's", () => {
  assert.deepEqual(toGrey(image), unpacked(vectors.grey));
});

for (const { width, height, filter, pixels } of vectors.resize) {
  test(`resize to ${width} × ${height} by ${filter} is Pillow's`, () => {
    assert.deepEqual(resize(image, width, height, filter), unpacked(pixels));
  });
}

for (const { width, height, pixels } of vectors.resizeMask) {
  test(`resizeMask to ${width} × ${height} is Pillow's nearest`, () => {
    const mask = image.data.filter((_, i) => i % 3 === 0).map((value) => value % 2);
    assert.deepEqual(resizeMask(mask, image, { width, height }), unpacked(pixels).data);
  });
}

for (const { shape, pixels } of vectors.fit) {
  test(`fit to ${shape.join(" × ")} is Python's`, () => {
    assert.deepEqual(fit(image, shape), unpacked(pixels));
  });
}
