// The trained versions: how good each is, which one answers, and what can be downloaded.

import { actionButton, confirmed, failurePlace } from "dressform/service/action.js";
import { ProjectRoutes } from "dressform/service/api.js";
import { projectAddress } from "dressform/service/projects.js";
import { accuracySentence, ago, counted, fileSize } from "dressform/service/texts.js";
import { button, element, percent, percentRange, section } from "dressform/html.js";

/** @import { Job, Project, ProjectContext, Screen, Scores, Version } from "dressform/service/types.js" */

const MIN_COMMON = 10; // held-out images of both versions; with fewer the service compares nothing

/**
 * @typedef {object} Parts
 * @property {ProjectRoutes} routes
 * @property {Project} project
 * @property {() => Promise<void>} changed
 * @property {Job[]} [jobs] which say why a version failed
 */

/**
 * An accuracy and its interval as a bar.
 * @param {Scores} scores
 */
function intervalBar({ accuracy, low, high }) {
  const at = (/** @type {number} */ value) => `${(100 * value).toFixed(2)}%`;
  return element(
    "div",
    { class: "accuracy-bar", "aria-hidden": "true" },
    element("span", { class: "reach", style: { left: at(low), width: at(high - low) } }),
    element("span", { class: "point", style: { left: at(accuracy) } }),
  );
}

/**
 * @param {Version} version
 * @param {number | null} promoted the version that answers now
 */
function promoteText(version, promoted) {
  const verb = promoted !== null && version.version < promoted ? "Roll back to" : "Promote";
  return `${verb} version ${version.version}`;
}

/**
 * The button that makes a version the one that answers.
 * @param {Parts} parts
 * @param {Version} version
 * @param {Version[]} versions
 * @param {Element} place for failures
 */
function promoteButton({ routes, changed }, version, versions, place) {
  const promoted = versions.find((one) => one.promoted)?.version ?? null;
  return actionButton(promoteText(version, promoted), place, async () => {
    await routes.promote(version.version);
    await changed();
  });
}

/**
 * A button that says whether a version is better than the promoted one, where enough was held out.
 * @param {ProjectRoutes} routes
 * @param {Version} version
 * @param {Version[]} versions
 * @param {Element} place for failures
 */
function comparison(routes, version, versions, place) {
  const promoted = versions.find((one) => one.promoted);
  if (!promoted || promoted.version === version.version) return null;
  if ([promoted, version].some(({ scores }) => scores && scores.held_out < MIN_COMMON)) return null;
  const answer = element("p", { role: "status" });
  const [a, b] = [promoted.version, version.version].sort((x, y) => x - y);
  const compare = actionButton(`Compare with version ${promoted.version}`, place, async () => {
    const { sentence, common } = await routes.compare(a, b);
    answer.textContent = `${sentence} (${counted(common, "common image")} that neither was trained on)`;
  });
  return { compare, answer };
}

/**
 * What became of a training, in plain words.
 * @param {Parts} parts
 * @param {Version} version
 * @param {Version[]} versions
 */
export function resultPart(parts, version, versions) {
  const { routes, project } = parts;
  const { scores, promoted } = version;
  const place = failurePlace();
  const old = versions.find((one) => one.promoted);
  const compared = comparison(routes, version, versions, place);
  return element(
    "div",
    { class: "result-part" },
    scores &&
      element(
        "p",
        { class: "headline" },
        element("strong", {}, percent(scores.accuracy, 0)),
        "accuracy",
      ),
    scores && intervalBar(scores),
    scores && element("p", {}, accuracySentence(scores)),
    element(
      "p",
      {},
      promoted
        ? `Version ${version.version} answers predictions now.`
        : `Version ${old?.version} still answers predictions. Promote version ${version.version} to replace it.`,
    ),
    element(
      "div",
      { class: "bar" },
      promoted &&
        element("a", { href: projectAddress(project, "try"), class: "button main" }, "Try it"),
      !promoted && promoteButton(parts, version, versions, place),
      compared?.compare,
      reportLink(routes, version),
      element("a", { href: projectAddress(project, "versions") }, "All versions"),
    ),
    compared?.answer,
    place,
  );
}

/**
 * @param {ProjectRoutes} routes
 * @param {Version} version
 */
