// What a person decides about the examples that the data doctor found.

import { count } from "dressform/html.js";

/** @import { Page } from "dressform/data.js" */
/** @import { Action, Finding } from "dressform/types.js" */

/** @typedef {{action: Action, to: string | null}} Decision */
/** @typedef {{example: string, before: Decision | undefined}[]} Step what one decision replaced */

/**
 * What a decision is about: an example, however many findings concern it.
 * @param {{split: string, id: string}} finding
 */
export const exampleOf = ({ split, id }) => `${split} ${id}`; // two splits may share ids

/** The decisions about the examples of a page, kept in the browser's storage. */
export class Decisions {
  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.storage = `dressform-review-${Object.values(page.review.digests).join("-")}`;
    this.examples = new Set(page.review.findings.map(exampleOf));
    /** @type {Map<string, Decision>} */
    this.decisions = new Map();
    /** @type {Step[]} */
    this.steps = [];
    try {
      this.add(JSON.parse(localStorage.getItem(this.storage) ?? "[]"));
    } catch {
      // a page that was opened from the disk may have no storage
    }
  }

  /**
   * @param {Finding} finding
   * @returns {Decision}
   */
  of(finding) {
    return this.decisions.get(exampleOf(finding)) ?? { action: "keep", to: null };
  }

  /** @param {Finding} finding */
  isDecided(finding) {
    return this.decisions.has(exampleOf(finding));
  }

  /**
   * Decide about some examples, in one step that can be undone.
   * @param {Finding[]} findings
   * @param {Action} action
   * @param {(finding: Finding) => string} classOf the new class, where examples are relabelled
   */
  decide(findings, action, classOf) {
    const targets = new Map(findings.map((finding) => [exampleOf(finding), finding]));
    this.steps.push(
      [...targets.keys()].map((example) => ({ example, before: this.decisions.get(example) })),
    );
    for (const [example, finding] of targets) {
      this.decisions.set(example, { action, to: action === "relabel" ? classOf(finding) : null });
    }
    this.store();
  }

  /**
   * Take the last step back.
   * @returns {string[]} the examples that it was about; none where there is no step left
   */
  undo() {
    const step = this.steps.pop() ?? [];
    for (const { example, before } of step) {
      if (before) this.decisions.set(example, before);
      else this.decisions.delete(example);
    }
    this.store();
    return step.map(({ example }) => example);
  }

  /**
   * Take over decisions, as far as they concern examples and classes of this page.
   * @param {Pick<Finding, "split" | "id" | "action" | "to">[]} decided
   * @returns {number} how many were taken over
   */
  add(decided) {
    const { classes } = this.page;
    const usable = decided.filter(
      (one) =>
        this.examples.has(exampleOf(one)) &&
        (one.action === "keep" ||
          one.action === "drop" ||
          (one.action === "relabel" && classes.includes(one.to ?? ""))),
    );
    for (const one of usable) {
      this.decisions.set(exampleOf(one), { action: one.action, to: one.to ?? null });
    }
    return usable.length;
  }

  /**
   * Take over all decisions of saved findings in place of the present ones. A finding that is kept
   * in a file may be undecided, too.
   * @param {Finding[]} findings
   * @returns {number} how many could not be taken over
   */
  replace(findings) {
    const decided = findings.filter((finding) => finding.action !== "keep");
    this.decisions.clear();
    this.steps = [];
    const added = this.add(decided);
    this.store();
    return decided.length - added;
  }

  /** The review with the decisions, as `dressform data apply` reads it. */
  document() {
    const { review } = this.page;
    const findings = review.findings.map((finding) => ({ ...finding, ...this.of(finding) }));
    return { ...review, findings };
  }

  store() {
    const decided = this.page.review.findings
      .filter((finding) => this.isDecided(finding))
      .map((finding) => ({ split: finding.split, id: finding.id, ...this.of(finding) }));
    try {
      localStorage.setItem(this.storage, JSON.stringify(decided));
    } catch {
      // as above
    }
  }

  summary() {
    const actions = [...this.decisions.values()].map((decision) => decision.action);
    const number = (/** @type {Action} */ action) =>
      count(actions.filter((one) => one === action).length);
    const left = count(this.examples.size - this.decisions.size);
    return (
      `${number("keep")} kept, ${number("relabel")} to relabel, ${number("drop")} to drop, ` +
      `${left} of ${count(this.examples.size)} images undecided`
    );
  }
}
