"""Tables as other programs write them: names of classes, hard predictions, rounding, dialects."""

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from dressform.core.errors import DataError
from dressform.evaluation.compare import PredictionSet, compare
from dressform.evaluation.evaluate import evaluate
from dressform.predictions import Predictions, load_predictions, save_predictions

BIRDS = ("heron", "owl", "rook", "wren")
ROWS = (
    ("a", "owl", 0.2, 0.7, 0.05, 0.05),
    ("b", "heron", 0.9, 0.0, 0.1, 0.0),
    ("c", "rook", 0.3, 0.3, 0.15, 0.25),
)
"""No wren occurs; ids, labels and probabilities of the birds."""


def _expect_birds(loaded: Predictions) -> None:
    assert loaded.class_names == BIRDS
    assert loaded.ids.tolist() == ["a", "b", "c"]
    assert loaded.labels.tolist() == [1, 0, 2]
    np.testing.assert_allclose(loaded.probabilities, [row[2:] for row in ROWS], atol=1e-6)


def _csv(separator: str = ",", prefix: str = "", comma: str = ".") -> str:
    head = ["id", "label", *(prefix + bird for bird in BIRDS)]
    rows = [[i, y, *(f"{v}".replace(".", comma) for v in p)] for i, y, *p in ROWS]
    return "".join(separator.join(map(str, row)) + "\n" for row in [head, *rows])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.csv", _csv().encode()),
        ("p.csv", _csv().encode("utf-8-sig")),
        ("p.csv", _csv().encode("utf-16")),
        ("p.csv", _csv(";").encode()),
        ("p.csv", _csv(";", comma=",").encode("utf-16")),
        ("p.csv", _csv("\t").encode()),
        ("p.tsv", _csv("\t").encode()),
        ("p.csv", _csv("|").replace("\n", "\r\n").encode()),
        ("p.csv.gz", gzip.compress(_csv().encode(), mtime=0)),
        ("p.tsv.gz", gzip.compress(_csv("\t").encode(), mtime=0)),
        ("p.csv", _csv(prefix="prob_").encode()),
        ("p.csv", _csv(prefix="p ").encode()),
        ("p.csv", _csv().replace("id,label", "image_id,True_Label").encode()),
        (
            "p.jsonl",
            "".join(
                json.dumps({"id": i, "label": y} | dict(zip(BIRDS, p, strict=True))) + "\n"
                for i, y, *p in ROWS
            ).encode(),
        ),
        (
            "p.ndjson.gz",
            gzip.compress(
                "\n\n".join(
                    json.dumps(
                        {"label": y, "probabilities": dict(zip(BIRDS, p, strict=True)), "id": i}
                    )
                    for i, y, *p in ROWS
                ).encode(),
                mtime=0,  # the test's name has these bytes, and must be the same in each worker
            ),
        ),
    ],
)
def test_the_names_of_classes_as_columns_in_every_dialect(
    name: str, content: bytes, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    _expect_birds(load_predictions(tmp_path / name))


def test_parquet_with_names_and_a_categorical_label(tmp_path: Path) -> None:
    columns = {bird: [row[2 + k] for row in ROWS] for k, bird in enumerate(BIRDS)}
    table = pyarrow.table(
        {
            "id": [row[0] for row in ROWS],
            "label": pyarrow.array([row[1] for row in ROWS]).dictionary_encode(),
            "seen": pyarrow.array([True, False, True]),
            "remark": pyarrow.array([None, "x", "y"]),
            **columns,
        }
    )
    pyarrow.parquet.write_table(table, tmp_path / "p.parquet")
    _expect_birds(load_predictions(tmp_path / "p.parquet"))


def test_further_columns_of_numbers_are_no_classes_and_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "p.csv").write_text(
        "id,fold,label,owl,rook,loss\na,0,owl,0.75,0.25,0.3\nb,1,rook,0.5,0.5,0.7\n"
    )
    loaded = load_predictions(tmp_path / "p.csv")
    assert loaded.class_names == ("owl", "rook")
    assert "other columns were ignored: fold, loss" in caplog.text


