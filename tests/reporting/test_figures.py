"""Every figure can be drawn for few and many classes, grey and colour, and shows what it should."""

import itertools
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from dressform.data.dataset import Dataset, DatasetSplits
from dressform.evaluation.calibrate import calibrate
from dressform.evaluation.calibration import reliability
from dressform.evaluation.compare import PredictionSet, compare
from dressform.evaluation.evaluate import evaluate
from dressform.evaluation.intervals import wilson
from dressform.evaluation.metrics import METRICS
from dressform.predictions import Predictions
from dressform.reporting.figures.calibration import draw_calibration_history, draw_reliability
from dressform.reporting.figures.canvas import CORRECT, WRONG, origin_of, percent_axis, save
from dressform.reporting.figures.comparison import draw_differences
from dressform.reporting.figures.confusion import draw_confusion, normalise_rows
from dressform.reporting.figures.crossval import draw_boxes, draw_fold_curves
from dressform.reporting.figures.history import draw_history
from dressform.reporting.figures.images import draw_first_images, draw_montage, montage_sample
from dressform.reporting.figures.per_class import draw_per_class, whiskers
from dressform.runs.history import training_conditions
from dressform.runs.run import Run

LONG = "a name of forty characters, as a shop has"


def _made(classes: int, count: int = 400, name: str = "class") -> tuple[Dataset, Predictions]:
    random = np.random.default_rng(0)
    labels = random.integers(0, classes, count)
    images = random.integers(0, 256, (count, 10, 12, 3), dtype=np.uint8)
    names = [f"{i} {name}" for i in range(classes)]
    dataset = Dataset.from_arrays(images, labels, class_names=names)
    logits = 2 * np.eye(classes)[labels] + random.normal(size=(count, classes))
    return dataset, Predictions(
        dataset.ids, dataset.labels, logits.astype(np.float32), dataset.class_names
    )


def _faults(figure: Figure) -> list[str]:
    """Texts that lie on each other or leave the figure; names that are aslant are left out, since
    their boxes overlap where they do not.
    """
    figure.draw_without_rendering()
    beyond = {
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis.get_major_ticks()
        for label in (tick.label1, tick.label2)
        if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
    }
    boxes = [
        (text.get_text(), text.get_window_extent())
        for text in figure.findobj(Text)
        if isinstance(text, Text)
        and text not in beyond
        and text.get_text().strip()
        and text.get_visible()
        and text.get_rotation() % 90 == 0
    ]
    page = figure.bbox.padded(1)
    outside = [
        f"{text!r} leaves the figure"
        for text, box in boxes
        if box.x0 < page.x0 or box.y0 < page.y0 or box.x1 > page.x1 or box.y1 > page.y1
    ]
    return outside + [
        f"{one!r} lies on {other!r}"
        for (one, box), (other, below) in itertools.combinations(boxes, 2)
        if box.padded(-1).overlaps(below.padded(-1))
    ]


@pytest.mark.parametrize("classes", [2, 10, 100])
def test_all_figures_for_any_number_of_classes(classes: int, tmp_path: Path) -> None:
    dataset, predictions = _made(classes, name=LONG)
    evaluation, names = evaluate(predictions), predictions.class_names
    assert evaluation.confusion is not None
    figures = {
        "counts": draw_confusion(evaluation.confusion, names, "t", normalised=False),
        "shares": draw_confusion(evaluation.confusion, names, "t", normalised=True),
        "dots": draw_per_class(evaluation.per_class, "t"),
        "reliability": draw_reliability(calibrate(predictions), "t"),
        "montage": draw_montage(dataset, predictions, "t", columns=5, rows=2),
        "first": draw_first_images(dataset, "t"),
    }
    for name, figure in figures.items():
        path = save(figure, tmp_path / f"{name}.png", {"Source": "a run"})
        assert _faults(figure) == [], name
        with Image.open(path) as image:
            assert np.asarray(image.convert("L")).std() > 5
            assert image.info["Title"].startswith("t") or name == "first"
            assert len(image.info["Description"]) > 40
            assert image.info["Source"] == "a run"


