"""Linear classifiers in every form that frameworks export, against NumPy."""

import logging
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from dressform.core.errors import ConfigError, DataError, RunError
from dressform.data.archive import write_archive
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.predict.onnx_evaluation import predict_labelled
from dressform.predict.onnx_model import predict_onnx
from dressform.predict.prediction_sets import kind_of, load_predictions_of
from dressform.predict.scaling import Scaling
from dressform.predictions import softmax
from dressform.runs.run import Run

TYPES = {
    "uint8": TensorProto.UINT8,
    "float16": TensorProto.FLOAT16,
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
    "int64": TensorProto.INT64,
}
LAYOUTS = {"NHWC": (5, 4, 3), "NCHW": (3, 5, 4), "NF": (60,)}


def pictures(shape: tuple[int, int, int] = (5, 4, 3), count: int = 7, classes: int = 3) -> Dataset:
    random = np.random.default_rng(1)
    images = random.integers(0, 256, (count, *shape), dtype=np.uint8)
    return Dataset.from_arrays(
        images, np.arange(count) % classes, class_names=list("abcdef")[:classes]
    )


def weights(features: int, classes: int = 3) -> NDArray[np.float32]:
    return np.random.default_rng(2).normal(size=(features, classes)).astype(np.float32)


def linear(
    path: Path,
    layout: str = "NHWC",
    dims: tuple[int | str | None, ...] = (5, 4, 3),
    *,
    features: int = 60,
    batch: int | str = "N",
    dtype: str = "float32",
    ending: str | None = None,
    outputs: tuple[str, ...] = ("scores",),
    matrix: NDArray[np.float32] | None = None,
) -> Path:
    """Cast, to [N, H, W, C], flatten, MatMul; the dtype makes no other difference."""
    matrix = weights(features) if matrix is None else matrix
    flat = np.array([batch if isinstance(batch, int) else -1, features])
    nodes = [
        helper.make_node("Cast", ["x"], ["cast"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["cast"], ["last"], perm=[0, 2, 3, 1])
        if layout == "NCHW"
        else helper.make_node("Identity", ["cast"], ["last"]),
        helper.make_node("Reshape", ["last", "flat"], ["features"]),
        helper.make_node("MatMul", ["features", "matrix"], ["product"]),
        helper.make_node("Softmax", ["product"], [outputs[-1]], axis=-1)
        if ending == "Softmax"
        else helper.make_node("Identity", ["product"], [outputs[-1]]),
    ]
    if len(outputs) > 1:  # as scikit-learn's classifiers have it
        nodes.append(helper.make_node("ArgMax", ["product"], [outputs[0]], axis=1, keepdims=0))
    infos = [
        helper.make_tensor_value_info(outputs[-1], TensorProto.FLOAT, [batch, matrix.shape[1]])
    ]
    infos = [
        *(helper.make_tensor_value_info(o, TensorProto.INT64, [batch]) for o in outputs[:-1]),
        *infos,
    ]
    return save(
        path,
        nodes,
        [helper.make_tensor_value_info("x", TYPES[dtype], [batch, *dims])],
        infos,
        flat=flat,
        matrix=matrix,
    )


def save(
    path: Path,
    nodes: list[object],
    inputs: list[object],
    outputs: list[object],
    **constants: NDArray[np.generic],
) -> Path:
    tensors = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "g", inputs, outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def expected(
    dataset: Dataset, *, unit: bool, dtype: type[np.generic] = np.float32
) -> NDArray[np.float64]:
    pixels = dataset.images.reshape(len(dataset), -1).astype(np.float32) / (255 if unit else 1)
    return pixels.astype(dtype).astype(np.float64) @ weights(pixels.shape[1]).astype(np.float64)


@pytest.mark.parametrize("batch", ["N", 1, 4, 7, 20])
@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "float64"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_type_and_batch(
    layout: str, dtype: str, batch: int | str, tmp_path: Path
) -> None:
    dataset = pictures()
    path = linear(tmp_path / "m.onnx", layout, LAYOUTS[layout], dtype=dtype, batch=batch)
    for scale in ("unit", "raw"):
        found = predict_onnx(path, dataset, scaling=Scaling(scale=scale))
        wanted = expected(
            dataset, unit=scale == "unit" and dtype != "uint8", dtype=np.dtype(dtype).type
        )
        np.testing.assert_allclose(found.logits, wanted, rtol=1e-5, atol=1e-5)
        assert np.array_equal(found.labels, dataset.labels)
        assert np.array_equal(found.ids, dataset.ids)
        assert found.class_names == dataset.class_names


@pytest.mark.parametrize(
    ("layout", "dims", "shape"),
    [
        ("NHW", (5, 4), (5, 4, 1)),
        ("NHW", ("h", None), (5, 4, 1)),
        ("NHWC", (None, None, 3), (5, 4, 3)),
        ("NCHW", (3, "h", "w"), (5, 4, 3)),
        ("NCHW", (1, None, None), (5, 4, 1)),
        ("NF", ("features",), (5, 4, 3)),
        ("NHWC", (3, 3, 3), (3, 3, 3)),  # both fit
        ("NHWC", (None, None, None), (5, 4, 3)),
    ],
)
def test_sides_that_are_open_or_ambiguous(
    layout: str, dims: tuple[int | None, ...], shape: tuple[int, int, int], tmp_path: Path
) -> None:
    dataset = pictures(shape)
    path = linear(tmp_path / "m.onnx", layout, dims, features=int(np.prod(shape)))
    np.testing.assert_allclose(
        predict_onnx(path, dataset).logits, expected(dataset, unit=True), rtol=1e-5, atol=1e-5
    )


def test_more_pictures_than_one_chunk(tmp_path: Path) -> None:
    dataset = pictures(count=1203)
    found = predict_onnx(linear(tmp_path / "m.onnx"), dataset)
    np.testing.assert_allclose(found.logits, expected(dataset, unit=True), rtol=1e-5, atol=1e-5)


def test_a_softmax_at_the_end_is_noticed(tmp_path: Path) -> None:
    dataset = pictures()
    found = predict_onnx(linear(tmp_path / "m.onnx", ending="Softmax"), dataset)
    np.testing.assert_allclose(
        found.probabilities, softmax(expected(dataset, unit=True)), atol=1e-5
    )


def test_scores_in_0_to_1_that_do_not_add_up_are_logits_if_called_so(tmp_path: Path) -> None:
    matrix = np.zeros((60, 3), np.float32)
    matrix[0] = 0.1, 0.2, 0.3
    dataset = pictures()
    for name in ("scores", "probabilities", "class_prob"):
        with pytest.raises(
            DataError, match=f"gives {name} that add up to .* so apply softmax or give logits"
        ):
            predict_onnx(linear(tmp_path / "m.onnx", matrix=matrix, outputs=(name,)), dataset)
    found = predict_onnx(linear(tmp_path / "m.onnx", matrix=matrix, outputs=("logits",)), dataset)
    np.testing.assert_allclose(
        found.logits, dataset.images[:, 0, 0, :1] / 255 * matrix[0], atol=1e-6
    )


def test_of_several_outputs_the_named_one(tmp_path: Path) -> None:
    dataset = pictures()
    for ending, name in ((None, "logits"), ("Softmax", "probabilities")):
        found = predict_onnx(
            linear(tmp_path / "m.onnx", ending=ending, outputs=("label", name)), dataset
        )
        np.testing.assert_allclose(
            found.probabilities, softmax(expected(dataset, unit=True)), atol=1e-5
        )
    with pytest.raises(
        DataError,
        match=r"gives int64 \[7\] as label for 7 images; allowed: floats \[7, 3\], so name that "
        r"output log",
    ):
        predict_onnx(linear(tmp_path / "m.onnx", outputs=("label", "scores")), dataset)


def test_weights_beside_the_file(tmp_path: Path) -> None:
    dataset = pictures()
    model = onnx.load(linear(tmp_path / "m.onnx"))
    onnx.save_model(
        model,
        tmp_path / "m.onnx",
        save_as_external_data=True,
        location="m.data",
        size_threshold=100,
    )
    np.testing.assert_allclose(
        predict_onnx(tmp_path / "m.onnx", dataset).logits,
        expected(dataset, unit=True),
        rtol=1e-5,
        atol=1e-5,
    )
    (tmp_path / "m.data").unlink()
    with pytest.raises(
        DataError, match=r"m.onnx cannot be loaded by ONNX Runtime \(.*; export it to ONNX again"
    ):
        predict_onnx(tmp_path / "m.onnx", dataset)


def test_our_own_export(tiny_run: Run, small: DatasetSplits) -> None:
    assert small.test is not None
    found = predict_onnx(tiny_run.layout.onnx, small.test)
    kept = tiny_run.predictions("test")
    np.testing.assert_allclose(found.probabilities, kept.probabilities, atol=1e-5)
    assert np.array_equal(found.labels, kept.labels)
    assert np.array_equal(found.ids, kept.ids)


def test_models_that_cannot_be_used(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "m.onnx"
    dataset = pictures()

    def fails(message: str, data: Dataset = dataset) -> None:
        with pytest.raises(DataError, match=message) as caught:
            predict_onnx(path, data)
        assert "\n" not in str(caught.value)

    fails("m.onnx does not exist; give an .onnx file")
    path.mkdir()
    fails("m.onnx is a folder; give an .onnx file")
    path.rmdir()
    for content in (b"", b"I am a text"):
        path.write_bytes(content)
        fails(r"m.onnx cannot be loaded by ONNX Runtime \(.*\); export it to ONNX again")
    linear(path)
    fails(
        "m.onnx gives 3 scores per image but there are 4 classes; name the classes of its outputs",
        pictures(classes=4),
    )
    fails(
        r"takes \[\?, 5, 4, 3\] but the images are 6 x 6 x 1; .* or \[N, 1, 6, 6\] or \[N, 6, "
        r"6\] or \[N, 36\]",
        pictures((6, 6, 1)),
    )
    linear(path, "NHW", (20, 3))
    fails(
        r"takes \[\?, 20, 3\] but the images are 5 x 4 x 3; allowed: \[N, 5, 4, 3\] or \[N, 3, "
        r"5, 4\] or \[N, 60\], so"
    )
    linear(path, dtype="int64")
    fails(
        r"takes tensor\(int64\); allowed: tensor\(uint8\), tensor\(float16\), tensor\(float\), "
        r"tensor\(double\)"
    )
    linear(path, matrix=np.full((60, 3), np.nan, np.float32))
    fails("m.onnx: logits of example 00000 are not finite; check the model that computed them")
    linear(path, dims=(None, None, None))
    fails(r"m.onnx cannot be run on 7 images \(", pictures((6, 6, 1)))
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 60]) for name in "xy")
    z = helper.make_tensor_value_info("z", TensorProto.FLOAT, ["N", 60])
    save(path, [helper.make_node("Add", ["x", "y"], ["z"])], [x, y], [z])
    fails(r"m.onnx has 2 inputs \(x, y\); allowed: one, the images")
    assert capfd.readouterr() == ("", "")


