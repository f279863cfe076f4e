from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dressform.data.archive import write_archive
from dressform.data.dataset import DatasetSplits
from dressform.data.source import load_data
from dressform.experiment.tuning import study as study_module
from dressform.runs.tuning import Tuning
from tests.experiment.tuning.study import AT_RANDOM, study_of


@pytest.fixture(autouse=True)
def few_random_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that nine trials see the sampler and the pruner at work."""
    monkeypatch.setattr(study_module, "RANDOM_TRIALS", AT_RANDOM)
    monkeypatch.setattr(study_module, "COMPARED_TRIALS", AT_RANDOM)


@pytest.fixture(scope="session")
def archive(small: DatasetSplits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "small.npz"
    write_archive(path, replace(small, train=small.train.take(np.arange(300))))
    return path


@pytest.fixture(scope="session")
def data(archive: Path) -> DatasetSplits:
    return load_data(archive)


@pytest.fixture(scope="session")
def undisturbed(data: DatasetSplits, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tuning]:
    """A whole study; tests must not change it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study_module, "RANDOM_TRIALS", AT_RANDOM)
        patch.setattr(study_module, "COMPARED_TRIALS", AT_RANDOM)
        yield study_of(data, tmp_path_factory.mktemp("undisturbed"))
