"""`predict_new_images`: what a run's model says of labelled images that it was not made with."""

import logging
import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import BadFilesError, ConfigError, DressformError
from dressform.core.files import sha256_file
from dressform.data.dataset import Dataset
from dressform.data.duplicates import image_hashes
from dressform.data.image import SUFFIXES
from dressform.data.image_files import FITTED
from dressform.data.labelled import LabelledImages, chosen, images_at, read_examples
from dressform.data.read_options import ReadArguments, ReadOptions
from dressform.data.source import DataSource
from dressform.exploration.points import data_of, training_examples
from dressform.predict.predictor import Predictor
from dressform.predictions import Predictions
from dressform.predictions.class_names import labels_by_name
from dressform.runs.run import Run

logger = logging.getLogger(__name__)

MAX_HASHED_BYTES = 200_000_000
"""Pixels of training data that are read to look for duplicates among images that are no files."""


@dataclass(frozen=True, eq=False)
class NewImages:
    """A model's predictions of labelled images.

    Attributes:
        predictions: of all of them, with the model's classes.
        images: what the model saw, with the same ids, labels and classes.
        split: the split that they are, or ``all``.
        own: whether they are images of the run's own data, which it was trained or tested on.
    """

    predictions: Predictions
    images: Dataset
    split: str
    own: bool


def read_for(run: Run, data: DataSource, reading: ReadArguments | None = None) -> LabelledImages:
    """Read labelled images at the size that a run's model takes.

    Args:
        run: finished.
        data: a name or a path, as for :func:`dressform.data.labelled.read_examples`.
        reading: how they are read, where it differs from how the run's data were read; rare classes
            are left out only if that is asked for here, or if the data are the run's own.

    Raises:
        DressformError: the data cannot be read.
    """
    given = ReadArguments(**(reading or {}))
    height, width, _ = run.manifest.dataset.shape
    image_size = given.pop("image_size", None)
    if image_size is not None and image_size not in (height, width):
        raise ConfigError(
            f"image_size={image_size} does not apply to {run.path}, whose model takes images of "
            f"{width} x {height}; leave it out"
        )
    if height == width:
        given["image_size"] = height
        return _read(run, data, given)
    examples = _read(run, data, given)  # at any size; predicted at that of the model
    notes = (note for note in examples.notes if not note.startswith(FITTED))
    return replace(examples, notes=tuple(notes))


def _read(run: Run, data: DataSource, given: ReadArguments) -> LabelledImages:
    """Read as the run's data were, as far as that is possible."""
    trained = run.manifest.dataset
    settings = ReadArguments(**{**trained.options.changed(), **given})  # type: ignore[typeddict-item]
    if settings == given:
        return read_examples(data, ReadOptions.of(given))
    try:
        examples = read_examples(data, ReadOptions.of(settings))
    except BadFilesError:
        raise
    except DressformError:  # columns, groups or classes that other data do not have
        return read_examples(data, ReadOptions.of(given))
    if "min_count" in settings and "min_count" not in given and examples.digests != trained.digests:
        del settings["min_count"]
        return read_examples(data, ReadOptions.of(settings))
    return examples


def predict_new_images(
    run: Run, examples: LabelledImages, *, split: str | None = None
) -> NewImages:
    """Predict labelled images with a run's model, without torch.

    Images are prepared as ``dressform predict`` does it: fitted to the size of the model's input,
    and photos as its ``model.json`` asks. Classes are joined by name. What the user should know of
    the images (classes that are missing, training images among them) is logged.

    Args:
        run: finished.
        examples: see :func:`read_for`.
        split: of the examples; default all, of a bundled benchmark test.

    Raises:
        DressformError: the images cannot be used, or have a class that the model lacks.
    """
    predictor = Predictor(run)
    examples = chosen(examples, split)
    labels = labels_by_name(
        examples.dataset.labels,
        examples.dataset.class_names,
        predictor.class_names,
        data=examples.name,
        model=run.name,
    )
    own = _warn_of_training_images(run, examples)
    images = replace(
        examples.dataset,
        images=_inputs(predictor, examples),
        labels=labels,
        class_names=predictor.class_names,
    )
    predictions = Predictions(
        images.ids,
        images.labels,
        predictor.logits(images.images),
        predictor.class_names,
        images.groups,
        temperature=predictor.temperature,
    )
    return NewImages(predictions, images, examples.split, own)


