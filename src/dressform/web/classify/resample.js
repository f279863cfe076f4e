// Pictures as Pillow makes them: the same integers, so that a photo gives the same pixels here and in Python.
// A picture is {width, height, channels, data}, data bytes row by row, channels 1 (grey) or 3 (red, green, blue).

const BITS = 22; // of Pillow's fixed point
const FILTERS = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bicubic: {
    support: 2,
    weight: (x) => {
      const a = -0.5;
      const t = Math.abs(x);
      if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
      return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
    },
  },
};

/** Half to even, as Python rounds. */
export function round(x) {
  const down = Math.floor(x);
  const rest = x - down;
  if (rest === 0.5) return down + (down % 2 === 0 ? 0 : 1);
  return rest < 0.5 ? down : down + 1;
}

/** Red, green and blue as one grey, ITU-R 601-2. */
export function grey(picture) {
  if (picture.channels === 1) return picture;
  const { width, height, data } = picture;
  const made = new Uint8Array(width * height);
  for (let i = 0; i < made.length; i++) made[i] = (data[3 * i] * 19595 + data[3 * i + 1] * 38470 + data[3 * i + 2] * 7471 + 0x8000) >> 16;
  return { width, height, channels: 1, data: made };
}

/** Grey as three equal colours. */
export function colour(picture) {
  if (picture.channels === 3) return picture;
  const { width, height, data } = picture;
  const made = new Uint8Array(3 * width * height);
  for (let i = 0; i < data.length; i++) made.fill(data[i], 3 * i, 3 * i + 3);
  return { width, height, channels: 3, data: made };
}

/** For each place of the new side, where its window starts and the whole numbers that the old values are multiplied with. */
function windows(from, to, filter) {
  const scale = from / to;
  const stretch = Math.max(1, scale);
  const support = filter.support * stretch;
  return Array.from({ length: to }, (_, place) => {
    const centre = (place + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const last = Math.min(from, Math.trunc(centre + support + 0.5));
    const weights = Array.from({ length: last - first }, (_, i) => filter.weight((i + first - centre + 0.5) * (1 / stretch)));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    const whole = weights.map((weight) => Math.trunc((weight / total) * (1 << BITS) + (weight < 0 ? -0.5 : 0.5)));
    return { first, weights: Int32Array.from(whole) };
  });
}

const byte = (sum) => Math.min(255, Math.max(0, sum >> BITS));

/** Another size: first the rows, then the columns, bytes in between. */
export function resize(picture, width, height, kind) {
  const { channels } = picture;
  let { data } = picture;
  if (width !== picture.width) {
    const made = new Uint8Array(width * picture.height * channels);
    windows(picture.width, width, FILTERS[kind]).forEach(({ first, weights }, x) => {
      for (let y = 0; y < picture.height; y++) {
        for (let c = 0; c < channels; c++) {
          let sum = 1 << (BITS - 1);
          for (let i = 0; i < weights.length; i++) sum += data[(y * picture.width + first + i) * channels + c] * weights[i];
          made[(y * width + x) * channels + c] = byte(sum);
        }
      }
    });
    data = made;
  }
  if (height !== picture.height) {
    const made = new Uint8Array(width * height * channels);
    const row = width * channels;
    windows(picture.height, height, FILTERS[kind]).forEach(({ first, weights }, y) => {
      for (let x = 0; x < row; x++) {
        let sum = 1 << (BITS - 1);
        for (let i = 0; i < weights.length; i++) sum += data[(first + i) * row + x] * weights[i];
        made[y * row + x] = byte(sum);
      }
    });
    data = made;
  }
  return { width, height, channels, data };
}

/** Averaged down until the longer side is at most that long. */
export function shrunk(picture, side) {
  const scale = side / Math.max(picture.width, picture.height);
  if (scale >= 1) return picture;
  return resize(picture, Math.max(1, round(picture.width * scale)), Math.max(1, round(picture.height * scale)), "box");
}

/** A mask in another size, without values in between. */
export function nearest(mask, width, height, newWidth, newHeight) {
  const places = (from, to) => {
    const step = from / to;
    let at = step * 0.5;
    return Array.from({ length: to }, () => {
      const place = Math.trunc(at);
      at += step;
      return Math.min(from - 1, place);
    });
  };
  const across = places(width, newWidth);
  const made = new Uint8Array(newWidth * newHeight);
  places(height, newHeight).forEach((y, j) => across.forEach((x, i) => { made[j * newWidth + i] = mask[y * width + x]; }));
  return made;
}

/** A picture in the middle of a larger one of one colour. */
export function padded(picture, width, height, filling) {
  const { channels } = picture;
  const made = new Uint8Array(width * height * channels);
  for (let i = 0; i < made.length; i++) made[i] = filling[i % channels];
  const left = Math.floor((width - picture.width) / 2);
  const top = Math.floor((height - picture.height) / 2);
  for (let y = 0; y < picture.height; y++) {
    const row = picture.data.subarray(y * picture.width * channels, (y + 1) * picture.width * channels);
    made.set(row, ((top + y) * width + left) * channels);
  }
  return { width, height, channels, data: made };
}

/** The middle value, or the mean of the two in the middle; 0 to 1 of the way for other shares. */
export function quantile(values, share = 0.5) {
  const sorted = Float64Array.from(values).sort();
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  const above = Math.min(sorted.length - 1, below + 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
}

/** One channel of the pixels at the border, corners twice. */
export function edges({ width, height, channels, data }, channel = 0) {
  const found = [];
  const take = (x, y) => found.push(data[(y * width + x) * channels + channel]);
  for (let x = 0; x < width; x++) { take(x, 0); take(x, height - 1); }
  for (let y = 0; y < height; y++) { take(0, y); take(width - 1, y); }
  return found;
}

/** To a model's size: scaled until it fits, padded with the border's median colour, never squashed and never cut. */
export function fit(picture, [height, width, channels]) {
  const given = channels === 1 ? grey(picture) : colour(picture);
  if (given.width === width && given.height === height) return given;
  const scale = Math.min(width / given.width, height / given.height);
  const inner = [Math.max(1, round(given.width * scale)), Math.max(1, round(given.height * scale))];
  const border = Array.from({ length: channels }, (_, c) => Math.trunc(quantile(edges(given, c))));
  return padded(resize(given, ...inner, scale < 1 ? "box" : "bicubic"), width, height, border);
}
