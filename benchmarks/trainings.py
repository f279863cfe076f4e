"""Trainings in fresh processes, by the command line that everybody has."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dressform
from dressform.runs.manifest import Manifest
from dressform.runs.run import Run


def train(
    recipe: str,
    seed: int,
    out: Path,
    *,
    settings: Sequence[str] = (),
    device: str = "auto",
    threads: int | None = None,
) -> Run:
    """Train a recipe on Fashion-MNIST, or find the finished run.

    Args:
        recipe: a name.
        seed: of the training.
        out: folder of all runs.
        settings: what is changed, as ``--set`` takes it.
        device: ``auto``, ``cpu`` or ``cuda``.
        threads: of the process; None is one per core.
    """
    command = [sys.executable, "-m", "dressform", "train", recipe, "--seed", str(seed)]
    command += ["--out", str(out), "--device", device, "--resume", "--json"]
    command += [word for setting in settings for word in ("--set", setting)]
    environment = dict(os.environ)
    if threads is not None:
        environment["OMP_NUM_THREADS"] = str(threads)
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment, check=True)
    return dressform.open_run(json.loads(done.stdout)["run"])


def facts(manifest: Manifest) -> dict[str, Any]:
    """What a training ran on."""
    hardware = manifest.hardware
    return {
        "digest": manifest.digest,
        "threads": hardware["threads"],
        "precision": hardware["precision"],
        "device": hardware["device"],
        "hardware": f"{hardware['processor']}, {hardware['cores']} cores",
        "packages": manifest.packages,
    }