def test_whatever_can_be_judged(
    tiny_run: Run, small: DatasetSplits, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data, model, table = tmp_path / "d.npz", tmp_path / "M.ONNX", tmp_path / "p.csv"
    write_archive(data, small)
    shutil.copy(tiny_run.layout.onnx, model)
    table.write_text("label,p0,p1\n1,0.25,0.75\n")
    kinds = [kind_of(p) for p in (tiny_run.path, model, table, tmp_path / "absent.csv")]
    assert kinds == ["run", "model", "predictions", "predictions"]
    caplog.set_level(logging.INFO)
    caplog.clear()
    name, found = load_predictions_of(tiny_run.path)
    assert (name, len(found)) == (tiny_run.name, 200)
    kept = tiny_run.predictions("validation")
    for split in ("val", "validation"):
        assert np.array_equal(load_predictions_of(tiny_run.path, split)[1].ids, kept.ids)
    for chosen, count in ((None, 800), ("test", 200), ("train", 600)):
        made = predict_labelled(model, data, split=chosen)
        assert len(made.predictions) == len(made.images) == count
        assert np.array_equal(made.predictions.ids, made.images.ids)
        assert made.split == (chosen or "all")
    order = f"{model} does not name its classes; the order of the data was assumed: "
    assert [text for text in caplog.messages if not text.startswith(order)] == [
        "split: test",
        "split: validation",
        "split: validation",
        "evaluated on all 800 images of d (train 600, test 200)",
        "evaluated on test of d, 200 images",
        "evaluated on train of d, 600 images",
    ]
    for split in ("val", "validation"):
        with pytest.raises(
            ConfigError, match="unknown split 'validation' of d; available: train, test"
        ):
            predict_labelled(model, data, split=split)
    name, found = load_predictions_of(table, "train")
    assert (name, found.predicted.tolist()) == (str(table), [1])
    with pytest.raises(RunError, match="has no manifest"):
        load_predictions_of(tmp_path)


def test_nothing_is_held_out_of_data_without_a_test_split(
    tiny_run: Run, small: DatasetSplits, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_archive(tmp_path / "d.npz", DatasetSplits("train alone", small.train))
    caplog.set_level(logging.INFO)
    caplog.clear()
    made = predict_labelled(tiny_run.layout.onnx, tmp_path / "d.npz")
    assert sorted(made.images.ids) == sorted(small.train.ids)
    assert caplog.messages == ["evaluated on all 600 images of d"]
