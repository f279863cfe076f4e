import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from dressform.core.errors import DataError, RunError, TrainingError
from dressform.data.dataset import DatasetSplits
from dressform.evaluation.learned_temperature import learned_temperature
from dressform.kernels.linear import MIN_BFLOAT16_BATCH
from dressform.models.network import build_network
from dressform.predict.export import export_onnx
from dressform.predict.found_images import find_images
from dressform.predict.onnx_model import predict_onnx
from dressform.predict.prediction import Prediction
from dressform.predict.predictor import Predictor
from dressform.predictions import softmax
from dressform.runs.run import Run


@pytest.fixture(scope="module")
def predictor(tiny_run: Run) -> Predictor:
    return Predictor(tiny_run)


def test_logits_are_those_that_training_wrote_down(
    predictor: Predictor, tiny_run: Run, small: DatasetSplits
) -> None:
    assert small.test is not None
    np.testing.assert_allclose(
        predictor.logits(small.test.images), tiny_run.predictions("test").logits, atol=1e-4
    )


@pytest.mark.parametrize(("spin", "expected"), [(True, "0"), (False, "1")])
def test_threads_are_awake_after_a_call_only_where_wished(
    spin: bool, expected: str, tiny_run: Run
) -> None:
    options = Predictor(tiny_run, spin=spin)._session.get_session_options()
    assert options.get_session_config_entry("session.force_spinning_stop") == expected


def test_channels_first_last_and_grey_arrays(predictor: Predictor, small: DatasetSplits) -> None:
    last = small.train.images[:5]
    expected = predictor.logits(last)
    assert np.array_equal(predictor.logits(last.transpose(0, 3, 1, 2)), expected)
    assert np.array_equal(predictor.logits(last[..., 0]), expected)
    assert predictor.logits(last[:0]).shape == (0, 10)
    for bad in (last.astype(np.float32), last[:, :20], last[0, 0, 0]):
        for judge in (predictor.logits, predictor.ood_p_values):
            with pytest.raises(
                DataError, match=r"allowed: uint8 \[N, 28, 28, 1\] or \[N, 1, 28, 28\]"
            ):
                judge(bad)
        with pytest.raises(DataError, match=r"allowed: uint8 \[H, W\], \[H, W, 1\] or"):
            predictor.predict(bad)


def test_a_file_its_bytes_and_its_array_get_the_same_answer(
    predictor: Predictor, pictures: Path, small: DatasetSplits
) -> None:
    assert small.test is not None
    path = pictures / "ankle-boot.png"
    answers = [
        predictor.predict(p)
        for p in (
            path,
            str(path),
            path.read_bytes(),
            small.test.images[0],
            small.test.images[0, ..., 0],
            small.test.images[0].transpose(2, 0, 1),
        )
    ]
    assert len({a.top for a in answers}) == 1
    assert answers[0].path == str(path)
    assert len(answers[0].top) == 3
    assert sum(p for _, p in predictor.predict(path, top=10).top) == pytest.approx(1)
    assert [p for _, p in answers[0].top] == sorted((p for _, p in answers[0].top), reverse=True)


