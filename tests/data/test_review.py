"""Reviews: read, refused, applied."""

import json
from pathlib import Path

import numpy as np
import pytest

from dressform.core.errors import DataError
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.review import Finding, Review, apply_review


def toy_data() -> DatasetSplits:
    images = np.arange(12 * 4, dtype=np.uint8).reshape(12, 2, 2, 1)
    names = ("a", "b", "c")
    train = Dataset(images[:8], np.arange(8) % 3, np.array([f"train/{i}" for i in range(8)]), names)
    test = Dataset(images[8:], np.arange(4) % 3, np.array([f"test/{i}" for i in range(4)]), names)
    return DatasetSplits("made", train, None, test)


def review(*decisions: tuple[str, str, str | None], data: DatasetSplits | None = None) -> Review:
    data = data or toy_data()
    findings = tuple(
        Finding(
            id=i,
            split=i.partition("/")[0],
            kind="label",
            label="a",
            score=0.1,
            reason="r",
            action=action,
            to=to,
        )
        for i, action, to in decisions
    )
    return Review("made", "made.npz", {split: d.digest for split, d in data}, findings)


def test_decisions_are_applied_and_the_original_stays() -> None:
    data = toy_data()
    before = {split: d.digest for split, d in data}
    reviewed = apply_review(
        data,
        review(("train/1", "relabel", "c"), ("train/2", "drop", None), ("test/0", "keep", None)),
    )
    assert (reviewed.relabelled, reviewed.dropped) == (1, 1)
    assert reviewed.data.train.ids.tolist() == [f"train/{i}" for i in (0, 1, 3, 4, 5, 6, 7)]
    assert reviewed.data.train.labels.tolist() == [0, 2, 0, 1, 2, 0, 1]
    np.testing.assert_array_equal(reviewed.data.train.images[2], data.train.images[3])
    assert reviewed.data.test is not None
    assert data.test is not None
    assert reviewed.data.test.digest == data.test.digest
    assert {split: d.digest for split, d in data} == before


def test_saved_and_read_back(tmp_path: Path) -> None:
    first = review(("train/1", "relabel", "c"), ("train/2", "drop", None))
    first.save(tmp_path / "review.json")
    assert Review.load(tmp_path / "review.json") == first


def test_the_same_decision_twice_is_one() -> None:
    assert (
        apply_review(
            toy_data(), review(("train/2", "drop", None), ("train/2", "drop", None))
        ).dropped
        == 1
    )


@pytest.mark.parametrize(
    ("decisions", "message"),
    [
        (
            [("train/2", "drop", None), ("train/2", "relabel", "a")],
            "train/2 is to be both dropped and relabelled to a",
        ),
        ([("train/99", "drop", None)], "train/99 is not in train of made"),
        ([("train/1", "relabel", "z")], "train/1 is relabelled to z; allowed: a, b, c"),
        ([(f"test/{i}", "drop", None) for i in range(4)], "the review drops every example of test"),
    ],
)
def test_decisions_that_cannot_be_are_refused(
    decisions: list[tuple[str, str, str | None]], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        apply_review(toy_data(), review(*decisions))


def test_other_data_are_refused() -> None:
    other = toy_data()
    changed = DatasetSplits("made", other.train, None, other.train)
    with pytest.raises(DataError, match="is not what was reviewed"):
        apply_review(changed, review(("train/1", "drop", None)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.update(format=2), "has format 2"),
        (lambda d: d.pop("findings"), "is not a review"),
        (
            lambda d: d["findings"][0].update(action="burn"),
            "action is 'burn', expected 'keep' or 'relabel' or 'drop'",
        ),
        (
            lambda d: d["findings"][0].update(action="relabel", to=None),
            "without naming a class",
        ),
        (lambda d: d["findings"][0].pop("split"), "in finding 0; save the review again"),
        (lambda d: d["findings"].insert(0, 3), "in finding 0; save the review again"),
    ],
)
def test_damaged_reviews_are_refused(change: object, message: str, tmp_path: Path) -> None:
    document = review(("train/1", "drop", None)).to_json()
    change(document)  # type: ignore[operator]
    (tmp_path / "r.json").write_text(json.dumps(document))
    with pytest.raises(DataError, match=message):
        Review.load(tmp_path / "r.json")
    with pytest.raises(DataError, match="does not exist"):
        Review.load(tmp_path / "none.json")
