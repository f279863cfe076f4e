// What the pages read: the JSON documents that src/dressform/report writes, and the arrays beside
// them. Only the type checker reads this file.

type Value = string | number | boolean | null | undefined;

/** Attributes of an element; null, undefined and false leave one out. */
export interface Attributes {
  style?: Record<string, string | number>;
  onclick?: (event: MouseEvent) => void;
  onchange?: (event: Event) => void;
  oninput?: (event: Event) => void;
  onkeydown?: (event: KeyboardEvent) => void;
  [name: string]: Value | Record<string, string | number> | ((event: never) => void);
}

export type Child = Node | string | number | null | undefined | false | Child[];

export type Numbers = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float32Array;

/** An array of a page: values row by row. */
export interface NumberArray {
  values: Numbers;
  shape: number[];
}

/** Images of equal size, row by row in one large image. */
export interface Sheet {
  blob: string;
  first: number;
  count: number;
  columns: number;
  width: number;
  height: number;
}

export interface Interval {
  value: number;
  low: number;
  high: number;
  method: string;
  n: number;
}

export interface MetricEstimate extends Interval {
  name: string;
  title: string;
  percent: boolean;
  greater_is_better: boolean;
}

/** Curves of a class: rows of x, y and threshold. */
export interface Curves {
  average_precision: Interval;
  roc_auc: Interval;
  precision_recall: [number, number, number | null][];
  roc: [number, number, number | null][];
}

/** What a threshold does: value, lower and upper bound of each. */
export interface OperatingPoint {
  threshold: number;
  coverage: [number, number, number];
  precision: [number, number, number] | null;
}

export interface Selective {
  measured_on: string;
  chosen_on: string | null;
  too_few: number | null;
  curve: OperatingPoint[];
  targets: { precision: number; point: OperatingPoint | null }[];
}

export interface Citation {
  date: string;
  models: { name: string; facts: [string, string][] }[];
  text: string;
  bibtex: string;
}

export interface Bin {
  from: number;
  to: number;
  count: number;
  fraction: number;
  few: boolean; // so few examples that the accuracy is little more than chance
  confidence?: number;
  accuracy?: number;
  low?: number;
  high?: number;
}

export interface ClassScores {
  label: string;
  precision: number;
  recall: number;
  f1: number;
  support: number;
  intervals: Record<string, [number, number]>;
}

/** One row of results.csv. */
export interface Epoch {
  epoch: number;
  [column: string]: number | null;
}

export interface Run {
  name: string;
  examples: number;
  temperature: string;
  facts: [string, string][];
  missing: string[];
  calibration: { bins: Bin[]; summary: string } | null;
  estimates: MetricEstimate[];
  per_class: ClassScores[];
  confusion: number[][];
  curves: (Curves | null)[];
  macro_average_precision: number | null;
  macro_roc_auc: number | null;
  selective: Selective;
  history: Epoch[];
  history_note: string;
}

export interface Comparison {
  a: string;
  b: string;
  difference: number;
  low: number;
  high: number;
  rope: number;
  n: number;
  method: string;
  test: string;
  sentence: string;
  scope: string;
  difference_text: string;
}

/** Quantised coordinates: `ranges` has the lowest and highest value of each column. */
export interface Quantised {
  blob: string;
  ranges: [number, number][];
}

export interface Projection extends Quantised {
  name: string;
  title: string;
  knn_recall: number;
  explained_variance_ratio: number[];
  three_dimensional: boolean;
}

export type Metric = "cosine" | "euclidean";
export type Action = "keep" | "relabel" | "drop";

export interface Finding {
  id: string;
  split: string;
  kind: "label" | "duplicate" | "outlier";
  label: string;
  reason: string;
  suggested: string | null;
  other: string | null;
  other_split: string | null;
  action: Action;
  to: string | null;
}

export interface ReviewDocument {
  digests: Record<string, string>;
  findings: Finding[];
}

export interface Rescored {
  name: string;
  split: string;
  scores: [string, Interval][];
}

/** A report, an exploration, or (kind "doctor") a data doctor's page. */
export interface Page {
  kind?: "doctor";
  title: string;
  version: string;
  made: string;
  split: string;
  citation: Citation;
  classes: string[];
  examples: number;
  tile: [number, number];
  sheets: Sheet[];
  runs: Run[];
  comparisons: Comparison[];
  projections: Projection[];
  basis: Quantised | null;
  points: [number, number];
  neighbours_title: string;
  projector_note: string;
  review: ReviewDocument;
  counts: [string, number][];
  reevaluated: Rescored[];
  files: string[];
  large_images: number[];
}

/** The document of the page that classifies photos. */
export interface ClassifierDocument {
  name: string;
  classes: string[];
  shape: [number, number, number];
  threshold: number;
  temperature: number;
  features: string;
  photo: PhotoSettings | null;
}

export interface PhotoSettings {
  side: number;
  margin: number;
  median: number;
}

/** Bytes row by row; channels: 1 (grey) or 3 (red, green, blue). */
export interface Image {
  width: number;
  height: number;
  channels: number;
  data: Uint8Array;
  /** Of each pixel, where one is transparent altogether. */
  alpha?: Uint8Array;
}

/** What draws many points, with or without a graphics card. */
export interface PointRenderer {
  setPositions(values: Float32Array): void;
  setColours(values: Uint8Array): void;
  setSizes(values: Float32Array): void;
  setOrder(order: Uint32Array): void;
  draw(view: Float32Array, scale: number, background: number[]): void;
  pixels(): Uint8Array | Uint8ClampedArray;
  readonly rasteriser: string;
}
