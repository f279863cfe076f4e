from pathlib import Path

import numpy as np
import pytest

from dressform.core.errors import DataError
from dressform.predictions import load_predictions


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, [1.0, 2.0], "1"])
def test_an_impossible_temperature_is_refused(bad: object, tmp_path: Path) -> None:
    logits = np.eye(2, dtype=np.float32)
    path = tmp_path / "p.npz"
    np.savez(path, labels=[0, 1], logits=logits, temperature=np.array(bad))
    with pytest.raises(DataError, match="temperature .* allowed: one number above 0"):
        load_predictions(path)
    np.savez(path, labels=[0, 1], probabilities=np.eye(2), temperature=2.0)
    with pytest.raises(DataError, match="temperature but no logits"):
        load_predictions(path)
