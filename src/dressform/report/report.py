"""`write_report`: runs, cross-validations, predictions files and models become one page."""

import os
import shlex
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from dressform.core.errors import ConfigError, DressformError
from dressform.core.files import user_path
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.source import load_data
from dressform.evaluation.align import align, with_common_ids
from dressform.evaluation.compare import PredictionSet, compare
from dressform.evaluation.evaluate import MAX_CONFUSION_CLASSES
from dressform.explore.explanation import explain
from dressform.explore.points import data_of, training_examples
from dressform.predict.prediction_sets import (
    kind_of,
    load_predictions_of,
    prediction_set_of,
    split_of,
    with_distinct_names,
)
from dressform.predictions import Predictions
from dressform.predictions.examples import canonical_split, examples_of, indices_of
from dressform.report.page.blobs import Blob
from dressform.report.page.document import Inspected, report_document
from dressform.report.page.page import write_page
from dressform.runs.crossval import CrossvalRun, is_crossval, open_crossval
from dressform.runs.history import training_conditions
from dressform.runs.ledger import note_look
from dressform.runs.manifest import timestamp
from dressform.runs.run import Run, open_run

Found = tuple[Inspected, str, Dataset | None, Dataset | None]
"""A model, its split, the pictures of it, and the training pictures that neighbours are positions
of.
"""


def write_report(
    what: Sequence[str | Path],
    *,
    out: str | Path | None = None,
    split: str | None = None,
    data: str | Path | None = None,
    image_size: int | None = None,
    recipe_file: str | None = None,
    say: Callable[[str], object] = lambda line: None,
) -> Path:
    """Write one self-contained page about one or several models.

    Args:
        what: folders of runs or cross-validations, predictions files, or ONNX models; several must
            have judged the same examples.
        out: the HTML file; default ``report.html`` in the folder of the first run, else in the
            working directory.
        split: of runs and models: ``test`` or ``validation``; default test where there is one.
        data: the pictures, where a run does not tell or they are elsewhere now: a name or a path.
        image_size: side in pixels for folders of pictures of several sizes.
        recipe_file: ``file.py:function`` that made the networks of runs, where a file did; it is
            run, for saliency.
        say: called with each line that a user should know.

    Returns:
        the file.

    Raises:
        DressformError: nothing to show, models of different examples, or a path that cannot be
            used.
    """
    if not what:
        raise ConfigError(
            "nothing to report on; give a run, a cross-validation, a predictions file or an .onnx "
            "model"
        )
    given = None if data is None else load_data(data, image_size=image_size)
    found = [_inspect(path, split, given, data, image_size, recipe_file, say) for path in what]
    prediction_sets = with_distinct_names(
        [_contestant(path, inspected) for path, (inspected, *_) in zip(what, found, strict=True)],
        what,
    )
    found = [
        (replace(f[0], name=c.name), *f[1:]) for f, c in zip(found, prediction_sets, strict=True)
    ]
    first, first_split, *_ = found[0]
    pictures, reference = next(((p, own) for *_, p, own in found if p is not None), (None, None))
    if len(first.predictions.class_names) > MAX_CONFUSION_CLASSES:
        raise ConfigError(
            f"{first.name} has {len(first.predictions.class_names)} classes; a report shows up to "
            f"{MAX_CONFUSION_CLASSES}"
        )
    comparisons = compare(prediction_sets) if len(found) > 1 else []
    found = [found[0], *(_in_order(first, one) for one in found[1:])]
    shown, others = (
        _with_neighbours(found, reference)
        if pictures is not None
        else ([f[0] for f in found], None)
    )
    title = first.name if len(found) == 1 else f"{len(found)} models compared"
    made = f"{timestamp()}: {len(first.predictions):,} {first_split} examples"
    document, blobs = report_document(
        title, made, first_split, shown, comparisons, pictures, others
    )
    target = target_of(out, what[0], "report.html")
    write(target, document, blobs)
    return target


def _contestant(path: str | Path, inspected: Inspected) -> PredictionSet:
    """What ``dressform compare`` would compare."""
    if is_crossval(user_path(path)):
        return prediction_set_of(open_crossval(path))
    return PredictionSet(inspected.name, (inspected.predictions,))


