"""`model_file_advice`: what to do with files of models that dressform does not read."""

from pathlib import Path

_KERAS = 'model.export("m.onnx", format="onnx") in Keras 3'
_KINDS = {
    ".keras": ("a Keras file", _KERAS),
    ".h5": ("an HDF5 file, such as Keras saves models in", _KERAS),
    ".hdf5": ("an HDF5 file, such as Keras saves models in", _KERAS),
    ".pt": ("a PyTorch file", "torch.onnx.export"),
    ".pth": ("a PyTorch file", "torch.onnx.export"),
    ".tflite": ("a TensorFlow Lite file", "tf2onnx"),
}
"""What files of other programs are, and what writes their models as ONNX, by suffix."""


def model_file_advice(path: Path) -> str | None:
    """That a file is a model in a format that dressform does not read, and what to do, in one line;
    None for any other file, and where there is none.
    """
    kind, exporter = _KINDS.get(path.suffix.lower(), ("", ""))
    if not kind or not path.is_file():
        return None
    own = "; if dressform exported it, give the run" if path.suffix.lower() == ".keras" else ""
    return (
        f"{path} is {kind}, which dressform does not read; export the model to ONNX "
        f"({exporter}), or write its predictions to a table (docs/how-to/other-models.md){own}"
    )
