"""Where a model is: in a run, in a folder with ``model.onnx``, or in dressform itself.

One model comes with dressform, so that a fresh install can predict. It answers where no other is
named and nothing was trained.
"""

import math
import shlex
from pathlib import Path

from dressform.core.errors import RunError
from dressform.core.files import user_path
from dressform.core.numbers import percent
from dressform.data.catalog import CATALOG
from dressform.predict.model_card import ModelCard
from dressform.predictions.model_files import model_file_advice
from dressform.runs.layout import DEFAULT_ROOT, SHIPPED, Layout
from dressform.runs.run import Run, best_of, finished_runs, open_run


def shipped_folder() -> Path:
    """The folder of the model that comes with dressform: ``model.onnx``, ``model.json``, the model
    card (``README.md``) and what a run keeps for prediction.

    Raises:
        RunError: it is not there.
    """
    folder = Path(__file__).resolve().parent.parent / SHIPPED
    if not (folder / "model.onnx").is_file():
        raise RunError(f"{folder} has no model.onnx; install dressform again")
    return folder


def find_model(model: Run | str | Path | None = None) -> tuple[Run | Path, str]:
    """A model, and what it is, for people; empty for one that its path says all about.

    Args:
        model: a run, its folder, or a folder with ``model.onnx`` and ``model.json``; ``shipped``,
            or the name of its recipe, for the model that comes with dressform, unless there is such
            a path; None for the run below ``runs`` with the best validation accuracy, and where
            there is no finished run, for the model that comes with dressform.

    Raises:
        RunError: there are runs of several datasets, among which the user has to choose; or it is
            a file of another program that dressform does not read.
    """
    if isinstance(model, Run):
        return model, ""
    if model is None:
        runs = finished_runs()
        if runs:
            return best_of(runs, DEFAULT_ROOT)
        missing = "" if DEFAULT_ROOT.is_dir() else " (no such folder)"
        why = f"shipped with dressform, as there is no finished run under {DEFAULT_ROOT}{missing}"
        return shipped_folder(), why
    path = user_path(model)
    if not path.exists() and is_shipped(model):
        return shipped_folder(), "shipped with dressform"
    if advice := model_file_advice(path):
        raise RunError(advice)
    return path, ""


def is_shipped(name: str | Path) -> bool:
    """Whether a name, where no path has it, stands for the model that comes with dressform."""
    if Path(name).name != str(name):
        return False
    return str(name) == SHIPPED or str(name) == shipped_recipe()


def shipped_recipe() -> str:
    """The recipe of the model that comes with dressform."""
    return _shipped_card().name.split()[0].rstrip(",")


def shipped_advice(run: Run) -> str:
    """What to say where the model that comes with dressform learned the same images as a run, and
    was right more often on validation images, by more than two standard errors; else empty.
    """
    dataset, value = run.manifest.dataset, run.val_accuracy
    count = dataset.examples.get("validation", 0)
    if dataset.location not in CATALOG or value is None or not count:
        return ""
    try:
        card = _shipped_card()
    except RunError:
        return ""
    other = card.confidence
    if other is None or dataset.class_names != card.class_names:
        return ""
    variances = [p * (1 - p) / n for p, n in ((value, count), (other.accuracy, other.examples))]
    if other.accuracy - value <= 2 * math.sqrt(sum(variances)):
        return ""
    return (
        f"the model that comes with dressform was right more often on its validation images "
        f"({percent(other.accuracy)} of {other.examples:,}; this run {percent(value)} of {count:,})"
    )


def _shipped_card() -> ModelCard:
    return ModelCard.load(shipped_folder() / "model.json")


def weights_folder(model: Run | str | Path | None = None) -> Path:
    """The folder with ``model.onnx`` and ``model.json`` of a model (:func:`find_model`).

    Raises:
        RunError: there is none, or the run is not finished.
    """
    found, _ = find_model(model)
    if not isinstance(found, Run):
        if (found / "model.onnx").is_file():
            return found
        if found.suffix == ".onnx" and found.is_file():
            raise RunError(
                f"{found} is a file; give its folder, which has model.json too, or evaluate it "
                f"with 'dressform evaluate {shlex.quote(str(found))}'"
            )
        found = open_run(found)
    found.check_finished()
    return Layout(found.path).weights
