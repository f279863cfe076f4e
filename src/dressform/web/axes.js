// Axes of one's own: from the middle of some points to the middle of others.

/**
 * Places [x, y, 0] of every point. x: along the line from the middle of points `a` to the middle of points `b`;
 * y: that one of the first four principal components that has least to do with x, made square to it.
 * basis: {rows, n, d}, principal components of the points.
 */
export function customAxes({ rows, n, d }, a, b) {
  const centre = (indices) => { const m = new Float64Array(d); for (const i of indices) for (let j = 0; j < d; j += 1) m[j] += rows[i * d + j] / indices.length; return m; };
  const [from, to] = [a, b].map(centre);
  let axis = to.map((value, j) => value - from[j]);
  const length = Math.hypot(...axis) || 1;
  axis = axis.map((value) => value / length);
  const best = Array.from({ length: d }, (_, j) => j).sort((i, j) => Math.abs(axis[i]) - Math.abs(axis[j]) || i - j).find((j) => j < 4) ?? 0;
  const across = new Float64Array(d);
  across[best] = 1;
  for (let j = 0; j < d; j += 1) across[j] -= axis[best] * axis[j];
  const norm = Math.hypot(...across) || 1;
  const out = new Float32Array(3 * n);
  for (let i = 0; i < n; i += 1) for (let j = 0; j < d; j += 1) { out[3 * i] += rows[i * d + j] * axis[j]; out[3 * i + 1] += (rows[i * d + j] * across[j]) / norm; }
  return out;
}
