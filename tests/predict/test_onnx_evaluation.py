"""Models of other programs on labelled images: pixels, order of classes, sizes, and hints."""

import ast
import json
import logging
from pathlib import Path

import numpy as np
import pytest

from dressform.core.errors import ConfigError, DataError, DressformError
from dressform.core.files import sha256_file
from dressform.data.read_options import ReadOptions
from dressform.predict.onnx_evaluation import OnnxOptions, predict_labelled
from dressform.predict.scaling import Scaling
from tests.predict.made_images import COLOURS, nearest_colour, swatch, write_swatches

NAMES = tuple(COLOURS)
NORMALIZED = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


@pytest.fixture(scope="module")
def swatches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_swatches(tmp_path_factory.mktemp("swatches"), count=16)


def _accuracy(path: Path, data: Path, **options: object) -> float:
    made = predict_labelled(path, data, options=OnnxOptions.of(**options))
    return float((made.predictions.predicted == made.predictions.labels).mean())


@pytest.mark.parametrize("channels_first", [True, False])
@pytest.mark.parametrize(
    ("trained", "options"),
    [
        ({}, {}),
        ({}, {"scale": "unit"}),
        ({"factor": 1}, {"scale": "raw"}),
        ({"factor": 1 / 127.5, "mean": (1, 1, 1)}, {"scale": "symmetric"}),
        ({"mean": (0.5,) * 3, "std": (0.5,) * 3}, {"scale": "symmetric"}),
        ({"mean": (0.5,) * 3, "std": (0.5,) * 3}, {"mean": 0.5, "std": "0.5"}),
        (NORMALIZED, {"mean": "0.485,0.456,0.406", "std": (0.229, 0.224, 0.225)}),
        ({"factor": 1, "mean": (100, 110, 120)}, {"scale": "raw", "mean": [100, 110, 120]}),
    ],
)
def test_a_model_fed_rightly_is_right_and_gets_no_hint(
    channels_first: bool,
    trained: dict[str, object],
    options: dict[str, object],
    swatches: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    model = nearest_colour(tmp_path / "m.onnx", channels_first=channels_first, **trained)
    assert _accuracy(model, swatches, **options) == 1
    assert "sampled images" not in caplog.text


@pytest.mark.parametrize(
    ("trained", "option"),
    [
        ({"factor": 1}, "scale='raw'"),
        ({"factor": 1 / 127.5, "mean": (1, 1, 1)}, "scale='symmetric'"),
        (NORMALIZED, "mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]"),
    ],
)
def test_the_wrong_scaling_is_hinted_at_with_the_option_that_mends_it(
    trained: dict[str, object],
    option: str,
    swatches: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    model = nearest_colour(tmp_path / "m.onnx", **trained)
    wrong = _accuracy(model, swatches)
    assert wrong < 0.8
    (hint,) = [line for line in caplog.messages if "sampled images" in line]
    assert hint.startswith(f"{100 * wrong:.2f} % of 64 sampled images are correct, but ")
    assert "100.00 % would be with " in hint
    assert f"; if the model was trained like that, give {option}" in hint
    call = ast.parse(f"evaluate({option})", mode="eval").body
    assert isinstance(call, ast.Call)
    options = {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
    assert _accuracy(model, swatches, **options) == 1


@pytest.mark.parametrize("trained", [{}, {"factor": 1}])
def test_the_wrong_order_is_hinted_at_with_the_right_one(
    trained: dict[str, object], swatches: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    order = ("lime", "amber", "plum", "cyan")
    model = nearest_colour(tmp_path / "m.onnx", order, **trained)
    assert _accuracy(model, swatches) < 0.6
    (hint,) = [line for line in caplog.messages if "sampled images" in line]
    assert "classes='lime,amber,plum,cyan'" in hint
    assert ("scale='raw'" in hint) == bool(trained)
    scale = "raw" if trained else "unit"
    assert _accuracy(model, swatches, scale=scale, classes="lime, amber, plum, cyan") == 1


def test_scalings_that_the_images_do_not_tell_apart_are_named_together(
    swatches: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    nearly = nearest_colour(tmp_path / "m.onnx", mean=(0.5, 0.5, 0.5), std=(0.25, 0.25, 0.25))
    _accuracy(nearly, swatches)
    (hint,) = [line for line in caplog.messages if "sampled images" in line]
    assert (
        "give scale='symmetric', or mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225] (" in hint
    )


def test_a_bad_model_gets_no_hint(
    swatches: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing helps a model that cannot tell the classes apart."""
    model = nearest_colour(tmp_path / "m.onnx", ("amber",) * 4)
    predict_labelled(model, swatches)
    assert "sampled images" not in caplog.text


def test_where_the_order_comes_from(
    swatches: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    order = ("plum", "lime", "cyan", "amber")
    model = nearest_colour(tmp_path / "m.onnx", order)
    card, listing = tmp_path / "model.json", tmp_path / "class_names.txt"
    listing.write_text("\n".join(order) + "\n\n")
    assert _accuracy(model, swatches) == 1
    card.write_text(json.dumps({"class_names": order[::-1]}))  # before the list
    assert (
        _accuracy(
            model,
            swatches,
        )
        < 1
    )
    assert _accuracy(model, swatches, classes=order) == 1
    card.write_text(json.dumps({"class_names": order[::-1], "sha256": "0" * 64}))
    assert _accuracy(model, swatches) == 1
    assert "model.json describes another file than m.onnx and was not used" in caplog.text
    card.write_text(json.dumps({"id2label": dict(enumerate(order)), "sha256": sha256_file(model)}))
    listing.unlink()
    assert _accuracy(model, swatches) == 1
    card.unlink()
    caplog.clear()
    assert _accuracy(model, swatches) < 1
    assert (
        "does not name its classes; the order of the data was assumed: amber, cyan, lime, plum"
        in caplog.text
    )


@pytest.mark.parametrize(
    "metadata",
    [
        {"names": "{0: 'plum', 1: 'lime', 2: 'cyan', 3: 'amber'}"},  # as Ultralytics
        {"class_names": '["plum", "lime", "cyan", "amber"]'},
        {"classes": "plum, lime, cyan, amber"},
        {"labels": "plum\nlime\ncyan\namber\n"},
    ],
)
def test_names_in_the_metadata(
    metadata: dict[str, str], swatches: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    order = ("plum", "lime", "cyan", "amber")
    model = nearest_colour(tmp_path / "m.onnx", order, metadata=metadata)
    assert _accuracy(model, swatches) == 1
    assert "does not name its classes" not in caplog.text


def test_classes_that_do_not_fit(
    swatches: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = nearest_colour(tmp_path / "m.onnx")
    with pytest.raises(
        DataError,
        match=r"plum of the data is not a class of m.onnx \(classes by classes=\); classes of the "
        r"data: amber, cyan, lime, plum; of the model: amber, cyan, lime, puce; rename",
    ):
        _accuracy(model, swatches, classes="amber,cyan,lime,puce")
    with pytest.raises(DataError, match="classes= names 3 classes but .* gives 4 scores per im"):
        _accuracy(model, swatches, classes="amber,cyan,lime")
    with pytest.raises(ConfigError, match="classes are amber; give the name of each class once"):
        OnnxOptions.of(classes="amber")
    few = write_swatches(tmp_path / "few", NAMES[:3])
    caplog.clear()
    assert _accuracy(model, few, classes=NAMES) == 1
    assert "the data has no images of plum" in caplog.text
    with pytest.raises(
        DataError, match="gives 4 scores per image but there are 3 classes; name the classes of"
    ):
        _accuracy(model, few)


def test_images_of_another_size_are_fitted_to_the_graphs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = write_swatches(tmp_path / "large", size=(40, 60))
    for size in ((12, 10), (16, 16)):
        model = nearest_colour(tmp_path / "m.onnx", size=size)
        made = predict_labelled(model, data)
        assert made.images.shape == (*size, 3)
        assert (made.predictions.predicted == made.predictions.labels).all()
    open_sizes = nearest_colour(tmp_path / "m.onnx", size=("h", "w"))
    assert predict_labelled(open_sizes, data, reading=ReadOptions(image_size=20)).images.shape == (
        20,
        20,
        3,
    )
    fixed = nearest_colour(tmp_path / "m.onnx", size=(16, 16))
    with pytest.raises(ConfigError, match="image_size=20 does not apply to .* takes images of 16"):
        predict_labelled(fixed, data, reading=ReadOptions(image_size=20))


def test_arrays_of_another_size_are_fitted_and_it_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    images = np.stack([swatch(name, seed, (30, 20)) for seed in range(3) for name in NAMES])
    labels = np.arange(12) % 4
    np.savez(tmp_path / "d.npz", images=images, labels=labels, class_names=np.array(NAMES))
    model = nearest_colour(tmp_path / "m.onnx")
    made = predict_labelled(model, tmp_path / "d.npz")
    assert made.images.shape == (12, 10, 3)
    assert (made.predictions.predicted == made.predictions.labels).all()
    assert "images of 20 x 30 were fitted to 10 x 12, the model's input" in caplog.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scale": "percent"}, r"scale is 'percent'; allowed: unit \(0 to 1\), raw"),
        ({"mean": "a"}, "mean is 'a'; allowed: a number, or one per channel, such as 0.485"),
        ({"mean": "0.1,"}, "mean is '0.1,'; allowed"),
        ({"std": float("nan")}, "std is nan; allowed"),
        ({"std": 0}, "std is 0; allowed: numbers above 0"),
        ({"mean": (0.1, 0.2)}, r"mean has 2 numbers \(0.1,0.2\) but the images have 3 channels"),
    ],
)
def test_pixels_that_make_no_sense(
    options: dict[str, object], message: str, swatches: Path, tmp_path: Path
) -> None:
    model = nearest_colour(tmp_path / "m.onnx")
    with pytest.raises(ConfigError, match=message):
        _accuracy(model, swatches, **options)


def test_a_tree_with_test_images_alone_and_a_split(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    data = tmp_path / "data"
    write_swatches(data / "test", NAMES[1:])
    model = nearest_colour(tmp_path / "m.onnx")
    made = predict_labelled(model, data, options=OnnxOptions.of(classes=NAMES))
    assert len(made.predictions) == 36
    assert made.split == "test"
    assert made.predictions.ids[0] == "test/cyan/cyan000.png"
    write_swatches(data / "val", NAMES[:2], first=50)
    made = predict_labelled(model, data, options=OnnxOptions.of(classes=NAMES))
    assert made.split == "all"
    assert "evaluated on all 60 images of data (validation 24, test 36)" in caplog.messages
    made = predict_labelled(model, data, split="val", options=OnnxOptions.of(classes=NAMES))
    assert (len(made.predictions), made.split) == (24, "validation")
    with pytest.raises(
        DressformError, match="unknown split 'train' of data; available: validation, test"
    ):
        predict_labelled(model, data, split="train")


def test_scalings_are_those_of_torchvision() -> None:
    images = np.array([0, 51, 255], np.uint8).reshape(1, 1, 3, 1)
    for scaling, expected in (
        (Scaling(), [0, 0.2, 1]),
        (Scaling(scale="raw"), [0, 51, 255]),
        (Scaling(scale="symmetric"), [-1, -0.6, 1]),
        (Scaling(mean=(0.2,), std=(0.4,)), [-0.5, 0, 2]),
        (Scaling(scale="raw", mean=(51.0,)), [-51, 0, 204]),
    ):
        found = scaling.apply(images, np.float32)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found.ravel(), expected, atol=1e-6)
