import gzip
import sys
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dressform.core.errors import DataError
from dressform.predictions import Predictions, load_predictions, save_predictions

IDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@st.composite
def predictions_of_any_kind(draw: st.DrawFn) -> Predictions:
    n, k = draw(st.integers(1, 6)), draw(st.integers(2, 12))
    ids = draw(st.lists(IDS, min_size=n, max_size=n, unique=True))
    labels = draw(st.lists(st.integers(0, k - 1), min_size=n, max_size=n))
    logits = draw(arrays(np.float32, (n, k), elements=st.floats(-1e4, 1e4, width=32)))
    return Predictions(
        np.array(ids, np.str_),
        np.array(labels),
        logits,
        tuple(str(i) for i in range(k)),
        temperature=draw(st.sampled_from([1.0, 0.7, 30.0])),
    )


@pytest.mark.parametrize("suffix", [".npz", ".csv", ".csv.gz", ".tsv", ".jsonl.gz", ".parquet"])
@given(first=predictions_of_any_kind())
@example(
    first=Predictions(
        np.array(['a,"\r', " \n", ""]),
        np.array([0, 1, 1]),
        np.eye(3, 2, dtype=np.float32),
        ("0", "1"),
    )
)
@settings(deadline=None, max_examples=60)
def test_what_is_saved_is_loaded(
    suffix: str, first: Predictions, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("p") / f"p{suffix}"
    save_predictions(first, path)
    second = load_predictions(path)
    assert second.ids.tolist() == first.ids.tolist()
    assert second.labels.tolist() == first.labels.tolist()
    assert second.predicted.tolist() == first.predicted.tolist()
    assert second.class_names == first.class_names
    np.testing.assert_allclose(second.probabilities, first.probabilities, rtol=0, atol=1e-6)


def test_a_path_may_be_text(tmp_path: Path) -> None:
    scores = np.array([[0.9, 0.1], [0.2, 0.8]])
    saved = Predictions.from_probabilities(["a", "b"], [0, 1], scores, ("x", "y"))
    saved.save(str(tmp_path / "p.npz"))
    assert np.array_equal(Predictions.load(str(tmp_path / "p.npz")).logits, saved.logits)


def test_equals_after_rounding_keep_the_most_likely_class(tmp_path: Path) -> None:
    near = np.array([[0.5, 0.5 + 1e-12], [0.5 + 1e-12, 0.5]])
    assert Predictions.from_probabilities(
        ["a", "b"], [0, 1], near, ("x", "y")
    ).predicted.tolist() == [1, 0]
    tiny = Predictions(
        np.array(["a"]), np.array([0]), np.array([[1e-30, 2e-30]], np.float32), ("0", "1")
    )
    save_predictions(tiny, tmp_path / "p.csv")
    assert load_predictions(tmp_path / "p.csv").predicted.tolist() == [1]


def test_sixty_thousand_rows(tmp_path: Path) -> None:
    labels = np.arange(60_000) % 10
    rows = "".join(
        f"{label},{','.join('0.55' if k == label else '0.05' for k in range(10))}\n"
        for label in labels
    )
    (tmp_path / "p.csv").write_text("label," + ",".join(f"p{k}" for k in range(10)) + "\n" + rows)
    loaded = load_predictions(tmp_path / "p.csv")
    assert np.array_equal(loaded.predicted, labels)
    assert loaded.ids[[0, 59_999]].tolist() == ["00000", "59999"]


@pytest.mark.parametrize(
    "content",
    [
        b"id,label,p0,p1\nx,0,0.25,0.75\ny,1,0.5,0.5\n",
        b"\xef\xbb\xbfid,label,p0,p1\r\nx,0,0.25,0.75\r\n\r\ny,1,0.5,0.5",
        b'"p1","p0","note","label","id"\n0.75,.25,"a,b",0,x\n5e-1,0.5,,1.0,"y"\n',
    ],
)
def test_csv_as_programs_write_it(content: bytes, tmp_path: Path) -> None:
    for name, data in (
        ("p.csv", content),
        ("P.CSV", content),
        ("p.csv.gz", gzip.compress(content)),
        ("q.csv", gzip.compress(content)),
    ):
        (tmp_path / name).write_bytes(data)
        loaded = load_predictions(tmp_path / name)
        assert loaded.ids.tolist() == ["x", "y"]
        assert loaded.labels.tolist() == [0, 1]
        np.testing.assert_allclose(loaded.probabilities, [[0.25, 0.75], [0.5, 0.5]], atol=1e-7)


def test_logits_are_taken_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("label,logit0,logit1,logit2\n2,-3,0.5,7\n")
    loaded = load_predictions(str(tmp_path / "p.csv"))
    assert loaded.logits.tolist() == [[-3, 0.5, 7]]
    assert loaded.class_names == ("0", "1", "2")


def _parquet(path: Path, **columns: object) -> Path:
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return path


def test_parquet_as_programs_write_it(tmp_path: Path) -> None:
    columns = {
        "label": np.array([1, 0], np.uint8),
        "logit1": np.array([1, 2], np.float16),
        "logit0": np.array([3, 4], np.float32),
        "split": ["test", "test"],
    }
    ids = {
        "text": ["7", "8"],
        "numbers": np.array([7, 8]),
        "categories": pyarrow.array(["7", "8"]).dictionary_encode(),
    }
    for kind, column in ids.items():
        loaded = load_predictions(_parquet(tmp_path / f"{kind}.parquet", id=column, **columns))
        assert loaded.ids.tolist() == ["7", "8"]
        assert loaded.labels.tolist() == [1, 0]
        assert loaded.logits.tolist() == [[3, 1], [4, 2]]
    assert load_predictions(_parquet(tmp_path / "none.parquet", **columns)).ids.tolist() == [
        "00000",
        "00001",
    ]


def test_the_form_is_told_by_the_first_bytes_where_the_name_is_silent(tmp_path: Path) -> None:
    first = Predictions(
        np.array(["a", "b"]), np.array([0, 1]), np.eye(2, dtype=np.float32), ("0", "1")
    )
    for suffix in (".npz", ".parquet"):
        save_predictions(first, tmp_path / f"p{suffix}")
        (tmp_path / f"p{suffix}").rename(tmp_path / "p.dat")
        assert load_predictions(tmp_path / "p.dat").predicted.tolist() == [0, 1]
    (tmp_path / "p.txt").write_text("label,p0,p1\n")
    with pytest.raises(
        DataError,
        match=r"p.txt has an unknown format \(it starts with b'labe'\); allowed: .npz, .csv, "
        r".tsv, .jsonl \(each",
    ):
        load_predictions(tmp_path / "p.txt")
    with pytest.raises(DataError, match=r"p.txt has an unknown format; allowed: .npz, .csv"):
        save_predictions(first, tmp_path / "p.txt")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "p.csv is empty; expected a column label, and a column per class"),
        (" \n\n", "p.csv is empty; expected a column label, and a column per class"),
        ("label,p0,p1\n", "has a header but no rows; give one row per example"),
        (
            "id,p0,p1\na,1,0\n",
            r"has columns id, p0, p1; expected a column label, and a column per class \(p0, p1, "
            r"…; log",
        ),
        ("id,label,prob\na,1,0\n", "has columns id, label, prob; expected a column label"),
        ("0,0.5,0.5\n", r"has columns 0, 0.5, 0.5; expected a column label"),
        ("label/p0/p1\n1/1/0\n", "has columns label/p0/p1; expected a column label"),
        (",".join(f"c{i}" for i in range(99)), r"c18, c19, … \(99 in all\); expected"),
        (
            "label,p0,p1,logit0\n1,0,1,4\n",
            "has both p0 and logit0; give probabilities or logits, not both",
        ),
        (
            "label,p0,p2\n0,0.5,0.5\n",
            "has p2 but no p1; give one column per class, from p0 without gaps",
        ),
        (
            "label,logit1,logit2\n1,1,1\n",
            "has logit1 but no logit0; give one column per class, from logit0",
        ),
        (
            "label,p0\n0,1\n",
            r"has only one class column \(p0\); give one per class, both for a binary model",
        ),
        ("label,p0,p1,p1\n0,1,0,0\n", "has two columns named p1; keep one"),
        (
            "label,p0,p1\n0,1,0\n1,1\n",
            "line 3 has 2 cells but the header has 3; the file is truncated",
        ),
        ("label,p0,p1\n0,1,0\n\n1,x,1\n", "line 4 has 'x' in column p0; allowed: a number"),
        ("label,p0,p1\n0,1,0\n,0,1\n", "line 3 has no value in column label; add it or"),
        ("label,p0,p1\n0.5,0,1\n", "line 2 has label 0.5; allowed: whole numbers from 0"),
        ("label,p0,p1\nnan,0,1\n", "line 2 has label nan; allowed: whole numbers"),
        ("label,p0,p1\ninf,0,1\n", "line 2 has label inf; allowed: whole numbers"),
        (
            "id,label,p0,p1\na,0,1,0\nb,1,nan,1\n",
            "p.csv: probabilities of example b are not finite; allowed: 0 to 1",
        ),
        (
            "id,label,p0,p1\na,0,1,0\nb,1,inf,1\n",
            "p.csv: probabilities of example b are not finite; allowed: 0 to 1",
        ),
        (
            "id,label,p0,p1\na,0,1,0\nb,1,-0.1,1.1\n",
            "p.csv: probabilities of example b range from -0.1 to 1.1; allowed: 0 to 1",
        ),
        (
            "id,label,p0,p1,p2\nb,1,-0.0001,1,0\n",
            "example b range from -0.0001 to 1; allowed: 0 to 1",
        ),
        (
            "id,label,p0,p1\na,0,1,0\nb,1,0.2,0.7\n",
            "example b add up to 0.9; allowed: 1 within 0.001, so apply softmax",
        ),
        (
            "id,label,logit0,logit1\na,0,1,0\nb,1,inf,1\n",
            "p.csv: logits of example b are not finite",
        ),
        (
            "id,label,logit0,logit1\na,0,1,0\nb,1,1e39,1\n",
            "p.csv: logits of example b are not finite",
        ),
        (
            "id,label,p0,p1\na,0,1,0\nb,0,1,0\na,0,1,0\n",
            r"ids are not unique \('a' in line 2 and line 4\); give each example",
        ),
        (
            "id,label,p0,p1\na,0,1,0\nb,2,1,0\n",
            r"0 to 2; allowed: 0 to 1 .*\(example b has label 2\); give the missing",
        ),
        (
            "label,p0,p1\n-1,1,0\n",
            r"allowed: 0 to 1 for 2 classes \(example 00000 has label -1\); .* number labels from "
            r"0",
        ),
        ("id,label,p0,p1\n" + "a" * 200_000, "line 2 is not CSV .field larger than field limit"),
    ],
)
def test_tables_that_are_no_predictions(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message) as caught:
        load_predictions(tmp_path / "p.csv")
    assert "\n" not in str(caught.value)
    assert str(tmp_path / "p.csv") in str(caught.value)


