"""Every figure can be drawn for few and many classes, grey and colour, and shows what it should."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dressform.data.dataset import Dataset, DatasetSplits
from dressform.evaluation.evaluate import evaluate
from dressform.predictions import Predictions
from dressform.report.figures.canvas import RIGHT, WRONG, save
from dressform.report.figures.confusion import draw_confusion, shares
from dressform.report.figures.history import draw_history
from dressform.report.figures.per_class import draw_per_class, recall_intervals
from dressform.report.figures.pictures import draw_first_images, draw_montage, montage_sample
from dressform.runs.run import Run


def _made(classes: int, count: int = 400) -> tuple[Dataset, Predictions]:
    random = np.random.default_rng(0)
    labels = random.integers(0, classes, count)
    images = random.integers(0, 256, (count, 10, 12, 3), dtype=np.uint8)
    dataset = Dataset.from_arrays(images, labels, class_names=[f"class {i}" for i in range(classes)])
    logits = 2 * np.eye(classes)[labels] + random.normal(size=(count, classes))
    return dataset, Predictions(dataset.ids, dataset.labels, logits.astype(np.float32), dataset.class_names)


@pytest.mark.parametrize("classes", [2, 10, 60])
def test_all_figures_for_any_number_of_classes(classes: int, tmp_path: Path) -> None:
    dataset, predictions = _made(classes)
    evaluation = evaluate(predictions)
    figures = {
        "counts": draw_confusion(evaluation.confusion, predictions.class_names, "t", normalised=False),
        "shares": draw_confusion(evaluation.confusion, predictions.class_names, "t", normalised=True),
        "bars": draw_per_class(evaluation, "t"),
        "montage": draw_montage(dataset, predictions, "t"),
        "first": draw_first_images(dataset, "t"),
    }
    for name, figure in figures.items():
        path = save(figure, tmp_path / f"{name}.png")
        assert np.asarray(Image.open(path).convert("L")).std() > 5


def test_the_montage_is_green_where_right_and_red_where_wrong() -> None:
    dataset, predictions = _made(3)
    figure = draw_montage(dataset, predictions, "t", columns=6, rows=4)
    chosen = montage_sample(predictions, 24)
    for axes, i in zip(figure.axes, chosen, strict=True):
        right = predictions.predicted[i] == predictions.labels[i]
        assert axes.title.get_color() == (RIGHT if right else WRONG)
        assert axes.get_title() == predictions.class_names[predictions.predicted[i]]
        assert axes.get_xlabel() == ("" if right else f"is {predictions.class_names[predictions.labels[i]]}")
    colours = {axes.title.get_color() for axes in figure.axes}
    assert colours == {RIGHT, WRONG}


def test_confusion_cells_carry_the_counts() -> None:
    confusion = np.array([[8, 2], [0, 5]])
    texts = [t.get_text() for t in draw_confusion(confusion, ("a", "b"), "t", normalised=False).axes[0].texts]
    assert texts == ["8", "2", "5"]
    assert shares(np.array([[8, 2], [0, 0]])).tolist() == [[0.8, 0.2], [0, 0]]


def test_history_has_both_curves_or_only_training() -> None:
    rows: list[dict[str, float | None]] = [
        {"epoch": e, "train_loss": 1 / e, "train_accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.4} for e in (1.0, 2.0)
    ]
    assert [len(axes.lines) for axes in draw_history(rows, "t").axes] == [2, 2]
    rows = [{**row, "val_loss": None, "val_accuracy": None} for row in rows]
    assert [len(axes.lines) for axes in draw_history(rows, "t").axes] == [1, 1]


def test_whiskers_are_wilsons() -> None:
    _, predictions = _made(2)
    evaluation = evaluate(predictions)
    below, above = recall_intervals(evaluation)[0]
    assert 0 < below < 0.1
    assert 0 < above < 0.1


def test_a_figure_has_the_same_bytes_each_time(tiny_run: Run, small: DatasetSplits, tmp_path: Path) -> None:
    first = save(draw_first_images(small.train, "First images of small"), tmp_path / "a.png")
    assert first.read_bytes() == (tiny_run.layout.figures / "first-images.png").read_bytes()
