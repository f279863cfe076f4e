"""Seconds per photo and peak memory of `dressform predict`, and images of 28 x 28 per second.

    python benchmarks/predict_photos.py PHOTOS RUN [RUN …] [--baseline PATH/TO/src] [--rounds 3]
        [--count 300]

PHOTOS is a folder. Each round predicts every n-th photo, ``--count`` of them, with each run in a
process of its own, and with ``--baseline``, the source folder of an older version, in the same
round; the figure is the median of the rounds, process start included. Then all photos are predicted
once, killed at half of the rows and started again: the table must have the same bytes, and the peak
memory is that of all photos. The images of 28 x 28 are Fashion-MNIST's test images as PNG files.
"""

import argparse
import contextlib
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from PIL import Image
from report import write_report

import dressform

HERE = Path(__file__).resolve().parent
TINY = 4000
PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


class Measured:
    """A finished command: wall seconds, processor seconds and peak memory, those of the processes
    that it started included. The peaks of several processes are added, which is too much where they
    come one after the other.
    """

    def __init__(self, command: list[str], source: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": str(source)}
        start, peaks, over = time.perf_counter(), dict[int, float](), threading.Event()
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment
        ) as process:
            watch = threading.Thread(target=watch_memory, args=(process.pid, peaks, over))
            watch.start()
            assert process.stderr is not None
            said = process.stderr.read()
            _, status, usage = os.wait4(process.pid, 0)
            self.seconds = time.perf_counter() - start
            over.set()
            watch.join()
            process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)}: {said.decode()}")
        self.processor_seconds = usage.ru_utime + usage.ru_stime
        others = sum(peak for pid, peak in peaks.items() if pid != process.pid)
        self.megabytes = usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10) + others


def watch_memory(process: int, peaks: dict[int, float], over: threading.Event) -> None:
    """Note the peak memory of a process and those that it started, in MB, until it has ended. On
    Linux; nothing elsewhere.
    """
    while not over.wait(0.2):
        tasks = []
        with contextlib.suppress(OSError):
            tasks = list(Path(f"/proc/{process}/task").iterdir())
        for pid in (process, *(int(child) for task in tasks for child in children_of(task))):
            with contextlib.suppress(OSError):
                found = PEAK.search(Path(f"/proc/{pid}/status").read_text())
                if found is not None:
                    peaks[pid] = int(found[1]) / 2**10


def children_of(task: Path) -> list[str]:
    """The processes that a thread started."""
    with contextlib.suppress(OSError):
        return (task / "children").read_text().split()
    return []


def predict(images: Path, run: Path, *options: str) -> list[str]:
    """The command."""
    return [
        sys.executable,
        "-m",
        "dressform",
        "predict",
        str(images),
        "--model",
        str(run),
        *options,
    ]


def compare(images: Path, run: Path, options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Both versions on some images, in the same rounds."""
    count = len(list(images.iterdir()))
    sides: dict[str, list[Measured]] = {"now": []}
    for turn in range(options.rounds):
        out = folder / f"{turn}.csv"
        sides["now"].append(Measured(predict(images, run, "--out", str(out)), HERE.parent / "src"))
        out.unlink()
        if options.baseline:
            sides.setdefault("baseline", []).append(
                Measured(predict(images, run, "--out", str(out)), options.baseline)
            )
            out.unlink()
    row: dict[str, Any] = {"images": count}
    for side, rounds in sides.items():
        row[side] = {
            "ms_per_image": round(1000 * statistics.median(m.seconds for m in rounds) / count, 2),
            "processor_ms_per_image": round(
                1000 * statistics.median(m.processor_seconds for m in rounds) / count, 2
            ),
            "seconds": [round(m.seconds, 2) for m in rounds],
            "peak_megabytes": round(max(m.megabytes for m in rounds)),
        }
    if options.baseline:
        pairs = zip(sides["baseline"], sides["now"], strict=True)
        row["times_as_fast"] = round(statistics.median(b.seconds / n.seconds for b, n in pairs), 2)
    print(run, row, file=sys.stderr, flush=True)
    return row


def all_of_them(photos: Path, run: Path, folder: Path) -> dict[str, Any]:
    """All photos once, and again with a kill at half of them."""
    whole, killed = folder / "whole.csv", folder / "killed.csv"
    measured = Measured(predict(photos, run, "--out", str(whole)), HERE.parent / "src")
    lines = whole.read_bytes().count(b"\n")
    with subprocess.Popen(
        predict(photos, run, "--out", str(killed)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(HERE.parent / "src")},
    ) as process:
        while not killed.exists() or killed.read_bytes().count(b"\n") < lines / 2:
            time.sleep(0.05)
        process.kill()
    kept = killed.read_bytes().count(b"\n") - 1
    Measured(predict(photos, run, "--out", str(killed)), HERE.parent / "src")
    row = {
        "images": lines - 1,
        "ms_per_image": round(1000 * measured.seconds / (lines - 1), 2),
        "processor_ms_per_image": round(1000 * measured.processor_seconds / (lines - 1), 2),
        "peak_megabytes": round(measured.megabytes),
        "rows_kept_after_a_kill": kept,
        "same_bytes_after_a_kill": whole.read_bytes() == killed.read_bytes(),
    }
    whole.unlink()
    killed.unlink()
    print(run, row, file=sys.stderr, flush=True)
    return row


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("photos", type=Path)
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--baseline", type=Path, help="source folder of another version")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--count", type=int, default=300)
    options = parser.parse_args()
    paths = sorted(path for path in options.photos.rglob("*") if path.is_file())
    results: dict[str, Any] = {"rounds": options.rounds, "load_before": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory() as name:
        folder, some, tiny = Path(name), Path(name) / "some", Path(name) / "tiny"
        some.mkdir()
        tiny.mkdir()
        for path in paths[:: max(1, len(paths) // options.count)][: options.count]:
            (some / path.name).symlink_to(path.resolve())
        test = dressform.load_data("fashion-mnist").test
        assert test is not None
        for i, image in enumerate(test.images[:TINY]):
            Image.fromarray(image[..., 0]).save(tiny / f"{i:05d}.png")
        for run in options.runs:
            shape = dressform.Predictor(run).shape
            row = {"some": compare(some, run, options, folder)}
            row["all"] = all_of_them(options.photos, run, folder)
            if shape[:2] == (28, 28):
                row["28 x 28"] = compare(tiny, run, options, folder)
            results[f"{run.parent.name}, {shape[0]} x {shape[1]}"] = row
    results["load_after"] = os.getloadavg()[0]
    baseline = " --baseline PATH/TO/src" if options.baseline else ""
    write_report(
        "predict-photos",
        f"python benchmarks/predict_photos.py {options.photos.name} RUN RUN{baseline} "
        f"--rounds {options.rounds} --count {options.count}",
        results,
    )


if __name__ == "__main__":
    main()