def test_half_of_a_montage_are_errors_and_each_kind_is_marked() -> None:
    dataset, predictions = _made(3)
    figure = draw_montage(dataset, predictions, "t", columns=6, rows=4)
    chosen = np.concatenate(montage_sample(predictions, 24))
    (axes,) = figure.axes
    wrong = int((predictions.predicted != predictions.labels).sum())
    expected = [
        [f"12 of {wrong} errors, drawn at random"],
        [f"12 of {400 - wrong} correct predictions, drawn at random"],
    ]
    for i in chosen:
        predicted, true = predictions.predicted[i], predictions.labels[i]
        name = predictions.class_names[predicted]
        expected[int(predicted == true)] += (
            [f"✓ {name}"]
            if predicted == true
            else [f"✗ {name}", f"true: {predictions.class_names[true]}"]
        )
    assert [text.get_text() for text in axes.texts] == [*expected[0], *expected[1]]
    marked = [text for text in axes.texts if text.get_text()[0] in "✗✓"]
    assert len(marked) == 24
    for text in marked:
        assert text.get_color() == (CORRECT if text.get_text()[0] == "✓" else WRONG)
    drawn = [np.asarray(image.get_array()) for image in axes.images]
    np.testing.assert_array_equal(drawn, dataset.images[chosen])


@pytest.mark.parametrize("shape", [(28, 28), (90, 20), (20, 90), (20, 400), (20, 30)])
def test_a_montage_keeps_the_shape_of_its_images(shape: tuple[int, int]) -> None:
    _, predictions = _made(3)
    images = np.zeros((len(predictions), *shape, 3), np.uint8)
    dataset = Dataset(images, predictions.labels, predictions.ids, predictions.class_names)
    for figure in (draw_montage(dataset, predictions, "t"), draw_first_images(dataset, "t")):
        (axes,) = figure.axes
        for image in axes.images:
            left, right, bottom, top = image.get_extent()
            assert (bottom - top) / (right - left) == pytest.approx(shape[0] / shape[1])
            assert right - left <= 2
        figure.canvas.draw()
        assert _faults(figure) == []


def test_a_montage_of_few_images_is_as_wide_as_its_title() -> None:
    dataset, predictions = _made(3, count=3)
    figure = draw_montage(dataset, predictions, f"{LONG * 4}, test, accuracy 66.67 %")
    figure.canvas.draw()
    assert _faults(figure) == []


def test_a_montage_of_few_errors_has_all_of_them() -> None:
    dataset, predictions = _made(3)
    logits = predictions.logits.copy()
    logits[3:, :] = 5 * np.eye(3)[predictions.labels[3:]]
    logits[:3, :] = -5 * np.eye(3)[predictions.labels[:3]]
    changed = Predictions(predictions.ids, predictions.labels, logits, predictions.class_names)
    errors, right = montage_sample(changed, 24)
    assert errors.tolist() == [0, 1, 2]
    assert len(right) == 21
    logits[:3] *= -1
    changed = Predictions(predictions.ids, predictions.labels, logits, predictions.class_names)
    figure = draw_montage(dataset, changed, "t", columns=6, rows=4)
    headings = [text.get_text() for text in figure.axes[0].texts if "of" in text.get_text()]
    assert headings == ["24 of 400 correct predictions, drawn at random"]


def test_bins_with_few_examples_are_faded_and_the_legend_says_so() -> None:
    _, predictions = _made(2)
    few = int((reliability(predictions).count < 20).sum())
    assert few > 0
    figure = draw_reliability(calibrate(predictions), "t")
    assert "Faded: fewer than 20 examples" in [text.get_text() for text in figure.legends[0].texts]
    faded = figure.axes[0].lines[-1]
    assert (faded.get_alpha() or 1) < 1


def test_figures_look_the_same_whatever_a_user_has_set(tmp_path: Path) -> None:
    _, predictions = _made(2)
    evaluation = evaluate(predictions)
    plain = save(draw_per_class(evaluation.per_class, "t"), tmp_path / "plain.png").read_bytes()
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black"}):
        assert (
            save(draw_per_class(evaluation.per_class, "t"), tmp_path / "set.png").read_bytes()
            == plain
        )
        assert matplotlib.rcParams["font.size"] == 30


