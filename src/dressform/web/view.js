// Where the projector looks from: a centre, a zoom and, in three dimensions, a turn.

export class View {
  constructor() { this.reset(false); }

  reset(deep) { Object.assign(this, { x: 0, y: 0, zoom: 0.92, turn: deep ? 0.6 : 0, tilt: deep ? 0.4 : 0, deep }); }

  /** Rows of the turn: where the three axes of the data go. */
  rotation() {
    const [a, b] = [this.turn, this.tilt];
    const [ca, sa, cb, sb] = [Math.cos(a), Math.sin(a), Math.cos(b), Math.sin(b)];
    return [[ca, 0, sa], [sa * sb, cb, -ca * sb], [-sa * cb, sb, ca * cb]];
  }

  /** Column-major matrix for a canvas of that shape; data lie in -1..1 along each axis. */
  matrix(width, height) {
    const r = this.rotation();
    const [sx, sy] = [this.zoom * Math.min(1, height / width), this.zoom * Math.min(1, width / height)];
    return new Float32Array([
      sx * r[0][0], sy * r[1][0], 0, 0, sx * r[0][1], sy * r[1][1], 0, 0, sx * r[0][2], sy * r[1][2], 0, 0, -sx * this.x, -sy * this.y, 0, 1]);
  }

  /** Function from a place in the data to pixels of a canvas of that shape. */
  toPixels(width, height) {
    const m = this.matrix(width, height);
    return (x, y, z) => [((m[0] * x + m[4] * y + m[8] * z + m[12] + 1) / 2) * width, ((1 - (m[1] * x + m[5] * y + m[9] * z + m[13])) / 2) * height];
  }

  /** Move by pixels: slide, or turn in three dimensions. */
  drag(dx, dy, width, height) {
    if (this.deep) {
      this.turn += dx * 0.01;
      this.tilt = Math.max(-1.57, Math.min(1.57, this.tilt + dy * 0.01));
    } else {
      const unit = 2 / (Math.min(width, height) * this.zoom);
      this.x -= dx * unit;
      this.y += dy * unit;
    }
  }

  /** Zoom by a factor, keeping the pixel under the pointer where it is. */
  scale(factor, px, py, width, height) {
    const next = Math.max(0.3, Math.min(400, this.zoom * factor));
    if (!this.deep) {
      const unit = 2 / Math.min(width, height);
      const [ox, oy] = [(px - width / 2) * unit, (height / 2 - py) * unit];
      this.x += ox / this.zoom - ox / next;
      this.y += oy / this.zoom - oy / next;
    }
    this.zoom = next;
  }
}
