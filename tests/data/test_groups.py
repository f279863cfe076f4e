"""Groups: from names and columns, what they imply for splits, and what names suggest."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dressform.core.errors import ConfigError, DataError
from dressform.data import groups as module
from dressform.data.archive import read_archive, write_archive
from dressform.data.audit import check_data
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.folds import make_folds
from dressform.data.group_advice import suggest_groups
from dressform.data.groups import groups_from_names, groups_from_values, inseparable
from dressform.data.review import Finding, Review, apply_review
from dressform.data.splits import hold_out
from tests.data.grouped import grouped


def golden() -> Dataset:
    """150 images in three classes, 60 of them twice or more, as their digests below know them."""
    random = np.random.default_rng(7)
    pixels = random.integers(0, 256, (150, 4, 4), dtype=np.uint8)
    chosen = np.concatenate([np.arange(150), random.integers(0, 150, 60)])
    return Dataset.from_arrays(pixels[chosen], np.arange(150)[chosen] % 3)


def test_without_groups_everything_is_as_it_was() -> None:
    dataset = golden()
    assert dataset.digest == "8c70d3d08b4c4ba1f5f951c4b0af0d2f15af2560346d2769bee6035ffbb6c02c"
    assert (
        hold_out(dataset, 0.2, 3).digest
        == "c55c45121b0909faf046865f8b978122bfe26bcadf4a6a489e021f9bbeb6ae85"
    )
    assert (
        make_folds(dataset, 5, repeat=1, seed=2).digest
        == "b145e7e76e79fb7a3d51bb68a1e63bf3a2db563d4a531b41926bb745b2e82c6f"
    )


def test_groups_enter_the_digest_and_stay_with_their_examples(tmp_path: Path) -> None:
    plain = golden()
    names = [f"g{i % 40}" for i in range(len(plain))]
    dataset = grouped(plain, names)
    other = grouped(plain, [*names[:-1], "g0"])
    assert len({plain.digest, dataset.digest, other.digest}) == 3
    taken = dataset.take(np.array([5, 3]))
    assert taken.groups is not None
    assert taken.groups.tolist() == ["g5", "g3"]
    with pytest.raises(ValueError, match="read-only"):
        dataset.groups[0] = "x"  # type: ignore[index]
    test = grouped(plain, [f"t{i}" for i in range(len(plain))])
    write_archive(tmp_path / "a.npz", DatasetSplits("a", dataset, None, test))
    back = read_archive(tmp_path / "a.npz")
    assert back["train"].digest == dataset.digest
    assert back["test"].digest == test.digest
    write_archive(tmp_path / "b.npz", DatasetSplits("b", plain))
    assert read_archive(tmp_path / "b.npz")["train"].groups is None
    with pytest.raises(DataError, match=r"groups have shape \[3\] for 210 examples"):
        grouped(plain, ["a", "b", "c"])


def test_groups_given_in_memory() -> None:
    images = np.zeros((3, 4, 4), np.uint8)
    numbers = Dataset.from_arrays(images, [0, 0, 0], groups=[7, 8, 7])
    assert numbers.groups is not None
    assert numbers.groups.tolist() == ["7", "8", "7"]
    with pytest.raises(DataError, match=r"groups has None \(NoneType\) for example 1; allowed"):
        Dataset.from_arrays(images, [0, 0, 0], groups=["a", None, "b"])
    with pytest.raises(DataError, match=r"groups has .*nan.* \(float64\) for example 0"):
        Dataset.from_arrays(images, [0, 0, 0], groups=np.array([np.nan, 1, 2]))


def test_a_review_keeps_groups() -> None:
    dataset = grouped(golden(), [f"g{i}" for i in range(210)])
    data = DatasetSplits("d", dataset)
    finding = Finding(
        id=str(dataset.ids[4]),
        split="train",
        kind="label",
        label="0",
        score=0,
        reason="",
        action="drop",
    )
    review = Review("d", "d", {"train": dataset.digest}, (finding,))
    train = apply_review(data, review).data.train
    assert train.groups is not None
    assert train.groups.tolist() == [f"g{i}" for i in range(210) if i != 4]


def test_chains_of_groups_and_equal_images_are_inseparable() -> None:
    images = np.random.default_rng(0).integers(0, 256, (8, 4, 4), dtype=np.uint8)
    images[3], images[6] = images[0], images[4]
    dataset = Dataset.from_arrays(images, [0] * 8, groups=list("aabcbdcd"))
    # a: 0 1; b: 2 4; c: 3 6; d: 5 7; and 0 = 3, 4 = 6 join a, c and b
    assert inseparable(dataset).tolist() == [0, 0, 0, 0, 0, 1, 0, 1]
    assert inseparable(Dataset.from_arrays(images, [0] * 8)).tolist() == [0, 1, 2, 0, 3, 4, 3, 5]


@st.composite
def datasets(draw: st.DrawFn) -> Dataset:
    """Groups of very different sizes over up to five classes, with equal images across them."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    n_groups, classes = draw(st.integers(12, 60)), draw(st.integers(1, 5))
    sizes = (random.pareto(1.2, n_groups) + 1).astype(int).clip(1, 60)
    group = np.repeat(np.arange(n_groups), sizes)
    favourite = random.integers(0, classes, n_groups)
    labels = np.where(
        random.random(len(group)) < 0.6, favourite[group], random.integers(0, classes, len(group))
    )
    images = random.integers(0, 256, (len(group), 4, 4), dtype=np.uint8)
    for _ in range(draw(st.integers(0, 3))):
        images[random.integers(len(group))] = images[random.integers(len(group))]
    order = random.permutation(len(group))
    return Dataset.from_arrays(
        images[order],
        labels[order],
        class_names=[str(k) for k in range(classes)],
        groups=[f"g{g}" for g in group[order]],
    )


