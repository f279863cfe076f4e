// Orders in which a confusion matrix shows its classes.

/**
 * Classes with the most errors first: those of the class and those that are taken for it.
 * @param {number[][]} matrix rows true, columns predicted
 */
export function byErrors(matrix) {
  const errors = matrix.map((row, i) =>
    row.reduce((sum, value, j) => sum + (i === j ? 0 : value + matrix[j][i]), 0),
  );
  return matrix.map((_, i) => i).sort((a, b) => errors[b] - errors[a] || a - b);
}

/**
 * Classes that are confused with each other next to each other: chains that begin with the most
 * confused pair and grow at either end by the class that is confused most with that end.
 * @param {number[][]} matrix rows true, columns predicted
 */
export function bySimilarity(matrix) {
  const totals = matrix.map((row) => row.reduce((a, b) => a + b, 0) || 1);
  const similarity = (/** @type {number} */ i, /** @type {number} */ j) =>
    matrix[i][j] / totals[i] + matrix[j][i] / totals[j];
  const left = new Set(matrix.keys());
  // Of many classes, each is confused with a few.
  const confused = matrix.map((row, i) =>
    row.flatMap((value, j) => (i !== j && value + matrix[j][i] > 0 ? [j] : [])),
  );

  /** @param {number} i */
  function mostSimilar(i) {
    let [best, value] = [-1, 0];
    for (const j of confused[i]) {
      if (left.has(j) && similarity(i, j) > value) [best, value] = [j, similarity(i, j)];
    }
    return { best, value };
  }

  /** @type {number[]} */
  const order = [];
  while (left.size) {
    const starts = [...left].map((i) => ({ i, ...mostSimilar(i) }));
    const start = starts.reduce((a, b) => (b.value > a.value ? b : a));
    if (start.best < 0) return [...order, ...left];
    const chain = [start.i];
    left.delete(start.i);
    for (;;) {
      const [head, tail] = [mostSimilar(chain[0]), mostSimilar(chain[chain.length - 1])];
      const next = tail.value >= head.value ? tail : head;
      if (next.best < 0) break;
      if (next === tail) chain.push(next.best);
      else chain.unshift(next.best);
      left.delete(next.best);
    }
    order.push(...chain);
  }
  return order;
}