def test_a_class_without_examples_is_not_dropped_from_logits(tmp_path: Path) -> None:
    """Without its column, the model would be right more often."""
    rows = "rook,-1.5,3,5\nowl,4,0.5,9\n"
    (tmp_path / "p.csv").write_text(f"label,owl,rook,wren\n{rows}")
    (tmp_path / "q.csv").write_text(f"label,logit_owl,logit_rook,logit_wren\n{rows}")
    with pytest.raises(DataError, match=r"further columns of numbers \(wren\), which may be cl"):
        load_predictions(tmp_path / "p.csv")
    loaded = load_predictions(tmp_path / "q.csv")
    assert loaded.class_names == ("owl", "rook", "wren")
    assert loaded.predicted.tolist() == [2, 2]


def test_commas_in_ids_are_no_decimal_points(tmp_path: Path) -> None:
    (tmp_path / "p.tsv").write_text("id\tlabel\tp0\tp1\n1,5\t0\t0,75\t0,25\n1.5\t1\t0,5\t0,5\n")
    loaded = load_predictions(tmp_path / "p.tsv")
    assert loaded.ids.tolist() == ["1,5", "1.5"]
    np.testing.assert_allclose(loaded.probabilities, [[0.75, 0.25], [0.5, 0.5]])


def test_a_line_of_json_with_another_class_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.jsonl").write_text(
        '{"label": 0, "logits": [1, 2]}\n{"label": 1, "logits": [1, 2, 9]}\n'
    )
    with pytest.raises(DataError, match="line 2 has logit2, which the first object lacks"):
        load_predictions(tmp_path / "p.jsonl")


