// A Gaussian mixture for the colours of an image, fitted deterministically;
// src/dressform/data/mixture.py explains it.

const SAMPLE_SIZE = 1500;
const ITERATIONS = 8;
const MIN_FRACTION = 0.01;
const VARIANCE_FLOOR = [4, 2, 2];

/** @typedef {Float64Array} Colours three numbers per pixel */
/**
 * @typedef {object} Component
 * @property {number} logWeight
 * @property {number[]} mean
 * @property {number[]} whitening the inverse of the Cholesky factor, row by row, without its zeros
 */

/**
 * @param {Colours} colours
 * @param {number} i
 * @param {number[]} centre
 */
function squaredDistance(colours, i, centre) {
  const a = colours[3 * i] - centre[0];
  const b = colours[3 * i + 1] - centre[1];
  const c = colours[3 * i + 2] - centre[2];
  return a * a + b * b + c * c;
}

/**
 * @param {Colours} colours
 * @param {number[]} indices
 */
function meanOf(colours, indices) {
  const sum = [0, 0, 0];
  for (const i of indices) for (let c = 0; c < 3; c += 1) sum[c] += colours[3 * i + c];
  return sum.map((total) => total / indices.length);
}

/** @param {number[]} values */
const argmin = (values) => values.indexOf(Math.min(...values));

/**
 * The index of the nearest centre of each colour.
 * @param {Colours} sample
 * @param {number[]} indices
 * @param {number[][]} centres
 */
function nearestCentres(sample, indices, centres) {
  return indices.map((i) => argmin(centres.map((centre) => squaredDistance(sample, i, centre))));
}

/**
 * The first centres: the pixel nearest to the mean, then pixels far from those before.
 * @param {Colours} sample
 * @param {number[]} indices
 * @param {number} k
 */
function initialCentres(sample, indices, k) {
  const colour = (/** @type {number} */ i) => [...sample.subarray(3 * i, 3 * i + 3)];
  const distancesTo = (/** @type {number[]} */ centre) =>
    indices.map((i) => squaredDistance(sample, i, centre));
  const centres = [colour(argmin(distancesTo(meanOf(sample, indices))))];
  let distances = distancesTo(centres[0]);
  while (centres.length < k) {
    const order = [...indices].sort((i, j) => distances[i] - distances[j]);
    const centre = colour(order[Math.trunc(0.95 * (indices.length - 1))]);
    centres.push(centre);
    distances = distances.map((distance, i) =>
      Math.min(distance, squaredDistance(sample, i, centre)),
    );
  }
  return centres;
}

/**
 * The cluster of each colour.
 * @param {Colours} sample
 * @param {number} k
 */
function kMeans(sample, k) {
  const indices = Array.from({ length: sample.length / 3 }, (_, i) => i);
  const centres = initialCentres(sample, indices, k);
  for (let iteration = 0; iteration < ITERATIONS; iteration += 1) {
    const nearest = nearestCentres(sample, indices, centres);
    for (let cluster = 0; cluster < k; cluster += 1) {
      const members = indices.filter((i) => nearest[i] === cluster);
      if (members.length) centres[cluster] = meanOf(sample, members);
    }
  }
  return nearestCentres(sample, indices, centres);
}

/**
 * Covariance of some colours, with the floor added to the variances.
 * @param {Colours} sample
 * @param {number[]} members
 * @param {number[]} mean
 */
function covariance(sample, members, mean) {
  return [0, 1, 2].map((a) =>
    [0, 1, 2].map((b) => {
      let sum = 0;
      for (const i of members) {
        sum += (sample[3 * i + a] - mean[a]) * (sample[3 * i + b] - mean[b]);
      }
      return sum / members.length + (a === b ? VARIANCE_FLOOR[a] : 0);
    }),
  );
}

/**
 * Lower triangle of the Cholesky factor of a 3 × 3 matrix.
 * @param {number[][]} matrix
 */
function choleskyOf(matrix) {
  const factor = [
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
  ];
  for (let i = 0; i < 3; i += 1) {
    for (let j = 0; j <= i; j += 1) {
      let sum = matrix[i][j];
      for (let k = 0; k < j; k += 1) sum -= factor[i][k] * factor[j][k];
      factor[i][j] = i === j ? Math.sqrt(sum) : sum / factor[j][j];
    }
  }
  return factor;
}

/**
 * @param {Colours} sample
 * @param {number[]} members
 * @returns {Component}
 */
function gaussian(sample, members) {
  const mean = meanOf(sample, members);
  const [[a], [b, c], [d, e, f]] = choleskyOf(covariance(sample, members, mean));
  const fraction = members.length / (sample.length / 3);
  const logWeight = Math.log(fraction) - Math.log(a) - Math.log(c) - Math.log(f);
  const whitening = [
    1 / a,
    -b / (a * c),
    1 / c,
    (b * e - c * d) / (a * c * f),
    -e / (c * f),
    1 / f,
  ];
  return { logWeight, mean, whitening };
}

export class Mixture {
  /**
   * @param {Colours} colours of all pixels
   * @param {number[]} indices the pixels to fit, at least one
   * @param {number} components maximum number of Gaussians
   */
  constructor(colours, indices, components) {
    const sampled = indices.filter(
      (i) => ((i * 40503) % 65536) * indices.length < 65536 * SAMPLE_SIZE,
    );
    const pixels = sampled.length ? sampled : indices;
    const sample = new Float64Array(3 * pixels.length);
    pixels.forEach((pixel, i) => sample.set(colours.subarray(3 * pixel, 3 * pixel + 3), 3 * i));
    const cluster = kMeans(sample, components);
    const minimum = Math.max(4, MIN_FRACTION * pixels.length);
    /** @type {Component[]} */
    this.components = [];
    for (let component = 0; component < components; component += 1) {
      const members = cluster.flatMap((one, i) => (one === component ? [i] : []));
      if (members.length >= minimum) this.components.push(gaussian(sample, members));
    }
  }

  /**
   * Log density at each colour, up to a constant.
   * @param {Colours} colours
   */
  logDensity(colours) {
    const density = new Float64Array(colours.length / 3);
    const logs = new Float64Array(this.components.length);
    for (let i = 0; i < density.length; i += 1) {
      this.components.forEach(({ logWeight, mean, whitening: w }, component) => {
        const x = colours[3 * i] - mean[0];
        const y = colours[3 * i + 1] - mean[1];
        const z = colours[3 * i + 2] - mean[2];
        const [p, q, r] = [w[0] * x, w[1] * x + w[2] * y, w[3] * x + w[4] * y + w[5] * z];
        logs[component] = logWeight - (p * p + q * q + r * r) / 2;
      });
      const maximum = Math.max(...logs);
      let sum = 0;
      for (const log of logs) sum += Math.exp(log - maximum);
      density[i] = maximum + Math.log(sum);
    }
    return density;
  }
}