@given(datasets(), st.integers(2, 5), st.integers(0, 3))
@settings(deadline=None, max_examples=20)
def test_folds_keep_groups_together(dataset: Dataset, folds: int, seed: int) -> None:
    try:
        splits = make_folds(dataset, folds, seed=seed)
    except DataError as error:
        reason = str(error)
        assert "fewer than" in reason or "fill one fold only" in reason
        return
    every = np.concatenate([splits.test_indices(k) for k in range(folds)])
    assert sorted(every.tolist()) == list(range(len(dataset)))
    unit = inseparable(dataset)
    assert all(len(set(splits.fold[unit == one].tolist())) == 1 for one in range(unit.max() + 1))
    for k in range(folds):
        assert len(splits.test_indices(k))
        trained = set(dataset.labels[splits.train_indices(k)].tolist())
        assert trained == set(dataset.labels.tolist()), "a class is tested that was never seen"
        missing = set(dataset.labels.tolist()) - set(
            dataset.labels[splits.test_indices(k)].tolist()
        )
        assert bool(missing) == any(note.startswith(f"fold {k} ") for note in splits.notes)
    again = make_folds(dataset, folds, seed=seed)
    assert again.digest == splits.digest
    assert np.array_equal(again.fold, splits.fold)


@given(datasets(), st.sampled_from([0.1, 0.2, 0.4]), st.integers(0, 3))
@settings(deadline=None, max_examples=20)
def test_hold_outs_keep_groups_together(dataset: Dataset, fraction: float, seed: int) -> None:
    try:
        split = hold_out(dataset, fraction, seed)
    except DataError as error:
        assert "too few or too large to hold out" in str(error)  # noqa: PT017
        return
    assert sorted([*split.train_indices, *split.held_out_indices]) == list(range(len(dataset)))
    unit = inseparable(dataset)
    assert not set(unit[split.train_indices]) & set(unit[split.held_out_indices])
    assert set(dataset.labels[split.train_indices]) == set(dataset.labels), "a class is held out"
    held = dataset.take(split.held_out_indices).counts
    missing = [name for name, n in zip(dataset.class_names, held, strict=True) if not n]
    if any(dataset.counts[int(name)] for name in missing):
        assert "nothing was held out of some classes" in split.notes[0]
    assert hold_out(dataset, fraction, seed).digest == split.digest


