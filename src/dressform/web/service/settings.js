// What can be changed about a project: its name, the time of a training, its classes.

import { actionButton, confirmed, failurePlace, form } from "dressform/service/action.js";
import { ProjectRoutes } from "dressform/service/api.js";
import { counted } from "dressform/service/texts.js";
import { announce, button, element, section } from "dressform/html.js";

/** @import { Project, ProjectClass, ProjectContext, Screen } from "dressform/service/types.js" */

const MINUTE = 60;

/** A time as the field has it. @param {number} seconds */
const inMinutes = (seconds) => String(Number((seconds / MINUTE).toFixed(2)));

/**
 * @param {ProjectRoutes} routes
 * @param {Project} project
 */
function general(routes, project) {
  const name = element("input", {
    id: "settings-name",
    value: project.name,
    maxlength: "200",
    required: true,
    autocomplete: "off",
  });
  let saved = { budget: project.budget, shown: inMinutes(project.budget) };
  const minutes = element("input", {
    id: "settings-budget",
    type: "number",
    min: "0.5",
    max: "1440",
    step: "any",
    required: true,
    value: saved.shown,
    "aria-describedby": "settings-budget-about",
  });
  const fields = [
    element("label", { for: "settings-name" }, "Name"),
    name,
    element("label", { for: "settings-budget" }, "Time limit of a training, in minutes"),
    minutes,
    element(
      "small",
      { id: "settings-budget-about" },
      "0.5 to 1,440. With more time more methods are compared.",
    ),
  ];
  return form({ class: "stacked" }, fields, "Save", async () => {
    // What was rounded for showing is sent only if somebody changed it.
    const { value: shown } = minutes;
    const budget = shown === saved.shown ? saved.budget : MINUTE * Number(shown);
    await routes.change({ name: name.value, budget });
    saved = { budget, shown };
    document.querySelector("h1")?.replaceChildren(name.value.trim());
    return "Saved";
  });
}

/**
 * @param {ProjectRoutes} routes
 * @param {ProjectClass} one
 * @param {() => Promise<void>} changed
 */
function classRow(routes, { id, name, images }, changed) {
  const place = failurePlace();
  const field = element("input", {
    value: name,
    maxlength: "200",
    "aria-label": `Name of ${name}`,
    autocomplete: "off",
  });
  const rename = actionButton(
    "Rename",
    place,
    async () => {
      await routes.renameClass(id, field.value);
      await changed();
      announce(`${name} is now ${field.value}`);
    },
    { id: `rename-${id}`, class: "small", "aria-label": `Rename ${name}` },
  );
  const remove = () =>
    confirmed(
      `Delete the class ${name}?`,
      `Its ${counted(images, "image")} stay in the project, unlabelled.`,
      "Delete class",
      async () => {
        await routes.deleteClass(id);
        await changed();
      },
    );
  return element(
    "li",
    {},
    element(
      "div",
      { class: "bar" },
      field,
      rename,
      button("Delete", remove, { class: "small danger", "aria-label": `Delete ${name}` }),
      element("span", { class: "quiet" }, counted(images, "image")),
    ),
    place,
  );
}

/**
 * @param {ProjectContext} context
 * @returns {Promise<Screen>}
 */
export async function settingsScreen({ project, refresh }) {
  const routes = new ProjectRoutes(project.id);
  const list = element("ul", { class: "class-settings" });
  const draw = (/** @type {Project} */ { classes }) => {
    const changed = async () => draw(await refresh());
    const rows = classes.map((one) => classRow(routes, one, changed));
    list.replaceChildren(...(rows.length ? rows : [element("li", {}, "No classes yet.")]));
  };
  draw(project);
  const remove = () =>
    confirmed(
      `Delete ${project.name}?`,
      `${counted(project.images, "image")} and all trained versions go with it. This cannot be undone.`,
      "Delete project",
      async () => {
        await routes.delete();
        location.hash = "#/";
      },
    );
  const node = element(
    "div",
    {},
    section("general", "Project", general(routes, project)),
    section("class-settings", "Classes", list),
    section(
      "number",
      "For programs",
      element(
        "p",
        {},
        "The id of this project, which protocols call project_id or model_id: ",
        element("code", {}, project.id),
      ),
    ),
    section("delete", "Delete", button("Delete this project", remove, { class: "danger" })),
  );
  return { title: "Settings", node };
}
