import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dressform.core.errors import ConfigError, DataError
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.duplicates import image_hashes
from dressform.data.folds import make_folds


@st.composite
def datasets(draw: st.DrawFn) -> Dataset:
    """Up to four classes, each of 10 to 40 different pictures, some of which stand several times,
    in any order.
    """
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    classes = draw(st.integers(1, 4))
    rows = [label for label in range(classes) for _ in range(draw(st.integers(10, 40)))]
    pictures = random.integers(0, 256, (len(rows), 4, 4), dtype=np.uint8)
    times = random.choice([1, 1, 1, 2, 5], size=len(rows))
    order = random.permutation(int(times.sum()))
    images, labels = np.repeat(pictures, times, axis=0)[order], np.repeat(rows, times)[order]
    return Dataset.from_arrays(images, labels, class_names=[str(k) for k in range(classes)])


@given(datasets(), st.integers(2, 10), st.integers(0, 3), st.integers(0, 3))
@settings(deadline=None, max_examples=60)
def test_folds_divide_evenly_and_keep_duplicates_together(
    dataset: Dataset, folds: int, repeat: int, seed: int
) -> None:
    splits = make_folds(dataset, folds, repeat=repeat, seed=seed)
    assert sorted(np.concatenate([splits.test_indices(k) for k in range(folds)]).tolist()) == list(
        range(len(dataset))
    )
    for k in range(folds):
        assert sorted([*splits.test_indices(k), *splits.train_indices(k)]) == list(
            range(len(dataset))
        )
    hashes = image_hashes(dataset.images)
    _, inverse, sizes = np.unique(hashes, return_inverse=True, return_counts=True)
    for group in range(len(sizes)):
        assert len(set(splits.fold[inverse == group].tolist())) == 1
    for label in range(len(dataset.class_names)):
        counts = np.bincount(splits.fold[dataset.labels == label], minlength=folds)
        assert counts.max() - counts.min() <= sizes[inverse[dataset.labels == label]].max()
    totals = np.bincount(splits.fold, minlength=folds)
    assert totals.max() - totals.min() <= sizes.max()
    again = make_folds(dataset, folds, repeat=repeat, seed=seed)
    assert np.array_equal(again.fold, splits.fold)
    assert again.digest == splits.digest


def test_other_repeats_and_seeds_give_other_folds(small: DatasetSplits) -> None:
    splits = [
        make_folds(small.train, 5, repeat=repeat, seed=seed)
        for repeat, seed in ((0, 0), (1, 0), (0, 1), (1, 1))
    ]
    assert len({folds.digest for folds in splits}) == 4
    for other in splits[1:]:
        assert (splits[0].fold == other.fold).mean() == pytest.approx(0.2, abs=0.08)


def test_folds_do_not_depend_on_what_the_pictures_hash_to() -> None:
    images = np.random.default_rng(0).integers(0, 256, (100, 4, 4), dtype=np.uint8)
    labels = np.arange(100) % 2
    first, second = (
        make_folds(Dataset.from_arrays(pixels, labels), 5) for pixels in (images, 255 - images)
    )
    assert np.array_equal(first.fold, second.fold)


def test_folds_of_equal_classes_are_of_equal_size(fashion: DatasetSplits) -> None:
    dataset = fashion.train.take(np.arange(5_000))
    folds = make_folds(dataset, 5)
    assert np.ptp(np.bincount(folds.fold)) <= 1
    for label in range(10):
        assert np.ptp(np.bincount(folds.fold[dataset.labels == label])) <= 1


@pytest.mark.parametrize("folds", [1, 0, 101])
def test_numbers_of_folds_out_of_range(small: DatasetSplits, folds: int) -> None:
    with pytest.raises(ConfigError, match=rf"folds is {folds}; allowed: 2 to 100"):
        make_folds(small.train, folds)


def test_a_class_with_too_few_different_pictures() -> None:
    images = np.zeros((40, 4, 4), dtype=np.uint8)
    images[:22] += np.arange(22, dtype=np.uint8)[:, None, None]
    images[22:] += np.arange(200, 203, dtype=np.uint8).repeat(6)[:, None, None]
    dataset = Dataset.from_arrays(images, np.repeat([0, 1], [22, 18]), class_names=["shirt", "bag"])
    with pytest.raises(
        DataError,
        match="class bag has 3 different images, fewer than 5 folds; give more images or fewer "
        "folds",
    ):
        make_folds(dataset, 5)
    assert len(make_folds(dataset, 3).fold) == 40
