"""The data doctor on real pictures with planted faults."""

from pathlib import Path

import numpy as np
import pytest

from dressform.core.errors import DataError
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.exploration.doctor import MAX_OUTLIERS, examine
from dressform.exploration.group_suggestion import write_groups
from dressform.exploration.out_of_sample import OutOfSample
from dressform.exploration.outliers import find_outliers
from dressform.predictions import Predictions
from tests.data.grouped import grouped


def confident_predictions(
    labels: np.ndarray, wrong: list[int], ids: np.ndarray, names: tuple[str, ...]
) -> Predictions:
    """Predictions that give the labels much, but for the wrong ones, which get the next class."""
    logits = np.random.default_rng(1).normal(size=(len(labels), 10)).astype(np.float32)
    shown = labels.copy()
    shown[wrong] = (shown[wrong] + 1) % 10
    logits[np.arange(len(labels)), shown] += 8
    return Predictions(ids, labels, logits, names)


def test_planted_faults_are_found_and_scored(faulty: DatasetSplits) -> None:
    assert faulty.test is not None
    test = faulty.test
    predictions = confident_predictions(test.labels, [20, 21, 22], test.ids, test.class_names)
    diagnosis = examine(faulty, [OutOfSample("model", predictions)])
    between = {
        (f.id, f.other)
        for f in diagnosis.review.findings
        if f.kind == "duplicate" and f.split == "test"
    }
    assert {(f"test/{i:05d}", f"train/{i:05d}") for i in range(10)} <= between
    assert {f.id for f in diagnosis.review.findings if f.kind == "label"} == {
        f"test/{i:05d}" for i in (20, 21, 22)
    }
    first = next(f for f in diagnosis.review.findings if f.kind == "label")
    assert first.suggested == test.class_names[(test.class_names.index(first.label) + 1) % 10]
    outliers = [f for f in diagnosis.review.findings if f.kind == "outlier" and f.split == "train"]
    assert faulty.train.ids[50] in [f.id for f in outliers[:5]]
    assert all(f.action == "keep" for f in diagnosis.review.findings)
    (score,) = diagnosis.reevaluated
    assert (score.all.value, score.all.n) == (197 / 200, 200)
    assert score.without_suspects is not None
    assert (score.without_suspects.value, score.without_suspects.n) == (1, 197)
    assert score.without_duplicates is not None
    assert score.without_duplicates.n <= 190
    assert diagnosis.counts["suspect labels in test"] == 3
    for split in diagnosis.review.digests:
        listed = [f for f in diagnosis.review.findings if f.kind == "outlier" and f.split == split]
        assert len(listed) == min(MAX_OUTLIERS, diagnosis.counts[f"outliers in {split}"])
    assert score.without_outliers is not None
    assert score.without_outliers.n == 200 - diagnosis.counts["outliers in test"]


def test_predictions_of_other_examples_are_refused(faulty: DatasetSplits) -> None:
    test = faulty.train.take(np.arange(30))
    other = confident_predictions(
        test.labels, [], np.array([f"x{i}" for i in range(30)]), test.class_names
    )
    with pytest.raises(DataError, match="in no split of faulty"):
        examine(faulty, [OutOfSample("strange", other)])
    wrong = confident_predictions((test.labels + 1) % 10, [], test.ids, test.class_names)
    with pytest.raises(DataError, match="lacks the predicted examples"):
        examine(faulty, [OutOfSample("wrong", wrong)])


def test_an_outlier_is_far_from_its_own_class() -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(300, 6)).astype(np.float32)
    labels = np.arange(300) % 3
    values[labels == 1] += 10
    values[4] -= 10  # of class 1, but among the others
    outliers = find_outliers(values, labels)
    assert outliers.order[0] == 4
    assert outliers.score[4] > 3
    assert np.median(outliers.score) == pytest.approx(1, abs=0.05)
    assert (
        find_outliers(np.ones((20, 3), np.float32), np.zeros(20, np.int64)).score.tolist()
        == [1.0] * 20
    )


def test_predictions_belong_to_the_split_whose_labels_they_have(small: DatasetSplits) -> None:
    assert small.test is not None
    ids = np.array([f"{i}" for i in range(200)])
    parts = [
        Dataset(d.images[:200], d.labels[:200], ids, small.class_names)
        for d in (small.train, small.test)
    ]
    data = DatasetSplits("folders", parts[0], None, parts[1])
    for split, part in zip(("train", "test"), parts, strict=True):
        diagnosis = examine(
            data,
            [
                OutOfSample(
                    "model", confident_predictions(part.labels, [3], part.ids, part.class_names)
                )
            ],
        )
        assert diagnosis.reevaluated[0].split == split


