// A few Gaussians for the colours of many pixels, found without chance; src/dressform/data/mixture.py tells how.

const SAMPLE = 1500;
const ROUNDS = 8;
const SMALLEST_SHARE = 0.01;
const SPREAD = [4, 2, 2];

const apart = (values, i, centre) => {
  const [a, b, c] = [values[3 * i] - centre[0], values[3 * i + 1] - centre[1], values[3 * i + 2] - centre[2]];
  return a * a + b * b + c * c;
};

function mean(values, chosen) {
  const sum = [0, 0, 0];
  for (const i of chosen) for (let c = 0; c < 3; c++) sum[c] += values[3 * i + c];
  return sum.map((total) => total / chosen.length);
}

function nearestOf(values, count, centres) {
  return Array.from({ length: count }, (_, i) => {
    const away = centres.map((centre) => apart(values, i, centre));
    return away.indexOf(Math.min(...away));
  });
}

/** The cluster of each sample. */
function kMeans(values, count, parts) {
  const all = Array.from({ length: count }, (_, i) => i);
  const row = (i) => [values[3 * i], values[3 * i + 1], values[3 * i + 2]];
  const middle = mean(values, all);
  let distance = all.map((i) => apart(values, i, middle));
  const centres = [row(distance.indexOf(Math.min(...distance)))];
  distance = all.map((i) => apart(values, i, centres[0]));
  for (let part = 1; part < parts; part++) {
    const order = [...all].sort((i, j) => distance[i] - distance[j]);
    const centre = row(order[Math.trunc(0.95 * (count - 1))]);
    centres.push(centre);
    distance = all.map((i) => Math.min(distance[i], apart(values, i, centre)));
  }
  for (let turn = 0; turn < ROUNDS; turn++) {
    const nearest = nearestOf(values, count, centres);
    for (let part = 0; part < parts; part++) {
      const own = all.filter((i) => nearest[i] === part);
      if (own.length) centres[part] = mean(values, own);
    }
  }
  return nearestOf(values, count, centres);
}

/** Lower triangle of a Cholesky root of a 3 x 3 matrix. */
function cholesky(m) {
  const root = [[0, 0, 0], [0, 0, 0], [0, 0, 0]];
  for (let i = 0; i < 3; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = m[i][j];
      for (let k = 0; k < j; k++) sum -= root[i][k] * root[j][k];
      root[i][j] = i === j ? Math.sqrt(sum) : sum / root[j][j];
    }
  }
  return root;
}

export class Mixture {
  /** colours: three numbers a pixel; chosen: places of the pixels that it is for; parts: most Gaussians. */
  constructor(colours, chosen, parts) {
    const lookedAt = chosen.filter((place) => ((place * 40503) % 65536) * chosen.length < 65536 * SAMPLE);
    const taken = lookedAt.length ? lookedAt : chosen;
    const values = new Float64Array(3 * taken.length);
    taken.forEach((pixel, i) => { for (let c = 0; c < 3; c++) values[3 * i + c] = colours[3 * pixel + c]; });
    const nearest = kMeans(values, taken.length, parts);
    this.parts = [];
    for (let part = 0; part < parts; part++) {
      const own = nearest.flatMap((found, i) => (found === part ? [i] : []));
      if (own.length < Math.max(4, SMALLEST_SHARE * taken.length)) continue;
      const centre = mean(values, own);
      const spread = [0, 1, 2].map((a) => [0, 1, 2].map((b) => {
        let sum = 0;
        for (const i of own) sum += (values[3 * i + a] - centre[a]) * (values[3 * i + b] - centre[b]);
        return sum / own.length + (a === b ? SPREAD[a] : 0);
      }));
      const [[a], [b, c], [d, e, g]] = cholesky(spread);
      const height = Math.log(own.length / taken.length) - Math.log(a) - Math.log(c) - Math.log(g);
      // The root's inverse, row by row.
      const turn = [1 / a, -b / (a * c), 1 / c, (b * e - c * d) / (a * c * g), -e / (c * g), 1 / g];
      this.parts.push({ height, centre, turn });
    }
  }

  /** The logarithm of the density at each colour, up to a constant. */
  logDensity(colours) {
    const found = new Float64Array(colours.length / 3);
    const logs = new Float64Array(this.parts.length);
    for (let i = 0; i < found.length; i++) {
      let top = -Infinity;
      this.parts.forEach(({ height, centre, turn }, part) => {
        const x = colours[3 * i] - centre[0];
        const y = colours[3 * i + 1] - centre[1];
        const z = colours[3 * i + 2] - centre[2];
        const [p, q, r] = [turn[0] * x, turn[1] * x + turn[2] * y, turn[3] * x + turn[4] * y + turn[5] * z];
        logs[part] = height - (p * p + q * q + r * r) / 2;
        top = Math.max(top, logs[part]);
      });
      let sum = 0;
      for (const log of logs) sum += Math.exp(log - top);
      found[i] = top + Math.log(sum);
    }
    return found;
  }
}