def test_an_axis_of_fractions_begins_where_the_values_do() -> None:
    for low, high in ((0.91, 0.97), (0.0, 1.0), (0.5, 0.5), (1.0, 1.0), (0.0, 0.0)):
        start, end = percent_axis(low, high)
        assert start < low <= high < end
        assert 0.1 <= end - start <= max(0.25, (high - low) + 0.25)


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
    rows = [{**row, "lr": 0.1 / row["epoch"]} for row in rows if row["epoch"]]
    curves = draw_history(rows, "t").axes
    assert [len(axes.lines) for axes in curves] == [2, 2, 1]
    assert np.asarray(curves[2].lines[0].get_ydata()).tolist() == [0.1, 0.05]
    rows = [{**row, "val_loss": None, "val_accuracy": None} for row in rows]
    assert [len(axes.lines) for axes in draw_history(rows, "t").axes] == [1, 1, 1]


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
    dots = np.concatenate([np.asarray(line.get_xdata()) for line in figure.axes[0].lines[2:]])
    assert sorted(dots.tolist()) == sorted(found.confidence[full].tolist())
    assert found.count.sum() == len(predictions)


def test_a_figure_has_the_same_bytes_each_time(
    tiny_run: Run, small: DatasetSplits, tmp_path: Path
) -> None:
    title, origin = "First images of small", origin_of(tiny_run.path, tiny_run.name)
    path = save(draw_first_images(small.train, title), tmp_path / "a.png", origin)
    assert path.read_bytes() == (tiny_run.layout.figures / "first-images.png").read_bytes()
    with Image.open(path) as image:
        end = "/".join(tiny_run.path.parts[-3:])
        assert image.info["Comment"].startswith("dressform figures ")
        assert image.info["Comment"].endswith(end)
        assert str(tiny_run.path) not in str(image.info)


def test_the_curves_say_how_training_values_were_measured() -> None:
    recipes: list[dict[str, Any]] = [
        {},
        {"label_smoothing": 0.1},
        {"label_smoothing": 0.1, "hard_examples": {"fraction": 0.5}},
        {"hard_examples": {"fraction": 1.0}},
        {"distillation": {"weight": 0.8}},
    ]
    assert [training_conditions(recipe) for recipe in recipes] == [
        [],
        ["with smoothed labels"],
        ["with smoothed labels", "on a subset of mainly hard examples"],
        [],
        ["with a teacher, whose epochs come first"],
    ]


def test_legends_cover_no_curve() -> None:
    rows = [
        {
            "epoch": e,
            "lr": 0.1,
            "train_loss": 1 / e,
            "val_loss": 0.9 / e,
            "train_accuracy": 1 - 1 / (e + 1),
            "val_accuracy": 1 - 0.9 / (e + 1),
        }
        for e in range(1, 6)
    ]
    measured = "during training, with smoothed labels, on a subset of mainly hard examples"
    taught = f"{measured}, with a teacher, whose epochs come first"
    scores = {f"recipe {i}": [0.9 + i / 100, 0.91, 0.92] for i in range(3)}
    for figure in (
        draw_history(rows, "t" * 80, measured=measured),
        draw_history(rows, "t" * 80, measured=taught),
        draw_fold_curves([rows, rows], "t" * 80),
        draw_boxes(scores, 3, METRICS["accuracy"]),
    ):
        assert _faults(figure) == []
        (legend,) = figure.legends
        for axes in figure.axes:
            assert axes.get_legend() is None
            assert not legend.get_window_extent().overlaps(axes.get_window_extent())


def test_long_names_leave_room_and_steer_nothing(tmp_path: Path) -> None:
    """matplotlib's warning that nothing is left for the figure would be an error here."""
    names = ("x" * 200, "two\nlines \x1b[31m", "c")
    figure = draw_confusion(np.full((3, 3), 5), names, "t", normalised=False)
    save(figure, tmp_path / "c.png")
    shown = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert shown == ["x" * 20 + "…" + "x" * 11, "two\\u000alines \\u001b[31m", "c"]


def test_differences_are_drawn_with_their_intervals_and_verdicts() -> None:
    _, predictions = _made(3)
    worse = predictions.logits.copy()
    worse[:60] = np.roll(worse[:60], 1, axis=1)
    other = Predictions(predictions.ids, predictions.labels, worse, predictions.class_names)
    sets = [
        PredictionSet("a " * 30, (predictions,)),
        PredictionSet("the same again", (predictions,)),
        PredictionSet("worse", (other,)),
    ]
    comparisons = compare(sets)
    figure = draw_differences(comparisons)
    assert _faults(figure) == []
    assert {"practically equal", "worse", "No difference"} <= {
        text.get_text() for text in figure.legends[0].texts
    }
    dots = [
        float(np.asarray(each.lines[0].get_xdata())[0])
        for each in figure.axes[0].containers
        if isinstance(each, ErrorbarContainer)
    ]
    assert dots == pytest.approx([100 * pair.difference.value for pair in comparisons])
