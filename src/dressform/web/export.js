// The projector's stage as an image, a table and a print.

import { contextOf, csv, element, save, saveCanvas } from "dressform/html.js";

/** @import { Projector } from "dressform/projector.js" */

/**
 * What is on the stage, on a canvas of its own.
 * @param {Projector} projector
 */
function snapshot(projector) {
  projector.frame(); // a browser keeps what was drawn only until the end of this task
  const { width, height } = projector.canvas;
  const copy = element("canvas", { width, height });
  const context = contextOf(copy);
  for (const layer of [projector.canvas, projector.overlay]) context.drawImage(layer, 0, 0);
  return copy;
}

/**
 * Save the stage as a PNG file.
 * @param {Projector} projector
 */
export function saveStage(projector) {
  saveCanvas("projector.png", snapshot(projector));
}

/**
 * Put a copy on the stage for paper, on which a WebGL canvas stays black.
 * @param {Projector} projector
 */
export function printStage(projector) {
  projector.stage.querySelector(".printed")?.remove();
  const copy = snapshot(projector);
  copy.className = "printed";
  projector.stage.append(copy);
}

/**
 * Save the visible points with their coordinates, before zoom and rotation.
 * @param {Projector} projector
 */
export function saveCoordinates({ page, predictions, positions, visible }) {
  const rows = visible.map((i) => [
    page.ids[i],
    page.classes[page.labels[i]],
    page.classes[predictions.predicted(i)],
    ...Array.from(positions.subarray(3 * i, 3 * i + 3), (value) => value.toFixed(5)),
  ]);
  save("projector.csv", "text/csv", csv([["id", "label", "predicted", "x", "y", "z"], ...rows]));
}
