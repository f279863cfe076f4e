// The service itself, for its operator: disk use, limits, and who changed what.

import { actionButton, failurePlace } from "dressform/service/action.js";
import { getAudit, getStorage } from "dressform/service/api.js";
import { fileSize } from "dressform/service/texts.js";
import { count, element, percent, section } from "dressform/html.js";
import { head, plainTable } from "dressform/table.js";

/** @import { AuditEntry, Context, Screen, Session } from "dressform/service/types.js" */

/** @param {AuditEntry} entry */
function line({ time, action, target, address }) {
  const when = new Date(time).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, when),
    [action, target.slice(0, 12), address].map((text) => element("td", {}, text)),
  );
}

async function auditPart() {
  const { entries, next } = await getAudit(null);
  const rows = entries.map(line);
  const figure = plainTable({
    caption: "Latest first",
    heads: ["Time", "Action", "Target", "Address"].map((text) => head(text)),
    rows,
  });
  const failure = failurePlace();
  let before = next;
  const more = actionButton(
    "Show older entries",
    failure,
    async () => {
      const page = await getAudit(before);
      figure.querySelector("tbody")?.append(...page.entries.map(line));
      before = page.next;
      more.hidden = before === null;
    },
    { hidden: next === null },
  );
  return [figure, more, failure];
}

/** @param {Session["limits"]} limits */
function limitList(limits) {
  const facts = [
    ["Largest image", fileSize(limits.max_image)],
    ["Largest upload", fileSize(limits.max_upload)],
    ["Files in an upload", count(limits.max_files)],
    ["For a training", `${limits.min_classes} classes with ${limits.min_images} images each`],
  ];
  return element(
    "dl",
    { class: "facts" },
    facts.map(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]),
  );
}

/**
 * @param {Context} context
 * @returns {Promise<Screen>}
 */
export async function serviceScreen({ session }) {
  const storage = await getStorage();
  const used = storage.image_bytes + storage.model_bytes;
  const fraction = used / storage.limit;
  const disk = [
    element("progress", { value: fraction, max: "1", "aria-label": "Disk use" }),
    element(
      "p",
      {},
      `${fileSize(used)} of ${fileSize(storage.limit)} (${percent(fraction, 1)}): ` +
        `${fileSize(storage.image_bytes)} of images, ${fileSize(storage.model_bytes)} of models.`,
    ),
  ];
  const node = element(
    "div",
    {},
    section("storage", "Disk use", disk),
    section("limits", "Limits", limitList(session.limits)),
    section("audit", "Audit log", await auditPart()),
    element(
      "p",
      { class: "quiet" },
      `dressform ${session.version}, signed in with the key ${session.name}`,
    ),
  );
  return { title: "Service", node };
}
