import numpy as np
import pytest

from dressform.data.dataset import DatasetSplits


@pytest.fixture(scope="session")
def pupil(fashion: DatasetSplits) -> DatasetSplits:
    """300 training pictures; no test split, so that none can be touched."""
    return DatasetSplits("pupil", fashion.train.take(np.arange(300)))
