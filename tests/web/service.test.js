import assert from "node:assert/strict";
import { test } from "node:test";

import { labelled, numbered, typedClass } from "dressform/service/label_keys.js";
import { refusal } from "dressform/service/request.js";
import { snippets } from "dressform/service/snippets.js";
import { accuracySentence, ago, duration, fileSize } from "dressform/service/texts.js";

/** @import { Project } from "dressform/service/types.js" */

const CLASSES = ["Hat", "Hoodie", "Shoe", "Short", "Shorts"];

test("number keys are the classes in their order, 0 the tenth", () => {
  assert.equal(labelled("1", CLASSES), "Hat");
  assert.equal(labelled("5", CLASSES), "Shorts");
  assert.equal(labelled("6", CLASSES), undefined);
  assert.equal(labelled("0", "abcdefghij".split("")), "j");
  assert.equal(labelled("h", CLASSES), undefined);
});

test("where a name begins with a digit, digits are characters of names", () => {
  const sizes = ["36", "37", "38", "39"];
  assert.ok(!numbered(sizes));
  assert.ok(numbered(CLASSES));
  for (const key of "0123456789") assert.equal(labelled(key, sizes), undefined);
  assert.deepEqual(typedClass("3", "3", sizes), { typed: "3", label: null });
  assert.deepEqual(typedClass("38", "8", sizes), { typed: "", label: "38" });
  assert.deepEqual(typedClass("1", "1", [..."0123456789"]), { typed: "", label: "1" });
});

test("a digit that goes on with a typed name is a character of it", () => {
  const types = ["Type 2", "Type 1"];
  assert.equal(labelled("1", types, "type "), undefined);
  assert.equal(labelled("1", types, "t"), "Type 2");
  assert.equal(labelled("1", types), "Type 2");
});

test("letters choose a class as soon as no other starts with them", () => {
  assert.deepEqual(typedClass("h", "h", CLASSES), { typed: "h", label: null });
  assert.deepEqual(typedClass("ha", "a", CLASSES), { typed: "", label: "Hat" });
  assert.deepEqual(typedClass("hx", "x", CLASSES), { typed: "", label: null });
  assert.deepEqual(typedClass("hs", "s", CLASSES), { typed: "s", label: null });
});

test("of two names the longer is reached by its letters, the shorter by Enter", () => {
  assert.deepEqual(typedClass("shor", "r", CLASSES), { typed: "shor", label: null });
  assert.deepEqual(typedClass("shorts", "s", CLASSES), { typed: "", label: "Shorts" });
});

test("the accuracy is told in plain words", () => {
  const scores = { accuracy: 0.912, low: 0.881, high: 0.936, protocol: "5-fold cross-validation" };
  assert.equal(
    accuracySentence(scores),
    "In 5-fold cross-validation, 91 % of images are classified correctly; " +
      "the 95 % interval goes from 88 to 94 %.",
  );
  const held = accuracySentence({ ...scores, protocol: "120 held-out images" });
  assert.ok(held.startsWith("On 120 held-out images, 91 %"));
});

test("sizes, times and ages are what people read", () => {
  assert.equal(fileSize(999), "999 bytes");
  assert.equal(fileSize(20 * 2 ** 20), "21.0 MB");
  assert.equal(duration(0.2), "1 second");
  assert.equal(duration(600), "10 minutes");
  assert.equal(duration(5400), "1.5 hours");
  const now = new Date("2026-11-26T12:00:00Z");
  assert.equal(ago("2026-11-26T11:59:30Z", now), "just now");
  assert.equal(ago("2026-11-26T10:59:00Z", now), "1 hour ago");
  assert.equal(ago("2026-10-01T10:00:00Z", now), "1 October 2026");
});

test("a refusal says what the service says, or what its status means", () => {
  const busy = refusal(429, '{"error": "100 trainings wait"}', "30");
  assert.equal(busy.message, "100 trainings wait");
  assert.equal(busy.retryAfter, 30);
  assert.ok(busy.passing);
  assert.ok(!refusal(400, "{}", null).passing);
  assert.match(refusal(413, "<html>", null).message, /larger than the service accepts/);
  assert.match(refusal(500, "<html>", null).message, /status 500/);
});

test("names and keys in lines for a shell and for Python are quoted", () => {
  const project = /** @type {Project} */ ({ id: "ab'c", name: 'the "shop"' });
  const [curl, python, nanonets] = snippets("http://localhost:8000", project, "df_x");
  assert.ok(curl.text.includes(`'http://localhost:8000/api/v1/projects/ab'\\''c/predict'`));
  assert.ok(python.text.includes(`client.project("the \\"shop\\"").predict("photo.jpg")`));
  assert.ok(nanonets.text.includes("NANONETS_MODEL_ID='ab'\\''c'"));
});
