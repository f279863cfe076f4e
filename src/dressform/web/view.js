// Where the projector looks from: a centre, a zoom and, in three dimensions, a rotation.

const MIN_ZOOM = 0.3;
const MAX_ZOOM = 400;

export class View {
  /** @param {boolean} threeDimensional */
  constructor(threeDimensional = false) {
    this.threeDimensional = threeDimensional;
    this.x = 0;
    this.y = 0;
    this.zoom = 0.92;
    this.yaw = threeDimensional ? 0.6 : 0;
    this.pitch = threeDimensional ? 0.4 : 0;
  }

  /**
   * Look from a place.
   * @param {number[]} values x, y, zoom, yaw and pitch
   */
  place([x, y, zoom, yaw, pitch]) {
    Object.assign(this, { x, y, yaw, pitch, zoom: Math.max(MIN_ZOOM, Math.min(MAX_ZOOM, zoom)) });
  }

  /** The first two rows of the rotation matrix: across and up. Points have no depth. */
  rotation() {
    const [cosYaw, sinYaw] = [Math.cos(this.yaw), Math.sin(this.yaw)];
    const [cosPitch, sinPitch] = [Math.cos(this.pitch), Math.sin(this.pitch)];
    return [
      [cosYaw, 0, sinYaw],
      [sinYaw * sinPitch, cosPitch, -cosYaw * sinPitch],
    ];
  }

  /**
   * Column-major matrix for a canvas of that shape; coordinates lie in -1..1.
   * @param {number} width
   * @param {number} height
   */
  matrix(width, height) {
    const [across, up] = this.rotation();
    const sx = this.zoom * Math.min(1, height / width);
    const sy = this.zoom * Math.min(1, width / height);
    const columns = [0, 1, 2].map((c) => [sx * across[c], sy * up[c], 0, 0]);
    return new Float32Array([...columns.flat(), -sx * this.x, -sy * this.y, 0, 1]);
  }

  /**
   * Function from coordinates to pixels of a canvas of that shape.
   * @param {number} width
   * @param {number} height
   */
  toPixels(width, height) {
    const m = this.matrix(width, height);
    return (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ z) => [
      ((m[0] * x + m[4] * y + m[8] * z + m[12] + 1) / 2) * width,
      ((1 - (m[1] * x + m[5] * y + m[9] * z + m[13])) / 2) * height,
    ];
  }

  /**
   * Move by pixels: slide, or rotate in three dimensions.
   * @param {number} dx
   * @param {number} dy
   * @param {HTMLCanvasElement} canvas
   */
  drag(dx, dy, { width, height }) {
    if (this.threeDimensional) {
      this.yaw += dx * 0.01;
      this.pitch = Math.max(-1.57, Math.min(1.57, this.pitch + dy * 0.01));
    } else {
      const unit = 2 / (Math.min(width, height) * this.zoom);
      this.x -= dx * unit;
      this.y += dy * unit;
    }
  }

  /**
   * Zoom by a factor; the pixel under the pointer stays where it is.
   * @param {number} factor
   * @param {number} px
   * @param {number} py
   * @param {HTMLCanvasElement} canvas
   */
  scale(factor, px, py, { width, height }) {
    const zoom = Math.max(MIN_ZOOM, Math.min(MAX_ZOOM, this.zoom * factor));
    if (!this.threeDimensional) {
      const unit = 2 / Math.min(width, height);
      const shift = 1 / this.zoom - 1 / zoom;
      this.x += (px - width / 2) * unit * shift;
      this.y += (height / 2 - py) * unit * shift;
    }
    this.zoom = zoom;
  }
}
