// All projects: what each has, and a new one.

import { confirmed, form } from "dressform/service/action.js";
import { createProject, getProjects, ProjectRoutes } from "dressform/service/api.js";
import { ago, counted } from "dressform/service/texts.js";
import { button, element, percentRange, section } from "dressform/html.js";

/** @import { Context, Project, Screen } from "dressform/service/types.js" */

/** @param {Project} project */
export const projectAddress = (project, screen = "") =>
  `#/project/${project.id}${screen && `/${screen}`}`;

/** @param {string} text */
const classNames = (text) => [
  ...new Set(
    text
      .split(/[,\n]/)
      .map((name) => name.trim())
      .filter(Boolean),
  ),
];

/** @param {Project} project */
function stateOf({ job, model, missing }) {
  if (job && ["queued", "running"].includes(job.state)) {
    return job.state === "queued" ? "Waiting to be trained" : `Training version ${job.version}`;
  }
  if (model?.scores) {
    const { low, high } = model.scores;
    return `Version ${model.version}: accuracy ${percentRange(low, high, 0)}`;
  }
  return missing ? "Needs more images" : "Ready to train";
}

/**
 * @param {Project} project
 * @param {boolean} mayDelete
 * @param {() => Promise<void>} changed
 */
function card(project, mayDelete, changed) {
  const remove = () =>
    confirmed(
      `Delete ${project.name}?`,
      `${counted(project.images, "image")} and all trained versions go with it. This cannot be undone.`,
      "Delete project",
      async () => {
        await new ProjectRoutes(project.id).delete();
        await changed();
      },
    );
  return element(
    "li",
    { class: "card" },
    element("h3", {}, element("a", { href: projectAddress(project) }, project.name)),
    element(
      "p",
      {},
      `${counted(project.classes.length, "class", "classes")}, ${counted(project.images, "image")}`,
    ),
    element("p", {}, stateOf(project)),
    element(
      "div",
      { class: "bar" },
      element("small", {}, `Created ${ago(project.created)}`),
      element("span", { class: "spring" }),
      mayDelete &&
        button("Delete", remove, { class: "small", "aria-label": `Delete ${project.name}` }),
    ),
  );
}

function newProject() {
  const name = element("input", { id: "project-name", maxlength: "200", autocomplete: "off" });
  const classes = element("input", {
    id: "project-classes",
    placeholder: "Hat, Shoe, Bag",
    autocomplete: "off",
    "aria-describedby": "project-classes-about",
  });
  const fields = [
    element("label", { for: "project-name" }, "Name"),
    name,
    element("label", { for: "project-classes" }, "Classes (optional)"),
    classes,
    element(
      "small",
      { id: "project-classes-about" },
      "Separated by commas. Folders that you upload add theirs.",
    ),
  ];
  return form({ class: "stacked" }, fields, "Create project", async () => {
    const project = await createProject(name.value, classNames(classes.value));
    location.hash = projectAddress(project);
  });
}

/**
 * @param {Context} context
 * @returns {Promise<Screen>}
 */
export async function projectsScreen({ session }) {
  const mayChange = session.scope !== "predict";
  const list = element("ul", { class: "cards" });
  const draw = (/** @type {Project[]} */ projects) => {
    const changed = async () => draw(await getProjects());
    list.replaceChildren(...projects.map((project) => card(project, mayChange, changed)));
    list.hidden = projects.length === 0;
    empty.hidden = projects.length > 0;
  };
  const empty = element(
    "p",
    {},
    "There is no project yet. A project is a set of classes with example images, and the models " +
      "that are trained on them. Name the first one and upload about a hundred images a class; ten are enough to start.",
  );
  draw(await getProjects());
  const node = element(
    "div",
    {},
    empty,
    list,
    mayChange && section("new-project", "New project", newProject()),
  );
  return { title: "Projects", node };
}
