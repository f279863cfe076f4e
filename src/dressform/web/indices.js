// Sets of image numbers as short texts for links: distances in base 36, or a bit for each image
// where that is shorter.

const BASE = 36;
const BIT_MARK = "*";

/**
 * @param {number[]} indices
 * @param {number} total
 */
export function packIndices(indices, total) {
  const sorted = [...new Set(indices)].sort((a, b) => a - b);
  const distances = sorted.map((index, i) => (index - (sorted[i - 1] ?? 0)).toString(BASE));
  const listed = distances.join(".");
  if (listed.length <= total / 6) return listed;
  const bits = new Uint8Array(Math.ceil(total / 8));
  for (const index of sorted) bits[index >> 3] |= 1 << (index & 7);
  const bytes = Array.from(bits, (byte) => String.fromCharCode(byte)).join("");
  return BIT_MARK + btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * The numbers below a total that a text stands for.
 * @param {string} text
 * @param {number} total
 * @returns {number[]}
 */
export function unpackIndices(text, total) {
  if (!text.startsWith(BIT_MARK)) {
    let index = 0;
    const indices = text.split(".").map((distance) => {
      index += Number.parseInt(distance, BASE);
      return index;
    });
    return indices.filter((one) => one >= 0 && one < total);
  }
  try {
    const bytes = atob(text.slice(1).replaceAll("-", "+").replaceAll("_", "/"));
    return Array.from({ length: total }, (_, i) => i).filter(
      (i) => (bytes.charCodeAt(i >> 3) >> (i & 7)) & 1,
    );
  } catch {
    return [];
  }
}
