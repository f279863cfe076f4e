// Which pixels of a photo belong to the thing that it shows; src/dressform/data/foreground.py tells how, and why.
import { Mixture } from "dressform/classify/mixture.js";
import { quantile, round } from "dressform/classify/resample.js";

const BORDER = 0.04;
const TURNS = 4;
const STEPS = 10;
const BACKGROUND_PARTS = 5;
const FOREGROUND_PARTS = 4;
const NEIGHBOURS = 1;
const MOST_CERTAIN = 5;
const MIDDLE = 1;
const FEWEST = 60;
const OFFSETS = [[0, 1, 1], [1, 0, 1], [1, 1, 0.707], [1, -1, 0.707]];
const clip = (x, least, most) => Math.min(most, Math.max(least, x));

const LINEAR = Float64Array.from({ length: 256 }, (_, i) => {
  const value = i / 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
});
const WHITE = [0.950456, 1, 1.088754];
const TO_XYZ = [[0.412453, 0.212671, 0.019334], [0.35758, 0.71516, 0.119193], [0.180423, 0.072169, 0.950227]]
  .map((row) => Float64Array.from(row, (value, i) => value / WHITE[i]));

/** sRGB as CIE Lab (D65), three numbers a pixel. */
function labOf({ data }) {
  const found = new Float64Array(data.length);
  for (let i = 0; i < data.length; i += 3) {
    const curved = [0, 1, 2].map((to) => {
      const light = LINEAR[data[i]] * TO_XYZ[0][to] + LINEAR[data[i + 1]] * TO_XYZ[1][to] + LINEAR[data[i + 2]] * TO_XYZ[2][to];
      return light > 0.008856 ? Math.cbrt(light) : 7.787 * light + 16 / 116;
    });
    found[i] = 116 * curved[1] - 16;
    found[i + 1] = 500 * (curved[0] - curved[1]);
    found[i + 2] = 200 * (curved[1] - curved[2]);
  }
  return found;
}

/** A Gaussian of 0.8 pixels, the border repeated. */
function blurred(values, width, height) {
  const weights = [-2, -1, 0, 1, 2].map((i) => Math.exp(-(i ** 2) / (2 * 0.8 ** 2)));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const along = (from, right, down) => {
    const made = new Float64Array(from.length);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        for (let c = 0; c < 3; c++) {
          let sum = 0;
          for (let i = -2; i <= 2; i++) {
            const place = clip(y + i * down, 0, height - 1) * width + clip(x + i * right, 0, width - 1);
            sum += (weights[i + 2] / total) * from[3 * place + c];
          }
          made[3 * (y * width + x) + c] = sum;
        }
      }
    }
    return made;
  };
  return along(along(values, 0, 1), 1, 0);
}

/** The pixels along the border, 1 or 0. */
function borderOf(width, height) {
  const wide = Math.max(2, round(BORDER * Math.min(width, height)));
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return x < wide || y < wide || x >= width - wide || y >= height - wide ? 1 : 0;
  });
}

/** For each direction the pairs of neighbours, and how much they belong together, 0..1, less across an edge. */
function linksOf(lab, width, height) {
  const links = OFFSETS.map(([down, right, weight]) => {
    const [one, distance] = [[], []];
    for (let y = 0; y < height - down; y++) {
      for (let x = Math.max(0, -right); x < width - Math.max(0, right); x++) {
        const i = y * width + x;
        const j = i + down * width + right;
        one.push(i);
        let sum = 0;
        for (let c = 0; c < 3; c++) sum += (lab[3 * i + c] - lab[3 * j + c]) ** 2;
        distance.push(sum);
      }
    }
    return { one: Int32Array.from(one), away: down * width + right, distance, weight };
  });
  const count = links.reduce((sum, link) => sum + link.distance.length, 0);
  const total = links.reduce((sum, link) => sum + link.distance.reduce((s, d) => s + d, 0), 0) / count;
  return links.map(({ one, away, distance, weight }) => (
    { one, away, weights: Float64Array.from(distance, (d) => NEIGHBOURS * weight * Math.exp(-d / (2 * total + 1e-6))) }
  ));
}

/** Log odds of each pixel when its neighbours are heard. */
function meanField(odds, links) {
  const own = odds.map((value) => clip(value, -MOST_CERTAIN, MOST_CERTAIN));
  let field = own;
  for (let step = 0; step < STEPS; step++) {
    const leaning = field.map((value) => Math.tanh(value / 2)); // twice the probability, less one
    field = own.slice();
    for (const { one, away, weights } of links) {
      for (let k = 0; k < one.length; k++) field[one[k]] += weights[k] * leaning[one[k] + away];
      for (let k = 0; k < one.length; k++) field[one[k] + away] += weights[k] * leaning[one[k]];
    }
  }
  return field;
}