def test_a_hold_out_of_many_small_groups_is_stratified_and_draws_large_ones_too() -> None:
    random = np.random.default_rng(0)
    sizes = np.concatenate([np.full(300, 2), np.full(5, 40)])
    group = np.repeat(np.arange(305), sizes)
    labels = random.integers(0, 4, len(group))
    images = random.integers(0, 256, (len(group), 4, 4), dtype=np.uint8)
    dataset = Dataset.from_arrays(images, labels, groups=[str(g) for g in group])
    with_large = 0
    for seed in range(12):
        held = hold_out(dataset, 0.2, seed).held_out_indices
        fractions = dataset.take(held).counts / dataset.counts
        assert np.abs(fractions - 0.2).max() < 0.02
        with_large += bool((group[held] >= 300).any())
    assert 2 <= with_large <= 11


def test_few_large_groups_give_one_of_them() -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 4, 4), dtype=np.uint8)
    groups = [f"g{i % 5}" for i in range(40)]
    dataset = Dataset.from_arrays(images, np.arange(40) // 20, groups=groups)
    split = hold_out(dataset, 0.05, 0)
    assert len(split.held_out_indices) == 8
    assert split.notes == (
        "no fewer than 8 of 40 examples (20%) could be held out, a whole group, where 5% were "
        "requested",
    )


def test_repeats_divide_otherwise() -> None:
    random = np.random.default_rng(0)
    group = np.repeat(np.arange(60), random.integers(1, 30, 60))
    images = random.integers(0, 256, (len(group), 4, 4), dtype=np.uint8)
    dataset = Dataset.from_arrays(
        images, random.integers(0, 3, len(group)), groups=[str(g) for g in group]
    )
    folds = [make_folds(dataset, 5, repeat=r) for r in range(4)]
    assert len({f.digest for f in folds}) == 4
    together = [
        (f.fold[:, None] == f.fold[None]).ravel() for f in folds
    ]  # whatever the folds are numbered
    for other in together[1:]:
        assert (together[0] & other).sum() < 0.6 * together[0].sum()


def test_a_class_in_too_few_groups() -> None:
    images = np.random.default_rng(0).integers(0, 256, (60, 4, 4), dtype=np.uint8)
    labels = np.repeat([0, 1], [40, 20])
    groups = [f"a{i % 20}" for i in range(40)] + [f"b{i % 3}" for i in range(20)]
    dataset = Dataset.from_arrays(images, labels, class_names=["hat", "bag"], groups=groups)
    with pytest.raises(
        DataError,
        match="class bag is in 3 groups, fewer than 5 folds; give images of other groups, fewer "
        "folds, or leave the class out",
    ):
        make_folds(dataset, 5)
    assert len(make_folds(dataset, 3).fold) == 60
    whole = Dataset.from_arrays(images, labels, groups=["one"] * 60)
    with pytest.raises(DataError, match="1 groups? of 60 .*too few or too large to hold out 10%"):
        hold_out(whole, 0.1, 0)


def test_groups_from_names() -> None:
    ids = ["a/sku1_0.jpg", "a/sku1_1.jpg", "b/x.jpg", "b/sku2_0.jpg"]
    groups, notes = groups_from_names(ids, r"(sku\d+)_")
    assert groups.tolist() == ["sku1", "sku1", "b/x.jpg", "sku2"]
    assert notes == (
        '3 of 4 images are in 2 groups by the pattern "(sku\\d+)_"; the others do not match (such '
        "as b/x.jpg), so each is a group of its own",
    )
    whole, notes = groups_from_names(ids[:2], r"sku\d+_\d")
    assert whole.tolist() == ["sku1_0", "sku1_1"]
    assert notes == ('2 of 2 images are in 2 groups by the pattern "sku\\d+_\\d"',)
    folders, _ = groups_from_names(["s7/a.jpg", "s8/a.jpg"], r"^(s\d)/")
    assert folders.tolist() == ["s7", "s8"]
    own, _ = groups_from_names(["u", "v/u", "w/u_"], r"(u)_|xyz")
    assert len(set(own.tolist())) == 3, "an id that equals a group stays a group of its own"
    accents, _ = groups_from_names(["ne\u0301_1", "n\u00e9_2"], r"^(.+)_")
    assert len(set(accents.tolist())) == 1, "two spellings of one name in Unicode are one"


def test_patterns_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r'groups is "\(a", which is not a regular expression'):
        groups_from_names(["a"], "(a")
    with pytest.raises(ConfigError, match=r'"b" *, which matches none of 1 names \(such as a\)'):
        groups_from_names(["a"], "b")
    monkeypatch.setattr(module, "MAX_SECONDS", 1)
    with pytest.raises(ConfigError, match=r"takes more than 1 s to match 1 names; write it"):
        groups_from_names(["a" * 60 + "!"], "(a+)+$")


