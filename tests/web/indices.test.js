// Sets of image numbers in links.

import assert from "node:assert/strict";
import test from "node:test";

import { packIndices, unpackIndices } from "dressform/indices.js";

test("every set of numbers comes back", () => {
  const sets = [[0], [9999], [3, 4, 5, 70], Array.from({ length: 10000 }, (_, i) => i)];
  sets.push(sets[3].filter((i) => (i * 7919) % 13 < 5));
  for (const indices of sets) {
    const text = packIndices(indices, 10000);
    assert.deepEqual(unpackIndices(text, 10000), indices);
    assert.ok(text.length < 1700, `${text.length} characters`);
    assert.match(text, /^[\w.*-]+$/);
  }
});

test("a damaged text gives numbers of the page, or none", () => {
  assert.deepEqual(unpackIndices("zz.x.!", 50), []);
  assert.deepEqual(unpackIndices("*???", 50), []);
  assert.deepEqual(unpackIndices("1.zzzz", 50), [1]);
});
