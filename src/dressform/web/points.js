// Many points by WebGL: positions, colours and sizes are buffers, moving the view is one small matrix.

import { Painted } from "dressform/painted.js";

const VERTEX = `#version 300 es
in vec3 place; in vec4 colour; in float size;
uniform mat4 view; uniform float scale;
out vec4 shade;
void main() {
  gl_Position = view * vec4(place, 1.0);
  gl_PointSize = size * scale;
  shade = colour;
}`;

const FRAGMENT = `#version 300 es
precision mediump float;
in vec4 shade; uniform bool round; out vec4 colour;
void main() {
  if (round && dot(gl_PointCoord - 0.5, gl_PointCoord - 0.5) > 0.25) discard;
  colour = shade;
}`;

function program(gl) {
  const made = gl.createProgram();
  for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
    gl.attachShader(made, shader);
  }
  gl.linkProgram(made);
  return made;
}

/** Points on a canvas. Only those in `order` are drawn, in that order, the last on top. */
export class Points {
  constructor(canvas, count) {
    const gl = canvas.getContext("webgl2", { antialias: false, alpha: false });
    if (!gl) throw new Error("this browser has no WebGL 2");
    Object.assign(this, { canvas, gl, count, program: program(gl) });
    gl.useProgram(this.program);
    const attribute = (name, size, type, normalised) => {
      const at = gl.getAttribLocation(this.program, name);
      const buffer = gl.createBuffer();
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.enableVertexAttribArray(at);
      gl.vertexAttribPointer(at, size, type, normalised, 0, 0);
      return buffer;
    };
    this.places = attribute("place", 3, gl.FLOAT, false);
    this.colours = attribute("colour", 4, gl.UNSIGNED_BYTE, true);
    this.sizes = attribute("size", 1, gl.FLOAT, false);
    this.index = gl.createBuffer();
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.index);
    this.uniforms = Object.fromEntries(["view", "scale", "round"].map((name) => [name, gl.getUniformLocation(this.program, name)]));
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA);
    this.drawn = 0;
  }

  #fill(buffer, values) {
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, buffer);
    this.gl.bufferData(this.gl.ARRAY_BUFFER, values, this.gl.STATIC_DRAW);
  }

  setPlaces(values) { this.#fill(this.places, values); }

  setColours(values) { this.#fill(this.colours, values); }

  setSizes(values) { this.#fill(this.sizes, values); }

  setOrder(order) {
    this.gl.bufferData(this.gl.ELEMENT_ARRAY_BUFFER, order, this.gl.STATIC_DRAW);
    this.drawn = order.length;
  }

  /** view: a column-major 4 x 4 matrix; scale: of the points' sizes, in device pixels; background: [r, g, b], 0..1. */
  draw(view, scale, background) {
    const { gl, canvas, uniforms } = this;
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(...background, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniformMatrix4fv(uniforms.view, false, view);
    gl.uniform1f(uniforms.scale, scale);
    gl.uniform1i(uniforms.round, scale > 2.5 ? 1 : 0);
    gl.drawElements(gl.POINTS, this.drawn, gl.UNSIGNED_INT, 0);
  }

  /** What was drawn in this task: RGBA bytes, row by row from the top. */
  pixels() {
    const { width, height } = this.canvas;
    const [upward, found] = [new Uint8Array(4 * width * height), new Uint8Array(4 * width * height)];
    this.gl.readPixels(0, 0, width, height, this.gl.RGBA, this.gl.UNSIGNED_BYTE, upward);
    for (let y = 0; y < height; y += 1) found.set(upward.subarray(4 * width * (height - 1 - y), 4 * width * (height - y)), 4 * width * y);
    return found;
  }

  /** What draws: the graphics card or a program that stands in for it. */
  get rasteriser() { return rendererOf(this.gl); }
}

function rendererOf(gl) {
  const extension = gl.getExtension("WEBGL_debug_renderer_info");
  return gl.getParameter(extension ? extension.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
}

/** Points by WebGL where a graphics card draws it, else by plain JavaScript; `#draw=webgl` or `#draw=plain` decides otherwise. */
export function pointsOn(canvas, count) {
  const trial = document.createElement("canvas").getContext("webgl2");
  const renderer = trial ? rendererOf(trial) : "";
  trial?.getExtension("WEBGL_lose_context")?.loseContext();
  const wish = new URLSearchParams(location.hash.slice(1)).get("draw");
  const card = Boolean(trial) && !/swiftshader|llvmpipe|softpipe|software|basic render/i.test(renderer);
  if (wish === "webgl" || (card && wish !== "plain")) return new Points(canvas, count);
  return new Painted(canvas, count, trial ? `WebGL is drawn by ${renderer}` : "there is no WebGL 2");
}
