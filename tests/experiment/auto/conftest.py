import numpy as np
import pytest

from dressform.data.dataset import DatasetSplits
from dressform.experiment.auto import candidates


@pytest.fixture(scope="module")
def source(small: DatasetSplits, tmp_path_factory: pytest.TempPathFactory) -> str:
    """112 pictures of three classes, one of them rare."""
    assert small.test is not None
    path = tmp_path_factory.mktemp("auto") / "garments.npz"
    train = np.concatenate(
        [
            np.flatnonzero(small.train.labels == k)[:count]
            for k, count in ((1, 50), (7, 50), (8, 12))
        ]
    )
    test = np.flatnonzero(np.isin(small.test.labels, (1, 7, 8)))
    names = {1: 0, 7: 1, 8: 2}
    np.savez(
        path,
        train_images=small.train.images[train],
        train_labels=[names[k] for k in small.train.labels[train]],
        test_images=small.test.images[test],
        test_labels=[names[k] for k in small.test.labels[test]],
        class_names=np.array(["Trouser", "Sneaker", "Bag"]),
    )
    return str(path)


@pytest.fixture(autouse=True)
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "SCRATCH_STEPS", 10)
    monkeypatch.setattr(candidates, "SMALL_STEPS", 10)
    monkeypatch.setattr(candidates, "PROBE_SIZES", (8, 24))
    monkeypatch.setattr(candidates, "MIN_SCRATCH_EPOCHS", 2)
    monkeypatch.setattr(candidates, "HEAD_EPOCHS", 4)
    monkeypatch.setattr(candidates, "MAX_EPOCHS", 3)
    monkeypatch.setattr(candidates, "RARE", 4)
    # two test processes share two cores
    monkeypatch.setattr(
        "dressform.experiment.crossval.cross_validation.choose_workers", lambda *_: (1, 1)
    )
