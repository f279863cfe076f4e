"""How long data take to be read, and with another version's sources for comparison.

    python benchmarks/reading.py PHOTOS [--baseline PATH/TO/OTHER/src] [--rounds 5] [--only FORM …]

Three forms: the bundled IDX files; the same 70,000 images as PNG in class folders with train and
test above them; and a folder of photos read at 224 x 224. Each round reads every form once with
each side, in a new process, in turn; the figure to quote is the median of the rounds' ratios. Both
sides must give the same pixels (their digests are compared).
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from report import write_report

_READ = """
import json, resource, sys, time
from dressform.data.source import load_data
started = time.perf_counter()
data = load_data(sys.argv[1], image_size=int(sys.argv[2]) or None)
seconds = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
digests = {split: one.digest for split, one in data}
print(json.dumps({"seconds": seconds, "peak_mb": peak, "digests": digests}))
"""


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("photos", type=Path, help="folder of class folders of photos")
    parser.add_argument("--baseline", type=Path, help="src folder of another version")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", choices=("idx", "png", "photos"), default=None)
    options = parser.parse_args()
    sides = {"now": Path(__file__).resolve().parent.parent / "src"}
    if options.baseline:
        sides["before"] = options.baseline.resolve()
    with tempfile.TemporaryDirectory() as folder:
        forms = {"idx": ("fashion-mnist", 0), "png": (folder, 0), "photos": (options.photos, 224)}
        forms = {name: forms[name] for name in options.only or forms}
        if "png" in forms:
            _write_images(Path(folder))
        results = {
            name: _measure(str(source), size, sides, options.rounds)
            for name, (source, size) in forms.items()
        }
    for name, found in results.items():
        print(name, json.dumps(found))
    write_report(
        "reading", " ".join(["python", *sys.argv]), {"rounds": options.rounds, "forms": results}
    )


def _write_images(folder: Path) -> None:
    from PIL import Image

    from dressform import load_data

    for split, dataset in load_data():
        for name in dataset.class_names:
            (folder / split / name.replace("/", "-")).mkdir(parents=True)
        for i, (pixels, label) in enumerate(zip(dataset.images, dataset.labels, strict=True)):
            name = dataset.class_names[label].replace("/", "-")
            Image.fromarray(pixels[..., 0]).save(folder / split / name / f"{i:05d}.png")


def _measure(source: str, size: int, sides: dict[str, Path], rounds: int) -> dict[str, object]:
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    peaks: dict[str, int] = dict.fromkeys(sides, 0)
    digests = set()
    for i in range(rounds):
        for side in list(sides) if i % 2 == 0 else list(sides)[::-1]:
            done = subprocess.run(
                [sys.executable, "-c", _READ, source, str(size)],
                env={**os.environ, "PYTHONPATH": str(sides[side])},
                capture_output=True,
                text=True,
                check=True,
            )
            found = json.loads(done.stdout.splitlines()[-1])
            seconds[side].append(round(found["seconds"], 3))
            peaks[side] = max(peaks[side], found["peak_mb"])
            digests.add(json.dumps(found["digests"]))
    result: dict[str, object] = {
        "seconds": seconds,
        "median": {side: statistics.median(values) for side, values in seconds.items()},
        "peak_mb": peaks,
        "same_pixels": len(digests) == 1,
    }
    if "before" in sides:
        ratios = [b / n for b, n in zip(seconds["before"], seconds["now"], strict=True)]
        result["speed_against_before"] = {
            "median": round(statistics.median(ratios), 2),
            "range": [round(min(ratios), 2), round(max(ratios), 2)],
        }
    return result


if __name__ == "__main__":
    main()
