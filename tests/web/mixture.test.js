import assert from "node:assert/strict";
import { test } from "node:test";

import { Mixture } from "dressform/classify/mixture.js";

import { vectors } from "./vectors.js";

test("log densities are Python's", () => {
  const { indices, components, logDensity } = vectors.mixture;
  const colours = Float64Array.from(vectors.mixture.colours);
  const mixture = new Mixture(colours, indices, components);
  const densities = mixture.logDensity(colours);
  assert.equal(densities.length, logDensity.length);
  densities.forEach((density, i) => {
    assert.ok(Math.abs(density - logDensity[i]) < 1e-9, `colour ${i}`);
  });
});
