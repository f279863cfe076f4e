import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { ProjectRoutes } from "dressform/service/api.js";
import { send } from "dressform/service/request.js";
import { UploadQueue } from "dressform/service/upload_queue.js";

/** @import { Limits } from "dressform/service/types.js" */

const ADDED = '{"added": 1, "known": 0, "refused": [], "left_out": [], "notes": []}';

/** @typedef {{status: number, text: string, after?: string}} Reply */

/** @type {(sent: number) => Reply} what the service answers to the nth request */
let reply;
let sent = 0;

/** A request that is answered at once. */
class Request extends EventTarget {
  upload = new EventTarget();
  /** @type {string | undefined} */
  after;
  open() {}
  setRequestHeader() {}
  abort() {}
  getResponseHeader() {
    return this.after ?? null;
  }
  send() {
    sent += 1;
    const { status, text, after } = reply(sent);
    Object.assign(this, { status, responseText: text, after });
    queueMicrotask(() => {
      for (const type of ["load", "loadend"]) this.dispatchEvent(new Event(type));
    });
  }
}

beforeEach(() => {
  sent = 0;
  Object.assign(globalThis, { XMLHttpRequest: Request, dispatchEvent: () => true });
});

const files = (/** @type {number} */ n) =>
  Array.from({ length: n }, (_, i) => ({ file: new File(["x"], `${i}.png`), label: null }));

const newQueue = () => {
  const limits = /** @type {Limits} */ ({ max_image: 10, max_upload: 10 });
  return new UploadQueue(new ProjectRoutes("p"), limits);
};

/** @param {number} n files that are sent */
async function uploaded(n) {
  const queue = newQueue();
  /** @type {boolean[]} */
  const busy = [];
  queue.addEventListener("busy", () => busy.push(queue.busy));
  queue.add(files(n), []);
  while (queue.busy) await new Promise((resolve) => setTimeout(resolve));
  return { queue, busy };
}

test("a queue tells when it begins and when it has ended", async () => {
  reply = () => ({ status: 200, text: ADDED });
  const { queue, busy } = await uploaded(9);
  assert.deepEqual(busy, [true, false]);
  assert.equal(queue.added, 9);
});

test("without a session nothing more is sent, and all of it can be tried again", async () => {
  reply = (n) => (n < 3 ? { status: 200, text: ADDED } : { status: 401, text: "{}" });
  const { queue } = await uploaded(20);
  assert.ok(sent < 10);
  assert.deepEqual([queue.added, queue.done, queue.problems.length], [2, 20, 18]);
  reply = () => ({ status: 200, text: ADDED });
  queue.retry();
  while (queue.busy) await new Promise((resolve) => setTimeout(resolve));
  assert.deepEqual([queue.added, queue.problems.length, queue.fraction], [20, 0, 1]);
});

const sending = (/** @type {AbortSignal} */ signal) => ({
  onprogress() {},
  onwait() {},
  signal,
});

test("who is to wait for an hour is told so at once", async () => {
  reply = () => ({ status: 429, text: '{"error": "the project is full"}', after: "3600" });
  const { signal } = new AbortController();
  await assert.rejects(send("x", new Blob(), sending(signal)), { message: "the project is full" });
  assert.equal(sent, 1);
});

test("while a queue waits it says why, and it can be cancelled", async () => {
  reply = () => ({ status: 429, text: '{"error": "too many requests"}', after: "50" });
  const queue = newQueue();
  queue.add(files(1), []);
  while (!queue.delay) await new Promise((resolve) => setTimeout(resolve));
  assert.equal(queue.delay, "Too many requests. Trying again …");
  queue.cancel();
  await new Promise((resolve) => setTimeout(resolve));
  assert.ok(!queue.busy);
  assert.deepEqual(queue.problems, []);
});

test("a file that has been sent leaves no listener on the signal", async () => {
  reply = () => ({ status: 200, text: ADDED });
  const { signal } = new AbortController();
  /** @type {Set<unknown>} */
  const listeners = new Set();
  signal.addEventListener = (/** @type {string} */ _, /** @type {unknown} */ one) =>
    void listeners.add(one);
  signal.removeEventListener = (/** @type {string} */ _, /** @type {unknown} */ one) =>
    void listeners.delete(one);
  await send("x", new Blob(), sending(signal));
  await new Promise((resolve) => setTimeout(resolve));
  assert.equal(listeners.size, 0);
});
