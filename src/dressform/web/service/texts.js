// Quantities as people read them.

import { count } from "dressform/html.js";

const UNITS = ["bytes", "KB", "MB", "GB", "TB"];
const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;

/**
 * "1 image", "12 images".
 * @param {number} number
 * @param {string} one
 * @param {string} [many]
 */
export const counted = (number, one, many = `${one}s`) =>
  `${count(number)} ${number === 1 ? one : many}`;

/**
 * "2.4 MB".
 * @param {number} bytes
 */
export function fileSize(bytes) {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/**
 * "about 4 minutes".
 * @param {number} seconds
 */
export function duration(seconds) {
  if (seconds < MINUTE) return counted(Math.max(1, Math.round(seconds)), "second");
  if (seconds < HOUR) return counted(Math.round(seconds / MINUTE), "minute");
  const hours = seconds / HOUR;
  return hours % 1 < 0.05 ? counted(Math.round(hours), "hour") : `${hours.toFixed(1)} hours`;
}

/**
 * "2 minutes ago"; after a week, the date.
 * @param {string} time ISO 8601
 * @param {Date} now
 */
export function ago(time, now = new Date()) {
  const seconds = (now.getTime() - new Date(time).getTime()) / 1000;
  if (seconds < MINUTE) return "just now";
  if (seconds < HOUR) return `${counted(Math.floor(seconds / MINUTE), "minute")} ago`;
  if (seconds < DAY) return `${counted(Math.floor(seconds / HOUR), "hour")} ago`;
  if (seconds < 7 * DAY) return `${counted(Math.floor(seconds / DAY), "day")} ago`;
  return new Date(time).toLocaleDateString("en-GB", {
    day: "numeric",
    month: "long",
    year: "numeric",
  });
}

const whole = (/** @type {number} */ fraction) => (100 * fraction).toFixed(0);

/**
 * How good a version is, in plain words.
 * @param {{accuracy: number, low: number, high: number, protocol: string}} scores
 */
export function accuracySentence({ accuracy, low, high, protocol }) {
  const where = /fold/.test(protocol) ? `In ${protocol}` : `On ${protocol}`;
  return (
    `${where}, ${whole(accuracy)} % of images are classified correctly; ` +
    `the 95 % interval goes from ${whole(low)} to ${whole(high)} %.`
  );
}

/**
 * What keeps a project from a training: "Hat: 7 more images".
 * @param {{name: string, missing: number}[]} classes
 */
export const missingTexts = (classes) =>
  classes
    .filter(({ missing }) => missing > 0)
    .map(({ name, missing }) => `${name}: ${counted(missing, "more image")}`);
