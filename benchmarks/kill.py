"""Kill a short training with SIGKILL at random moments, resume it each time, and compare its
weights with an uninterrupted one's.

    python benchmarks/kill.py [--kills 50]

Each trial is a training of its own: started, killed at a random moment of its life, resumed to the
end. Moments are drawn over the whole life of the uninterrupted process, from its start to its last
file; a trial whose process ended before its moment is drawn again and does not count.
"""

import argparse
import json
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
from dressform.runs.run import open_run
from dressform.training.checkpoint import load_weights

SETTINGS = ("epochs=8", "batch_size=50", "model.widths=8,8", "ema.decay=0.9")


def main() -> None:
    """Run the trials and write the report."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=50)
    options = parser.parse_args()
    whole = dressform.load_data()
    assert whole.test is not None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = folder / "small.npz"
        write_archive(
            data,
            DatasetSplits(
                "small", whole.train.take(np.arange(3000)), None, whole.test.take(np.arange(500))
            ),
        )
        settings = [part for setting in SETTINGS for part in ("--set", setting)]
        command = [
            sys.executable,
            "-m",
            "dressform",
            "train",
            "fast",
            "--data",
            str(data),
            *settings,
            "--json",
            "--resume",
            "--out",
        ]
        started = time.perf_counter()
        plain = open_run(_finish([*command, str(folder / "plain")]))
        life = time.perf_counter() - started
        chance = random.Random(0)
        statuses: dict[str, int] = {}
        equal = killed = too_late = 0
        while killed < options.kills:
            out = folder / f"trial{killed}"
            if not _killed([*command, str(out)], chance.uniform(0, life)):
                too_late += 1
                shutil.rmtree(out)
                continue
            killed += 1
            found = next(out.rglob("manifest.json"), None) if out.exists() else None
            status = "nothing written" if found is None else json.loads(found.read_text())["status"]
            run = open_run(_finish([*command, str(out)]))
            weights = [sha256_file(r.layout.last) == sha256_file(plain.layout.last) for r in (run,)]
            weights += [sha256_file(run.layout.best) == sha256_file(plain.layout.best)]
            weights += [sha256_file(run.layout.onnx) == sha256_file(plain.layout.onnx)]
            load_weights(run.layout.last)
            run.predictions("validation"), run.predictions("test"), run.history()
            leftovers = list(run.path.rglob("*.tmp"))
            good = all(weights) and not leftovers
            equal += good
            statuses[status] = statuses.get(status, 0) + 1
            print(f"{killed:3d} killed while: {status:15s} equal: {good}", flush=True)
    results = {
        "kills": options.kills,
        "equal": equal,
        "ended_before_the_kill": too_late,
        "seconds_of_an_undisturbed_run": round(life, 1),
        "status_when_killed": statuses,
        "settings": list(SETTINGS),
    }
    write_report("kill", f"python benchmarks/kill.py --kills {options.kills}", results)
    sys.exit(equal != options.kills)


def _killed(command: list[str], seconds: float) -> bool:
    """Send SIGKILL after a time; False if the process ended before the signal arrived."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        time.sleep(seconds)
        process.kill()
        return process.wait() == -signal.SIGKILL


def _finish(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    run: str = json.loads(done.stdout)["run"]
    return run


if __name__ == "__main__":
    main()
