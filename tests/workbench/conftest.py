from pathlib import Path

import pytest

import dressform
from dressform.data.dataset import DatasetSplits
from dressform.runs.crossval import CrossvalRun
from tests.experiment.calls import DENSE


@pytest.fixture(scope="session")
def study(small: DatasetSplits, tmp_path_factory: pytest.TempPathFactory) -> CrossvalRun:
    """A cross-validation of three folds; tests must not change it."""
    out = tmp_path_factory.mktemp("study")
    return dressform.crossval("simple-dense", small, folds=3, settings=DENSE, workers=1, out=out)[0]


@pytest.fixture
def predictions(tiny_run: dressform.Run, tmp_path: Path) -> Path:
    """A predictions file from elsewhere."""
    path = tmp_path / "elsewhere.npz"
    tiny_run.predictions("test").save(path)
    return path
