"""One switch turns every faster way off, and each has its plain form beside it."""

import os
import subprocess
import sys

import pytest

from dressform.kernels.switch import KERNELS, enabled

LOSSES = """
import sys
import numpy as np, torch
from dressform.core.config import override
from dressform.data.dataset import Dataset
from dressform.recipes import find_recipe
from dressform.training.fit import fit
torch.set_num_threads(1)
generator = np.random.default_rng(0)
labels = np.arange(96) % 3
images = generator.integers(0, 120, (96, 28, 28, 1)).astype(np.uint8)
images[np.arange(96), 8 * labels + 2] = 255
ids = np.array([f"{i:03}" for i in range(96)])
data = Dataset(images, labels, ids, ("a", "b", "c"))
for name in ("fast", "baseline-cnn", "simple-dense"):
    recipe = find_recipe(name)
    settings = ["epochs=2", "batch_size=32", "precision=float32"]
    settings += ["model.dropout=0"] if hasattr(recipe.model, "dropout") else []
    for row in fit(override(recipe, settings), data, None).history:
        print(f"{row.train_loss:.4f}")
"""


def losses(plain: str) -> list[float]:
    done = subprocess.run(
        [sys.executable, "-c", LOSSES],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "DRESSFORM_PLAIN": plain},
    )
    return [float(line) for line in done.stdout.split()]


def test_plain_torch_learns_the_same() -> None:
    assert losses("1") == pytest.approx(losses(""), rel=0.02)


def test_what_is_asked_for_is_a_kernel() -> None:
    assert all(enabled(name) for name in KERNELS)
    with pytest.raises(KeyError):
        enabled("no-such-kernel")


@pytest.mark.parametrize(
    ("value", "off"),
    [
        ("1", set(KERNELS)),
        ("dropout,depthwise", {"dropout", "depthwise"}),
        ("0", set()),
        ("", set()),
    ],
)
def test_names_turn_single_ones_off(value: str, off: set[str]) -> None:
    code = "from dressform.kernels.switch import *; print(*(k for k in KERNELS if not enabled(k)))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "DRESSFORM_PLAIN": value},
    )
    assert set(done.stdout.split()) == off
