"""How long trainings, folds, predictions and reports take beside busy processes.

    python benchmarks/busy.py [--rounds 5] [--baseline PATH/TO/src]

Each round does every piece of work alone and beside one, two and three processes that compute
without end, each piece in a process of its own, with all cores; the figure is the median over the
rounds. ``--baseline`` is the source folder of another version, whose trainings are timed in the
same rounds. Nothing else may run meanwhile.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from report import write_report

HERE = Path(__file__).resolve().parent
LOADS = (0, 1, 2, 3)
LIMIT = 180
"""Seconds after which a piece of work is given up; they count as its time."""

FIT = """
import sys
import numpy as np
try:
    from dressform.core.threads import wait_briefly
    wait_briefly()
    from dressform.kernels.process import tune_process
    tune_process()
except ImportError:  # an older version, given with --baseline
    pass
import dressform
from dressform.core.config import override
from dressform.recipes import find_recipe
from dressform.training.fit import fit
train = dressform.load_data().train.take(np.arange({images}))
fitted = fit(override(find_recipe("{recipe}"), ["epochs=2"]), train, None)
print(fitted.history[1].seconds)
"""
"""Seconds of the second epoch."""


RUN = """
import sys
from pathlib import Path
import numpy as np
import dressform
from dressform.data.archive import write_archive
from dressform.data.dataset import DatasetSplits
data = dressform.load_data()
train, test = data.train.take(np.arange(6000)), data.test.take(np.arange(2000))
write_archive(Path(sys.argv[1]), DatasetSplits("s", train, None, test))
print(dressform.train("fast", sys.argv[1], settings=["epochs=2"], out=sys.argv[2]).path)
"""
"""A run to predict with and to report on."""


def environment(source: Path | None = None) -> dict[str, str]:
    """That of a user who has set nothing, with a version's source folder."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in ("OMP_NUM_THREADS", "GOMP_SPINCOUNT")
    }
    return {**inherited, "PYTHONPATH": str(source or HERE.parent / "src")}


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Beside so many processes that compute."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def run(command: list[str], source: Path | None = None, *, whole: bool = False) -> float:
    """Seconds: of the whole process, or what it prints."""
    start = time.perf_counter()
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=True,
            timeout=LIMIT,
            env=environment(source),
        )
    except subprocess.TimeoutExpired:
        return float(LIMIT)
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"{' '.join(command)[:200]}: {error.stderr}") from error
    return time.perf_counter() - start if whole else float(done.stdout.split()[-1])


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--baseline", type=Path, help="source folder of another version")
    options = parser.parse_args()
    python, pictures = sys.executable, HERE.parent / "examples" / "images"
    trainings = {
        f"training {recipe}, {images:,} pictures": [
            python,
            "-c",
            FIT.format(recipe=recipe, images=images),
        ]
        for recipe, images in (("simple-dense", 20_000), ("baseline-cnn", 10_000), ("fast", 6_000))
    }
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "small.npz"
        made = subprocess.run(
            [python, "-c", RUN, str(small), f"{folder}/runs"],
            capture_output=True,
            text=True,
            check=True,
            env=environment(),
        )
        path = made.stdout.split()[-1]
        cli = [python, "-m", "dressform"]
        fold = [
            *cli,
            "crossval",
            "simple-dense",
            "--data",
            str(small),
            "--set",
            "epochs=2",
            "--folds",
            "4",
            "--resume",
        ]
        others = {
            "folds: crossval simple-dense, 4 folds of 2 epochs": fold,
            "prediction: predict, 3 pictures": [*cli, "predict", str(pictures), "--model", path],
            "report: the first of a run, 2,000 pictures": [
                *cli,
                "report",
                path,
                "--out",
                f"{folder}/report.html",
            ],
        }
        seconds: dict[str, dict[int, list[float]]] = {}
        for turn in range(options.rounds):
            for load in LOADS:
                with busy(load):
                    for name, command in trainings.items():
                        seconds.setdefault(name, {}).setdefault(load, []).append(run(command))
                        if options.baseline:
                            of_before = seconds.setdefault(f"{name}, baseline", {}).setdefault(
                                load, []
                            )
                            of_before.append(run(command, options.baseline))
                    for name, command in others.items():
                        subprocess.run(["rm", "-rf", f"{path}/explore"], check=True)
                        out = ["--out", f"{folder}/{turn}-{load}"] if "crossval" in command else []
                        seconds.setdefault(name, {}).setdefault(load, []).append(
                            run([*command, *out], whole=True)
                        )
                print(
                    turn,
                    load,
                    {name: round(by[load][-1], 2) for name, by in seconds.items()},
                    file=sys.stderr,
                    flush=True,
                )
    rows = {}
    for name, by_load in seconds.items():
        medians = {load: statistics.median(found) for load, found in by_load.items()}
        rows[name] = {
            "median_seconds": {str(load): round(value, 3) for load, value in medians.items()},
            "times_idle": {
                str(load): round(value / medians[0], 2) for load, value in medians.items()
            },
            "seconds": {
                str(load): [round(value, 3) for value in found] for load, found in by_load.items()
            },
        }
    baseline = " --baseline PATH/TO/src" if options.baseline else ""
    results = {
        "rounds": options.rounds,
        "busy_processes": list(LOADS),
        "limit_seconds": LIMIT,
        "rows": rows,
    }
    write_report("busy", f"python benchmarks/busy.py --rounds {options.rounds}{baseline}", results)


if __name__ == "__main__":
    main()