def test_a_leaked_test_split_is_listed_and_not_scored_without(small: DatasetSplits) -> None:
    """Every test picture is in train: nothing is left to score, which is no reason to refuse."""
    train = small.train
    leaked = train.take(np.arange(100))
    data = DatasetSplits(
        "leak", train, None, Dataset(leaked.images, leaked.labels, leaked.ids, leaked.class_names)
    )
    diagnosis = examine(
        data,
        [
            OutOfSample(
                "model",
                confident_predictions(leaked.labels, [], leaked.ids, leaked.class_names),
                "test",
            )
        ],
    )
    assert diagnosis.reevaluated[0].split == "test"
    assert diagnosis.reevaluated[0].without_duplicates is None
    assert [label for label, _ in diagnosis.reevaluated[0].scores()] == [
        "all",
        "without suspect labels",
        "without outliers",
    ]
    assert diagnosis.counts["near duplicates between train and test"] >= 100


def test_an_example_suspected_by_two_models_is_listed_once(small: DatasetSplits) -> None:
    assert small.test is not None
    test = small.test
    models = [
        OutOfSample(
            name, confident_predictions(test.labels, [20, other], test.ids, test.class_names)
        )
        for name, other in (("a", 21), ("b", 22))
    ]
    diagnosis = examine(small, models)
    listed = {f.id: f for f in diagnosis.review.findings if f.kind == "label"}
    assert set(listed) == {"test/00020", "test/00021", "test/00022"}
    assert (
        len([f for f in diagnosis.review.findings if f.kind == "label"])
        == diagnosis.counts["suspect labels in test"]
        == 3
    )
    assert "a gives" in listed["test/00020"].reason
    assert "b gives" in listed["test/00020"].reason


def test_only_what_is_unusual_is_an_outlier(small: DatasetSplits) -> None:
    diagnosis = examine(small)
    assert all(f.score >= 1.5 for f in diagnosis.review.findings if f.kind == "outlier")


def test_near_duplicates_and_names_suggest_groups(small: DatasetSplits, tmp_path: Path) -> None:
    """Twenty images are there twice, one a little brighter; of three of them the copy is in
    test.
    """
    images = small.train.images[:100].copy()
    copies = np.clip(images[:20].astype(int) + 6 * (images[:20] > 0), 0, 255).astype(np.uint8)
    names = np.array([f"train/{i % 10}/{i:03d}.png" for i in range(117)])
    train = Dataset(
        np.concatenate([images, copies[:17]]),
        np.concatenate([small.train.labels[:100], small.train.labels[:17]]),
        names,
        small.class_names,
    )
    test = Dataset(
        copies[17:],
        small.train.labels[17:20],
        np.array([f"test/{i}.png" for i in range(3)]),
        small.class_names,
    )
    data = DatasetSplits("copies", train, None, test)
    suggestion = examine(data).suggestion
    assert suggestion is not None
    assert suggestion.near_duplicates >= 20
    assert any("sets of near duplicates that a hold-out or folds" in a for a in suggestion.advice)
    assert "3 of 3 test images are near duplicates of training images" in suggestion.advice[-1]
    groups = suggestion.groups["train"]
    assert all(groups[i] == groups[100 + i] != "" for i in range(17))
    assert groups[17] == suggestion.groups["test"][0] != ""
    write_groups(tmp_path / "groups.csv", Path("/data"), data, suggestion.groups)
    rows = (tmp_path / "groups.csv").read_text().splitlines()
    assert rows[0] == "image,label,group,split"
    assert (
        rows[1]
        == f"/data/train/0/000.png,{small.class_names[small.train.labels[0]]},{groups[0]},train"
    )
    assert len(rows) == 121
    known = DatasetSplits(
        "known",
        grouped(train, [str(i % 100) for i in range(117)]),
        None,
        grouped(test, list("abc")),
    )
    lines = examine(known).suggestion
    assert lines is not None
    assert lines.near_duplicates < suggestion.near_duplicates


def test_data_without_copies_get_no_advice() -> None:
    images = np.random.default_rng(0).integers(0, 256, (30, 12, 12, 1), dtype=np.uint8)
    data = DatasetSplits("noise", Dataset.from_arrays(images, np.arange(30) % 2))
    suggestion = examine(data).suggestion
    assert suggestion is not None
    assert suggestion.advice == ()
    assert set(suggestion.groups["train"].tolist()) == {""}
