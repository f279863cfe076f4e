"""Every figure can be drawn for few and many classes, grey and colour, and shows what it should."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dressform.data.dataset import Dataset, DatasetSplits
from dressform.evaluation.calibrate import calibrate
from dressform.evaluation.calibration import reliability
from dressform.evaluation.evaluate import evaluate
from dressform.evaluation.intervals import wilson
from dressform.predictions import Predictions
from dressform.reporting.figures.calibration import draw_calibration_history, draw_reliability
from dressform.reporting.figures.canvas import CORRECT, WRONG, save
from dressform.reporting.figures.confusion import draw_confusion, normalise_rows
from dressform.reporting.figures.history import draw_history
from dressform.reporting.figures.images import draw_first_images, draw_montage, montage_sample
from dressform.reporting.figures.per_class import draw_per_class, whiskers
from dressform.runs.history import training_conditions
from dressform.runs.run import Run


def _made(classes: int, count: int = 400) -> tuple[Dataset, Predictions]:
    random = np.random.default_rng(0)
    labels = random.integers(0, classes, count)
    images = random.integers(0, 256, (count, 10, 12, 3), dtype=np.uint8)
    dataset = Dataset.from_arrays(
        images, labels, class_names=[f"class {i}" for i in range(classes)]
    )
    logits = 2 * np.eye(classes)[labels] + random.normal(size=(count, classes))
    return dataset, Predictions(
        dataset.ids, dataset.labels, logits.astype(np.float32), dataset.class_names
    )


@pytest.mark.parametrize("classes", [2, 10, 60])
def test_all_figures_for_any_number_of_classes(classes: int, tmp_path: Path) -> None:
    dataset, predictions = _made(classes)
    evaluation = evaluate(predictions)
    figures = {
        "counts": draw_confusion(
            evaluation.confusion, predictions.class_names, "t", normalised=False
        ),
        "shares": draw_confusion(
            evaluation.confusion, predictions.class_names, "t", normalised=True
        ),
        "bars": draw_per_class(evaluation, "t"),
        "reliability": draw_reliability(calibrate(predictions), "t"),
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
        assert axes.title.get_color() == (CORRECT if right else WRONG)
        assert axes.get_title() == predictions.class_names[predictions.predicted[i]]
        assert axes.get_xlabel() == (
            "" if right else f"true: {predictions.class_names[predictions.labels[i]]}"
        )
    colours = {axes.title.get_color() for axes in figure.axes}
    assert colours == {CORRECT, WRONG}


def test_confusion_cells_carry_the_counts() -> None:
    confusion = np.array([[8, 2], [0, 5]])
    texts = [
        t.get_text()
        for t in draw_confusion(confusion, ("a", "b"), "t", normalised=False).axes[0].texts
    ]
    assert texts == ["8", "2", "5"]
    assert normalise_rows(np.array([[8, 2], [0, 0]])).tolist() == [[0.8, 0.2], [0, 0]]


def test_history_has_both_curves_or_only_training() -> None:
    rows: list[dict[str, float | None]] = [
        {
            "epoch": e,
            "train_loss": 1 / e,
            "train_accuracy": 0.5,
            "val_loss": 1.0,
            "val_accuracy": 0.4,
        }
        for e in (1.0, 2.0)
    ]
    assert [len(axes.lines) for axes in draw_history(rows, "t").axes] == [2, 2]
    rows = [{**row, "val_loss": None, "val_accuracy": None} for row in rows]
    assert [len(axes.lines) for axes in draw_history(rows, "t").axes] == [1, 1]


def test_whiskers_are_wilsons() -> None:
    _, predictions = _made(2)
    evaluation = evaluate(predictions)
    recall = evaluation.per_class[0].recall
    assert evaluation.confusion is not None
    expected = wilson(int(evaluation.confusion[0, 0]), evaluation.per_class[0].support)
    below, above = whiskers([recall])[:, 0]
    assert (recall.value - below, recall.value + above) == pytest.approx(
        (expected.low, expected.high)
    )
    assert 0 < below < 0.1
    assert 0 < above < 0.1


def test_the_calibration_chart_says_what_it_shows() -> None:
    rows: list[dict[str, Any]] = [
        {"epoch": e + 1, "val_loss": loss, "val_accuracy": right, "val_ece": off}
        for e, (loss, right, off) in enumerate(
            [(0.4, 0.85, 0.01), (0.3, 0.9, 0.02), (0.35, 0.92, 0.05)]
        )
    ]
    figure = draw_calibration_history([rows], "a title")
    assert figure is not None
    assert (
        "NLL is lowest at epoch 2; accuracy then still rises, but so does overconfidence (ECE)"
        in figure.axes[0].get_title()
    )
    errors, off = (np.asarray(line.get_ydata()).tolist() for line in figure.axes[1].lines)
    assert errors == pytest.approx([0.15, 0.1, 0.08])
    assert off == [0.01, 0.02, 0.05]
    figure = draw_calibration_history([rows[:2]], "a title")
    assert figure is not None
    assert "NLL is lowest at the last epoch" in figure.axes[0].get_title()
    assert draw_calibration_history([[{**row, "val_ece": None} for row in rows]], "a title") is None


def test_the_reliability_diagram_draws_what_was_counted() -> None:
    _, predictions = _made(2)
    figure = draw_reliability(calibrate(predictions), "a title")
    found = reliability(predictions)
    full = found.count > 0
    drawn = figure.axes[0].lines[1]
    assert np.asarray(drawn.get_xdata()).tolist() == found.confidence[full].tolist()
    assert np.asarray(drawn.get_ydata()).tolist() == found.accuracy[full].tolist()
    assert found.count.sum() == len(predictions)


def test_a_figure_has_the_same_bytes_each_time(
    tiny_run: Run, small: DatasetSplits, tmp_path: Path
) -> None:
    first = save(draw_first_images(small.train, "First images of small"), tmp_path / "a.png")
    assert first.read_bytes() == (tiny_run.layout.figures / "first-images.png").read_bytes()


def test_the_curves_say_how_training_values_were_measured() -> None:
    recipes: list[dict[str, Any]] = [
        {},
        {"label_smoothing": 0.1},
        {"label_smoothing": 0.1, "hard_examples": {"fraction": 0.5}},
        {"hard_examples": {"fraction": 1.0}},
    ]
    assert [training_conditions(recipe) for recipe in recipes] == [
        "while training",
        "while training, smoothed labels",
        "while training, smoothed labels, on a subset of mainly hard examples",
        "while training",
    ]


def test_a_long_legend_stays_inside_its_axes() -> None:
    rows = [
        {
            "epoch": e,
            "train_loss": 1 / e,
            "val_loss": 0.9 / e,
            "train_accuracy": 1 - 1 / (e + 1),
            "val_accuracy": 1 - 0.9 / (e + 1),
        }
        for e in range(1, 6)
    ]
    figure = draw_history(
        rows, "t", measured="while training, smoothed labels, on a subset of mainly hard examples"
    )
    figure.draw_without_rendering()
    for axes in figure.axes:
        legend = axes.get_legend()
        assert legend is not None
        assert legend.get_window_extent().width <= axes.get_window_extent().width
        assert axes.get_position().width > 0.35


def test_long_names_leave_room_and_steer_nothing(tmp_path: Path) -> None:
    """matplotlib's warning that nothing is left for the figure would be an error here."""
    names = ("x" * 200, "two\nlines \x1b[31m", "c")
    figure = draw_confusion(np.full((3, 3), 5), names, "t", normalised=False)
    save(figure, tmp_path / "c.png")
    shown = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert shown == ["x" * 20 + "…" + "x" * 11, "two\\u000alines \\u001b[31m", "c"]
