import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dressform.core.errors import ConfigError, DataError
from dressform.data.audit import check_data
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.duplicates import duplicate_groups, image_hashes, overlaps
from dressform.data.splits import hold_out


@st.composite
def datasets(draw: st.DrawFn) -> Dataset:
    """Up to 300 examples of up to five classes, many of them exact duplicates."""
    count = draw(st.integers(20, 300))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    originals = random.integers(0, 256, (draw(st.integers(10, count)), 4, 4), dtype=np.uint8)
    classes = draw(st.integers(1, 5))
    return Dataset.from_arrays(
        originals[random.integers(0, len(originals), count)],
        random.integers(0, classes, count),
        class_names=[str(i) for i in range(classes)],
    )


@given(datasets(), st.sampled_from([0.1, 0.2, 0.5]), st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_hold_out_divides_without_loss_and_keeps_duplicates_together(
    dataset: Dataset, fraction: float, seed: int
) -> None:
    try:
        split = hold_out(dataset, fraction, seed)
    except DataError:
        groups: dict[int, list[int]] = {}
        for i, key in enumerate(image_hashes(dataset.images).tolist()):
            groups.setdefault(key, []).append(i)
        for label, total in enumerate(
            np.bincount([dataset.labels[g[0]] for g in groups.values() for _ in g], minlength=5)
        ):
            sizes = [len(g) for g in groups.values() if dataset.labels[g[0]] == label]
            assert not sizes or min(sizes) > min(total - 1, total * fraction), (
                "a group that fits was not held out"
            )
        return
    assert sorted([*split.train_indices, *split.held_out_indices]) == list(range(len(dataset)))
    keys = image_hashes(dataset.images)
    assert not set(keys[split.train_indices]) & set(keys[split.held_out_indices])
    assert hold_out(dataset, fraction, seed).digest == split.digest


def test_hold_out_is_stratified_and_depends_on_the_seed(fashion: DatasetSplits) -> None:
    first, second = hold_out(fashion.train, 0.1, 0), hold_out(fashion.train, 0.1, 1)
    assert fashion.train.take(first.held_out_indices).counts.tolist() == [600] * 10
    assert first.digest != second.digest
    assert len(np.intersect1d(first.held_out_indices, second.held_out_indices)) == pytest.approx(
        600, abs=100
    )


def test_hold_out_of_unbalanced_classes_takes_the_same_share_of_each() -> None:
    images = np.random.default_rng(0).integers(0, 256, (1110, 4, 4), dtype=np.uint8)
    dataset = Dataset.from_arrays(images, np.repeat([0, 1, 2], [1000, 100, 10]))
    assert dataset.take(hold_out(dataset, 0.1, 0).held_out_indices).counts.tolist() == [100, 10, 1]


def test_fraction_out_of_range(small: DatasetSplits) -> None:
    with pytest.raises(ConfigError, match=r"fraction to hold out is 1.5; allowed: 0 to 0.9"):
        hold_out(small.train, 1.5, 0)


def test_duplicates_and_overlaps_are_found() -> None:
    images = np.random.default_rng(0).integers(0, 256, (8, 4, 4), dtype=np.uint8)
    images[5] = images[1]
    images[7] = images[1]
    images[6] = images[2]
    keys = image_hashes(images)
    assert [group.tolist() for group in duplicate_groups(keys)] == [[1, 5, 7], [2, 6]]
    assert overlaps(keys[:4], keys[4:]) == [(1, 1), (2, 2)]


def test_the_present_fashion_mnist_has_no_duplicates(fashion: DatasetSplits) -> None:
    audit = check_data(fashion)
    assert (audit.duplicates, audit.overlaps, audit.problems) == ([], [], [])
    assert audit.counts["test"]["Ankle boot"] == 1000


def test_fashion_mnist_from_before_the_recut_is_recognised(fashion: DatasetSplits) -> None:
    """43 pairs inside train and 10 train images in test, planted in the present files."""
    assert fashion.test is not None
    train, test = fashion.train.images.copy(), fashion.test.images.copy()
    train[1000:1043] = train[2000:2043]
    test[500:510] = train[5000:5010]
    old = DatasetSplits(
        "old",
        Dataset(train, fashion.train.labels, fashion.train.ids, fashion.class_names),
        None,
        Dataset(test, fashion.test.labels, fashion.test.ids, fashion.class_names),
    )
    audit = check_data(old)
    assert "before 2017-08-31" in audit.problems[0]
    assert (len(audit.duplicates), len(audit.overlaps)) == (43, 10)
    assert audit.overlaps[0] == ("train/05000", "test/00500")


def test_other_problems_are_named() -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 4, 4), dtype=np.uint8)
    images[3] = images[30]  # labels differ
    images[5] = 7
    dataset = Dataset.from_arrays(images, np.repeat([0, 1], [38, 2]), class_names=["a", "b", "c"])
    dataset = Dataset(
        dataset.images,
        np.where(np.arange(40) == 3, 1, dataset.labels),
        dataset.ids,
        dataset.class_names,
    )
    problems = " | ".join(check_data(DatasetSplits("d", dataset)).problems)
    for expected in (
        "1 exact duplicates",
        "different labels",
        "a single colour",
        "no example of c",
        "largest class has 37",
    ):
        assert expected in problems


def test_no_class_is_held_out_whole() -> None:
    random = np.random.default_rng(0)
    same = np.repeat(random.integers(0, 256, (1, 4, 4), dtype=np.uint8), 1000, axis=0)
    dataset = Dataset.from_arrays(
        np.concatenate([same, random.integers(0, 256, (50, 4, 4), dtype=np.uint8)]),
        np.repeat([0, 1], [1000, 50]),
    )
    assert dataset.take(hold_out(dataset, 0.1, 0).held_out_indices).counts.tolist() == [0, 5]
    few = Dataset.from_arrays(
        random.integers(0, 256, (11, 4, 4), dtype=np.uint8), [0, 0, 1] + [2] * 8
    )
    assert (few.take(hold_out(few, 0.5, 0).train_indices).counts > 0).all()
