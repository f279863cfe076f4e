// Colours of the projector's points.

const TEN = ["#3b78d8", "#f28e2b", "#3fa556", "#e0474c", "#9a62c7", "#c9a400", "#2bb3b1", "#ee70ac", "#96694c", "#8a8f98"];

/** Distinct colours, readable on light and dark; after ten classes round the circle by the golden angle. */
export function categorical(c) {
  return TEN[c] ?? `hsl(${((c * 137.5) % 360).toFixed(1)} 65% ${[45, 60][c % 2]}%)`;
}

const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

function bytes(colour) {
  context.fillStyle = colour;
  context.fillRect(0, 0, 1, 1);
  return context.getImageData(0, 0, 1, 1).data;
}

function byClass(classes, classOf, total, hideable) {
  const table = classes.map((_, c) => bytes(categorical(c)));
  const colours = new Uint8Array(4 * total);
  for (let i = 0; i < total; i += 1) { colours.set(table[classOf(i)], 4 * i); colours[4 * i + 3] = 200; }
  return { colours, legend: classes.map((name, c) => [name, categorical(c), hideable ? c : undefined]) };
}

function byKind(total, kinds, kindOf) {
  const table = kinds.map(([, colour]) => bytes(colour));
  const colours = new Uint8Array(4 * total);
  for (let i = 0; i < total; i += 1) { const kind = kindOf(i); colours.set(table[kind], 4 * i); colours[4 * i + 3] = kinds[kind][2] ?? 200; }
  return { colours, legend: kinds.map(([name, colour]) => [name, colour, undefined]) };
}

/** title, possible(projector), colours(projector) -> {colours: RGBA bytes, legend: [[text, colour, label or undefined]]}. */
export const COLOURINGS = {
  label: { title: "label", possible: () => true, colours: (p) => byClass(p.page.classes, (i) => p.page.labels[i], p.total, true) },
  prediction: { title: "prediction", possible: () => true, colours: (p) => byClass(p.page.classes, (i) => p.answers.predicted(i), p.total, false) },
  error: { title: "error", possible: () => true, colours: (p) => byKind(p.total, [["right", "hsl(211 25% 60%)", 90], ["wrong", "hsl(0 80% 55%)", 255]], (i) => Number(p.page.labels[i] !== p.answers.predicted(i))) },
  loss: {
    title: "loss", possible: () => true,
    colours: (p) => {
      const steps = [["below 0.01", "hsl(230 40% 62%)", 100], ["to 0.1", "hsl(180 50% 48%)", 150], ["to 0.7", "hsl(70 60% 45%)", 200], ["to 2", "hsl(35 90% 52%)", 240], ["above 2", "hsl(0 85% 52%)", 255]];
      return byKind(p.total, steps, (i) => [0.01, 0.1, 0.7, 2].filter((edge) => p.answers.loss.values[i] >= edge).length);
    },
  },
  suspect: { title: "suspicion", possible: (p) => Boolean(p.answers.suspect), colours: (p) => byKind(p.total, [["label plausible", "hsl(211 25% 60%)", 90], ["label suspect", "hsl(45 95% 50%)", 255]], (i) => p.answers.suspect.values[i] ?? 0) },
  split: { title: "split", possible: (p) => p.page.examples > p.first && p.page.examples < p.last, colours: (p) => byKind(p.total, [[p.page.split, "hsl(28 90% 55%)", 230], ["training", "hsl(211 45% 58%)", 120]], (i) => Number(i >= p.page.examples)) },
};
