// The projector's stage as a picture, a table and a print.

import { csv, element, save } from "dressform/html.js";

/** What is on the stage, on a canvas of its own. */
function picture(projector) {
  projector.frame(); // a browser keeps what was drawn only until the end of this task
  const { width, height } = projector.canvas;
  const whole = element("canvas", { width, height });
  const context = whole.getContext("2d");
  for (const layer of [projector.canvas, projector.over]) context.drawImage(layer, 0, 0);
  return whole;
}

/** The stage as a PNG file. */
export function savePicture(projector) { picture(projector).toBlob((blob) => save("projector.png", "image/png", blob)); }

/** For paper, on which a WebGL canvas stays black. */
export function putOnPaper(projector) {
  projector.stage.querySelector(".printed")?.remove();
  const copy = picture(projector);
  copy.className = "printed";
  projector.stage.append(copy);
}

/** Visible points with their places, as they are before the view. */
export function saveTable(projector) {
  const { page, answers, places } = projector;
  const rows = projector.visible.map((i) => [page.ids[i], page.classes[page.labels[i]], page.classes[answers.predicted(i)], ...[0, 1, 2].map((a) => places[3 * i + a].toFixed(5))]);
  save("projector.csv", "text/csv", csv([["id", "label", "predicted", "x", "y", "z"], ...rows]));
}
