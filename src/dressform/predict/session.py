"""ONNX files opened by ONNX Runtime, on the CPU, with its own choice of threads."""

import threading
from pathlib import Path
from typing import Any

from dressform.core.errors import DressformError, ResourceError, is_shortage

AT_ONCE = 64
"""Pictures of 28 x 28 that a call should get: what a network makes of more leaves the processor's
cache.
"""


def open_session(path: Path, refuse: type[DressformError], *, spin: bool = True) -> Any:
    """Open an ONNX file.

    Args:
        path: the file; weights that it keeps beside itself are found.
        refuse: the kind of error to raise.
        spin: whether threads stay awake for a while after a call. The next call then begins sooner,
            and all other work meanwhile has fewer cores.

    Returns:
        an ``onnxruntime.InferenceSession``.

    Raises:
        DressformError: of the kind ``refuse``; ONNX Runtime cannot load the file.
    """
    return session_of(str(path), refuse, str(path), spin=spin)


TIME_LIMIT = 120.0
"""Seconds that a call of :func:`run_session` may take."""


def run_session(
    session: Any,
    outputs: list[str],
    given: dict[str, Any],
    refuse: type[DressformError],
    name: str,
    *,
    limit: float = TIME_LIMIT,
) -> list[Any]:
    """Run a session, and end it where it does not end by itself: a graph may have loops.

    Args:
        session: of :func:`open_session`.
        outputs: that are wanted.
        given: inputs by name.
        refuse: the kind of error to raise.
        name: what the model is called in errors.
        limit: seconds.

    Raises:
        ResourceError: it took longer, or there is not enough memory.
        DressformError: of the kind ``refuse``; the graph fails on these inputs.
    """
    import onnxruntime

    options = onnxruntime.RunOptions()
    ended = threading.Event()

    def end() -> None:
        ended.set()
        options.terminate = True

    timer = threading.Timer(limit, end)
    timer.daemon = True
    timer.start()
    try:
        found: list[Any] = session.run(outputs, given, options)
    except Exception as error:  # onnxruntime's exceptions have no common public base
        if ended.is_set():
            raise ResourceError(
                f"{name} did not answer within {limit:g} s; it may never end, so check it"
            ) from error
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if is_shortage(error):
            raise ResourceError(
                f"there is not enough memory to run {name} ({reason}); close other programs"
            ) from error
        raise refuse(
            f"{name} cannot be run on {len(next(iter(given.values())))} pictures ({reason})"
        ) from error
    finally:
        timer.cancel()
    return found


def session_of(
    model: str | bytes, refuse: type[DressformError], name: str, *, spin: bool = True
) -> Any:
    """Open a model given as a path or as the bytes of a file that is called ``name`` in errors; see
    :func:`open_session`.
    """
    import onnxruntime  # here: listing and errors need no runtime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # errors are raised; the runtime would print them too
    options.add_session_config_entry("session.force_spinning_stop", "0" if spin else "1")
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's exceptions have no common public base
        raise refuse(
            f"{name} cannot be loaded by ONNX Runtime ({str(error).splitlines()[0]}); export it "
            f"to ONNX anew"
        ) from error