/** Each pixel 1 where all (or any) of its 3 x 3 neighbourhood is 1; outside there are zeros. */
function neighbourhood(mask, width, height, all) {
  return mask.map((_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    for (let dy = -1; dy <= 1; dy++) {
      for (let dx = -1; dx <= 1; dx++) {
        const inside = x + dx >= 0 && x + dx < width && y + dy >= 0 && y + dy < height;
        if ((inside && mask[i + dy * width + dx] === 1) !== all) return all ? 0 : 1;
      }
    }
    return all ? 1 : 0;
  });
}

/** The number of each pixel's piece, from 1 on in reading order, 0 outside; pieces touch along sides or also at corners. */
function label(mask, width, height, corners) {
  const pieces = new Int32Array(mask.length);
  let count = 0;
  for (let start = 0; start < mask.length; start++) {
    if (!mask[start] || pieces[start]) continue;
    pieces[start] = ++count;
    const open = [start];
    while (open.length) {
      const i = open.pop();
      const [x, y] = [i % width, Math.floor(i / width)];
      for (let dy = -1; dy <= 1; dy++) {
        for (let dx = -1; dx <= 1; dx++) {
          if (!corners && dx && dy) continue;
          if (x + dx < 0 || x + dx >= width || y + dy < 0 || y + dy >= height) continue;
          const j = i + dy * width + dx;
          if (mask[j] && !pieces[j]) { pieces[j] = count; open.push(j); }
        }
      }
    }
  }
  return { pieces, count };
}

/** The pieces that count, holes filled: large, near the middle, and not along the border. */
function whole(mask, border, width, height) {
  const opened = neighbourhood(neighbourhood(mask, width, height, true), width, height, false);
  const { pieces, count } = label(opened, width, height, true);
  if (!count) return null;
  const [area, x, y, along] = Array.from({ length: 4 }, () => new Float64Array(count + 1));
  let edge = 0;
  pieces.forEach((piece, i) => {
    area[piece] += 1;
    x[piece] += i % width;
    y[piece] += Math.floor(i / width);
    along[piece] += border[i];
    edge += border[i];
  });
  const weight = Array.from({ length: count + 1 }, (_, piece) => {
    if (!piece) return 0;
    const away = ((x[piece] / area[piece] + 0.5) / width - 0.5) ** 2 + ((y[piece] / area[piece] + 0.5) / height - 0.5) ** 2;
    return area[piece] * Math.exp(-2 * away) * (1 - along[piece] / edge);
  });
  const least = 0.25 * Math.max(...weight);
  const kept = weight.map((w) => w > least);
  const solid = Uint8Array.from(pieces, (piece) => (piece && kept[piece] ? 1 : 0));
  const around = label(solid.map((value) => 1 - value), width, height, false);
  const outside = new Set();
  around.pieces.forEach((piece, i) => {
    const [column, line] = [i % width, Math.floor(i / width)];
    if (column === 0 || line === 0 || column === width - 1 || line === height - 1) outside.add(piece);
  });
  const filled = solid.map((value, i) => (value || !outside.has(around.pieces[i]) ? 1 : 0));
  let cut = 0;
  filled.forEach((value, i) => { cut += value & border[i]; });
  return { mask: filled, objects: kept.filter(Boolean).length, cut: cut / edge };
}

/** The thing in the middle of a photo {width, height, channels 3, data}: {mask, objects, cut}, or null where nothing stands out. */
export function findForeground(picture) {
  const { width, height } = picture;
  const lab = blurred(labOf(picture), width, height).map((value) => round(value * 64) / 64);
  const border = borderOf(width, height);
  const all = Array.from(border, (_, i) => i);
  const prior = Float64Array.from(border, (edge, i) => {
    const x = ((i % width) + 0.5) / width * 2 - 1;
    const y = (Math.floor(i / width) + 0.5) / height * 2 - 1;
    return MIDDLE * (1 - 1.6 * (y * y + x * x)) - 1.5 * edge;
  });
  const edge = all.filter((i) => border[i]);
  const surprise = new Mixture(lab, edge, BACKGROUND_PARTS).logDensity(lab).map((value) => -value);
  const atEdge = edge.map((i) => surprise[i]);
  const usual = quantile(atEdge);
  const spread = quantile(atEdge, 0.9) - usual + 1;
  let odds = surprise.map((value, i) => 1.5 * clip((value - usual - 1.5 * spread) / spread, -2, 2) + prior[i]);
  const links = linksOf(lab, width, height);
  for (let turn = 0; turn < TURNS; turn++) {
    const field = meanField(odds, links);
    const [inside, outside] = [all.filter((i) => field[i] > 0), all.filter((i) => !(field[i] > 0))];
    if (Math.min(inside.length, outside.length) < FEWEST) break;
    const thing = new Mixture(lab, inside, FOREGROUND_PARTS).logDensity(lab);
    const floor = new Mixture(lab, outside, BACKGROUND_PARTS).logDensity(lab);
    odds = thing.map((value, i) => value - floor[i] + prior[i]);
  }
  return whole(Uint8Array.from(meanField(odds, links), (value) => (value > 0 ? 1 : 0)), border, width, height);
}
