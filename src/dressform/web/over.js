// What lies over the points: thumbnails where there are few enough, and the lasso.

const FEW = 150; // points that are pictures without zooming
const THUMBNAILS_UP_TO = 500; // points in view; with fewer they become pictures

/** Thumbnails where there are few enough points, and the lasso. */
export function drawOver(projector, ratio) {
  const context = projector.over.getContext("2d");
  context.clearRect(0, 0, projector.over.width, projector.over.height);
  projector.thumbnails = 0;
  if (projector.sprites.present && (projector.view.zoom > 1.5 || projector.visible.length <= FEW)) {
    const found = inView(projector);
    if (found.length <= THUMBNAILS_UP_TO) {
      const side = Math.max(18, Math.min(56, 700 / Math.sqrt(found.length + 1))) * ratio;
      for (const [i, x, y] of found) thumbnail(projector, context, i, x, y, side);
    }
  }
  if (projector.path?.length > 1) {
    context.strokeStyle = getComputedStyle(projector.stage).color;
    context.lineWidth = 1.5 * ratio;
    context.beginPath();
    projector.path.forEach(([x, y], i) => (i ? context.lineTo(x * ratio, y * ratio) : context.moveTo(x * ratio, y * ratio)));
    context.closePath();
    context.stroke();
  }
}

/** Draw one picture around a pixel, framed in its colour, as soon as its sheet is there. */
export function thumbnail(projector, context, i, x, y, side) {
  const sheet = projector.sprites.sheetOf(i);
  const bitmap = projector.images.get(sheet.blob);
  if (!projector.images.has(sheet.blob)) {
    projector.images.set(sheet.blob, null);
    projector.sprites.bitmap(sheet).then((found) => { projector.images.set(sheet.blob, found); projector.draw(); });
  }
  if (!bitmap) return;
  const place = i - sheet.first;
  const across = (side * sheet.width) / Math.max(sheet.width, sheet.height);
  const down = (side * sheet.height) / Math.max(sheet.width, sheet.height);
  context.imageSmoothingEnabled = false;
  context.drawImage(bitmap, (place % sheet.columns) * sheet.width, Math.floor(place / sheet.columns) * sheet.height, sheet.width, sheet.height, x - across / 2, y - down / 2, across, down);
  context.strokeStyle = `rgb(${projector.colours[4 * i]} ${projector.colours[4 * i + 1]} ${projector.colours[4 * i + 2]})`;
  context.lineWidth = Math.max(2, side / 14);
  context.strokeRect(x - across / 2, y - down / 2, across, down);
  projector.thumbnails += 1;
}

/** [index, x, y] in pixels of the visible points inside the canvas; not all where they are more than can be pictures. */
export function inView(projector) {
  const { width, height } = projector.canvas;
  const m = projector.view.matrix(width, height);
  const p = projector.places;
  const found = [];
  for (const i of projector.visible) {
    const x = m[0] * p[3 * i] + m[4] * p[3 * i + 1] + m[8] * p[3 * i + 2] + m[12];
    const y = m[1] * p[3 * i] + m[5] * p[3 * i + 1] + m[9] * p[3 * i + 2] + m[13];
    if (x >= -1 && x <= 1 && y >= -1 && y <= 1) found.push([i, ((x + 1) / 2) * width, ((1 - y) / 2) * height]);
    if (found.length > THUMBNAILS_UP_TO) return found;
  }
  return found;
}

/** Select the visible points inside a line. */
export function encircle(projector, path) {
  const ratio = window.devicePixelRatio || 1;
  const place = projector.view.toPixels(projector.canvas.width, projector.canvas.height);
  const inside = (x, y) => {
    let odd = false;
    for (let i = 0, j = path.length - 1; i < path.length; j = i, i += 1) {
      const [[xi, yi], [xj, yj]] = [path[i], path[j]];
      if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) odd = !odd;
    }
    return odd;
  };
  const found = projector.visible.filter((i) => { const [x, y] = place(projector.places[3 * i], projector.places[3 * i + 1], projector.places[3 * i + 2]); return inside(x / ratio, y / ratio); });
  projector.setMode("move");
  projector.select("inside the lasso", found);
}
