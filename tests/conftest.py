"""Real pictures for every test: slices of the Fashion-MNIST files that travel with the project."""

import atexit
import gc
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two test processes share two cores

import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest

os.environ["DRESSFORM_CACHE"] = tempfile.mkdtemp(prefix="dressform-cache-")  # not the user's

import dressform
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.runs.run import Run

atexit.register(shutil.rmtree, os.environ["DRESSFORM_CACHE"], ignore_errors=True)

TINY = (
    "epochs=2",
    "batch_size=50",
    "model.widths=8,8",
    "precision=float32",
    "validation_fraction=0.1",
    "hard_examples.fraction=1",
    "progressive_resizing.start=1",
)
"""Settings that make the recipe ``fast`` train in a second."""


SLOW_FIXTURES = frozenset({"tiny_run", "named_run", "browser"})
"""Whoever uses one of them waits for a training or for Chromium."""
SLOW = (
    "browser",
    "cli",
    "data/test_cases.py",
    "data/test_fuzzed_files.py",
    "data/test_reading_options.py",
    "data/test_strange_trees.py",
    "docs",
    "evaluation/test_significance.py",
    "experiment",
    "exploration/test_explanation.py",
    "exploration/test_near_duplicates.py",
    "exploration/test_projection.py",
    "gpu",
    "house/test_gpu_rehearsal.py",
    "kernels/test_cuda_graphs.py",
    "kernels/test_process.py",
    "kernels/test_switch.py",
    "models/test_contract.py",
    "predict/test_int8.py",
    "predict/test_predict.py",
    "recipes",
    "reporting/test_figures.py",
    "reporting/test_says_the_same.py",
    "runs/test_runs.py",
    "service/test_kills.py",
    "service/test_supervisor.py",
    "service/test_worker.py",
    "strangers",
    "test_examples.py",
    "test_notebooks.py",
    "test_readme.py",
    "training/test_feature_cache.py",
    "training/test_fit.py",
    "training/test_precision.py",
    "training/test_step_operators.py",
    "workbench",
)
"""Packages and modules below tests that train, or start many processes; measured with --durations.
Everything else is marked ``fast``.
"""
LONGEST = (
    "docs/test_pages.py",
    "house/test_gpu_rehearsal.py",
    "cli/test_killed.py",
    "experiment/auto/test_auto.py",
)
"""Modules whose tests take a minute or more; they begin first, so that none is alone at the end."""


def pytest_collection_finish() -> None:
    """Collections need not go through all that was imported: statsmodels asks for one per call."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what ``make test-fast`` runs, and put it last."""
    root = Path(__file__).parent
    slow, longest = ({root / name for name in names} for names in (SLOW, LONGEST))
    order: dict[pytest.Item, int] = {}
    for item in items:
        used = SLOW_FIXTURES.intersection(getattr(item, "fixturenames", ()))
        fast = not used and slow.isdisjoint((item.path, *item.path.parents))
        order[item] = 0 if item.path in longest else 2 if fast else 1
        if fast:
            item.add_marker(pytest.mark.fast)
    items.sort(key=order.__getitem__)


@pytest.fixture(scope="session")
def fashion() -> DatasetSplits:
    return dressform.load_data("fashion-mnist")


@pytest.fixture(scope="session")
def small(fashion: DatasetSplits) -> DatasetSplits:
    """600 training and 200 test pictures."""
    assert fashion.test is not None
    return DatasetSplits(
        "small", fashion.train.take(np.arange(600)), None, fashion.test.take(np.arange(200))
    )


@pytest.fixture(scope="session")
def faulty(small: DatasetSplits) -> DatasetSplits:
    """Ten test pictures are training pictures, one of the training pictures is noise."""
    assert small.test is not None
    images, test = small.train.images.copy(), small.test.images.copy()
    images[50] = np.random.default_rng(0).integers(0, 255, (28, 28, 1))
    test[:10] = images[:10]
    return DatasetSplits(
        "faulty",
        Dataset(images, small.train.labels, small.train.ids, small.class_names),
        None,
        Dataset(test, small.test.labels, small.test.ids, small.class_names),
    )


@pytest.fixture(scope="session")
def tiny_run(small: DatasetSplits, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run, figures included; tests must not change it."""
    return dressform.train("fast", small, settings=TINY, out=tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def named_run(small: DatasetSplits, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run whose data lie in a file that other processes can read; tests must not change
    it.
    """
    folder = tmp_path_factory.mktemp("named")
    assert small.test is not None
    np.savez(
        folder / "small.npz",
        train_images=small.train.images,
        train_labels=small.train.labels,
        test_images=small.test.images,
        test_labels=small.test.labels,
        class_names=np.array(small.class_names),
    )
    return dressform.train("fast", folder / "small.npz", settings=TINY, out=folder / "runs")


@pytest.fixture(scope="session")
def pictures() -> Path:
    return Path(__file__).parent.parent / "examples" / "images"
