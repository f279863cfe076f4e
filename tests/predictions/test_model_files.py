"""Models in formats that dressform does not read, wherever a model or predictions are expected."""

import zipfile
from pathlib import Path

import pytest

from dressform.core.errors import DataError, RunError
from dressform.predict.model_folder import find_model, weights_folder
from dressform.predict.prediction_sets import kind_of
from dressform.predictions import load_predictions
from tests.cli.command import error_of
from tests.predict.made_images import write_swatches


@pytest.mark.parametrize(
    ("name", "kind", "exporter"),
    [
        ("m.keras", "a Keras file", r'model.export\("m.onnx", format="onnx"\) in Keras 3'),
        ("m.H5", "an HDF5 file, such as Keras", r'model.export\("m.onnx", format="onnx"\)'),
        ("m.pt", "a PyTorch file", "torch.onnx.export"),
        ("m.pth", "a PyTorch file", "torch.onnx.export"),
        ("m.tflite", "a TensorFlow Lite file", "tf2onnx"),
    ],
)
def test_a_file_of_another_framework_is_named(
    name: str, kind: str, exporter: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    with zipfile.ZipFile(path, "w") as archive:  # as Keras and PyTorch write them
        archive.writestr("metadata.json", "{}")
    message = (
        rf"{name} is {kind}.*, which dressform does not read; export the model to ONNX "
        rf"\({exporter}.*\), or write its predictions to a table \(docs/how-to/other-models.md\)"
    )
    for read in (load_predictions, kind_of):
        with pytest.raises(DataError, match=message):
            read(path)
    for find in (find_model, weights_folder):
        with pytest.raises(RunError, match=message):
            find(path)


def test_files_that_are_not_there_and_folders_are_no_models(tmp_path: Path) -> None:
    (tmp_path / "run.pt").mkdir()
    assert kind_of(tmp_path / "run.pt") == "run"
    assert kind_of(tmp_path / "absent.keras") == "run"
    assert find_model(tmp_path / "run.pt") == (tmp_path / "run.pt", "")


def test_commands_say_it_before_anything_about_their_options(tmp_path: Path) -> None:
    photos, path = write_swatches(tmp_path / "photos", count=1), tmp_path / "m.keras"
    path.write_bytes(b"PK")
    message = (
        "m.keras is a Keras file, which dressform does not read; export the model to ONNX (model."
        'export("m.onnx", format="onnx") in Keras 3), or write its predictions to a table '
        "(docs/how-to/other-models.md); if dressform exported it, give the run"
    )
    for words in (
        ("evaluate", path, "--data", photos),
        ("report", path, "--data", photos),
        ("predict", photos, "--model", path),
    ):
        assert message in error_of(*words)
