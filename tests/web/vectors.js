// Reads what Python computed; tests/web/vectors.py writes it.

import { readFileSync } from "node:fs";

/** @import { Image } from "dressform/types.js" */

/** @typedef {{width: number, height: number, channels: number, data: string}} Packed data: base64 */

export const vectors = JSON.parse(readFileSync(new URL("vectors.json", import.meta.url), "utf8"));

/**
 * @param {Packed} packed
 * @returns {Image}
 */
export function unpacked(packed) {
  return { ...packed, data: new Uint8Array(Buffer.from(packed.data, "base64")) };
}
