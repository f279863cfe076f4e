"""`write_onnx`: a model as a folder that is enough to serve it, with its model card."""

import shutil
from pathlib import Path

from dressform.core.errors import ResourceError
from dressform.core.files import write_atomic, write_text
from dressform.predict.model_card import ModelCard
from dressform.predict.model_folder import weights_folder
from dressform.predict.readme import readme
from dressform.runs.layout import Layout
from dressform.runs.run import Run


def write_onnx(model: Run | Path, folder: Path) -> list[Path]:
    """Copy ``model.onnx`` and ``model.json``, what recognises unusual images, the model card and
    the table of scores per class, where the model has them.

    Args:
        model: a finished run, or a folder with ``model.onnx`` and ``model.json``.
        folder: created if it does not exist.

    Returns:
        the files.

    Raises:
        RunError: the run is not finished, or lacks its model.
        ResourceError: the folder cannot be written to.
    """
    weights = weights_folder(model)  # refuses an unfinished run
    card = ModelCard.load(weights / "model.json")
    layout = Layout(weights.parent)
    texts = weights if isinstance(model, Path) else model.path
    files = [weights / path.name for path in (layout.onnx, layout.model, layout.ood_reference)]
    files += [texts / path.name for path in (layout.per_class, layout.card)]
    text = None
    if isinstance(model, Run) and not layout.card.exists():
        text = readme(model, card)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        written = [_copy(path, folder) for path in files if path.exists()]
        if text is not None:
            written.append(folder / layout.card.name)
            write_text(written[-1], text)
    except OSError as error:
        raise ResourceError(
            f"{error.filename or folder} cannot be written ({error.strerror or error}); give "
            f"another folder"
        ) from error
    return written


def _copy(path: Path, folder: Path) -> Path:
    target = folder / path.name
    with path.open("rb") as source:
        write_atomic(target, lambda file: shutil.copyfileobj(source, file))
    return target
