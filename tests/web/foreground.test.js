import assert from "node:assert/strict";
import { test } from "node:test";

import { segmentForeground } from "dressform/classify/foreground.js";

import { unpacked, vectors } from "./vectors.js";

for (const [number, { photo, foreground }] of vectors.foreground.entries()) {
  test(`the foreground of photo ${number} is Python's`, () => {
    const segmented = segmentForeground(unpacked(photo));
    const expected = foreground && { ...foreground, mask: unpacked(foreground.mask).data };
    assert.deepEqual(segmented, expected);
  });
}