function reportLink(routes, { version }) {
  const href = routes.fileOf(version, "report.html");
  return element(
    "a",
    {
      href,
      target: "_blank",
      rel: "noopener",
      "aria-label": `Report of version ${version}, in a new tab`,
    },
    "Report ↗",
  );
}

/**
 * @param {Parts} parts
 * @param {Version} version
 * @param {Version[]} versions
 * @param {boolean} mayChange
 */
function ready(parts, version, versions, mayChange) {
  const { routes, changed } = parts;
  const place = failurePlace();
  const name = `version ${version.version}`;
  const compared = mayChange && comparison(routes, version, versions, place);
  const remove = () =>
    confirmed(
      `Delete ${name}?`,
      "Its model and report go. Images and labels stay. This cannot be undone.",
      `Delete ${name}`,
      async () => {
        await routes.deleteVersion(version.version);
        await changed();
      },
    );
  const download = (/** @type {"download.zip" | "page.html"} */ file, /** @type {string} */ text) =>
    element(
      "a",
      {
        href: routes.fileOf(version.version, file),
        download: true,
        "aria-label": `${text} of ${name}`,
      },
      text,
    );
  return [
    element(
      "div",
      { class: "bar downloads" },
      reportLink(routes, version),
      download("download.zip", "ONNX model and model card"),
      download("page.html", "One-file page"),
    ),
    mayChange &&
      !version.promoted &&
      element(
        "div",
        { class: "bar" },
        promoteButton(parts, version, versions, place),
        compared && compared.compare,
        button("Delete", remove, { class: "danger", "aria-label": `Delete ${name}` }),
      ),
    compared && compared.answer,
    place,
  ];
}

/**
 * @param {Parts} parts
 * @param {Version} version
 * @param {Version[]} versions
 * @param {boolean} mayChange
 */
function card(parts, version, versions, mayChange) {
  const job = parts.jobs?.find((one) => one.version === version.version);
  const { scores, state, promoted } = version;
  const states = { training: "being trained", failed: "failed", deleted: "deleted", ready: "" };
  const facts = [
    version.examples > 0 && counted(version.examples, "image"),
    version.recipe,
    state === "ready" && fileSize(version.size),
    ago(version.finished ?? version.created),
  ].filter(Boolean);
  return element(
    "li",
    { class: promoted ? "card version promoted" : "card version" },
    element(
      "h3",
      {},
      `Version ${version.version}`,
      promoted && element("span", { class: "badge" }, "promoted"),
      states[state] && element("span", { class: "badge quiet" }, states[state]),
    ),
    scores &&
      element(
        "p",
        {},
        element("strong", {}, percent(scores.accuracy, 1)),
        ` accuracy (${percentRange(scores.low, scores.high, 1)}, ${scores.protocol})`,
      ),
    scores && intervalBar(scores),
    element("p", { class: "quiet" }, facts.join(" · ")),
    state === "failed" && job?.error && element("p", { class: "note" }, `${job.error}.`),
    state === "ready" && ready(parts, version, versions, mayChange),
  );
}

/**
 * @param {ProjectContext} context
 * @returns {Promise<Screen>}
 */
export async function versionsScreen({ project, session, refresh }) {
  const routes = new ProjectRoutes(project.id);
  const mayChange = session.scope !== "predict";
  const list = element("ul", { class: "cards wide" });
  const empty = element(
    "p",
    {},
    "No version has been trained yet. ",
    mayChange && element("a", { href: projectAddress(project, "training") }, "Train the first one"),
  );
  const changed = async () => {
    await refresh();
    await draw();
  };
  async function draw() {
    const [versions, jobs] = await Promise.all([routes.versions(), routes.jobs()]);
    const parts = { routes, project, changed, jobs };
    list.replaceChildren(...versions.map((one) => card(parts, one, versions, mayChange)));
    empty.hidden = versions.length > 0;
    list.hidden = versions.length === 0;
  }
  await draw();
  const about =
    "The promoted version answers predictions. Each accuracy stands with its 95 % interval.";
  const node = element(
    "div",
    {},
    section("versions", "Versions", element("p", { class: "quiet" }, about), empty, list),
    mayChange &&
      section(
        "dataset",
        "Dataset",
        element(
          "p",
          {},
          element(
            "a",
            { href: `${routes.address}/dataset.zip`, download: true },
            "Download the dataset",
          ),
          `: ${counted(project.images, "image")} in class folders, and a table of them.`,
        ),
      ),
  );
  return { title: "Versions", node };
}