def test_ten_classes_of_which_one_is_missing(tmp_path: Path) -> None:
    rows = "".join(f"{label},{','.join(['1', *'0' * 8])}\n" for label in range(10))
    (tmp_path / "p.csv").write_text("label," + ",".join(f"p{k}" for k in range(9)) + "\n" + rows)
    with pytest.raises(
        DataError,
        match=r"go from 0 to 9; allowed: 0 to 8 for 9 classes \(example 00009 has label 9\); give "
        r"the miss",
    ):
        load_predictions(tmp_path / "p.csv")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_text("label,p0,p1\né,1,0\n", encoding="latin-1")
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(b"label,p0,p1\n0,1,0\n" * 100)[:-12])
    (tmp_path / "text.parquet").write_text("label,p0,p1\n0,1,0\n")
    (tmp_path / "empty.parquet").touch()
    whole = _parquet(tmp_path / "whole.parquet", label=[0], p0=[1.0], p1=[0.0]).read_bytes()
    (tmp_path / "cut.parquet").write_bytes(whole[:-40])
    (tmp_path / "folder.csv").mkdir()
    for name, message in (
        ("latin.csv", r"is not UTF-8 text \(byte 12\); save it in UTF-8"),
        ("cut.csv.gz", "is a damaged gzip file"),
        (
            "text.parquet",
            "is not a Parquet file .it starts with b'labe'.; write one with a column label",
        ),
        ("empty.parquet", "is not a Parquet file .it starts with b''"),
        ("cut.parquet", "is a damaged Parquet file"),
        ("folder.csv", "cannot be read: Is a directory"),
        ("absent.csv", "cannot be read: No such file"),
        ("absent.parquet", "cannot be read: No such file"),
        ("absent.npz", "does not exist"),
        ("absent", "cannot be read: No such file"),
    ):
        with pytest.raises(DataError, match=message) as caught:
            load_predictions(tmp_path / name)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"label": [0], "p0": [1.0]}, "has only one class column"),
        (
            {"label": [0], "p0": ["most"], "p1": [0.0]},
            "row 1 has 'most' in column p0; allowed: a number",
        ),
        (
            {"label": ["a"], "p0": [1.0], "p1": [0.0]},
            r"has labels a \(1 class\) but the 2 class columns p0 to p1",
        ),
        (
            {"id": [0.5], "label": [0], "p0": [1.0], "p1": [0.0]},
            "row 1 has 0.5 in column id; allowed: text or whole numbers",
        ),
        (
            {"label": [0, 1], "p0": [1.0, None], "p1": [0.0, 1.0]},
            "row 2 has no value in column p0; add it",
        ),
        (
            {"id": ["a", None], "label": [0, 1], "p0": [1.0, 0.0], "p1": [0.0, 1.0]},
            "row 2 has no value in column id",
        ),
        (
            {"label": [0, 0.5], "p0": [1.0, 1.0], "p1": [0.0, 0.0]},
            "row 2 has label 0.5; allowed: whole numbers from 0",
        ),
        (
            {"label": [0], "p0": [0.5], "p1": [0.4]},
            "p.parquet: probabilities of example 00000 add up to 0.9",
        ),
        (
            {
                "label": pyarrow.array([], "int64"),
                "p0": pyarrow.array([], "double"),
                "p1": pyarrow.array([], "double"),
            },
            "no rows",
        ),
    ],
)
def test_parquet_that_is_no_predictions(
    columns: dict[str, object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        load_predictions(_parquet(tmp_path / "p.parquet", **columns))


def test_parquet_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _parquet(tmp_path / "p.parquet", label=[0], p0=[1.0], p1=[0.0])
    loaded = load_predictions(path)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    message = "needs pyarrow; install it with pip install .dressform.parquet.., or use CSV"
    with pytest.raises(DataError, match=message):
        load_predictions(path)
    with pytest.raises(DataError, match=message):
        save_predictions(loaded, tmp_path / "q.parquet")


@pytest.mark.parametrize(
    ("probabilities", "message"),
    [
        ([[1, 0], [0.2, 0.7]], "probabilities of example {} add up to 0.9"),
        ([[1, 0], [-0.5, 1.5]], "probabilities of example {} range from -0.5 to 1.5"),
        ([[1, 0], [0, np.nan]], "probabilities of example {} are not finite"),
    ],
)
def test_npz_and_arrays_are_held_to_the_same_rules(
    probabilities: list[list[float]], message: str, tmp_path: Path
) -> None:
    np.savez(tmp_path / "p.npz", labels=[0, 0], probabilities=np.array(probabilities, float))
    with pytest.raises(DataError, match=message.format("00001")) as caught:
        load_predictions(tmp_path / "p.npz")
    assert str(tmp_path / "p.npz") in str(caught.value)
    names = ["x", "y"][: len(probabilities[0])]
    with pytest.raises(DataError, match=message.format("b")):
        Predictions.from_probabilities(["a", "b"], [0, 0], np.array(probabilities, float), names)


def test_rounded_probabilities_are_taken() -> None:
    thirds = np.array([[0.333, 0.333, 0.3335], [0.5, 0.5, 1e-7 - 1e-7]])
    loaded = Predictions.from_probabilities(["a", "b"], [0, 1], thirds, ["x", "y", "z"])
    np.testing.assert_allclose(
        loaded.probabilities, thirds / thirds.sum(axis=1, keepdims=True), atol=1e-6
    )
    exact = np.random.default_rng(0).dirichlet(np.ones(10), 500)
    half = exact.astype(np.float16)
    assert np.array_equal(
        Predictions.from_probabilities(
            [str(i) for i in range(500)], [0] * 500, half, list("abcdefghij")
        ).predicted,
        half.argmax(axis=1),
    )


def test_shapes_that_disagree_and_nothing_at_all() -> None:
    with pytest.raises(
        DataError, match=r"have 2 ids, labels \[1\] and logits \[1, 2\] for 2 classes"
    ):
        Predictions.from_probabilities(["a", "b"], [0], np.array([[0.5, 0.5]]), ["x", "y"])
    with pytest.raises(DataError, match="predictions have no examples; give at least one"):
        Predictions.from_probabilities([], [], np.empty((0, 2)), ["x", "y"])
