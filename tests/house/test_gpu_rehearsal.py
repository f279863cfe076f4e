"""benchmarks/gpu.py lies ready: all of it but CUDA runs."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SCRIPT = ROOT / "benchmarks" / "gpu.py"


def test_every_step_runs_on_the_processor(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--out", tmp_path, "--dry-run"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "gpu.json").read_text())
    assert list(report["steps"]) == [
        "device",
        "tests",
        "fast",
        "fast-gpu",
        "kernels",
        "throughput",
        "inference",
        "large",
    ]
    assert {name: step["status"] for name, step in report["steps"].items()} == dict.fromkeys(
        report["steps"], "done"
    )
    assert report["steps"]["fast-gpu"]["n"] == 2
    assert 0.5 < report["steps"]["fast"]["mean_accuracy"] < 1
    assert str(tmp_path) not in report["command"]


def test_a_step_that_fails_or_takes_too_long_is_told_and_the_next_one_runs(tmp_path: Path) -> None:
    command = [
        sys.executable,
        SCRIPT,
        "--out",
        tmp_path,
        "--dry-run",
        "--minutes",
        "1",
        "--only",
        "large",
        "device",
    ]
    (tmp_path / "large.safetensors").write_text("damaged")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    steps = json.loads((tmp_path / "gpu.json").read_text())["steps"]
    assert "large.safetensors cannot be read" in steps["large"]["status"]
    assert steps["device"]["status"] in ("done", "not begun: no time was left")
