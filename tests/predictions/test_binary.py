"""Binary models with one output per image: arrays, tables and ONNX files."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from dressform.core.errors import DataError
from dressform.data.dataset import Dataset
from dressform.predict.onnx_evaluation import OnnxOptions, predict_labelled
from dressform.predict.onnx_model import OnnxModel, predict_onnx
from dressform.predictions import Predictions, load_predictions
from tests.predict.made_images import swatch, write_swatches
from tests.predictions.test_onnx_model import pictures, save

P = np.array([0.25, 0.75, 0.5])
BOTH = np.stack([1 - P, P], axis=1)
IDS, LABELS, NAMES = ["a", "b", "c"], [0, 1, 1], ("mug", "shirt")
NOTE = "one probability per example was taken as that of class shirt, the second of mug, shirt"


@pytest.mark.parametrize("column", [P, P[:, None]])
def test_an_array_of_one_probability_is_of_the_second_class(
    column: NDArray[np.float64], caplog: pytest.LogCaptureFixture
) -> None:
    made = Predictions.from_probabilities(IDS, LABELS, column, NAMES)
    np.testing.assert_allclose(made.probabilities, BOTH, atol=1e-6)
    assert caplog.messages == [NOTE]


@pytest.mark.parametrize("column", [P, P[:, None]])
def test_arrays_of_one_probability_in_a_file(
    column: NDArray[np.float64], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    np.savez(tmp_path / "p.npz", labels=LABELS, probabilities=column, class_names=NAMES)
    loaded = load_predictions(tmp_path / "p.npz")
    np.testing.assert_allclose(loaded.probabilities, BOTH, atol=1e-6)
    assert caplog.messages == [f"{tmp_path / 'p.npz'}: {NOTE}"]
    np.savez(tmp_path / "q.npz", labels=LABELS, probabilities=column)
    assert load_predictions(tmp_path / "q.npz").class_names == ("0", "1")


@pytest.mark.parametrize(
    ("labels", "names"), [(("0", "1", "1"), ("0", "1")), (("mug", "shirt", "shirt"), NAMES)]
)
def test_a_table_with_p1_alone(
    labels: tuple[str, ...],
    names: tuple[str, ...],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    rows = "".join(f"{a},{b}\n" for a, b in zip(labels, P, strict=True))
    (tmp_path / "p.csv").write_text(f"label,p1\n{rows}")
    loaded = load_predictions(tmp_path / "p.csv")
    np.testing.assert_allclose(loaded.probabilities, BOTH, atol=1e-6)
    assert (loaded.class_names, loaded.labels.tolist()) == (names, LABELS)
    (note,) = caplog.messages
    assert f"taken as that of class {names[1]}, the second of {names[0]}, {names[1]}" in note


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("label,p1\nmug,1.5\nshirt,0\n", "p.csv: the probability of example 00000 is 1.5; allowed: "
         r"0 to 1, so apply a sigmoid, or give the logits \[0, z\]"),
        ("label,p1\nmug,0.5\nshirt,0\nhat,1\n", r"labels hat, mug, shirt \(3 classes\) but the "
         "class column p1 alone, which tells two apart; give a column per class"),
        ("label,p1\nmug,0.5\n", r"has labels mug \(1 class\) but the class column p1 alone"),
        ("label,p1\n2,0.5\n", "labels go from 2 to 2; allowed: 0 to 1 for 2 classes"),
        ("label,p0\n0,0.5\n", "both for a binary model or p1 alone, the probability of the second"),
    ],
)  # fmt: skip
def test_tables_of_one_column_that_tell_no_two_classes_apart(
    text: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        load_predictions(tmp_path / "p.csv")


def test_arrays_that_tell_no_two_classes_apart() -> None:
    for values, names, message in (
        (P * 3, NAMES, r"probability of example b is 2.25; allowed: 0 to 1, so apply a sigmoid"),
        (P * np.nan, NAMES, "the probability of example a is nan; allowed: 0 to 1"),
        (P, ("x", "y", "z"), r"are \[3\], one per example, for 3 classes; give one per class"),
        (P[:, None], ("x", "y", "z"), r"are \[3, 1\], one per example, for 3 classes"),
        (P[:, None], ("x",), r"have 1 class; .* binary model: \[1 - p, p\], or logits \[0, z\]"),
    ):
        with pytest.raises(DataError, match=message):
            Predictions.from_probabilities(IDS, LABELS, values, names)
    logits = P[:, None].astype(np.float32)
    with pytest.raises(DataError, match=r"give .* both logits \(\[0, z\] for one logit z\) per ex"):
        Predictions(np.array(IDS), np.array(LABELS), logits, NAMES)


def _model(
    path: Path,
    ending: str = "Sigmoid",
    *,
    output: str = "y",
    flat: bool = False,
    declared: bool = True,
    batch: int | str = "N",
    dims: tuple[int, ...] = (3, 5, 4),
    steepness: float = 20.0,
) -> Path:
    """A model whose one score rises with the mean of red: z = steepness · (red - 0.5)."""
    shape: list[Any] = [batch] if flat else [batch, 1]
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["m"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["m", "w"], ["product"]),
        helper.make_node("Add", ["product", "b"], ["z"]),
        helper.make_node(ending, ["z"], ["score"]),
        helper.make_node("Reshape", ["score", "shape"], [output]),
    ]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, *dims])]
    outputs = [
        helper.make_tensor_value_info(
            output, TensorProto.FLOAT, shape if declared else [None] * len(shape)
        )
    ]
    return save(
        path,
        nodes,
        inputs,
        outputs,
        w=np.array([[steepness], [0], [0]], np.float32),
        b=np.array([-steepness / 2], np.float32),
        shape=np.array([-1] if flat else [-1, 1]),
    )


def _scores(dataset: Dataset, steepness: float = 20.0) -> NDArray[np.float64]:
    return np.asarray(steepness * (dataset.images[..., 0].mean(axis=(1, 2)) / 255 - 0.5))


@pytest.mark.parametrize("batch", ["N", 1, 4])
@pytest.mark.parametrize("flat", [True, False])
@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("ending", ["Sigmoid", "Identity"])
def test_one_score_per_image_is_of_the_second_class(
    ending: str,
    declared: bool,
    flat: bool,
    batch: int | str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    dataset = pictures(classes=2)
    path = _model(tmp_path / "m.onnx", ending, flat=flat, declared=declared, batch=batch)
    caplog.clear()
    made = predict_onnx(path, dataset)
    second = 1 / (1 + np.exp(-_scores(dataset)))
    np.testing.assert_allclose(made.probabilities, np.stack([1 - second, second], 1), atol=1e-5)
    (note,) = caplog.messages
    what = "probability" if ending == "Sigmoid" else "logit"
    assert "m.onnx gives one score per image, " in note
    assert f"taken as the {what} of class b, the second of a, b (classes= gives another" in note
    if declared:
        assert OnnxModel(path).classes == 2


def test_the_name_of_the_output_decides_where_numbers_do_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    dataset = pictures(classes=2)
    path = _model(tmp_path / "m.onnx", output="logits", steepness=0.01)
    caplog.clear()
    made = predict_onnx(path, dataset)  # a sigmoid, but called logits
    assert np.array_equal(made.logits[:, 0], np.zeros(len(dataset)))
    assert "was taken as the logit of class b" in caplog.text
    path = _model(tmp_path / "m.onnx", "Identity", output="probabilities")
    with pytest.raises(
        DataError, match="m.onnx gives probabilities from .*, one per image; allowed: 0 to 1, so "
    ):
        predict_onnx(path, dataset)
    with pytest.raises(
        DataError,
        match="gives one score per image, which tells two classes apart, but there are 3 classes; "
        "give data of its two classes",
    ):
        predict_onnx(_model(tmp_path / "m.onnx"), pictures(classes=3))


def test_a_binary_model_is_evaluated_on_photos_in_either_order(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Amber is red, cyan is not: the score is amber's, which is first in alphabetical order."""
    data = write_swatches(tmp_path / "photos", ("amber", "cyan"))
    path = _model(tmp_path / "m.onnx", dims=(3, *swatch("amber", 0).shape[:2]))
    caplog.set_level(logging.INFO)

    def accuracy(classes: str | None = None) -> float:
        caplog.clear()
        made = predict_labelled(path, data, options=OnnxOptions.of(classes=classes)).predictions
        return float(np.mean(made.predicted == made.labels))

    assert accuracy() == 0
    assert "the order of the data was assumed: amber, cyan" in caplog.text
    assert "give classes='cyan,amber'" in caplog.text
    assert accuracy("amber,cyan") == 0
    assert accuracy("cyan,amber") == 1
    assert "the probability of class amber, the second of cyan, amber" in caplog.text
    assert "sampled images" not in caplog.text
    with pytest.raises(
        DataError,
        match="classes= names 3 classes but .*m.onnx gives one score per image, for two classes; "
        "name each of them once, with classes=",
    ):
        accuracy("amber,cyan,plum")
