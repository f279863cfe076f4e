// The images of a project: upload, classes, and a gallery in which many are relabelled at once.

import { ProjectRoutes } from "dressform/service/api.js";
import { Classes, trainCall } from "dressform/service/classes.js";
import { Gallery } from "dressform/service/gallery.js";
import { projectAddress } from "dressform/service/projects.js";
import { Upload } from "dressform/service/upload.js";
import { uploadsOf } from "dressform/service/upload_queue.js";
import { element, section } from "dressform/html.js";

/** @import { Project, ProjectContext, Screen } from "dressform/service/types.js" */

/**
 * Something that is done one after another; what is asked for meanwhile is done once more.
 * @param {() => Promise<void>} action
 */
function coalesced(action) {
  let last = Promise.resolve();
  let waiting = 0;
  return () => {
    if (waiting > 1) return last;
    waiting += 1;
    last = last.then(action).finally(() => {
      waiting -= 1;
    });
    return last;
  };
}

/**
 * @param {ProjectContext} context
 * @returns {Promise<Screen>}
 */
export async function imagesScreen({ project, session, signal, refresh }) {
  const routes = new ProjectRoutes(project.id);
  const { limits } = session;
  const uploads = uploadsOf(routes, limits);
  const call = element("div");
  const started = () => {
    const address = projectAddress(project, "training");
    if (location.hash === address) dispatchEvent(new Event("hashchange"));
    else location.hash = address;
  };

  /** @param {Project} now */
  function draw(now) {
    upload.offer(now);
    classes.draw(now);
    gallery.offer(now);
    drawCall(now);
  }

  function drawCall(now = project) {
    const running = now.job && ["queued", "running"].includes(now.job.state);
    call.replaceChildren(
      running
        ? element(
            "p",
            {},
            element(
              "a",
              { href: projectAddress(now, "training") },
              `Version ${now.job?.version} is being trained.`,
            ),
          )
        : trainCall({ routes, limits, busy: uploads.busy, started }, now),
    );
  }

  /** Read the project and the shown images again. */
  async function reload() {
    try {
      draw(await refresh());
      await gallery.reload();
    } catch (error) {
      gallery.fail(error);
    }
  }

  const changed = coalesced(reload);
  const upload = new Upload(uploads, signal, changed);
  const classes = new Classes(routes, limits, upload, changed);
  const gallery = new Gallery(routes, changed);
  uploads.addEventListener("busy", () => drawCall(), { signal });
  draw(project);
  await gallery.reload();
  const node = element(
    "div",
    {},
    section("upload", "Add images", upload.node),
    section("classes", "Classes", classes.node, call),
    section("images", "Images", gallery.node),
  );
  return { title: "Images", node };
}
