"""The page of `dressform export --to page` beside Python, on photos: the same pixels, logits,
classes and doubts?

    python benchmarks/browser.py RUN PHOTOS [--count 100]

For each photo, spread evenly over the sorted files: the page decodes and prepares it in Chromium,
and so does Python. Compared are the pixels that the model gets, its logits for the same pixels
(Python's), and the answers from the files.
"""

import argparse
import base64
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from chromium import chromium, opened
from report import write_report

import dressform
from dressform.predict.found_images import find_images
from dressform.predict.predictor import Predictor
from dressform.reporting.classifier import write_classifier

IN_PAGE = """async ([photo, pixels]) => {
  const { openModel, decodeImage, classify } = await import("dressform/classify/main.js");
  window.model ??= await openModel();
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const file = new Blob([bytes(photo)]);
  const began = performance.now();
  const found = await classify(window.model, await decodeImage(file));
  const took = performance.now() - began;
  const same = await window.model.predict(bytes(pixels));
  const { logits, oodPValue } = found;
  const seen = Array.from(found.pixels.data);
  return { pixels: seen, logits, oodPValue, same: same.logits, sameUsual: same.oodPValue, took };
}"""


def main() -> None:
    """Compare and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--chromium", help="default: the one on the path")
    options = parser.parse_args()
    predictor = Predictor(dressform.open_run(options.run))
    files = find_images([str(options.photos)]).paths
    files = [
        files[i]
        for i in np.linspace(0, len(files) - 1, min(options.count, len(files))).round().astype(int)
    ]
    rows: list[dict[str, Any]] = []
    with TemporaryDirectory() as folder, chromium(options.chromium) as browser:
        page_file = Path(folder) / "page.html"
        write_classifier(page_file, predictor)
        page = opened(browser, page_file.as_uri())
        for file in files:
            started = time.perf_counter()
            pixels = predictor.predict(file).prepared.pixels
            seconds = time.perf_counter() - started
            (logits,), usual = predictor.logits(pixels[None]), predictor.ood_p_values(pixels[None])
            found = page.evaluate(
                IN_PAGE,
                [base64.b64encode(part).decode() for part in (file.read_bytes(), pixels.tobytes())],
            )
            away = np.abs(np.array(found["pixels"]) - pixels.ravel().astype(int))
            rows.append(
                {
                    "photo": "/".join(file.parts[-2:]),
                    "same_pixels": int(away.max()) == 0,
                    "largest_pixel_difference": int(away.max()),
                    "logit_difference_same_pixels": float(
                        np.abs(np.array(found["same"]) - logits).max()
                    ),
                    "logit_difference_from_file": float(
                        np.abs(np.array(found["logits"]) - logits).max()
                    ),
                    "same_class": int(np.argmax(found["logits"])) == int(logits.argmax()),
                    "usual_difference": None
                    if usual is None
                    else abs(found["sameUsual"] - float(usual[0])),
                    "same_doubt": usual is None
                    or (found["oodPValue"] <= predictor.threshold)
                    == bool(usual[0] <= predictor.threshold),
                    "browser_ms": found["took"],
                    "python_ms": 1000 * seconds,
                }
            )
        version = browser.version
    results = {
        "photos": len(rows),
        "chromium": version,
        **{
            name: sum(bool(row[name]) for row in rows)
            for name in ("same_pixels", "same_class", "same_doubt")
        },
        "largest_logit_difference_same_pixels": max(
            row["logit_difference_same_pixels"] for row in rows
        ),
        "median_browser_ms": float(np.median([row["browser_ms"] for row in rows])),
        "median_python_ms": float(np.median([row["python_ms"] for row in rows])),
        "rows": rows,
    }
    print({name: value for name, value in results.items() if name != "rows"})
    write_report(
        "browser", "python benchmarks/browser.py RUN PHOTOS" + f" --count {options.count}", results
    )


if __name__ == "__main__":
    main()
