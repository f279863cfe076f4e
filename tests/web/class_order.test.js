import assert from "node:assert/strict";
import { test } from "node:test";

import { byErrors, bySimilarity } from "dressform/class_order.js";

test("classes with the most errors come first", () => {
  const matrix = [
    [9, 1, 0],
    [0, 10, 0],
    [2, 0, 8],
  ];
  assert.deepEqual(byErrors(matrix), [0, 2, 1]);
});

test("classes that are confused stand side by side", () => {
  const matrix = Array.from({ length: 6 }, (_, i) =>
    Array.from({ length: 6 }, (__, j) => 90 * Number(i === j)),
  );
  // chains 0-3-5 and 1-4; 2 is never confused
  for (const [i, j, value] of [
    [0, 3, 8],
    [3, 5, 4],
    [1, 4, 6],
  ]) {
    matrix[i][j] = value;
  }
  const order = bySimilarity(matrix);
  assert.deepEqual([...order].sort(), [0, 1, 2, 3, 4, 5]);
  const place = (/** @type {number} */ c) => order.indexOf(c);
  for (const [a, b] of [
    [0, 3],
    [3, 5],
    [1, 4],
  ]) {
    assert.equal(Math.abs(place(a) - place(b)), 1, `${a} and ${b} in ${order}`);
  }
});

test("a class without examples has a place", () => {
  const matrix = [
    [0, 0],
    [1, 3],
  ];
  assert.deepEqual([...bySimilarity(matrix)].sort(), [0, 1]);
  assert.deepEqual([...byErrors(matrix)].sort(), [0, 1]);
});