def _with_neighbours(
    found: Sequence[Found], reference: Dataset | None
) -> tuple[list[Inspected], Dataset | None]:
    """Positions in the reference become numbers on the page, which has only those training pictures
    that are neighbours.
    """
    for i, (inspected, split, pictures, own) in enumerate(found):
        if (
            inspected.near
            and reference is not None
            and own is not None
            and own.digest != reference.digest
        ):
            missing = [
                *inspected.missing,
                "nearest pictures: it learned from other pictures than the first of these models",
            ]
            found = [
                *found[:i],
                (replace(inspected, near={}, missing=missing), split, pictures, own),
                *found[i + 1 :],
            ]
    used = [near for inspected, *_ in found for near, _ in inspected.near.values()]
    if reference is None or not used:
        return [replace(inspected, near={}) for inspected, *_ in found], None
    shown, first = (
        np.unique(np.concatenate([near.ravel() for near in used])),
        len(found[0][0].predictions),
    )
    moved = [
        replace(
            i,
            near={
                metric: (first + np.searchsorted(shown, near), far)
                for metric, (near, far) in i.near.items()
            },
        )
        for i, *_ in found
    ]
    return moved, reference.take(shown)


def _inspect(
    path: str | Path,
    split: str | None,
    given: DatasetSplits | None,
    data: str | Path | None,
    image_size: int | None,
    recipe_file: str | None,
    say: Callable[[str], object],
) -> Found:
    if is_crossval(user_path(path)):
        return _crossval(open_crossval(path), given)
    if kind_of(path) == "run":
        return inspect_run(open_run(path), split, given, say, recipe_file=recipe_file)
    name, predictions = load_predictions_of(
        path, split, data or "fashion-mnist", image_size=image_size, say=say
    )
    shown = "given" if kind_of(path) == "predictions" else split or "test"
    missing = [
        "history and facts of the training: only a run directory has them",
        "nearest pictures and saliency: only a run directory has the network they need",
    ]
    pictures = None
    if given is not None or kind_of(path) == "model":
        try:
            pictures = _anywhere(predictions, given or load_data("fashion-mnist"))
        except DressformError as error:
            missing.append(f"pictures: {error}")
    else:
        missing.append("pictures: a predictions file has none; give them with --data")
    return Inspected(name, predictions, missing=missing), shown, pictures, None


def inspect_run(
    run: Run,
    split: str | None,
    given: DatasetSplits | None,
    say: Callable[[str], object],
    *,
    neighbours: bool = True,
    recipe_file: str | None = None,
) -> Found:
    """A run as a report shows it.

    Args:
        run: finished.
        split: ``test`` or ``validation``; None takes test where there is one.
        given: the data; None looks where the run had them from.
        say: called with each line that a user should know.
        neighbours: look for the nearest training pictures, too.
        recipe_file: ``file.py:function`` that made the network, where a file did; it is run, for
            saliency.
    """
    chosen = split_of(run, split)
    predictions = run.predictions(chosen)
    if chosen == "test" and (
        problem := note_look(run.path, what="report", examples=len(predictions))
    ):
        say(f"note: {problem}")
    manifest, missing = run.manifest, list[str]()
    pictures = reference = None
    try:
        splits = given or data_of(run)
        pictures = examples_of(predictions, splits, chosen)
        reference = training_examples(run, splits)
    except DressformError as error:
        missing.append(f"pictures, nearest pictures and saliency: {error}")
    inspected = Inspected(run.name, predictions, facts=_facts(run), missing=missing)
    try:
        how = training_conditions(manifest.resolved)
        note = (
            f"Training values were measured {how}, with augmentation and dropout where the "
            f"recipe has them."
        )
        inspected = replace(inspected, history=run.history(), history_note=note)
    except DressformError as error:
        missing.append(f"history: {error}")
    if pictures is not None:
        found = explain(run, chosen, pictures, reference if neighbours else None, recipe_file)
        missing += found.missing
        if found.neighbours is not None and found.distances is not None:
            inspected = replace(inspected, near={"cosine": (found.neighbours, found.distances)})
        inspected = replace(inspected, saliency=found.saliency)
    return inspected, canonical_split(chosen), pictures, reference


