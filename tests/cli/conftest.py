from pathlib import Path

import pytest

from dressform.data.archive import write_archive
from dressform.data.dataset import DatasetSplits


@pytest.fixture(scope="session")
def archive(small: DatasetSplits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "small.npz"
    write_archive(path, small)
    return path
