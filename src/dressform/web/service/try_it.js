// A photo in, the answer first, then how sure it is and what the network saw.

import { Camera } from "dressform/classify/camera.js";
import { sentence } from "dressform/service/action.js";
import { ProjectRoutes } from "dressform/service/api.js";
import { chosenFiles, droppedFiles } from "dressform/service/dropped.js";
import { projectAddress } from "dressform/service/projects.js";
import { ServiceError } from "dressform/service/request.js";
import { announce, button, element, percent, section } from "dressform/html.js";

/** @import { Answer, ProjectContext, Screen } from "dressform/service/types.js" */
/** @import { Attributes } from "dressform/types.js" */

const MAX_SHOWN = 20; // results that stay on the page
const MAX_CLASSES = 10;

const CANNOT_TELL =
  "This version never answers unsure: with fewer than 50 held-out images it cannot know what is unusual.";

/** @param {Answer} answer */
const answerText = ({ abstain, label }) => (abstain ? `Unsure, perhaps ${label}` : label);

/** @param {Answer} answer */
function probabilities({ top }) {
  const rows = top
    .slice(0, MAX_CLASSES)
    .map(({ label, probability }) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, label),
        element(
          "td",
          {},
          element("span", { class: "fraction", style: { "--fraction": probability.toFixed(4) } }),
          element("span", {}, percent(probability, 1)),
        ),
      ),
    );
  const left = top.length - rows.length;
  return [
    element(
      "table",
      { class: "probabilities" },
      element("caption", { class: "visually-hidden" }, "Probabilities"),
      element("tbody", {}, rows),
    ),
    left > 0 && element("p", { class: "quiet" }, `${left} less probable classes are not shown.`),
  ];
}

/** @param {Answer} answer */
function steps(answer) {
  return element(
    "details",
    { open: true },
    element("summary", {}, "How the photo was prepared"),
    element(
      "div",
      { class: "steps" },
      answer.steps.map(({ description, image, width, height }, i) =>
        element(
          "figure",
          {},
          element("img", {
            src: image,
            alt: description,
            class: Math.max(width, height) < 128 && "pixelated",
          }),
          element("figcaption", {}, `${i + 1}. ${description}`),
        ),
      ),
    ),
  );
}

/**
 * @param {string} name
 * @param {string} photo address
 * @param {Answer} answer
 * @param {number} version
 */
function result(name, photo, answer, version) {
  const release = () => URL.revokeObjectURL(photo);
  const notes = [
    answer.abstain && answer.reason,
    answer.abstain === null && CANNOT_TELL,
    ...answer.warnings,
  ].filter(Boolean);
  const lines = notes.map((line) => element("li", {}, line));
  return [
    element("img", { src: photo, alt: name, class: "photo", onload: release, onerror: release }),
    element(
      "div",
      {},
      element(
        "h3",
        { class: answer.abstain ? "answer-text unsure" : "answer-text" },
        answerText(answer),
      ),
      element(
        "p",
        { class: "quiet" },
        `${percent(answer.probability, 1)} · ${name} · version ${version}`,
      ),
      probabilities(answer),
    ),
    lines.length > 0 && element("div", { class: "note wide" }, element("ul", {}, lines)),
    answer.steps.length > 0 && element("div", { class: "wide" }, steps(answer)),
  ];
}

/** A place for photos, and the results below it. */
class TryIt {
  /**
   * @param {ProjectRoutes} routes
   * @param {AbortSignal} signal
   */
  constructor(routes, signal) {
    this.routes = routes;
    this.results = element("div");
    this.camera = new Camera((file) => this.take([file]));
    const touch = matchMedia("(pointer: coarse)").matches;
    this.zone = element(
      "div",
      { class: "zone" },
      element("p", {}, "Drop photos here, paste one, or"),
      this.chooser("Choose photos", { multiple: true }, "main"),
      this.camera.opener,
      touch && this.chooser("Camera app", { capture: "environment" }),
    );
    for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
      this.zone.addEventListener(type, () =>
        this.zone.classList.toggle("over", type === "dragenter" || type === "dragover"),
      );
    }
    this.zone.addEventListener("drop", async (event) => {
      if (!event.dataTransfer) return;
      this.take((await droppedFiles(event.dataTransfer)).map(({ file }) => file));
    });
    this.node = element("div", {}, this.zone, this.camera.node, this.results);
    addEventListener("paste", (event) => this.take([...(event.clipboardData?.files ?? [])]), {
      signal,
    });
    signal.addEventListener("abort", () => this.camera.stop());
  }

  /**
   * @param {string} text
   * @param {Attributes} attributes
   */
  chooser(text, attributes, kind = "") {
    const input = element("input", {
      type: "file",
      accept: "image/*,.heic,.heif",
      hidden: true,
      ...attributes,
      onchange: () => {
        this.take(chosenFiles(input.files ?? []).map(({ file }) => file));
        input.value = "";
      },
    });
    return [button(text, () => input.click(), { class: kind }), input];
  }

  /** @param {File[]} files */
  async take(files) {
    for (const file of files.slice(0, MAX_SHOWN)) await this.predict(file);
    if (files.length > MAX_SHOWN) {
      const text = `The first ${MAX_SHOWN} of ${files.length} photos are shown. For more at once, use the API.`;
      this.results.prepend(element("p", { class: "note" }, text));
    }
  }

  /** @param {File} file */
  async predict(file) {
    const place = element(
      "article",
      { class: "answer-card" },
      element("p", { class: "quiet wide" }, `${file.name} …`),
    );
    this.results.prepend(place);
    while (this.results.children.length > MAX_SHOWN) this.results.lastElementChild?.remove();
    try {
      const { model, predictions } = await this.routes.predict(file);
      const [answer] = predictions;
      if ("error" in answer) throw new ServiceError(422, answer.error);
      const photo = URL.createObjectURL(file);
      const shown = result(file.name, photo, answer, model.version);
      place.replaceChildren(element("div", { class: "answer-parts" }, shown));
      announce(answerText(answer));
    } catch (error) {
      const text = `No prediction. ${sentence(error)}`;
      place.replaceChildren(element("p", { class: "note wide", role: "alert" }, text));
    }
  }
}

/**
 * @param {ProjectContext} context
 * @returns {Promise<Screen>}
 */
export async function tryItScreen({ project, signal }) {
  if (!project.model) {
    const text = "No version has been trained yet, so there is nothing to try. ";
    const link = element("a", { href: projectAddress(project, "training") }, "Train the first one");
    return { title: "Try it", node: section("try", "Try it", element("p", {}, text, link)) };
  }
  const { node } = new TryIt(new ProjectRoutes(project.id), signal);
  const about = `Version ${project.model.version} answers. Photos are classified and not kept.`;
  return {
    title: "Try it",
    node: section("try", "Try it", element("p", { class: "quiet" }, about), node),
  };
}
