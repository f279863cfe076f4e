// Uploads, a few at a time, and what became of each file.

import { ServiceError } from "dressform/service/request.js";
import { sentence } from "dressform/service/action.js";
import { isZip } from "dressform/service/dropped.js";
import { counted, fileSize } from "dressform/service/texts.js";

/** @import { ProjectRoutes } from "dressform/service/api.js" */
/** @import { Limits, UploadResult } from "dressform/service/types.js" */

/**
 * @typedef {object} Item
 * @property {File} file
 * @property {string | null} label of an image: its class, or null for none; of a ZIP: null for
 *   folder names, "" for none
 */
/**
 * @typedef {object} Problem
 * @property {string} name
 * @property {string} message
 * @property {Item | null} again what can be tried again
 */

const AT_ONCE = 4;
const GONE = [401, 404]; // the session is over, or there is no such project any more

/** It tells "change", and "busy" when it begins and when it has ended. */
export class UploadQueue extends EventTarget {
  /**
   * @param {ProjectRoutes} routes
   * @param {Limits} limits
   */
  constructor(routes, limits) {
    super();
    this.routes = routes;
    this.limits = limits;
    this.wasBusy = false;
    /** @type {Item[]} */
    this.waiting = [];
    /** @type {Map<Item, number>} how much of each has been sent, 0..1 */
    this.sending = new Map();
    this.total = 0;
    this.done = 0;
    this.added = 0;
    /** @type {string[]} names of images that were there already */
    this.known = [];
    /** @type {string[]} */
    this.leftOut = [];
    /** @type {string[]} on how ZIPs were read */
    this.notes = [];
    /** @type {Problem[]} */
    this.problems = [];
    this.delay = "";
    this.stop = new AbortController();
  }

  /** Forget what became of earlier uploads. */
  clear() {
    this.total = this.done = this.added = 0;
    this.known = [];
    this.leftOut = [];
    this.notes = [];
    this.problems = [];
    this.delay = "";
  }

  changed() {
    if (this.busy !== this.wasBusy) {
      this.wasBusy = this.busy;
      this.dispatchEvent(new Event("busy"));
    }
    this.dispatchEvent(new Event("change"));
  }

  /** Whether there is anything to tell. */
  get begun() {
    return this.total + this.problems.length + this.leftOut.length > 0;
  }

  get busy() {
    return this.waiting.length + this.sending.size > 0;
  }

  /** How much is done, 0..1. */
  get fraction() {
    const sent = [...this.sending.values()].reduce((sum, one) => sum + one, 0);
    return this.total ? (this.done + sent) / this.total : 0;
  }

  /**
   * @param {Item[]} items
   * @param {string[]} leftOut names
   */
  add(items, leftOut) {
    if (!this.busy) this.clear();
    this.leftOut.push(...leftOut);
    for (const item of items) {
      const large = this.tooLarge(item.file);
      if (large) this.problems.push({ name: item.file.name, message: large, again: null });
      else this.waiting.push(item);
      this.total += large ? 0 : 1;
    }
    this.changed();
    while (this.sending.size < AT_ONCE && this.waiting.length) this.next();
  }

  /** @param {File} file */
  tooLarge(file) {
    const allowed = isZip(file) ? this.limits.max_upload : this.limits.max_image;
    if (file.size <= allowed) return "";
    return `Too large: ${fileSize(file.size)}; allowed: ${fileSize(allowed)}. Save it smaller.`;
  }

  async next() {
    const item = this.waiting.shift();
    if (!item) return;
    this.sending.set(item, 0);
    await this.upload(item);
    this.sending.delete(item);
    this.done += 1;
    this.changed();
    this.next();
  }

  /** @param {Item} item */
  async upload(item) {
    const { file, label } = item;
    const { signal } = this.stop;
    const sending = {
      onprogress: (/** @type {number} */ fraction) => {
        this.delay = "";
        this.sending.set(item, fraction);
        this.changed();
      },
      onwait: (/** @type {ServiceError} */ error) => {
        const why = error.status === 429 ? sentence(error) : "No answer.";
        this.delay = `${why} Trying again …`;
        this.changed();
      },
      signal,
    };
    try {
      const upload = isZip(file) ? this.routes.uploadZip : this.routes.upload;
      this.take(item, await upload.call(this.routes, file, label, sending));
    } catch (error) {
      if (signal.aborted) return;
      const { status = 0, passing = false } = error instanceof ServiceError ? error : {};
      const gone = GONE.includes(status);
      const failed = gone ? [item, ...this.waiting.splice(0)] : [item];
      this.done += failed.length - 1;
      for (const one of failed) {
        const again = passing || gone ? one : null;
        this.problems.push({ name: one.file.name, message: sentence(error), again });
      }
    }
  }

  /**
   * @param {Item} item
   * @param {UploadResult} result
   */
  take({ file, label }, result) {
    this.added += result.added;
    if (isZip(file) && result.known) {
      this.known.push(`${counted(result.known, "image")} of ${file.name}`);
    } else if (result.known) this.known.push(label ? `${file.name} (now ${label})` : file.name);
    for (const { name, error } of result.refused) {
      this.problems.push({ name, message: sentence(new ServiceError(400, error)), again: null });
    }
    this.leftOut.push(...result.left_out);
    this.notes.push(...result.notes.map((note) => sentence(new ServiceError(400, note))));
  }

  /** Try again what a busy or unreachable service did not take. */
  retry() {
    const again = this.problems.flatMap((problem) => problem.again ?? []);
    this.problems = this.problems.filter((problem) => !problem.again);
    for (const item of again) this.waiting.push(item);
    this.done -= again.length;
    while (this.sending.size < AT_ONCE && this.waiting.length) this.next();
    this.changed();
  }

  /** Stop; what has arrived stays. */
  cancel() {
    this.waiting.length = 0;
    this.stop.abort(new DOMException("cancelled", "AbortError"));
    this.stop = new AbortController();
    this.changed();
  }
}

/** @type {Map<string, UploadQueue>} by project */
const queues = new Map();

/**
 * The uploads of a project, which go on whatever screen is shown.
 * @param {ProjectRoutes} routes
 * @param {Limits} limits
 */
export function uploadsOf(routes, limits) {
  const known = queues.get(routes.path);
  if (known) return known;
  const queue = new UploadQueue(routes, limits);
  addEventListener("beforeunload", (event) => queue.busy && event.preventDefault());
  queues.set(routes.path, queue);
  return queue;
}
