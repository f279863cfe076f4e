// How to cite the page: what it is about, a line of text, and BibTeX to copy.

import { announce, button, element, section } from "dressform/html.js";

/** @import { Citation, Page } from "dressform/types.js" */

/** @param {Page} page */
export function citationSection({ citation, version }) {
  const bibtex = element("pre", { tabindex: "0", "aria-label": "BibTeX" }, citation.bibtex);
  const copied = element("span", { class: "quiet" });
  const copy = button("Copy BibTeX", async () => {
    try {
      await navigator.clipboard.writeText(citation.bibtex);
      copied.textContent = "Copied.";
    } catch {
      getSelection()?.selectAllChildren(bibtex); // the browser forbids it: one key is left to press
      copied.textContent = "Selected: copy it with Ctrl+C.";
    }
    announce(copied.textContent ?? "");
  });
  return section(
    "cite",
    "Citation",
    element("p", { class: "citation" }, citation.text),
    bibtex,
    element("div", { class: "bar" }, copy, copied),
    element(
      "dl",
      { class: "facts" },
      citation.models.map((model) => facts(model, citation.models.length > 1)),
      element("dt", {}, "software"),
      element("dd", {}, `dressform ${version}`),
      element("dt", {}, "report"),
      element("dd", {}, citation.date),
    ),
  );
}

/**
 * @param {Citation["models"][number]} model
 * @param {boolean} named
 */
function facts({ name, facts: rows }, named) {
  const heading = [element("dt", {}, "model"), element("dd", {}, element("b", {}, name))];
  return [
    named ? heading : [],
    rows.map(([fact, value]) => [element("dt", {}, fact), element("dd", {}, value)]),
  ];
}
