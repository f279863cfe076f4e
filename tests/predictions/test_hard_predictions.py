"""Tables with a class for each example, of which one column has names and the other numbers."""

from pathlib import Path

import pytest

from dressform.core.errors import DataError
from dressform.predictions import load_predictions


def _table(folder: Path, labels: str, predicted: str) -> Path:
    path = folder / "p.csv"
    rows = zip(labels.split(), predicted.split(), strict=True)
    path.write_text("label,prediction\n" + "".join(f"{a},{b}\n" for a, b in rows))
    return path


@pytest.mark.parametrize(
    ("labels", "predicted", "numbered", "named"),
    [
        ("wren owl rook owl", "2 0 1 1", "predictions", "labels"),
        ("wren owl rook owl", "2.0 0.0 1.0 1.0", "predictions", "labels"),
        ("2 0 1 0", "wren owl rook rook", "labels", "predictions"),
    ],
)
def test_numbers_are_positions_of_names_and_it_is_said(
    labels: str,
    predicted: str,
    numbered: str,
    named: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    loaded = load_predictions(_table(tmp_path, labels, predicted))
    assert loaded.class_names == ("owl", "rook", "wren")
    assert loaded.labels.tolist() == [2, 0, 1, 0]
    assert loaded.predicted.tolist() == [2, 0, 1, 1]
    assert (
        f"p.csv: {numbered} 0 to 2 were taken as owl, rook, wren, the {named} in alphabetical order"
        in caplog.text
    )


@pytest.mark.parametrize(
    ("labels", "predicted", "message"),
    [
        (
            "owl wren owl",
            "1 2 1",
            r"p.csv has labels owl, wren \(2 names\) and predictions 1, 2; allowed: 0 to 1 for "
            r"these names, or the names of the classes in both columns",
        ),
        (
            "0 1 2",
            "owl owl wren",
            r"has predictions owl, wren \(2 names\) and labels 0, 1, 2; allowed: 0 to 1 for",
        ),
        (
            "owl owl owl",
            "0 0 0",
            r"has labels owl \(1 name\) and predictions 0; give the names of the classes in both",
        ),
    ],
)
def test_numbers_that_cannot_be_those_of_the_names(
    labels: str, predicted: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message):
        load_predictions(_table(tmp_path, labels, predicted))


def test_numbers_among_names_are_names(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Articles have names such as 501."""
    loaded = load_predictions(_table(tmp_path, "501 mug mug", "501 501 501"))
    assert loaded.class_names == ("501", "mug")
    assert loaded.predicted.tolist() == [0, 0, 0]
    assert not caplog.messages


def test_predictions_that_are_none_of_the_labels_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "p.csv").write_text("label,prediction\nmug,Mug\nshirt,Mug\n")
    assert load_predictions(tmp_path / "p.csv").class_names == ("Mug", "mug", "shirt")
    assert (
        "no prediction is one of the labels: labels are mug, shirt, predictions Mug" in caplog.text
    )
