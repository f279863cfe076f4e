"""Kill a short cross-validation with SIGKILL at random moments, resume it, and compare its summary
with an uninterrupted one's.

    python benchmarks/kill_crossval.py [--kills 20]

One cross-validation of three folds twice is killed again and again: each resumption is killed after
a random time, up to the given number of kills, then it runs to its end; when it ends before a kill,
the next one starts again. All summaries and predictions have to have the bytes of the uninterrupted
one.
"""

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from report import write_report

import dressform
from dressform.core.files import sha256_file
from dressform.data.archive import write_archive
from dressform.data.dataset import DatasetSplits

SETTINGS = ("epochs=8", "batch_size=50", "model.widths=8,8", "early_stopping.patience=7")


def main() -> None:
    """Run the trials and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=20)
    options = parser.parse_args()
    whole = dressform.load_data()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_archive(
            folder / "small.npz",
            DatasetSplits("small", whole.train.take(np.arange(3000)), None, whole.test),
        )
        command = [
            sys.executable,
            "-m",
            "dressform",
            "crossval",
            "fast",
            "--data",
            str(folder / "small.npz"),
            "--folds",
            "3",
        ]
        command += ["--repeats", "2", "--workers", "2", "--resume", "--json"]
        command += [part for setting in SETTINGS for part in ("--set", setting)]
        started = time.perf_counter()
        expected = _finish(command, folder / "plain")
        life = time.perf_counter() - started
        chance, killed, equal, studies, moments = random.Random(0), 0, 0, 0, dict[str, int]()
        while killed < options.kills:
            out, alive = folder / "trial", True
            shutil.rmtree(out, ignore_errors=True)
            while alive and killed < options.kills:
                with subprocess.Popen(
                    [*command, "--out", str(out)],
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                ) as process:
                    try:
                        process.wait(chance.uniform(0, life))
                        alive = False
                    except subprocess.TimeoutExpired:
                        process.kill()
                        if process.wait() != -signal.SIGKILL:  # it ended just then
                            alive = False
                            continue
                        killed += 1
                        finished = len(list(out.rglob("result.json"))) if out.exists() else 0
                        moments[f"{finished} of 6 folds finished"] = (
                            moments.get(f"{finished} of 6 folds finished", 0) + 1
                        )
                        print(f"kill {killed}: {finished} of 6 folds finished", flush=True)
            found = _finish(command, out)
            left = [
                path.name
                for path in out.rglob("*")
                if path.suffix == ".tmp" or path.name == "checkpoint.safetensors"
            ]
            good = found == expected and not left
            equal, studies = equal + good, studies + 1
            print(f"study {studies}: equal: {found == expected}, left behind: {left}", flush=True)
    results = {
        "kills": killed,
        "studies": studies,
        "equal": equal,
        "seconds_of_an_undisturbed_study": round(life, 1),
        "killed_when": dict(sorted(moments.items())),
        "settings": list(SETTINGS),
    }
    write_report(
        "kill-crossval", f"python benchmarks/kill_crossval.py --kills {options.kills}", results
    )
    sys.exit(equal != studies)


def _finish(command: list[str], out: Path) -> tuple[str, str]:
    """Run to the end; the digests of the summary and of the out-of-fold predictions."""
    subprocess.run([*command, "--out", str(out)], check=True, capture_output=True)
    (summary,) = out.rglob("crossval.json")
    return sha256_file(summary), sha256_file(summary.with_name("out-of-fold.npz"))


if __name__ == "__main__":
    main()
