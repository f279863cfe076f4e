// Which images the gallery shows: conditions, their text, and their place in the page's address.

/** @typedef {"errors" | "correct" | "all"} Result */
/** @typedef {"any" | "suspect" | "plausible"} Suspicion */
/** @typedef {"most_confident" | "least_confident" | "loss" | "dataset"} Order */
/**
 * @typedef {object} Filters
 * @property {number | null} label true class
 * @property {number | null} predicted
 * @property {Result} result
 * @property {Suspicion} suspicion of the label
 * @property {number} low confidence in percent
 * @property {number} high
 * @property {string} models which models are right: any, one, none, all, differ, or only-<number>
 * @property {Order} order
 */
/**
 * What a model predicts, as far as filters need it.
 * @typedef {object} Predicted
 * @property {(i: number) => number} predicted
 * @property {(i: number) => number} confidence 0..1
 * @property {ArrayLike<number>} labelIssue
 */
/**
 * @typedef {object} Examples
 * @property {string[]} classes
 * @property {ArrayLike<number>} labels
 * @property {{name: string}[]} runs
 * @property {Predicted[]} predictions one per run
 */

/** @type {Readonly<Filters>} the top losses */
export const DEFAULTS = Object.freeze({
  label: null,
  predicted: null,
  result: "all",
  suspicion: "any",
  low: 0,
  high: 100,
  models: "any",
  order: "loss",
});

/** The parameters of the page's address that choose images. */
export const FILTER_NAMES = ["class", "predicted", "result", "label", "confidence", "correct"];

/** @type {Record<Result, string>} */
export const RESULTS = { all: "All", errors: "Errors", correct: "Correct" };

/** @type {Record<Suspicion, string>} */
export const SUSPICIONS = { any: "Any", suspect: "Suspect", plausible: "Not suspect" };

/** @type {Record<Order, string>} */
export const ORDERS = {
  loss: "Highest loss",
  most_confident: "Most confident",
  least_confident: "Least confident",
  dataset: "Dataset order",
};

/**
 * The choices by which models are right, for two models or more.
 * @param {{name: string}[]} runs
 * @returns {Record<string, string>}
 */
export function modelChoices(runs) {
  if (runs.length < 2) return { any: "Any" };
  const only = runs.map(({ name }, m) => [`only-${m}`, `Only ${name} is correct`]);
  return {
    any: "Any",
    one: "Only one model is correct",
    ...Object.fromEntries(only),
    none: "No model is correct",
    all: "All models are correct",
    differ: "Models disagree",
  };
}

/**
 * @param {URLSearchParams} parameters of the page's address
 * @param {{classes: string[], runs: {name: string}[]}} page
 * @returns {Filters}
 */
export function parseFilters(parameters, { classes, runs }) {
  const classOf = (/** @type {string} */ name) => {
    const index = classes.indexOf(parameters.get(name) ?? "");
    return index < 0 ? null : index;
  };
  /**
   * @template {string} T
   * @param {string} name
   * @param {Record<T, string>} allowed
   * @param {T} otherwise
   */
  const choice = (name, allowed, otherwise) => {
    const value = parameters.get(name) ?? otherwise;
    return Object.hasOwn(allowed, value) ? /** @type {T} */ (value) : otherwise;
  };
  const range = /^(\d{1,3}(?:\.\d+)?)-(\d{1,3}(?:\.\d+)?)$/.exec(
    parameters.get("confidence") ?? "",
  );
  return {
    label: classOf("class"),
    predicted: classOf("predicted"),
    result: choice("result", RESULTS, DEFAULTS.result),
    suspicion: choice("label", SUSPICIONS, DEFAULTS.suspicion),
    low: range ? Number(range[1]) : DEFAULTS.low,
    high: range ? Number(range[2]) : DEFAULTS.high,
    models: choice("correct", modelChoices(runs), DEFAULTS.models),
    order: choice("order", ORDERS, DEFAULTS.order),
  };
}

/**
 * The parameters of the page's address; null for those that need not be there.
 * @param {Filters} filters
 * @param {string[]} classes
 * @returns {Record<string, string | null>}
 */
export function filterParameters(filters, classes) {
  const unless = (/** @type {string} */ value, /** @type {string} */ usual) =>
    value === usual ? null : value;
  const { low, high } = filters;
  return {
    class: filters.label === null ? null : classes[filters.label],
    predicted: filters.predicted === null ? null : classes[filters.predicted],
    result: unless(filters.result, DEFAULTS.result),
    label: unless(filters.suspicion, DEFAULTS.suspicion),
    confidence: low === DEFAULTS.low && high === DEFAULTS.high ? null : `${low}-${high}`,
    correct: unless(filters.models, DEFAULTS.models),
    order: unless(filters.order, DEFAULTS.order),
  };
}

/**
 * A function that says whether image i meets all conditions.
 * @param {Filters} filters
 * @param {Examples} page
 * @param {number} run whose predictions are meant
 * @returns {(i: number) => boolean}
 */
export function matching(filters, { labels, predictions }, run) {
  const own = predictions[run];
  const { label, predicted, result, suspicion, low, high, models } = filters;
  const correct = (/** @type {Predicted} */ one, /** @type {number} */ i) =>
    one.predicted(i) === labels[i];
  const agrees = (/** @type {number} */ i) => {
    if (models === "any") return true;
    const first = predictions[0].predicted(i);
    if (models === "differ") return predictions.some((one) => one.predicted(i) !== first);
    const right = predictions.filter((one) => correct(one, i));
    if (models === "none") return right.length === 0;
    if (models === "all") return right.length === predictions.length;
    if (right.length !== 1) return false;
    return models === "one" || right[0] === predictions[Number(models.slice("only-".length))];
  };
  return (i) => {
    if (label !== null && labels[i] !== label) return false;
    if (predicted !== null && own.predicted(i) !== predicted) return false;
    if (result !== "all" && correct(own, i) !== (result === "correct")) return false;
    if (suspicion !== "any" && (own.labelIssue[i] === 1) !== (suspicion === "suspect"))
      return false;
    const confidence = 100 * own.confidence(i);
    if ((low > 0 && confidence < low) || (high < 100 && confidence > high)) return false;
    return agrees(i);
  };
}

/**
 * The conditions in words.
 * @param {Filters} filters
 * @param {{classes: string[], runs: {name: string}[]}} page
 */
export function describe(filters, { classes, runs }) {
  const { label, predicted, result, suspicion, low, high, models, order } = filters;
  const parts = [];
  if (label !== null && predicted !== null) {
    const [from, to] = [classes[label], classes[predicted]];
    parts.push(label === predicted ? `${from}, correct` : `${from} predicted as ${to}`);
  } else {
    parts.push({ errors: "Errors", correct: "Correct predictions", all: "All images" }[result]);
    if (label !== null) parts.push(`true class ${classes[label]}`);
    if (predicted !== null) parts.push(`predicted ${classes[predicted]}`);
  }
  if (suspicion !== "any")
    parts.push(suspicion === "suspect" ? "suspect label" : "label plausible");
  if (low > 0 || high < 100) parts.push(`confidence ${low} to ${high} %`);
  if (models !== "any") parts.push(lowered(modelChoices(runs)[models]));
  const text = parts.join(", ");
  return text === "All images" && order === "loss" ? "Top losses" : text;
}

/** A phrase inside a sentence; names keep their capitals. @param {string} text */
const lowered = (text) => text[0].toLowerCase() + text.slice(1);
