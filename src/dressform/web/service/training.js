// A training: asked for, followed live, and its result in plain words.

import { actionButton, failurePlace, showFailure } from "dressform/service/action.js";
import { ProjectRoutes } from "dressform/service/api.js";
import { trainCall } from "dressform/service/classes.js";
import { LiveCurves } from "dressform/service/live_curves.js";
import { projectAddress } from "dressform/service/projects.js";
import { duration } from "dressform/service/texts.js";
import { uploadsOf } from "dressform/service/upload_queue.js";
import { resultPart } from "dressform/service/versions.js";
import { announce, element, section } from "dressform/html.js";

/** @import { Job, Progress, Project, ProjectContext, Screen } from "dressform/service/types.js" */

const RECONNECT = 3000; // milliseconds
const LOOK_EVERY = 5000; // milliseconds

/** @param {Job | null} job */
export const runs = (job) => job !== null && ["queued", "running"].includes(job.state);

/** What a training does, live. */
class Live {
  /**
   * @param {ProjectRoutes} routes
   * @param {Job} job
   * @param {AbortSignal} signal
   * @param {() => void} onend
   */
  constructor(routes, job, signal, onend) {
    this.routes = routes;
    this.job = job;
    this.signal = signal;
    this.onend = onend;
    /** @type {Progress} */
    this.progress = {};
    this.curves = new LiveCurves(`version-${job.version}`);
    this.phase = element("p", { class: "headline" }, this.waiting());
    this.bar = element("progress", { "aria-label": "Training" });
    this.left = element("p", { class: "quiet" });
    this.failure = failurePlace();
    const cancel = actionButton("Cancel training", this.failure, async () => {
      this.job = await routes.cancel(job.id);
      this.phase.textContent = "Cancelling …";
    });
    this.node = element(
      "div",
      {},
      this.phase,
      this.bar,
      this.left,
      element("div", { class: "bar" }, cancel),
      this.failure,
      this.curves.node,
    );
    signal.addEventListener("abort", () => this.source?.close());
  }

  waiting() {
    return this.job.state === "queued" ? "Waiting for a free worker …" : "Starting …";
  }

  /** A queued training has no events: ask whether it still waits, until it has. */
  async wait() {
    while (!this.signal.aborted && !this.progress.phase && runs(this.job)) {
      if (!this.job.cancel) this.phase.textContent = this.waiting();
      await new Promise((resolve) => setTimeout(resolve, RECONNECT));
      try {
        const { job } = await this.routes.get();
        if (job?.id === this.job.id) this.job = job;
      } catch {
        // the events tell that the service is out of reach
      }
    }
  }

  /** Follow the events; the browser connects again by itself, unless it was refused. */
  follow() {
    const source = this.routes.events(this.job.id);
    /** @type {EventSource} */
    this.source = source;
    source.addEventListener("open", () => this.failure.replaceChildren());
    source.addEventListener("progress", (event) => this.hear(JSON.parse(event.data)));
    source.addEventListener("end", () => {
      source.close();
      this.onend();
    });
    source.addEventListener("error", () => {
      if (this.signal.aborted) return;
      showFailure(this.failure, new Error("The connection was lost; connecting again …"));
      if (source.readyState === EventSource.CLOSED) setTimeout(() => this.again(), RECONNECT);
    });
  }

  async again() {
    if (this.signal.aborted) return;
    try {
      const { job } = await this.routes.get();
      if (!runs(job)) return this.onend();
    } catch (error) {
      showFailure(this.failure, error);
    }
    if (!this.signal.aborted) this.follow();
  }

  /** @param {Progress & {state?: string}} progress */
  hear(progress) {
    if (progress.phase && progress.phase !== this.progress.phase) announce(progress.phase);
    this.progress = { ...this.progress, ...progress };
    const { phase, epoch, epochs, seconds_left: left } = this.progress;
    if (progress.state === "queued") {
      this.phase.textContent = "The worker stopped; another one continues …";
    } else {
      const at = epoch !== undefined && epochs ? `, epoch ${epoch} of ${epochs}` : "";
      this.phase.textContent = capitalized(`${phase ?? "training"}${at}`);
    }
    if (epochs && epoch !== undefined) this.bar.value = epoch / epochs;
    else this.bar.removeAttribute("value");
    this.left.textContent =
      left === undefined
        ? ""
        : `About ${duration(left)} to the last epoch; then the report is written.`;
    this.curves.hear(progress);
  }
}

/** @param {string} text */
const capitalized = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/**
 * How the last training ended.
 * @param {ProjectRoutes} routes
 * @param {Project} project
 * @param {() => Promise<void>} changed
 */
async function ending(routes, project, changed) {
  const { job } = project;
  if (!job) return element("p", {}, "Nothing has been trained yet.");
  if (job.state === "failed") {
    const text = `Version ${job.version} could not be trained: ${job.error ?? "no reason was given"}`;
    return element("p", { class: "note", role: "alert" }, text);
  }
  if (job.state === "cancelled") {
    return element("p", {}, `The training of version ${job.version} was cancelled.`);
  }
  const versions = await routes.versions();
  const version = versions.find((one) => one.version === job.version);
  if (version?.state !== "ready") {
    return element("p", {}, `Version ${job.version} was trained; it has been deleted since.`);
  }
  return resultPart({ routes, project, changed }, version, versions);
}

/**
 * @param {ProjectContext} context
 * @returns {Promise<Screen>}
 */
export async function trainingScreen({ project, session, signal, refresh }) {
  const routes = new ProjectRoutes(project.id);
  const { limits } = session;
  const uploads = uploadsOf(routes, limits);
  const place = element("div");
  const failure = failurePlace();

  /** @param {Project} now */
  async function draw(now) {
    if (now.job && runs(now.job)) {
      const live = new Live(routes, now.job, signal, again);
      live.follow();
      live.wait();
      place.replaceChildren(section("live", `Version ${now.job.version}`, live.node));
      return;
    }
    const end = await ending(routes, now, again);
    const last = now.job ? `Version ${now.job.version}` : "No version yet";
    const about = element(
      "p",
      { class: "quiet" },
      `A training takes ${duration(now.budget)} at most, or longer where the machine is too busy. As far as ` +
        "there is time, dressform compares methods by cross-validation. The best one is trained on nine of " +
        "ten labelled images; the others tell how good it is. The ",
      element("a", { href: projectAddress(now, "settings") }, "time limit"),
      " can be changed.",
    );
    const call = trainCall({ routes, limits, busy: uploads.busy, started: again }, now);
    place.replaceChildren(section("result", last, end), section("train", "Train", about, call));
  }

  async function again() {
    if (signal.aborted) return;
    try {
      await draw(await refresh());
      failure.replaceChildren();
    } catch (error) {
      showFailure(failure, error);
    }
  }

  /** What may be trained changes with the end of an upload. */
  async function uploaded() {
    if (!place.querySelector("#live")) await again();
  }

  /** A training may be started elsewhere: in another window, or by the API. */
  async function look() {
    if (place.querySelector("#live")) return;
    try {
      const now = await routes.get();
      if (!signal.aborted && runs(now.job)) await again();
    } catch {
      // looked at again in a moment; what the person starts tells its failures itself
    }
  }

  const timer = setInterval(look, LOOK_EVERY);
  signal.addEventListener("abort", () => clearInterval(timer));
  uploads.addEventListener("busy", uploaded, { signal });
  await draw(project);
  return { title: "Training", node: element("div", {}, failure, place) };
}
