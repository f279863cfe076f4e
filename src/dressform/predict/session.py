"""ONNX Runtime sessions on the CPU."""

import threading
from pathlib import Path
from typing import Any

from dressform.core.errors import DressformError, ResourceError, is_shortage
from dressform.core.text import encodable
from dressform.predict.watchdog import WATCHDOG

BATCH_SIZE = 64
"""Images of 28 x 28 per call; the activations of larger batches exceed the processor's cache.
"""


def open_session(
    path: Path, refuse: type[DressformError], *, spin: bool = True, threads: int | None = None
) -> Any:
    """Open an ONNX file.

    Args:
        path: the file; external weights next to it are found.
        refuse: the kind of error to raise.
        spin: whether threads keep spinning for a while after a call. The next call then starts
            sooner, but other work has fewer cores meanwhile.
        threads: that run the network; default: ONNX Runtime's choice.

    Returns:
        an ``onnxruntime.InferenceSession``.

    Raises:
        DressformError: of the kind ``refuse``; ONNX Runtime cannot load the file.
    """
    return create_session(str(path), refuse, str(path), spin=spin, threads=threads)


TIME_LIMIT = 120.0
"""Time limit for a call of :func:`run_session`, in seconds."""


def run_session(
    session: Any,
    outputs: list[str],
    inputs: dict[str, Any],
    refuse: type[DressformError],
    name: str,
    *,
    time_limit: float = TIME_LIMIT,
) -> list[Any]:
    """Run a session with a time limit, since a graph may have endless loops.

    Args:
        session: of :func:`open_session`.
        outputs: names of the requested outputs.
        inputs: inputs by name.
        refuse: the kind of error to raise.
        name: name of the model in error messages.
        time_limit: seconds.

    Raises:
        ResourceError: it took longer, or there is not enough memory.
        DressformError: of the kind ``refuse``; the graph fails on these inputs.
    """
    import onnxruntime

    options = onnxruntime.RunOptions()
    timed_out = threading.Event()

    def terminate() -> None:
        timed_out.set()
        options.terminate = True

    with WATCHDOG.limit(time_limit, terminate):
        try:
            results: list[Any] = session.run(outputs, inputs, options)
        except Exception as error:  # onnxruntime's exceptions have no common public base
            if timed_out.is_set():
                raise ResourceError(
                    f"{name} did not finish within {time_limit:g} s; it may never end, so check "
                    f"the model"
                ) from error
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            if is_shortage(error):
                raise ResourceError(
                    f"there is not enough memory to run {name} ({reason}); close other programs"
                ) from error
            raise refuse(
                f"{name} cannot be run on {len(next(iter(inputs.values())))} images ({reason})"
            ) from error
    return results


def create_session(
    model: str | bytes,
    refuse: type[DressformError],
    name: str,
    *,
    spin: bool = True,
    threads: int | None = None,
) -> Any:
    """Open a model given by path or as bytes, named ``name`` in errors (:func:`open_session`)."""
    import onnxruntime  # imported here, since listing and errors do not need it

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # errors are raised; the runtime would print them too
    if threads is not None:
        options.intra_op_num_threads = threads
    options.add_session_config_entry("session.force_spinning_stop", "0" if spin else "1")
    try:
        if isinstance(model, str) and model != encodable(model):
            model = Path(model).read_bytes()  # the runtime takes paths in UTF-8 alone
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions have no common public base
        raise refuse(
            f"{name} cannot be loaded by ONNX Runtime ({str(error).splitlines()[0]}); export it "
            f"to ONNX again"
        ) from error