def test_groups_from_a_column() -> None:
    groups, notes = groups_from_values(["p", "q", "r", "s"], ["7", " 7", "", None], "column sender")
    assert groups.tolist() == ["7", "7", "r", "s"]
    assert notes[0].startswith("2 of 4 images are in 1 groups by column sender; the others have no")
    with pytest.raises(ConfigError, match="column sender has no value in any row; name a column"):
        groups_from_values(["p"], [" "], "column sender")


@pytest.mark.parametrize(
    ("names", "pattern", "count"),
    [
        (
            [f"{k}/IMG_{i:04d}{c}.jpg" for k in "ab" for i in range(6) for c in ("", " (1)")],
            r"([^/]+/IMG_\d+)",
            12,
        ),
        (
            [f"{k}/IMG_{i:04d}.jpg" for k in ("train/a", "train/b") for i in range(6)]
            + [f"{k}/IMG_{i:04d} (1).jpg" for k in ("test/a", "test/b") for i in range(6)],
            r"([^/]+/IMG_\d+)",
            12,
        ),
        (
            [f"{k}/1/IMG_{i}{c}.jpg" for k in "ab" for i in range(6) for c in ("", " (1)")],
            r"^(.*/IMG_\d+)",
            12,
        ),
        (
            [f"{k}/{i}.jpg" for k in "ab" for i in range(6)]
            + [f"a/{c}{s}.jpg" for c in "xyz" for s in ("p", "p (1)")],
            None,
            3,
        ),
        (
            [f"{k}/{n}_{v}.png" for k in "ab" for n in ("jo", "al") for v in ("front", "back")],
            None,
            4,
        ),
    ],
)
def test_counters_of_two_folders_are_no_groups(
    names: list[str], pattern: str | None, count: int
) -> None:
    """A camera starts again in each folder, so what belongs together is in one folder."""
    found = suggest_groups(names, np.array(["a/" in name for name in names]).astype(np.int64))
    assert found is not None
    assert found.count == count
    assert pattern is None or found.pattern == pattern
    groups, _ = groups_from_names(names, found.pattern)
    assert np.array_equal(
        groups[:, None] == groups[None], found.groups[:, None] == found.groups[None]
    )
    for group in set(groups.tolist()):
        assert len({"a/" in name for name in np.array(names)[groups == group]}) == 1


def test_advice_on_groups_shows_paths_that_differ() -> None:
    images = np.random.default_rng(0).integers(0, 256, (24, 4, 4), dtype=np.uint8)
    ids = [f"{k}/IMG_{i:04d}{c}.jpg" for k in "ab" for i in range(6) for c in ("", " (1)")]
    data = DatasetSplits("d", Dataset.from_arrays(images, [0] * 12 + [1] * 12, ids=ids))
    assert check_data(data).advice == [
        "24 images look like 12 groups of copies (such as a/IMG_0000.jpg and a/IMG_0000 (1).jpg); "
        "groups='([^/]+/IMG_\\\\d+)' keeps each group on one side of every split"
    ]


