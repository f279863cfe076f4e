// Which points the projector shows.

/** @import { Projector } from "dressform/projector.js" */

/** @typedef {"all" | "errors" | "correct" | "suspect" | "evaluated" | "training"} Filter */

/** @type {Record<Filter, (projector: Projector, i: number) => boolean>} */
export const FILTERS = {
  all: () => true,
  errors: ({ page, predictions }, i) => page.labels[i] !== predictions.predicted(i),
  correct: ({ page, predictions }, i) => page.labels[i] === predictions.predicted(i),
  suspect: ({ predictions }, i) => predictions.labelIssue[i] === 1,
  evaluated: ({ page }, i) => i < page.examples,
  training: ({ page }, i) => i >= page.examples,
};
