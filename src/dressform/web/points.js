// Many points by WebGL: positions, colours and sizes are buffers, moving the view is one matrix.

import { CanvasPoints, MIN_ROUND_SIZE } from "dressform/canvas_points.js";

/** @import { PointRenderer } from "dressform/types.js" */

const VERTEX = `#version 300 es
in vec3 position; in vec4 colour; in float size;
uniform mat4 view; uniform float scale;
out vec4 shade;
void main() {
  gl_Position = view * vec4(position, 1.0);
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

/**
 * @param {WebGL2RenderingContext} gl
 * @param {number} type
 * @param {string} source
 */
function compiled(gl, type, source) {
  const shader = gl.createShader(type);
  if (!shader) throw new Error("the WebGL context is lost");
  gl.shaderSource(shader, source);
  gl.compileShader(shader);
  if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) {
    throw new Error(gl.getShaderInfoLog(shader) ?? "a shader cannot be compiled");
  }
  return shader;
}

/** @param {WebGL2RenderingContext} gl */
function linkedProgram(gl) {
  const program = gl.createProgram();
  gl.attachShader(program, compiled(gl, gl.VERTEX_SHADER, VERTEX));
  gl.attachShader(program, compiled(gl, gl.FRAGMENT_SHADER, FRAGMENT));
  gl.linkProgram(program);
  return program;
}

/**
 * Points on a canvas. Only those in the order are drawn, in that order, the last on top.
 * @implements {PointRenderer}
 */
export class WebGLPoints {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    const gl = canvas.getContext("webgl2", { antialias: false, alpha: false });
    if (!gl) throw new Error("this browser has no WebGL 2");
    this.canvas = canvas;
    this.gl = gl;
    this.program = linkedProgram(gl);
    gl.useProgram(this.program);
    this.positions = this.#attribute("position", 3, gl.FLOAT);
    this.colours = this.#attribute("colour", 4, gl.UNSIGNED_BYTE);
    this.sizes = this.#attribute("size", 1, gl.FLOAT);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, gl.createBuffer());
    this.view = gl.getUniformLocation(this.program, "view");
    this.scale = gl.getUniformLocation(this.program, "scale");
    this.round = gl.getUniformLocation(this.program, "round");
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA);
    this.drawn = 0;
  }

  /**
   * A buffer for a vertex attribute; bytes stand for 0..1.
   * @param {string} name
   * @param {number} size
   * @param {number} type
   */
  #attribute(name, size, type) {
    const { gl } = this;
    const location = gl.getAttribLocation(this.program, name);
    const buffer = gl.createBuffer();
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    gl.enableVertexAttribArray(location);
    gl.vertexAttribPointer(location, size, type, type === gl.UNSIGNED_BYTE, 0, 0);
    return buffer;
  }

  /**
   * @param {WebGLBuffer} buffer
   * @param {Float32Array | Uint8Array} values
   */
  #fill(buffer, values) {
    this.gl.bindBuffer(this.gl.ARRAY_BUFFER, buffer);
    this.gl.bufferData(this.gl.ARRAY_BUFFER, values, this.gl.STATIC_DRAW);
  }

  /** @param {Float32Array} values x, y and z of each point */
  setPositions(values) {
    this.#fill(this.positions, values);
  }

  /** @param {Uint8Array} values RGBA of each point */
  setColours(values) {
    this.#fill(this.colours, values);
  }

  /** @param {Float32Array} values */
  setSizes(values) {
    this.#fill(this.sizes, values);
  }

  /** @param {Uint32Array} order */
  setOrder(order) {
    this.gl.bufferData(this.gl.ELEMENT_ARRAY_BUFFER, order, this.gl.STATIC_DRAW);
    this.drawn = order.length;
  }

  /**
   * @param {Float32Array} view a column-major 4 x 4 matrix
   * @param {number} scale device pixels of a point of size 1
   * @param {number[]} background red, green and blue, 0..1
   */
  draw(view, scale, background) {
    const { gl, canvas } = this;
    const [red, green, blue] = background;
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(red, green, blue, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniformMatrix4fv(this.view, false, view);
    gl.uniform1f(this.scale, scale);
    gl.uniform1i(this.round, scale > MIN_ROUND_SIZE ? 1 : 0);
    gl.drawElements(gl.POINTS, this.drawn, gl.UNSIGNED_INT, 0);
  }

  /** What was drawn in this task: RGBA bytes, row by row from the top. */
  pixels() {
    const { gl } = this;
    const { width, height } = this.canvas;
    const upward = new Uint8Array(4 * width * height);
    const downward = new Uint8Array(4 * width * height);
    gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, upward);
    for (let y = 0; y < height; y += 1) {
      const from = 4 * width * (height - 1 - y);
      downward.set(upward.subarray(from, from + 4 * width), 4 * width * y);
    }
    return downward;
  }

  /** What draws: the graphics card or software that emulates it. */
  get rasteriser() {
    return rendererOf(this.gl);
  }
}

/** @param {WebGL2RenderingContext} gl */
function rendererOf(gl) {
  const extension = gl.getExtension("WEBGL_debug_renderer_info");
  return String(gl.getParameter(extension ? extension.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
}

/**
 * Points by WebGL where a graphics card draws them, else by plain JavaScript. `#draw=webgl` or
 * `#draw=plain` in the page's address decides otherwise.
 * @param {HTMLCanvasElement} canvas
 * @returns {PointRenderer}
 */
export function createPoints(canvas) {
  const trial = document.createElement("canvas").getContext("webgl2");
  const renderer = trial ? rendererOf(trial) : "";
  trial?.getExtension("WEBGL_lose_context")?.loseContext();
  const requested = new URLSearchParams(location.hash.slice(1)).get("draw");
  const emulated = /swiftshader|llvmpipe|softpipe|software|basic render/i.test(renderer);
  const accelerated = trial !== null && !emulated;
  if (requested === "webgl" || (accelerated && requested !== "plain")) {
    return new WebGLPoints(canvas);
  }
  return new CanvasPoints(canvas, trial ? `WebGL is drawn by ${renderer}` : "no WebGL 2");
}
