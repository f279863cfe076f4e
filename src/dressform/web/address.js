// The page's address after "#": what is open and how it is looked at, as names and values.

/** The names and values that the address has. */
export const addressed = () => new URLSearchParams(location.hash.slice(1));

/**
 * Change some values of the address, without a new entry in the history.
 * @param {Record<string, string | null>} changes null takes a value away
 */
export function changeAddress(changes) {
  const values = addressed();
  const before = values.toString();
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) values.delete(name);
    else values.set(name, value);
  }
  if (values.toString() === before) return;
  // The anchor of a section is a name without a value.
  for (const [name, value] of [...values]) if (!value) values.delete(name);
  const text = values.toString();
  history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
}

/** The element whose id the address is, as in #per-class, or null. */
export function addressedElement() {
  const hash = location.hash.slice(1);
  if (!hash || hash.includes("=")) return null;
  try {
    return document.getElementById(decodeURIComponent(hash));
  } catch {
    return null; // a stray "%"
  }
}
