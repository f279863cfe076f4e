"""ONNX files opened by ONNX Runtime, on the CPU, with its own choice of threads."""

from pathlib import Path
from typing import Any

from dressform.core.errors import DressformError


def open_session(path: Path, refuse: type[DressformError]) -> Any:
    """Open an ONNX file.

    Args:
        path: the file; weights that it keeps beside itself are found.
        refuse: the kind of error to raise.

    Returns:
        an ``onnxruntime.InferenceSession``.

    Raises:
        DressformError: of the kind ``refuse``; ONNX Runtime cannot load the file.
    """
    return session_of(str(path), refuse, str(path))


def session_of(model: str | bytes, refuse: type[DressformError], name: str) -> Any:
    """Open a model given as a path or as the bytes of a file that is called ``name`` in errors; see :func:`open_session`."""
    import onnxruntime  # here: listing and errors need no runtime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # errors are raised; the runtime would print them too
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions have no common public base
        raise refuse(f"{name} cannot be loaded by ONNX Runtime ({str(error).splitlines()[0]}); export it to ONNX anew") from error