def _crossval(run: CrossvalRun, given: DatasetSplits | None) -> Found:
    predictions = run.out_of_fold()[0][0]
    missing = [
        "nearest pictures and saliency: each fold has a network of its own, and none is kept"
    ]
    pictures = None
    try:
        pictures = _anywhere(predictions, given or load_data(run.path.parent.parent.name), "train")
    except DressformError as error:
        missing.append(f"pictures: {error}; give them with --data")
    facts = [
        ("recipe", run.name),
        ("folds", f"{run.folds}, each example judged by the model that did not learn from it"),
        ("repeats", f"{run.repeats}, the first is shown"),
    ]
    found = Inspected(
        run.name,
        predictions,
        facts,
        missing=missing,
        estimates={name: asdict(row) for name, row in run.summary.estimates.items()},
    )
    return found, "out-of-fold", pictures, None


def _anywhere(predictions: Predictions, splits: DatasetSplits, likely: str = "test") -> Dataset:
    """The pictures of predictions whose split is not known."""
    try:
        return examples_of(predictions, splits, likely)
    except DressformError:
        return examples_of(predictions, splits, "train" if likely == "test" else "test")


def _facts(run: Run) -> list[tuple[str, str]]:
    manifest = run.manifest
    examples, seconds, hardware = manifest.dataset.examples, manifest.seconds, manifest.hardware
    settings = "".join(f" --set {shlex.quote(text)}" for text in manifest.settings)
    source = manifest.dataset.source or manifest.dataset.name
    command = shlex.join(["dressform", "train", manifest.reference, "--data", source])
    return [
        ("command", f"{command}{settings} --seed {manifest.seed}"),
        (
            "data",
            f"{manifest.dataset.name}: "
            + ", ".join(f"{count:,} {name}" for name, count in examples.items() if count),
        ),
        ("epochs", str(manifest.results.get("epochs", "-"))),
        ("training", f"{seconds['train']:,.0f} s" if "train" in seconds else "-"),
        (
            "hardware",
            ", ".join(
                str(hardware[name])
                for name in ("processor", "device", "precision")
                if name in hardware
            )
            + (f", {hardware['threads']} threads" if "threads" in hardware else ""),
        ),
        ("versions", ", ".join(f"{name} {version}" for name, version in manifest.packages.items())),
        ("finished", manifest.finished or "-"),
        ("folder", str(run.path)),
    ]


def _in_order(first: Inspected, found: Found) -> Found:
    """The same examples in the order of the first: a report shows rows side by side.

    Raises:
        DataError: other examples.
    """
    other, split, pictures, reference = found
    _, aligned = align(first.predictions, other.predictions, (first.name, other.name))
    wanted, given = (p.ids for p in with_common_ids(first.predictions, other.predictions))
    order = indices_of(given, wanted)
    near = {
        metric: (positions[order], far[order]) for metric, (positions, far) in other.near.items()
    }
    maps = None if other.saliency is None else other.saliency[order]
    moved = replace(other, predictions=aligned, near=near, saliency=maps)
    return moved, split, None if pictures is None else pictures.take(order), reference


def write(target: Path, document: dict[str, Any], blobs: Sequence[Blob]) -> None:
    """Write a page; what keeps it from being written is told in a line."""
    try:
        write_page(target, document, blobs)
    except OSError as error:
        raise ConfigError(
            f"{target} cannot be written ({error.strerror}); give a writable path with --out"
        ) from error


def target_of(out: str | Path | None, first: str | Path, name: str) -> Path:
    """The HTML file to write: ``out``, or ``name`` in the folder of the first of what is shown,
    else in the working directory.

    Raises:
        ConfigError: no HTML file, or its folder does not exist.
    """
    if out is None:
        path = user_path(first)
        return (path if path.is_dir() else Path()) / name
    target = user_path(out)
    if target.is_dir():
        raise ConfigError(
            f"{out} is a folder; give the HTML file to write, such as {target / Path(name).name}"
        )
    if target.suffix.lower() not in (".html", ".htm"):
        raise ConfigError(f"--out is {out}; allowed: a file that ends in .html")
    if not target.parent.is_dir():
        raise ConfigError(
            f"{target.parent} does not exist; make that folder, or give another --out"
        )
    if not os.access(target.parent, os.W_OK):
        raise ConfigError(f"{target.parent} may not be written to; give another --out")
    return target
