// Mouse, fingers and keys on the projector.

import { encircle } from "dressform/over.js";

export const HIT = 14; // pixels around a point that still hit it

/** Hand what happens on the projector's canvas to its view, its lasso and its pictures. */
export function listen(projector) {
  const { canvas } = projector;
  let last = null, moved = 0;
  const local = (event) => { const box = canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; };
  const touches = new Map();
  let pinch = 0;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    touches.set(event.pointerId, local(event));
    last = local(event);
    moved = 0;
    pinch = 0;
    projector.path = projector.mode === "lasso" || event.shiftKey ? [last] : null;
  });
  canvas.addEventListener("pointermove", (event) => {
    const here = local(event);
    if (!last) { projector.hover(here); return; }
    touches.set(event.pointerId, here);
    const ratio = window.devicePixelRatio || 1;
    if (touches.size === 2) {
      const [[ax, ay], [bx, by]] = [...touches.values()];
      const apart = Math.hypot(ax - bx, ay - by);
      if (pinch) projector.view.scale(apart / pinch, ((ax + bx) / 2) * ratio, ((ay + by) / 2) * ratio, canvas.width, canvas.height);
      pinch = apart;
    } else if (projector.path) projector.path.push(here);
    else projector.view.drag((here[0] - last[0]) * ratio, (here[1] - last[1]) * ratio, canvas.width, canvas.height);
    moved += Math.abs(here[0] - last[0]) + Math.abs(here[1] - last[1]);
    last = here;
    projector.draw();
  });
  const finish = (event) => {
    touches.delete(event.pointerId);
    if (!last) return;
    const [here, path] = [last, projector.path];
    last = null;
    projector.path = null;
    if (path && moved > 6) encircle(projector, path);
    else if (moved <= 6 && event.type === "pointerup") projector.pick(projector.nearestTo(...here, HIT));
    projector.draw();
  };
  canvas.addEventListener("pointerup", finish);
  canvas.addEventListener("pointercancel", finish);
  canvas.addEventListener("pointerleave", () => { projector.hint.hidden = true; });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const [x, y] = local(event);
    const ratio = window.devicePixelRatio || 1;
    projector.view.scale(Math.exp(-event.deltaY * 0.0015), x * ratio, y * ratio, canvas.width, canvas.height);
    projector.draw();
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const { width, height } = canvas;
    const step = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] }[event.key];
    if (step) projector.view.drag(...step, width, height);
    else if (event.key === "+" || event.key === "=") projector.view.scale(1.3, width / 2, height / 2, width, height);
    else if (event.key === "-") projector.view.scale(1 / 1.3, width / 2, height / 2, width, height);
    else if (event.key === "Enter") { const box = canvas.getBoundingClientRect(); projector.pick(projector.nearestTo(box.width / 2, box.height / 2)); }
    else return;
    event.preventDefault();
    projector.draw();
  });
}
