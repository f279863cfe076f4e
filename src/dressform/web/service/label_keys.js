// Which class a key means.

/**
 * The class of a number key: 1 is the first, 0 the tenth.
 * @param {string} key
 * @param {string[]} classes
 */
export const labelled = (key, classes) =>
  /^[0-9]$/.test(key) ? classes[(Number(key) + 9) % 10] : undefined;

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