def _inputs(predictor: Predictor, examples: LabelledImages) -> NDArray[np.uint8]:
    """The model's inputs, uint8 [N, H, W, C]: those of ``predict`` where images are files."""
    if examples.sources is None or predictor.photo is None:
        if examples.sources is None and examples.dataset.shape[:2] != predictor.shape[:2]:
            size, target = (f"{w} x {h}" for h, w, _ in (examples.dataset.shape, predictor.shape))
            logger.warning(f"images of {size} were fitted to {target}, the model's input")
        return images_at(examples, predictor.shape)
    inputs = np.empty((len(examples), *predictor.shape), np.uint8)
    for i, one in enumerate(examples.sources):
        inputs[i] = predictor.prepare(one.source(), one.name).pixels
        if (i + 1) % 500 == 0:
            logger.info(f"prepared {i + 1:,} of {len(inputs):,} photos")
    return inputs


def _warn_of_training_images(run: Run, examples: LabelledImages) -> bool:
    """Say how many of the images the run was trained on, and how many it was validated on.

    Returns:
        whether they are images of the run's own data.
    """
    trained = run.manifest.dataset.digests
    evaluated = examples.counts if examples.divided else examples.digests
    own = {name for name in evaluated if trained.get(name) == examples.digests[name]}
    if "train" in own and examples.splits is not None:
        advice = "; split='test' leaves them out" if "test" in evaluated else ""
        validated = _validation_ids(run)
        held_out = sum(str(one) in validated for one in examples.splits.train.ids)
        trained_on = len(examples.splits.train) - held_out
        if "validation" in own and examples.splits.validation is not None:
            held_out = len(examples.splits.validation)
        also = f", and {held_out:,} those that it was validated on" if held_out else ""
        logger.warning(
            f"{trained_on:,} of {len(examples):,} images are those that {run.name} was trained on"
            f"{also} (equal digests); its accuracy on new images will be lower{advice}"
        )
    if own:
        return True
    duplicates = _training_duplicates(run, examples)
    if duplicates:
        logger.warning(
            f"{duplicates:,} of {len(examples):,} images are exact duplicates of images that "
            f"{run.name} was trained on; its accuracy on new images may be lower"
        )
    return False


def _validation_ids(run: Run) -> set[str]:
    """The ids of the images that the run was validated on."""
    if not run.layout.predictions("validation").exists():
        return set()
    return {str(one) for one in run.predictions("validation").ids}


def _training_duplicates(run: Run, examples: LabelledImages) -> int | None:
    """How many images are exact duplicates of training images; None if that would take long, or the
    training images are gone.
    """
    source = Path(run.manifest.dataset.location or run.manifest.dataset.source or "-")
    if examples.sources is not None:
        files = [one.file for one in examples.sources if one.file is not None]
        paths = tuple(file.local for file in files if file.local is not None)
        return _duplicate_files(run, source, paths) if source.is_dir() else None
    facts = run.manifest.dataset
    pixels = sum(facts.examples.values()) * int(np.prod(facts.shape))
    if source.is_dir() or pixels > MAX_HASHED_BYTES or examples.dataset.shape != facts.shape:
        return None
    try:
        training = training_examples(run, data_of(run))
    except DressformError:
        return None
    hashes = image_hashes(training.images)
    return int(np.isin(image_hashes(examples.dataset.images), hashes).sum())


def _duplicate_files(run: Run, source: Path, files: tuple[Path, ...]) -> int:
    """How many files have the bytes of a training file; only files of equal size are read."""
    held_out = {
        text
        for split in ("validation", "test")
        if run.layout.predictions(split).exists()
        for text in run.predictions(split).ids.tolist()
    }
    sizes: dict[int, list[Path]] = {}
    for folder, _, names in os.walk(source):
        for name in names:
            path = Path(folder) / name
            known = path.relative_to(source).as_posix() in held_out
            if path.suffix.lower() in SUFFIXES and not known and path.is_file():
                sizes.setdefault(path.stat().st_size, []).append(path)
    hashes: dict[Path, str] = {}
    count = 0
    for path in files:
        candidates = sizes.get(path.stat().st_size, ())
        for candidate in candidates:
            hashes.setdefault(candidate, sha256_file(candidate))
        count += bool(candidates) and sha256_file(path) in {hashes[c] for c in candidates}
    return count
