// How far a project's uploads are, and what became of each file.

import { counted } from "dressform/service/texts.js";
import { button, element } from "dressform/html.js";

/** @import { UploadQueue } from "dressform/service/upload_queue.js" */

const MAX_LISTED = 100;

/**
 * "a, b, c and 4 more".
 * @param {string[]} names
 */
function some(names) {
  const shown = names.slice(0, 5).join(", ");
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

/**
 * Messages of the service begin with the file's name, which stands in front here.
 * @param {string} message
 * @param {string} name
 */
function withoutName(message, name) {
  const starts = message.toLowerCase().startsWith(`${name.toLowerCase()} `);
  return starts ? message.slice(name.length + 1) : message;
}

/** Its parts stay, so that a button can be pressed and keeps the focus while files arrive. */
export class UploadStatus {
  /** @param {UploadQueue} queue */
  constructor(queue) {
    this.queue = queue;
    this.text = element("p", { tabindex: "-1" });
    this.progress = element("progress", { max: "1", value: "0", "aria-label": "Upload" });
    const cancel = button("Cancel upload", () => queue.cancel(), { class: "small" });
    this.going = element("div", { class: "bar", hidden: true }, this.progress, cancel);
    this.problems = element("div");
    this.again = button("Try the failed ones again", () => queue.retry(), { hidden: true });
    const parts = [this.text, this.going, this.problems, this.again];
    this.node = element("div", { class: "upload-status" }, parts);
  }

  show() {
    const { queue, text, going, again } = this;
    const focused = this.node.contains(document.activeElement) && document.activeElement;
    text.textContent = this.summary();
    this.progress.value = queue.fraction;
    this.problems.replaceChildren(this.problemList());
    going.hidden = !queue.busy;
    again.hidden = queue.busy || !queue.problems.some((problem) => problem.again);
    if (focused && focused.closest("[hidden]")) text.focus();
  }

  summary() {
    const { queue } = this;
    const { added, known, leftOut, notes, problems } = queue;
    const lines = queue.busy
      ? [`Uploading: ${queue.done} of ${counted(queue.total, "file")}.`, queue.delay]
      : [`${counted(added, "image")} added.`];
    if (known.length) lines.push(`Duplicates, here already: ${some(known)}.`);
    if (problems.length) lines.push(`${counted(problems.length, "file")} not added; see below.`);
    if (leftOut.length) lines.push(`Left out, no images: ${some(leftOut)}.`);
    lines.push(...notes);
    return lines.filter(Boolean).join(" ");
  }

  problemList() {
    const { problems } = this.queue;
    if (!problems.length) return "";
    const listed = problems.slice(0, MAX_LISTED);
    return element(
      "ul",
      { class: "problems", "aria-label": "Files that were not added" },
      listed.map(({ name, message }) =>
        element("li", {}, element("strong", {}, name), " ", withoutName(message, name)),
      ),
      problems.length > MAX_LISTED &&
        element("li", {}, `${problems.length - MAX_LISTED} more, most of them alike`),
    );
  }
}
