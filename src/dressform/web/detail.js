// One picture: what it is, what the model says, where it looked, and what it knows that is alike.

import { element, percent } from "dressform/html.js";

export class Detail {
  /** inProjector: gives the projector, or null where the page has none. */
  constructor(page, sprites, inProjector) {
    Object.assign(this, { page, sprites, inProjector });
    this.metric = "cosine";
    this.dialog = document.getElementById("detail");
    this.looking = false;
    this.dialog.addEventListener("keydown", (event) => {
      if (event.target.tagName === "SELECT") return;
      if (event.key === "ArrowRight") this.step(1);
      if (event.key === "ArrowLeft") this.step(-1);
    });
    this.dialog.addEventListener("click", (event) => { if (event.target === this.dialog) this.dialog.close(); });
  }

  step(by) {
    const to = this.among[this.among.indexOf(this.index) + by];
    if (to !== undefined) this.show(to, this.among, this.answers);
  }

  show(index, among, answers) {
    Object.assign(this, { index, among, answers });
    const { page } = this;
    const [label, predicted] = [page.labels[index], answers.predicted(index)];
    const place = among.indexOf(index);
    const name = (c) => page.classes[c];
    const big = element("canvas", { class: "big", role: "img", "aria-label": `Picture ${page.ids[index]}, ${name(label)}` });
    const heat = element("canvas", { class: "heat", "aria-hidden": "true" });
    if (this.sprites.present) this.sprites.draw(big, index);
    const mapped = answers.saliency && index < page.examples && this.drawHeat(heat, answers.saliency, index);
    heat.hidden = !this.looking;
    const look = element("input", { type: "checkbox", checked: this.looking, onchange: () => { this.looking = look.checked; heat.hidden = !look.checked; } });
    const suspect = answers.suspect?.values[index];
    const given = 1 / Math.exp(answers.loss.values[index]);
    const near = answers.neighbours(index, this.metric);
    const metrics = ["cosine", "euclidean"].filter((metric) => answers.knows(metric));
    const metric = metrics.length > 1 ? element("select", { "aria-label": "Distance", onchange: () => { this.metric = metric.value; this.show(index, among, answers); } },
      metrics.map((name) => element("option", { value: name, selected: name === this.metric }, name))) : null;
    const focused = document.activeElement?.getAttribute("aria-label");
    this.dialog.replaceChildren(...[
      element("form", { method: "dialog", class: "bar" },
        element("h2", { id: "detail-title" }, page.ids[index]),
        element("button", { type: "button", "aria-label": "Previous picture", disabled: place <= 0, onclick: () => this.step(-1) }, "←"),
        element("button", { type: "button", "aria-label": "Next picture", disabled: place >= among.length - 1, onclick: () => this.step(1) }, "→"),
        element("button", { autofocus: true }, "Close")),
      element("div", { class: "columns" },
        element("div", {},
          this.sprites.present ? element("div", { class: "stack", style: { "aspect-ratio": `${page.tile[0]} / ${page.tile[1]}` } }, big, heat) : element("p", { class: "quiet" }, "The pictures are not in this file."),
          mapped ? element("label", {}, look, " where the network looked") : null),
        element("div", {},
          index >= page.examples ? element("p", { class: "quiet" }, answers.learned?.values[index - page.examples] === 0 ? "A training picture that was held out for validation: the model has not learned from it." : "A training picture: the model has learned from it.") : null,
          element("p", {}, "True class ", element("b", {}, name(label)), element("br"), "Predicted ", element("b", { class: label === predicted ? "good" : "bad" }, `${label === predicted ? "✓" : "✗"} ${name(predicted)}`)),
          suspect ? element("p", { class: "note" }, `⚑ The label may be wrong: ${index < page.examples ? `the model gives ${name(label)} only ${percent(given, 1)}` : "a model that did not learn from it hardly believes it"}; perhaps ${name(answers.suggested.values[index])}?`) : null,
          element("table", { class: "shares" }, element("caption", {}, "Probabilities"), answers.top(index).filter(([, share], j) => j < 10 && (share > 0.0005 || j < 3)).map(([c, share]) =>
            element("tr", { class: c === label ? "true" : null }, element("th", { scope: "row" }, name(c)), element("td", {}, element("span", { class: "share", style: { "--share": share } }), element("span", {}, percent(share, 1)))))),
          element("p", { class: "quiet" }, `Loss ${answers.loss.values[index].toFixed(3)} nats`))),
      near.length ? element("div", { class: "bar" }, element("h3", {}, page.nearest), metric,
        this.inProjector() ? element("button", { type: "button", onclick: () => { this.dialog.close(); this.inProjector().selectNear(index, this.metric); } }, "Select in the projector") : null) : null,
      near.length ? element("ul", { class: "near" }, near.map(([other, distance]) => {
        const canvas = element("canvas", { "aria-hidden": "true", style: { "aspect-ratio": `${page.tile[0]} / ${page.tile[1]}` } });
        this.sprites.draw(canvas, other);
        const same = page.labels[other] === label;
        return element("li", { class: same ? "right" : "wrong" }, canvas, element("span", {}, name(page.labels[other])), element("small", { title: `${page.ids[other]}, ${this.metric === "cosine" ? "1 − cosine" : "Euclidean distance"}` }, distance.toFixed(3)));
      })) : null].filter(Boolean));
    const again = this.dialog.open && focused && [...this.dialog.querySelectorAll("button:enabled, select")].find((one) => one.getAttribute("aria-label") === focused);
    if (!this.dialog.open) this.dialog.showModal();
    (again || this.dialog.querySelector("button[autofocus]")).focus();
    history.replaceState(null, "", `#picture=${encodeURIComponent(page.ids[index])}&at=${index}`); // two splits may share ids
    this.dialog.onclose = () => history.replaceState(null, "", location.pathname + location.search);
  }

  drawHeat(canvas, maps, index) {
    const [, height, width] = maps.shape;
    const values = maps.values.subarray(index * height * width, (index + 1) * height * width);
    if (!values.some((value) => value > 0)) return false;
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d");
    const image = context.createImageData(width, height);
    values.forEach((value, i) => image.data.set([255, 60 + value / 2, 0, Math.min(230, value * 1.1)], 4 * i));
    context.putImageData(image, 0, 0);
    return true;
  }
}
