"""Our sides of inference.py, one a process.

python inference_dressform.py SIDE RUN|shipped BATCH ANSWER.npy
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from timing import time_predictions

import dressform
from dressform.predict.model_folder import shipped_recipe
from dressform.runs.layout import SHIPPED

Predict = Callable[[NDArray[np.uint8]], NDArray[Any]]


def torch_eager(run: Path, batch: int) -> Predict:
    """The network in torch, channels-last, as it was trained."""
    import torch

    from dressform.core.config import override
    from dressform.models.network import Classifier, build_network
    from dressform.recipes import find_recipe
    from dressform.training.checkpoint import load_weights

    found = dressform.open_run(run)
    recipe = override(find_recipe(found.manifest.reference), found.manifest.settings)
    network = Classifier(
        build_network(recipe.model, (28, 28, 1), 10), torch.zeros(1), torch.ones(1)
    )
    network.load_state_dict(load_weights(found.layout.last)[0])
    network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.inference_mode()
    def predict(images: NDArray[np.uint8]) -> NDArray[Any]:
        pixels = torch.tensor(images).permute(0, 3, 1, 2).float().div_(255)
        return np.asarray(torch.cat([network(part) for part in torch.split(pixels, batch)]).numpy())

    return predict


def onnx_file(run: Path) -> Path:
    """The exported file of a run, or of the shipped model."""
    return (
        dressform.Predictor(SHIPPED).path
        if str(run) == SHIPPED
        else dressform.open_run(run).layout.onnx
    )


def onnx_default(run: Path, batch: int) -> Predict:
    """The exported file in ONNX Runtime with its default options."""
    return in_onnxruntime(onnx_file(run), batch)


def onnx_int8(run: Path, batch: int) -> Predict:
    """The same, quantised by ONNX Runtime's own tool (static, per channel, 500 training
    pictures).
    """
    from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_static

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            pictures = dressform.load_data().train.images
            self._parts = iter([pictures[i : i + 100] for i in range(0, 500, 100)])

        def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
            part = next(self._parts, None)
            return None if part is None else {"images": part}

    options: dict[str, Any] = {
        "per_channel": True,
        "weight_type": QuantType.QInt8,
        "activation_type": QuantType.QUInt8,
    }
    options["extra_options"] = {"QuantizeBias": False}  # which fails where a filter has died
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "int8.onnx"
        quantize_static(str(onnx_file(run)), str(target), Reader(), **options)
        return in_onnxruntime(target, batch)


def in_onnxruntime(path: Path, batch: int) -> Predict:
    """A file in ONNX Runtime with its default options."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])

    def predict(images: NDArray[np.uint8]) -> NDArray[Any]:
        parts = [images[i : i + batch] for i in range(0, len(images), batch)]
        return np.concatenate([session.run(None, {"images": part})[0] for part in parts])

    return predict


def predictor(run: Path, batch: int) -> Predict:
    """dressform's float32."""
    return dressform.Predictor(run).logits


def quick(run: Path, batch: int) -> Predict:
    """dressform's int8 first; the margin is measured on the run's 3,000 validation pictures, or as
    many of the training set.
    """
    found = dressform.QuickPredictor(run, validation_pictures(run))
    print(
        f"margin {found.margin:.3f}, int8's error {found.error:.3f}, repeated {found.repeated:.3f}",
        file=sys.stderr,
    )
    return found.logits


def int8_alone(run: Path, batch: int) -> Predict:
    """dressform's int8 network without the second look."""
    from dressform.predict.int8 import Int8Network

    return Int8Network(onnx_file(run), validation_pictures(run)[:1000]).logits


def validation_pictures(run: Path) -> NDArray[np.uint8]:
    """Pictures that the run held out; for the shipped model, what its recipe holds out."""
    if str(run) == SHIPPED:
        from dressform.training.learning_data import learning_data  # torch: for int8's sides alone

        recipe = dressform.find_recipe(shipped_recipe())
        validation = learning_data(recipe, dressform.load_data()).validation
        assert validation is not None
        return validation.images
    train, ids = dressform.load_data().train, dressform.open_run(run).predictions("validation").ids
    return train.images[np.isin(train.ids, ids)]


SIDES = {
    "torch eager": torch_eager,
    "ONNX Runtime, default": onnx_default,
    "ONNX Runtime, its int8": onnx_int8,
    "dressform Predictor": predictor,
    "dressform QuickPredictor": quick,
    "dressform int8 alone": int8_alone,
}


def main() -> None:
    """Print what time_predictions does."""
    predict = SIDES[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
    time_predictions(predict, dressform.load_data()["test"].images, sys.argv[4])


if __name__ == "__main__":
    main()
