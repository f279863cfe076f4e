// The place where images are dropped, pasted, chosen or taken.

import { Camera } from "dressform/classify/camera.js";
import { failurePlace, showFailure } from "dressform/service/action.js";
import { chosenFiles, droppedFiles, isLeftBehind, isZip } from "dressform/service/dropped.js";
import { UploadStatus } from "dressform/service/upload_status.js";
import { announce, button, element } from "dressform/html.js";

/** @import { Found } from "dressform/service/dropped.js" */
/** @import { Item, UploadQueue } from "dressform/service/upload_queue.js" */
/** @import { Project } from "dressform/service/types.js" */
/** @import { Attributes } from "dressform/types.js" */

const FOLDERS = "folders";
const NONE = "none";
const NEW = "new";
const NAMED = "class:";
const DRAW_EVERY = 150; // milliseconds
const TELL_EVERY = 2000; // milliseconds between two looks at the new images while more arrive

export class Upload {
  /**
   * @param {UploadQueue} queue
   * @param {AbortSignal} signal of the screen
   * @param {() => void} onadded
   */
  constructor(queue, signal, onadded) {
    this.onadded = onadded;
    this.queue = queue;
    this.told = queue.added;
    this.toldAt = performance.now();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.failure = failurePlace();
    this.status = new UploadStatus(queue);
    this.select = element("select", { id: "upload-class", onchange: () => this.chose() });
    this.newClass = element("input", {
      type: "text",
      maxlength: "200",
      placeholder: "Name of the class",
      "aria-label": "Name of the new class",
      hidden: true,
    });
    this.camera = new Camera((file) => this.take(chosenFiles([file])));
    this.zone = this.makeZone();
    this.node = element(
      "div",
      { class: "upload" },
      this.zone,
      this.camera.node,
      this.failure,
      this.status.node,
    );
    this.listen(signal);
    if (queue.begun) this.status.show();
  }

  /** @param {AbortSignal} signal */
  listen(signal) {
    addEventListener("paste", (event) => this.take(chosenFiles(event.clipboardData?.files ?? [])), {
      signal,
    });
    this.queue.addEventListener("change", () => this.changed(), { signal });
    signal.addEventListener("abort", () => {
      this.camera.stop();
      clearTimeout(this.timer);
    });
  }

  /** @param {Project} project whose classes are offered */
  offer({ classes }) {
    const before = this.select.value;
    const option = (/** @type {string} */ value, /** @type {string} */ text) =>
      element("option", { value }, text);
    this.select.replaceChildren(
      option(FOLDERS, "by folder name, else unlabelled"),
      option(NONE, "unlabelled"),
      ...classes.map(({ name }) => option(NAMED + name, name)),
      option(NEW, "a new class …"),
    );
    const typed = NAMED + this.newClass.value.trim();
    const values = [...this.select.options].map(({ value }) => value);
    const wanted = before === NEW && values.includes(typed) ? typed : before;
    this.select.value = values.includes(wanted) ? wanted : FOLDERS;
    this.chose();
  }

  chose() {
    this.newClass.hidden = this.select.value !== NEW;
    if (!this.newClass.hidden && document.activeElement === this.select) this.newClass.focus();
  }

  makeZone() {
    const touch = matchMedia("(pointer: coarse)").matches;
    const zone = element(
      "div",
      { class: "zone" },
      element("p", {}, "Drop images, folders or ZIP files here, paste an image, or"),
      this.chooser("Choose files", { multiple: true, accept: "image/*,.zip,.heic,.heif" }, "main"),
      this.chooser("Choose a folder", { webkitdirectory: true }),
      this.camera.opener,
      touch && this.chooser("Camera app", { accept: "image/*", capture: "environment" }),
      element(
        "div",
        { class: "bar" },
        element("label", { for: "upload-class" }, "Class of new images"),
        this.select,
        this.newClass,
      ),
    );
    for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
      zone.addEventListener(type, () =>
        zone.classList.toggle("over", type === "dragenter" || type === "dragover"),
      );
    }
    zone.addEventListener("drop", (event) => this.drop(event));
    return zone;
  }

  /**
   * @param {string} text
   * @param {Attributes} attributes
   */
  chooser(text, attributes, kind = "") {
    const input = element("input", {
      type: "file",
      hidden: true,
      ...attributes,
      onchange: () => {
        this.take(chosenFiles(input.files ?? []));
        input.value = "";
      },
    });
    return [button(text, () => input.click(), { class: kind }), input];
  }

  /**
   * @param {DragEvent} event
   * @param {string} [label] of the place where it was dropped
   */
  async drop(event, label = undefined) {
    event.preventDefault();
    if (!event.dataTransfer) return;
    try {
      this.take(await droppedFiles(event.dataTransfer), label);
    } catch (error) {
      showFailure(this.failure, new Error(`A folder could not be read: ${error}`));
    }
  }

  /**
   * @param {Found} found
   * @returns {string | null} as Item has it
   */
  labelOf({ file, folder }) {
    const { value } = this.select;
    if (value === FOLDERS) return isZip(file) ? null : folder;
    if (value === NONE) return isZip(file) ? "" : null;
    return value === NEW ? this.newClass.value.trim() : value.slice(NAMED.length);
  }

  /**
   * @param {Found[]} found
   * @param {string} [label] in place of the chosen one
   */
  take(found, label = undefined) {
    if (!found.length) return;
    this.failure.replaceChildren();
    if (label === undefined && this.select.value === NEW && !this.newClass.value.trim()) {
      showFailure(
        this.failure,
        new Error("The new class has no name yet; type one, then add the images."),
      );
      this.newClass.focus();
      return;
    }
    const kept = found.filter((one) => !isLeftBehind(one));
    const leftOut = found.filter(isLeftBehind).map(({ file }) => file.name);
    /** @type {Item[]} */
    const items = kept.map((one) => ({ file: one.file, label: label ?? this.labelOf(one) }));
    this.queue.add(items, leftOut);
  }

  /**
   * @param {Iterable<File>} files
   * @param {string} label
   */
  takeFiles(files, label) {
    this.take(chosenFiles(files), label);
  }

  /** Draw at most every 150 ms, and once more at the end. */
  changed() {
    if (this.timer) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.draw();
    }, DRAW_EVERY);
  }

  draw() {
    const { queue } = this;
    this.status.show();
    const due = queue.added !== this.told && performance.now() - this.toldAt > TELL_EVERY;
    if (due || !queue.busy) {
      this.told = queue.added;
      this.toldAt = performance.now();
      this.onadded();
    }
    if (!queue.busy) announce(this.status.summary());
  }
}
