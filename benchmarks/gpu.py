"""Does dressform work on this CUDA GPU, and how fast is it? One line, nine minutes, nothing to
install.

    python benchmarks/gpu.py --out DIR [--minutes 9] [--only STEP …] [--dry-run]

From the working tree, with the Python (3.11 or newer) and the torch (2.11 or newer, with CUDA) that
are there; no network. The steps, in order of worth, each a process of its own with a time limit:

    device       the GPU, and its ceilings: a bfloat16 product, a copy
    tests        tests/gpu: networks, losses beside the processor's, bit-identical repeats and
                 resumes, exports
    fast         the recipe fast: test accuracy and seconds of each seed
    fast-gpu     the recipe fast-gpu: the same; the aim is 94 % in less than a second
    kernels      fast-gpu again, without each of the faster ways that are for GPUs
    throughput   images a second that MiniVGGNet learns from, at batches of 256 and 32
    inference    images a second, torch and ONNX Runtime
    large        the recipe large, as far as the time reaches; with the same --out, the next call
                 goes on

DIR/gpu.json is written again after every result, so a stop in the middle loses nothing (its form:
benchmarks/README.md); DIR/tests.txt has pytest's output. --dry-run does all of it on the processor,
with a slice of the data.
"""

import argparse
import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "src"))

LIMITS = {
    "device": 40,
    "tests": 150,
    "fast": 60,
    "fast-gpu": 90,
    "kernels": 45,
    "throughput": 60,
    "inference": 60,
    "large": 3600,
}
"""Seconds that each step may take at most, its start included."""
LEAST = 10
"""A step that has fewer seconds left is not begun."""
NEEDED = (
    "numpy",
    "scipy",
    "sklearn",
    "PIL",
    "safetensors",
    "onnx",
    "onnxruntime",
    "onnxscript",
    "threadpoolctl",
    "torch",
)
OLDEST_TORCH = (2, 11)


def missing(dry_run: bool) -> list[str]:
    """What would keep this script from working, found without importing torch."""
    found = (
        []
        if sys.version_info >= (3, 11)
        else [f"Python is {sys.version.split()[0]}; needed: 3.11 or newer"]
    )
    absent = [name for name in NEEDED if not importlib.util.find_spec(name)]
    found += [f"{name} cannot be imported; install it for {sys.executable}" for name in absent]
    spec = importlib.util.find_spec("torch")
    if spec is not None and spec.origin is not None:
        version = metadata.version("torch")
        if tuple(int(n) for n in version.split("+")[0].split(".")[:2]) < OLDEST_TORCH:
            found.append(f"torch is {version}; needed: 2.11 or newer")
        text = (Path(spec.origin).parent / "version.py").read_text()
        if not dry_run and re.search(r"^cuda\b.*= None", text, re.M):
            found.append(
                f"torch {version} is built without CUDA; install a build with it, or rehearse "
                f"with --dry-run"
            )
    return found


def main() -> None:
    """Run the steps one after the other."""
    begun = time.monotonic()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=9)
    parser.add_argument("--only", nargs="+", choices=tuple(LIMITS), metavar="STEP")
    parser.add_argument("--dry-run", action="store_true")
    options = parser.parse_args()
    problems = missing(options.dry_run)
    if problems:
        raise SystemExit("\n".join(problems))

    from gpu_report import Report

    options.out.mkdir(parents=True, exist_ok=True)
    only = f" --only {' '.join(options.only)}" if options.only else ""
    rehearsed = " --dry-run" if options.dry_run else ""
    command_line = (
        f"python benchmarks/gpu.py --out DIR --minutes {options.minutes:g}{only}{rehearsed}"
    )
    report = Report.new(options.out / "gpu.json", command_line)
    for name in options.only or LIMITS:
        left = 60 * options.minutes - (time.monotonic() - begun)
        limit = min(LIMITS[name], left)
        if limit < LEAST:
            report.tell(name, status="not begun: no time was left")
            continue
        command = [
            sys.executable,
            str(HERE / "gpu_steps.py"),
            name,
            str(options.out),
            f"{limit:.0f}",
        ]
        start = time.monotonic()
        status = _run([*command, "dry-run"] if options.dry_run else command, limit)
        report.tell(name, status=status, whole_seconds=round(time.monotonic() - start, 1))
        print(report.lines(name), flush=True)


def _run(command: list[str], limit: float) -> str:
    # A session of its own, so that what the step has started ends with it.
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        _, errors = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return f"stopped after {limit:.0f} s, its limit"
    if process.returncode:
        sys.stderr.write(errors)
        last = (errors.strip().splitlines() or ["no message"])[-1]
        return f"failed: {last}"
    return "done"


if __name__ == "__main__":
    main()
