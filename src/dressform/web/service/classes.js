// The classes of a project: how many images each has, how even they are, and what is missing.

import { attempt, failurePlace, form } from "dressform/service/action.js";
import { counted } from "dressform/service/texts.js";
import { button, count, element } from "dressform/html.js";
import { categorical } from "dressform/colours.js";

/** @import { ProjectRoutes } from "dressform/service/api.js" */
/** @import { Upload } from "dressform/service/upload.js" */
/** @import { Limits, Project } from "dressform/service/types.js" */

const UNEVEN = 3; // times as many images: then the smaller class is often mistaken for the larger

/**
 * Labelled images that a class still needs. A class without any is not trained, if there are others.
 * @param {Project} project
 * @param {Limits} limits
 */
export function missingOf({ classes }, limits) {
  const used = classes.filter(({ images }) => images > 0).length;
  return classes.map(({ name, images }) => ({
    name,
    missing: images > 0 || used < limits.min_classes ? Math.max(0, limits.min_images - images) : 0,
  }));
}

/** @param {Project} project */
function balance({ classes }) {
  const used = classes.filter(({ images }) => images > 0);
  if (used.length < 2) return "";
  const most = used.reduce((a, b) => (b.images > a.images ? b : a));
  const least = used.reduce((a, b) => (b.images < a.images ? b : a));
  if (most.images < UNEVEN * least.images) return "";
  const times = (most.images / least.images).toFixed(0);
  return (
    `${most.name} has ${times} times as many images as ${least.name}. More images of ` +
    `${least.name} would help most.`
  );
}

/** @param {Project} project */
function balanceBar({ classes }) {
  const used = classes.filter(({ images }) => images > 0);
  const text = used.map(({ name, images }) => `${name} ${images}`).join(", ");
  return element(
    "div",
    { class: "balance", role: "img", "aria-label": `Balance of classes: ${text}` },
    used.map(({ name, images }) => {
      const colour = categorical(classes.findIndex((one) => one.name === name));
      return element("span", { style: { "flex-grow": images, background: colour } });
    }),
  );
}

export class Classes {
  /**
   * @param {ProjectRoutes} routes
   * @param {Limits} limits
   * @param {Upload} upload which takes what is dropped on a class
   * @param {() => Promise<unknown>} onchange
   */
  constructor(routes, limits, upload, onchange) {
    this.limits = limits;
    this.upload = upload;
    this.body = element("div");
    this.name = element("input", {
      id: "class-name",
      maxlength: "200",
      required: true,
      autocomplete: "off",
    });
    const fields = [element("label", { for: "class-name" }, "New class"), this.name];
    const adder = form({ class: "bar" }, fields, "Add class", async () => {
      await routes.addClass(this.name.value);
      this.name.value = "";
      await onchange();
    });
    this.node = element("div", {}, this.body, adder);
  }

  /** @param {Project} project */
  draw(project) {
    const missing = missingOf(project, this.limits);
    const most = Math.max(1, ...project.classes.map(({ images }) => images));
    const rows = project.classes.map(({ name, images }, c) =>
      this.row(name, images, { most, missing: missing[c].missing, colour: categorical(c) }),
    );
    const uneven = balance(project);
    this.body.replaceChildren(
      element(
        "p",
        {},
        `${counted(project.labelled, "labelled image")} in ${counted(project.classes.length, "class", "classes")}`,
        project.unlabelled > 0 && `, ${count(project.unlabelled)} unlabelled`,
        ".",
      ),
      project.labelled > 0 ? balanceBar(project) : "",
      element("ul", { class: "class-list" }, rows),
      uneven && element("p", { class: "quiet" }, uneven),
    );
  }

  /**
   * @param {string} name
   * @param {number} images
   * @param {{most: number, missing: number, colour: string}} look
   */
  row(name, images, { most, missing, colour }) {
    const style = { "--fraction": (images / most).toFixed(4), "--hue": colour };
    const node = element(
      "li",
      { class: "class-row" },
      element("span", { class: "class-name" }, name),
      element("span", { class: "class-bar", "aria-hidden": "true" }, element("span", { style })),
      element("span", { class: "number" }, count(images)),
      element("span", { class: "class-missing" }, missing > 0 && counted(missing, "more image")),
      button("Add images", () => this.choose(name), {
        class: "small",
        "aria-label": `Add images of ${name}`,
      }),
    );
    for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
      node.addEventListener(type, () =>
        node.classList.toggle("over", type === "dragenter" || type === "dragover"),
      );
    }
    node.addEventListener("drop", (event) => this.upload.drop(event, name));
    return node;
  }

  /** @param {string} name */
  choose(name) {
    const input = element("input", { type: "file", multiple: true, accept: "image/*,.zip" });
    input.addEventListener("change", () => this.upload.takeFiles(input.files ?? [], name));
    input.click();
  }
}

/**
 * What a training needs, and the button that starts one.
 * @param {object} parts
 * @param {ProjectRoutes} parts.routes
 * @param {Limits} parts.limits
 * @param {boolean} parts.busy whether images are being uploaded
 * @param {() => void} parts.started
 * @param {Project} project
 */
export function trainCall({ routes, limits, busy, started }, project) {
  const place = failurePlace();
  const missing = missingOf(project, limits).filter((one) => one.missing > 0);
  const start = button(
    project.model ? "Train a new version" : "Train",
    () =>
      attempt(place, async () => {
        await routes.train();
        started();
      }),
    { class: "main", disabled: busy || project.missing !== null },
  );
  const few = element(
    "ul",
    {},
    missing.map((one) => element("li", {}, `${one.name}: ${counted(one.missing, "more image")}`)),
  );
  return element(
    "div",
    { class: "train-call" },
    start,
    busy &&
      element("p", { class: "note" }, "Images are being uploaded; train once all have arrived."),
    project.missing &&
      element(
        "div",
        { class: "note" },
        missing.length > 0
          ? [
              `A training needs ${limits.min_classes} classes with ${limits.min_images} labelled images each. Missing:`,
              few,
            ]
          : `A training needs ${limits.min_classes} classes with ${limits.min_images} labelled images each.`,
      ),
    place,
  );
}
