"""The projector: seconds of its projections, how well they keep neighbours, its size, and frames a
second while panning.

    python benchmarks/projector.py RUN [--split all] [--methods tsne]

Frames are counted in headless Chromium over five seconds in which every frame moves the view; which
rasteriser drew them stands beside the figure.
"""

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from chromium import chromium, opened
from report import write_report

import dressform
from dressform.exploration.neighbours import nearest
from dressform.exploration.points import data_of, points_of
from dressform.exploration.projection import knn_recall, neighbours_within, pca, tsne, umap
from dressform.reporting.exploration import ProjectionOptions, write_exploration
from dressform.reporting.inspection import ReportOptions

PAN = """async () => {
    const p = dressform.projector, times = [];
    const step = () => new Promise((done) => requestAnimationFrame(done));
    const end = performance.now() + 5000;
    while (performance.now() < end) {
        const [x, y] = [3 * Math.sin(times.length / 20), 2 * Math.cos(times.length / 20)];
        p.view.drag(x, y, p.canvas);
        p.frame();
        p.renderer.gl?.finish();
        times.push(performance.now());
        await step();
    }
    const gaps = times.slice(1).map((t, i) => t - times[i]).sort((a, b) => a - b);
    const slowest = gaps[Math.floor(0.95 * gaps.length)];
    return { frames: times.length / 5, slowest, rasteriser: p.renderer.rasteriser };
}"""


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("--split", default="all")
    parser.add_argument(
        "--methods", default="pca,tsne,umap", help="UMAP of 70,000 takes one core long"
    )
    parser.add_argument("--chromium")
    options = parser.parse_args()
    run = dressform.open_run(options.run)
    points = points_of(run, data_of(run), options.split)
    values = points.values[points.first :]
    results: dict[str, Any] = {"points": len(values), "features": values.shape[1]}
    near = timed(results, "neighbours", lambda: neighbours_within(values))
    methods = options.methods.split(",")
    makers = {
        "pca": lambda: pca(values, 2),
        "tsne": lambda: tsne(values, near),
        "umap": lambda: umap(values, near),
    }
    coordinates = {}
    for name in methods:
        coordinates[name] = timed(results, name, makers[name]).embedding
        results[name]["knn_recall"] = round(knn_recall(near, coordinates[name]), 4)
        print(name, results[name], flush=True)
    timed(
        results,
        "cosine neighbours",
        lambda: nearest(values, values, 10, exclude=np.arange(len(values))),
    )
    with tempfile.TemporaryDirectory() as folder:
        shutil.rmtree(options.run / "explore", ignore_errors=True)
        page = write_exploration(
            options.run,
            ReportOptions(split=options.split),
            ProjectionOptions(methods=methods),
            out=Path(folder) / "e.html",
        )
        for name in (method for method in methods if method != "pca"):
            (kept,) = (options.run / "explore").glob(f"{name}-2d-*.npz")
            results[name]["same_again"] = bool(
                np.array_equal(coordinates[name], np.load(kept)["embedding"])
            )
        results["bytes"] = page.stat().st_size
        results["panning"] = panned(page, options.chromium)
    print(results["panning"])
    command = (
        f"python benchmarks/projector.py RUN --split {options.split} --methods {options.methods}"
    )
    write_report(f"projector-{options.split}", command, results)


def timed(results: dict[str, Any], name: str, make: Any) -> Any:
    """What ``make`` gives; its seconds go into the results."""
    started = time.perf_counter()
    found = make()
    results[name] = {"seconds": round(time.perf_counter() - started, 1)}
    return found


def panned(page: Path, path: str | None) -> dict[str, Any]:
    """Frames a second of the projection that the page opens on, drawn whole."""
    found: dict[str, Any] = {}
    with chromium(path) as browser:
        for how in ("", "#draw=webgl"):
            started = time.perf_counter()
            tab = opened(browser, page.as_uri() + how)
            ready = time.perf_counter() - started
            tab.locator(".stage").scroll_into_view_if_needed()
            tab.wait_for_timeout(1000)
            found[how or "as it chooses"] = {"ready": round(ready, 2), **tab.evaluate(PAN)}
            tab.close()
    return found


if __name__ == "__main__":
    main()