def test_bad_pictures_do_not_stop_the_others(
    predictor: Predictor, pictures: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.png").write_text("text")
    found = list(
        predictor.predict_many(
            [pictures / "pullover.png", tmp_path / "bad.png", pictures / "trouser.png"]
        )
    )
    assert [type(answer) for answer in found] == [Prediction, DataError, Prediction]


def test_folders_are_searched_and_absent_paths_named(pictures: Path, tmp_path: Path) -> None:
    assert [p.name for p in find_images([str(pictures)]).paths] == [
        "ankle-boot.png",
        "pullover.png",
        "trouser.png",
    ]
    with pytest.raises(DataError, match="does not exist; give image files or folders"):
        find_images(["absent.png"])
    with pytest.raises(DataError, match="has no images; allowed: PNG, JPEG"):
        find_images([str(tmp_path)])


def test_models_that_cannot_be_used(tiny_run: Run, tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    shutil.copytree(tiny_run.layout.weights, weights)
    assert Predictor(weights).class_names == tiny_run.predictions().class_names
    content = (weights / "model.onnx").read_bytes()
    (weights / "model.onnx").write_bytes(content[:-50])
    with pytest.raises(
        RunError, match=r"is not the file that its model.json describes \(SHA-256 differs\)"
    ):
        Predictor(weights)
    document = json.loads((weights / "model.json").read_text())
    (weights / "model.json").write_text(
        json.dumps({**document, "class_names": ["zz", *document["class_names"]]})
    )
    with pytest.raises(RunError, match="is inconsistent"):
        Predictor(weights)
    (weights / "model.json").write_text(json.dumps({**document, "format": 9}))
    with pytest.raises(RunError, match="has format 9, made by a newer dressform"):
        Predictor(weights)
    with pytest.raises(RunError, match="does not exist; give the folder of a run"):
        Predictor(tmp_path / "absent")


def test_model_json_is_enough_to_serve(tiny_run: Run) -> None:
    document = json.loads(tiny_run.layout.model.read_text())
    assert document["input"] == {"name": "images", "type": "uint8", "shape": ["N", 28, 28, 1]}
    assert document["class_names"][9] == "Ankle boot"
    assert document["preprocessing"]["channels"] == "grey"


class _Sorts(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        singular: torch.Tensor = torch.linalg.svd(x.flatten(1)[:, :12].reshape(-1, 3, 4))[1]
        return singular


def test_a_network_that_cannot_be_exported_is_told_in_a_line(
    small: DatasetSplits, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match="the network cannot be exported to ONNX") as caught:
        export_onnx(_Sorts(), small.train.images[:4], tmp_path / "m.onnx")
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("network", ["simple-dense", "baseline-cnn", "cnn1"])
def test_an_exported_network_takes_any_number_of_pictures(network: str, tmp_path: Path) -> None:
    """Layers that ask for the number of examples while they learn must not ask in an export."""
    images = np.random.default_rng(0).integers(
        0, 256, (MIN_BFLOAT16_BATCH + 20, 28, 28, 1), np.uint8
    )
    export_onnx(build_network(network, (28, 28, 1), 10).eval(), images, tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    for count in (1, 7, len(images)):
        (logits,) = session.run(["logits"], {"images": images[:count]})
        assert logits.shape == (count, 10)


def test_probabilities_are_calibrated_on_validation_everywhere_alike(
    predictor: Predictor, tiny_run: Run, small: DatasetSplits
) -> None:
    validation = tiny_run.predictions("validation")
    temperature = learned_temperature(replace(validation, temperature=1.0))
    assert temperature != 1
    assert predictor.temperature == pytest.approx(temperature)
    assert tiny_run.manifest.results["temperature"] == predictor.temperature
    assert tiny_run.predictions("test").temperature == validation.temperature == temperature
    images = small.train.images[:20]
    session = onnxruntime.InferenceSession(predictor.path)
    logits, probabilities = session.run(["logits", "probabilities"], {"images": images})
    np.testing.assert_allclose(probabilities, softmax(logits / temperature), atol=1e-6)
    for image, row in zip(images, probabilities, strict=True):
        assert predictor.predict(image, top=1).top[0][1] == pytest.approx(row.max(), abs=1e-5)
    assert small.test is not None
    exported = predict_onnx(predictor.path, small.test)
    np.testing.assert_allclose(
        exported.probabilities, tiny_run.predictions("test").probabilities, atol=1e-5
    )


def test_a_model_card_with_an_impossible_temperature_is_refused(
    tiny_run: Run, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_run.layout.weights, tmp_path / "weights")
    card = json.loads((folder / "model.json").read_text())
    for value in (0, -1, "1"):
        (folder / "model.json").write_text(
            json.dumps({**card, "confidence": {**card["confidence"], "temperature": value}})
        )
        with pytest.raises(RunError, match="temperature"):
            Predictor(folder)
