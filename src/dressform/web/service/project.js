// A project's screens, and the tabs that lead to them.

import { ProjectRoutes } from "dressform/service/api.js";
import { imagesScreen } from "dressform/service/images.js";
import { labellingScreen, labelsSent } from "dressform/service/labelling.js";
import { projectAddress } from "dressform/service/projects.js";
import { settingsScreen } from "dressform/service/settings.js";
import { trainingScreen } from "dressform/service/training.js";
import { tryItScreen } from "dressform/service/try_it.js";
import { versionsScreen } from "dressform/service/versions.js";
import { count, element } from "dressform/html.js";

/** @import { Context, Project, ProjectContext, Screen } from "dressform/service/types.js" */

/**
 * @typedef {object} Tab
 * @property {string} name in the address
 * @property {string} title
 * @property {(context: ProjectContext) => Promise<Screen>} screen
 * @property {boolean} predict whether a key of scope "predict" may see it
 */

/** @type {Tab[]} */
const TABS = [
  { name: "", title: "Images", screen: imagesScreen, predict: false },
  { name: "label", title: "Label", screen: labellingScreen, predict: false },
  { name: "training", title: "Training", screen: trainingScreen, predict: false },
  { name: "try", title: "Try it", screen: tryItScreen, predict: true },
  { name: "versions", title: "Versions", screen: versionsScreen, predict: true },
  { name: "settings", title: "Settings", screen: settingsScreen, predict: false },
];

/**
 * @param {Tab[]} tabs
 * @param {Tab} current
 * @param {Project} project
 */
function links(tabs, current, project) {
  return tabs.map((tab) =>
    element(
      "a",
      {
        href: projectAddress(project, tab.name),
        "aria-current": tab === current && "page",
      },
      tab.title,
      tab.name === "label" && project.unlabelled > 0 && ` (${count(project.unlabelled)})`,
    ),
  );
}

/**
 * @param {Context} context
 * @returns {Promise<Screen>}
 */
export async function projectScreen(context) {
  const [id, name = ""] = context.path;
  const routes = new ProjectRoutes(id);
  await labelsSent();
  const project = await routes.get();
  const tabs = TABS.filter(({ predict }) => predict || context.session.scope !== "predict");
  const tab = tabs.find((one) => one.name === name) ?? tabs[0];
  const nav = element("nav", { class: "tabs", "aria-label": "Project" });
  const draw = (/** @type {Project} */ now) => {
    nav.replaceChildren(...links(tabs, tab, now));
    Object.assign(project, now);
  };
  const refresh = async () => {
    const now = await routes.get();
    draw(now);
    return now;
  };
  draw(project);
  const screen = await tab.screen({ ...context, project, refresh });
  return {
    title: `${tab.title} – ${project.name}`,
    heading: project.name,
    node: element("div", {}, nav, screen.node),
    shown: () => {
      nav.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
      screen.shown?.();
    },
  };
}
