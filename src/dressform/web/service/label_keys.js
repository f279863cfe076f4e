// Which class a key means.

/**
 * Whether number keys choose classes: not where a digit may be the start of a name.
 * @param {string[]} classes
 */
export const numbered = (classes) => !classes.some((name) => /^\d/.test(name));

/**
 * The class of a number key: 1 is the first, 0 the tenth. A digit that goes on with a name, as in
 * "Type 2", is a character of it.
 * @param {string} key
 * @param {string[]} classes
 * @param {string} [letters] typed before
 */
export function labelled(key, classes, letters = "") {
  if (!/^\d$/.test(key) || !numbered(classes)) return undefined;
  const start = (letters + key).toLowerCase();
  if (classes.some((name) => name.toLowerCase().startsWith(start))) return undefined;
  return classes[(Number(key) + 9) % 10];
}

/**
 * What typed letters mean: the class that alone starts with them, or is them. Letters that start
 * none begin anew with the last one.
 * @param {string} letters typed so far
 * @param {string} last of them
 * @param {string[]} classes
 * @returns {{typed: string, label: string | null}}
 */
export function typedClass(letters, last, classes) {
  for (const typed of [letters, last]) {
    const start = typed.toLowerCase();
    const fitting = classes.filter((name) => name.toLowerCase().startsWith(start));
    if (fitting.length === 1) return { typed: "", label: fitting[0] };
    if (fitting.length > 1) return { typed, label: null };
  }
  return { typed: "", label: null };
}
