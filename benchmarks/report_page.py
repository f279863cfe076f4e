"""How long a report takes, how large it is, and how soon it answers in a browser.

    python benchmarks/report_page.py RUN [--repeats 5]

Each repeat deletes what is kept in the run's folder `explore`, writes the report in a process of
its own, twice, and opens it in Chromium from the disk; the page is ready when every section is
there.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from chromium import chromium, opened
from report import write_report

import dressform
from dressform.exploration.neighbours import nearest
from dressform.exploration.points import data_of
from dressform.predict.features import penultimate
from dressform.predict.int8 import Int8Network
from dressform.predictions.examples import examples_of


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--chromium")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "report.html"
        for _ in range(options.repeats):
            shutil.rmtree(options.run / "explore", ignore_errors=True)
            first, again = (seconds_to_write(options.run, page) for _ in range(2))
            rows.append(
                {
                    "first": first,
                    "again": again,
                    "bytes": page.stat().st_size,
                    **answers(page, options.chromium),
                }
            )
            print(rows[-1], flush=True)
    name = json.loads((options.run / "manifest.json").read_text())["recipe"]
    kept = neighbours_kept(options.run)
    medians = {key: median(row[key] for row in rows) for key in rows[0]}
    command = f"python benchmarks/report_page.py RUN --repeats {options.repeats}"
    write_report(
        f"report-page-{name}",
        command,
        {
            "recipe": name,
            "n": options.repeats,
            "medians": medians,
            "neighbours": kept,
            "repeats": rows,
        },
    )


def neighbours_kept(path: Path) -> dict[str, float]:
    """Shares of the five nearest training pictures by int8 that are among the exact five and twenty
    by the network itself.
    """
    run = dressform.open_run(path)
    data = data_of(run)
    pictures = examples_of(run.predictions("test"), data, "test")
    quick = Int8Network(run.layout.onnx, data.train.images[:400])
    found = nearest(quick.features(pictures.images), quick.features(data.train.images), 5).indices
    own, others = (
        penultimate(run.layout.onnx, images).values
        for images in (pictures.images, data.train.images)
    )
    exact = nearest(own, others, 20).indices
    return {
        f"among {k}": round(float((found[:, :, None] == exact[:, None, :k]).any(axis=2).mean()), 4)
        for k in (5, 20)
    }


def seconds_to_write(run: Path, page: Path) -> float:
    """Seconds of one `dressform report`."""
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "dressform", "report", str(run), "--out", str(page)],
        check=True,
        capture_output=True,
    )
    return round(time.perf_counter() - started, 2)


def answers(page: Path, path: str | None) -> dict[str, Any]:
    """Seconds from the address to a page that answers, and from a click to its pictures."""
    with chromium(path) as browser:
        started = time.perf_counter()
        tab = opened(browser, page.as_uri())
        ready = time.perf_counter() - started
        started = time.perf_counter()
        tab.click(".confusion td[data-i='0'][data-j='0']")
        tab.wait_for_selector("#images .tile")
        click = time.perf_counter() - started
    return {"ready": round(ready, 2), "click": round(click, 2)}


if __name__ == "__main__":
    main()
