// Points by class or id.

import { count } from "dressform/html.js";

/** @import { Projector } from "dressform/projector.js" */

/**
 * Select the visible points of the class or with the id that a text names; where there is none,
 * those whose class or id contains it. An empty text selects nothing.
 * @param {Projector} projector
 * @param {string} text
 */
export function search(projector, text) {
  const query = text.trim().toLowerCase();
  if (!query) {
    projector.select("", null);
    return;
  }
  const { visible } = projector;
  const { classes, ids, labels } = projector.page;
  const names = classes.map((name) => name.toLowerCase());
  const named = visible.filter((i) => names[labels[i]] === query || ids[i].toLowerCase() === query);
  const hits = named.length
    ? named
    : visible.filter(
        (i) => names[labels[i]].includes(query) || ids[i].toLowerCase().includes(query),
      );
  projector.select(`“${text.trim()}”`, hits);
  const others = classes.filter((_, c) => names[c] !== query && names[c].includes(query));
  if (named.length && others.length) {
    projector.report(`${count(named.length)} points selected. Not selected: ${others.join(", ")}`);
  }
}