BURSTS = [f"a/00{j}IMG_00{j}_BURST20190101{i:09d}.jpg" for i in range(9) for j in range(3)]


@pytest.mark.parametrize(
    ("names", "pattern", "count"),
    [
        ([f"a/sku{i:03d}_{j}.jpg" for i in range(20) for j in range(4)], r"(sku\d+)", 20),
        ([f"a/2023-01-{d:02d}_{i}.png" for d in range(20) for i in range(5)], r"^(.+)_\d+\.", 20),
        ([f"a/IMG_{i:04d}{c}.jpg" for i in range(9) for c in ("", " (2)")], r"(IMG_\d+)", 9),
        ([f"a/x{c}{i}{s}.jpg" for c in "pq" for i in range(9) for s in ("", " - Copy")], None, 18),
        (BURSTS, r"(BURST\d+)", 9),
        ([f"{i}y_jpg.rf.{i * 3 + j:032x}.jpg" for i in range(9) for j in range(3)], None, 9),
        ([f"a/{n}_{v}.png" for n in ("jo", "al", "di") for v in ("front", "back")], None, 3),
    ],
)
def test_names_that_suggest_groups(names: list[str], pattern: str | None, count: int) -> None:
    found = suggest_groups(names, np.zeros(len(names), np.int64))
    assert found is not None
    assert found.count == count
    assert pattern is None or found.pattern == pattern
    groups, _ = groups_from_names(names, found.pattern)
    same = groups[:, None] == groups[None]
    assert np.array_equal(same, found.groups[:, None] == found.groups[None]), (
        "the suggested pattern makes other groups than were counted"
    )


@pytest.mark.parametrize(
    "names",
    [
        [f"train/{i:05d}" for i in range(90)],
        [f"a/IMG_{i:04d}.jpg" for i in range(90)],
        [f"a/shirt_{i}.jpg" for i in range(90)],
        [f"a/shirt ({i}).jpg" for i in range(90)],
        [f"a/IMG_20190101_{i:06d}.jpg" for i in range(90)],
        [f"a/4285fab0-751a-4b74-8e9b-{i:012x}.jpg" for i in range(90)],
        [f"a/{' copy' * 200}{i}" for i in range(90)],
    ],
)
def test_names_that_suggest_nothing(names: list[str]) -> None:
    assert suggest_groups(names, np.zeros(len(names), np.int64)) is None


def test_an_audit_advises_groups_and_names_those_that_splits_share() -> None:
    images = np.random.default_rng(0).integers(0, 256, (60, 4, 4), dtype=np.uint8)
    ids = np.array([f"shoe/sku{i // 3}_{i % 3}.jpg" for i in range(60)])

    def part(rows: slice, groups: bool) -> Dataset:
        dataset = Dataset.from_arrays(images[rows], [0] * len(ids[rows]), ids=ids[rows].tolist())
        return grouped(dataset, [i.partition("_")[0] for i in ids[rows]]) if groups else dataset

    plain = check_data(
        DatasetSplits("d", part(slice(0, 40), False), None, part(slice(40, 60), False))
    )
    assert plain.problems == []
    assert plain.groups == {}
    assert plain.advice == [
        "60 images look like 20 groups of numbered images (such as sku0_0.jpg and sku0_1.jpg); "
        "groups='(sku\\\\d+)' keeps each group on one side of every split",
        "by these names, 1 groups are in both train and test (such as sku13), so test is not "
        "unseen",
    ]
    known = check_data(
        DatasetSplits("d", part(slice(0, 40), True), None, part(slice(40, 60), True))
    )
    assert known.groups == {"train": 14, "test": 7}
    assert known.advice == []
    assert known.problems == [
        "1 groups are in both train and test (such as shoe/sku13), so test is not unseen"
    ]
