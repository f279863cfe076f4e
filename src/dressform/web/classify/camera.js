// The camera: a live preview, and pictures taken from it.

import { announce, button, contextOf, element } from "dressform/html.js";

/** @type {Record<string, string>} */
const REASONS = {
  NotAllowedError: "the browser was not allowed to use it; allow the camera for this page",
  NotFoundError: "none was found; connect one",
  NotReadableError: "another program uses it; close that program",
  OverconstrainedError: "it has no usable video; connect another one",
};

/**
 * Why there is no live picture, as a sentence.
 * @param {unknown} error
 */
function reasonOf(error) {
  const kind = error instanceof DOMException ? error.name : "";
  const reason = REASONS[kind] ?? String(error instanceof Error ? error.message : error);
  return `The camera cannot be used: ${reason}. You can choose a photo instead.`;
}

/** @param {MediaStream} stream */
function switchOff(stream) {
  for (const track of stream.getTracks()) track.stop();
}

/**
 * A camera on the page. Its light is on only between open() and close().
 */
export class Camera {
  /** @param {(file: File) => void} onphoto is handed each picture that is taken */
  constructor(onphoto) {
    this.onphoto = onphoto;
    this.taken = 0;
    /** @type {MediaStream | null} */
    this.stream = null;
    /** @type {object | null} the latest wish for a picture, until the camera is switched off */
    this.wish = null;
    this.video = element("video", {
      playsinline: true,
      "aria-label": "Live picture of the camera",
    });
    this.video.muted = true;
    this.capture = button("Take photo", () => this.take(), { class: "main", disabled: true });
    this.closer = button("Close camera", () => this.close());
    this.note = element("p", { class: "note", role: "alert", hidden: true });
    this.view = element(
      "div",
      { class: "camera", hidden: true },
      this.video,
      element("div", { class: "bar" }, this.capture, this.closer),
    );
    this.opener = button("Use the camera", () => this.open(), { id: "camera-open" });
    this.node = element("div", {}, this.view, this.note);
    this.view.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
    addEventListener("pagehide", () => this.stop());
  }

  async open() {
    const wish = {};
    this.wish = wish;
    this.note.hidden = true;
    this.opener.disabled = true;
    try {
      if (!navigator.mediaDevices?.getUserMedia) {
        throw new Error("this browser allows it on pages from https:// or localhost only");
      }
      const video = { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 960 } };
      const stream = await navigator.mediaDevices.getUserMedia({ video, audio: false });
      if (this.wish !== wish) {
        switchOff(stream); // people may think about the browser's question for long
        return;
      }
      this.stream = stream;
      for (const track of this.stream.getTracks()) {
        track.addEventListener("ended", () => this.fail(new Error("it was disconnected")));
      }
      this.view.hidden = false;
      this.video.srcObject = this.stream;
      await this.video.play();
      this.capture.disabled = false;
      this.capture.focus();
      announce("The camera is on");
    } catch (error) {
      if (this.wish === wish) this.fail(error);
    }
  }

  /**
   * Say why there is no picture, and switch off.
   * @param {unknown} error
   */
  fail(error) {
    this.stop();
    this.note.textContent = reasonOf(error);
    this.note.hidden = false;
  }

  /** Take the present picture; the camera stays on. */
  take() {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (!width) return;
    const canvas = element("canvas", { width, height });
    contextOf(canvas).drawImage(this.video, 0, 0);
    this.taken += 1;
    const name = `camera ${this.taken}.png`;
    canvas.toBlob((blob) => blob && this.onphoto(new File([blob], name, { type: "image/png" })));
  }

  close() {
    this.stop();
    this.opener.focus();
    announce("The camera is off");
  }

  /** Switch the camera off and hide the preview. */
  stop() {
    if (this.stream) switchOff(this.stream);
    this.stream = null;
    this.wish = null;
    this.opener.disabled = false;
    this.video.srcObject = null;
    this.view.hidden = true;
    this.capture.disabled = true;
  }
}