def test_logits_may_have_names_too(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("label,owl,rook\nrook,-1.5,3\nowl,4,0.5\n")
    (tmp_path / "q.csv").write_text("label,logit_owl,logit_rook\nrook,1.5,3\nowl,4,0.5\n")
    assert load_predictions(tmp_path / "p.csv").logits.tolist() == [[-1.5, 3], [4, 0.5]]
    assert load_predictions(tmp_path / "q.csv").logits.tolist() == [[1.5, 3], [4, 0.5]]


def test_two_spellings_of_one_name_are_one(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("label,cafe\u0301,tea\ncaf\u00e9,0.75,0.25\ntea,0.5,0.5\n")
    loaded = load_predictions(tmp_path / "p.csv")
    assert loaded.class_names == ("caf\u00e9", "tea")
    assert loaded.labels.tolist() == [0, 1]


def test_numbers_as_labels_are_positions_of_named_columns_and_names_of_numbered_ones(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "p.csv").write_text("label,owl,rook,wren\n2.0,0.2,0.2,0.6\n0,1,0,0\n")
    loaded = load_predictions(tmp_path / "p.csv")
    assert (loaded.class_names, loaded.labels.tolist()) == (("owl", "rook", "wren"), [2, 0])
    assert "labels 0 to 2 were taken as owl, rook, wren" in caplog.text
    (tmp_path / "q.csv").write_text("label,3,5,8\n5,0.2,0.2,0.6\n8,1,0,0\n")  # as pandas does
    loaded = load_predictions(tmp_path / "q.csv")
    assert (loaded.class_names, loaded.labels.tolist()) == (("3", "5", "8"), [1, 2])


def test_names_as_labels_of_numbered_columns_are_in_alphabetical_order(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "p.csv").write_text("label,p0,p1\nwren,0.25,0.75\nrook,1,0\n")
    loaded = load_predictions(tmp_path / "p.csv")
    assert (loaded.class_names, loaded.labels.tolist()) == (("rook", "wren"), [1, 0])
    assert "p0 to p1 were taken as rook, wren, the labels in alphabetical order" in caplog.text
    (tmp_path / "q.csv").write_text("label,p0,p1,p2\nwren,0.25,0.75,0\nrook,1,0,0\n")
    with pytest.raises(
        DataError,
        match=r"labels rook, wren \(2 classes\) but the 3 class columns p0 to p2; name these col",
    ):
        load_predictions(tmp_path / "q.csv")


def test_a_label_without_its_column_is_named(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("label,owl,rook\nowl,0.75,0.25\ncrow,0.5,0.5\n")
    with pytest.raises(
        DataError, match="has label crow without a column of that name; class columns: owl, rook"
    ):
        load_predictions(tmp_path / "p.csv")


def test_percentages_are_no_logits(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("label,owl,rook\nowl,75,25\nrook,50,50\n")
    with pytest.raises(DataError, match="has percentages, which add up to 100; divide them by 100"):
        load_predictions(tmp_path / "p.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "label,owl,rook\nowl,0.75,0.25\nrook,,0.5\n",
            "p.csv line 3 has no value in column owl; add it or remove the row",
        ),
        (
            "label,owl,rook\nowl,57.9%,42.1%\nrook,50%,50%\n",
            "p.csv line 2 has '57.9%' in column owl; allowed: a number; write 0.579",
        ),
        ("label,p_owl,p_rook\nowl,0.75,0.25\nrook,0.5,50 %\n", "line 3 has '50 %' in column p_ro"),
        (
            "label,logit_owl,logit_rook\nowl,7,2\nrook,4,n/a\n",
            "line 3 has 'n/a' in column logit_ro",
        ),
        (
            "label,p0,p1\n0,0.75,25%\n",
            "line 2 has '25%' in column p1; allowed: a number; write 0.25",
        ),
        ("label;owl;rook\nowl;0,75;0,25\nrook;0,5;12,5%\n", "line 3 has '12,5%' .* write 0.125"),
        ("label,owl,rook\n0,75%,25%\n1,50%,50%\n", "line 2 has '75%' in column owl"),
        (
            "label,owl,rook,wren\nowl,0.5,0.25,0.25\nrook,0.5,0.5,\n",  # no wren occurs
            "line 3 has no value in column wren",
        ),
        (
            "label,prediction,owl,rook\nowl,owl,75%,25%\nrook,rook,0.5,0.5\n",
            "line 2 has '75%' in column owl",
        ),
    ],
)
def test_a_cell_that_is_no_number_is_named(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        load_predictions(tmp_path / "p.csv")


def test_an_empty_cell_of_parquet_is_named(tmp_path: Path) -> None:
    columns = {"label": ["owl", "rook"], "owl": [1.0, None], "rook": [0.0, 1.0]}
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "p.parquet")
    with pytest.raises(DataError, match="p.parquet row 2 has no value in column owl; add it or"):
        load_predictions(tmp_path / "p.parquet")


def test_columns_of_text_are_no_scores(tmp_path: Path) -> None:
    """A remark called as a class beside hard predictions, or empty cells beside probabilities."""
    (tmp_path / "p.csv").write_text("label,prediction,owl\nowl,owl,big\nrook,owl,\n")
    assert load_predictions(tmp_path / "p.csv").hard
    (tmp_path / "q.csv").write_text("label,owl,rook,age\nowl,0.75,0.25,3\nrook,0.5,0.5,\n")
    assert load_predictions(tmp_path / "q.csv").class_names == ("owl", "rook")
    (tmp_path / "q.csv").write_text("label,owl,rook,age\nowl,0.75,0.75,3\nrook,0.5,0.5,\n")
    with pytest.raises(DataError, match="probabilities of example 00000 add up to 1.5"):
        load_predictions(tmp_path / "q.csv")


@pytest.mark.parametrize(
    ("text", "sums"),
    [
        ("label,p0,p1,p2\n0,0.33,0.33,0.33\n1,0.17,0.67,0.17\n2,0.5,0.25,0.25\n", "0.99 to 1.01"),
        ("label,a,b,c\na,0.33,0.33,0.33\nb,0.17,0.67,0.17\nc,0.50,0.25,0.25\n", "0.99 to 1.01"),
    ],
)
def test_rounded_probabilities_are_normalised_and_it_is_said(
    text: str, sums: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "p.csv").write_text(text)
    loaded = load_predictions(tmp_path / "p.csv")
    np.testing.assert_allclose(loaded.probabilities[0], [1 / 3] * 3, atol=1e-6)
    assert f"2 of 3 rows add up to {sums}, since their probabilities are rounded" in caplog.text


@pytest.mark.parametrize(
    ("row", "total", "tolerance"),
    [
        ("0.33,0.33,0.31", "0.97", "0.015"),  # three times half of 0.01
        ("0.333,0.333,0.329", "0.995", "0.0015"),
        ("0.25,0.5,0.1234567", "0.873457", "0.001"),
        ("0.3,0.3,0.3", "0.9", "0.001"),  # one digit leaves out too much
    ],
)
def test_more_than_rounding_explains_is_refused(
    row: str, total: str, tolerance: str, tmp_path: Path
) -> None:
    (tmp_path / "p.csv").write_text(f"id,label,p0,p1,p2\nx,0,{row}\n")
    with pytest.raises(
        DataError, match=f"example x add up to {total}; allowed: 1 within {tolerance}, so"
    ):
        load_predictions(tmp_path / "p.csv")


HARD = "id,label,prediction\na,owl,owl\nb,rook,owl\nc,rook,rook\nd,wren,wren\n"


def test_hard_predictions_have_the_scores_that_need_no_probabilities(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text(HARD)
    loaded = load_predictions(tmp_path / "p.csv")
    assert loaded.hard
    assert loaded.class_names == ("owl", "rook", "wren")
    evaluation = evaluate(loaded)
    assert evaluation.accuracy.value == 0.75
    assert set(evaluation.estimates) == {"accuracy", "balanced_accuracy", "macro_f1"}
    assert evaluation.missing == ("top2", "top3", "nll", "brier", "ece")
    assert evaluation.confusion is not None
    assert evaluation.confusion.tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 1]]
    assert "hard predictions; top-2 accuracy, top-3 accuracy, NLL" in evaluation.report()
    assert "nll" not in evaluation.to_json()["estimates"]
    with pytest.raises(DataError, match="this needs probabilities, and these are hard predictions"):
        _ = loaded.probabilities


@pytest.mark.parametrize("suffix", [".npz", ".csv", ".tsv.gz", ".jsonl", ".parquet"])
def test_hard_predictions_are_saved_and_loaded(suffix: str, tmp_path: Path) -> None:
    hard = Predictions.from_classes(["x", "y", "z"], [0, 2, 1], [0, 1, 1], ("0", "1", "2"))
    save_predictions(hard, tmp_path / f"p{suffix}")
    again = load_predictions(tmp_path / f"p{suffix}")
    assert again.hard
    assert again.predicted.tolist() == [0, 1, 1]
    assert again.labels.tolist() == [0, 2, 1]
    assert again.take(np.array([1])).hard


def test_hard_predictions_are_compared_with_probabilities_where_they_can_be(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 60)
    ids, names = [str(i) for i in range(60)], ("owl", "rook", "wren")
    soft = Predictions.from_probabilities(ids, labels, rng.dirichlet(np.ones(3), 60), names)
    hard = Predictions.from_classes(ids, labels, labels, names)
    sets = [PredictionSet("soft", (soft,)), PredictionSet("hard", (hard,))]
    (accuracy,) = compare(sets)
    assert (accuracy.test, accuracy.verdict) == ("McNemar, mid-p", "better")
    (macro_f1,) = compare(sets, metric="macro_f1")
    assert macro_f1.test == "permutation test"
    with pytest.raises(DataError, match="hard: NLL needs probabilities, and these are hard pred"):
        compare(sets, metric="nll")
    assert compare([sets[1], PredictionSet("again", (hard,))])[0].identical


def test_hard_predictions_of_arrays_are_checked(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="prediction 3 is out of range; allowed: 0 to 1 for 2 cl"):
        Predictions.from_classes(["a"], [0], [3], ("x", "y"))
    np.savez(tmp_path / "p.npz", labels=[0, 1], predicted=[0.5, 1])
    with pytest.raises(DataError, match="has labels int64 and predicted float64; expected whole"):
        load_predictions(tmp_path / "p.npz")


def test_lines_are_counted_as_an_editor_does(tmp_path: Path) -> None:
    text = 'id,label,p0,p1\n\n"a\nb",0,1,0\n"c\nd",1,x,1\n'
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(DataError, match="line 5 has 'x' in column p0; allowed: a number"):
        load_predictions(tmp_path / "p.csv")
    (tmp_path / "p.jsonl").write_text('{"label": 0, "p0": 1, "p1": 0}\n\n{"label": 1, "p0": 1}\n')
    with pytest.raises(DataError, match="line 3 has no value for p1; give every object the keys"):
        load_predictions(tmp_path / "p.jsonl")
    (tmp_path / "p.jsonl").write_text('{"label": 0, "p0": 1, "p1": 0}\n{"label": 1,\n')
    with pytest.raises(DataError, match="line 2 is not JSON"):
        load_predictions(tmp_path / "p.jsonl")
    (tmp_path / "p.jsonl").write_text("[1, 2]\n")
    with pytest.raises(DataError, match="line 1 is not a JSON object"):
        load_predictions(tmp_path / "p.jsonl")


def test_a_truncated_npz_is_called_that(tmp_path: Path) -> None:
    Predictions.from_classes(["x", "y"], [0, 1], [0, 1], ("0", "1")).save(tmp_path / "p.npz")
    whole = (tmp_path / "p.npz").read_bytes()
    for size in (len(whole) // 2, len(whole) - 5):
        (tmp_path / "p.npz").write_bytes(whole[:size])
        with pytest.raises(DataError, match="cannot be read as NPZ: it is truncated or damaged"):
            load_predictions(tmp_path / "p.npz")


def test_numbers_that_are_no_probabilities_and_no_classes(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("id,label,p0,p1\na,1,0.25,0.75\nb,0,0.5,1e308\n")
    with pytest.raises(DataError, match="example b range from 0.5 to 1e.308; allowed: 0 to 1"):
        load_predictions(tmp_path / "p.csv")
    (tmp_path / "q.csv").write_text("label,prediction\n4711,4711\n99000,4711\n815,815\n")
    loaded = load_predictions(tmp_path / "q.csv")
    assert loaded.class_names == ("815", "4711", "99000")
    assert loaded.predicted.tolist() == [1, 1, 0]


def test_a_message_is_one_line_whatever_a_cell_holds(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text('id,"la\nbel",p0,p1\na,1,0.25,0.75\n')
    with pytest.raises(DataError, match=r"has columns id, la\\u000abel, p0, p1; expected"):
        load_predictions(tmp_path / "p.csv")


@pytest.mark.parametrize(
    ("names", "labels", "message"),
    [
        ("a,b,c", "123", "has labels 1 to 3; allowed: 0 to 2 for the columns a, b, c"),
        ("A,B,C", "abc", "has label a without a column of that name; columns: A, B, C"),
    ],
)
def test_labels_that_no_column_is_called(
    names: str, labels: str, message: str, tmp_path: Path
) -> None:
    rows = [f"{label},0.2,0.3,0.5" for label in labels]
    (tmp_path / "t.csv").write_text("\n".join([f"label,{names}", *rows]))
    with pytest.raises(DataError, match=message):
        load_predictions(tmp_path / "t.csv")


def test_a_column_without_a_name_is_not_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [f"{i},{'ab'[i % 2]},0.2,0.8" for i in range(4)]
    (tmp_path / "t.csv").write_text("\n".join([",label,a,b", *rows]))
    assert load_predictions(tmp_path / "t.csv").class_names == ("a", "b")
    assert caplog.text == ""
