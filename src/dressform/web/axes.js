// Custom axes: from the mean of some points to the mean of others.

/** @typedef {{rows: Float32Array, n: number, d: number}} Matrix n rows of d values */

const MAX_COMPONENT = 4; // of the principal components that y may follow

/**
 * Coordinates [x, y, 0] of every point. x: along the line from the mean of points `a` to the mean
 * of points `b`. y: the one of the first four principal components that is least parallel to it,
 * made orthogonal.
 * @param {Matrix} basis principal components of the points
 * @param {number[]} a
 * @param {number[]} b
 */
export function customAxes({ rows, n, d }, a, b) {
  const [from, to] = [mean(rows, d, a), mean(rows, d, b)];
  const x = normalised(to.map((value, j) => value - from[j]));
  let least = 0;
  for (let j = 1; j < Math.min(d, MAX_COMPONENT); j += 1) {
    if (Math.abs(x[j]) < Math.abs(x[least])) least = j;
  }
  const y = normalised(x.map((value, j) => Number(j === least) - x[least] * value));
  const coordinates = new Float32Array(3 * n);
  for (let i = 0; i < n; i += 1) {
    for (let j = 0; j < d; j += 1) {
      coordinates[3 * i] += rows[i * d + j] * x[j];
      coordinates[3 * i + 1] += rows[i * d + j] * y[j];
    }
  }
  return coordinates;
}

/**
 * @param {Float32Array} rows
 * @param {number} d
 * @param {number[]} indices
 */
function mean(rows, d, indices) {
  const sum = new Float64Array(d);
  for (const i of indices) for (let j = 0; j < d; j += 1) sum[j] += rows[i * d + j];
  return sum.map((value) => value / indices.length);
}

/** @param {Float64Array} vector */
function normalised(vector) {
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => value / length);
}
