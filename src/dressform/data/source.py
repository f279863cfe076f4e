"""`load_data`: read a catalogue name or a path in any supported form as `DatasetSplits`."""

import dataclasses
import logging
from pathlib import Path
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import BadFilesError, DataError, MistakenDataError, unknown_name
from dressform.core.files import user_path
from dressform.core.text import counted
from dressform.data import provenance
from dressform.data.catalog import CATALOG
from dressform.data.contents import (
    Contents,
    ImageSource,
    Part,
    dataset_of,
    drop_classes,
    notes_on_names,
    such_as,
)
from dressform.data.dataset import Dataset, DatasetSplits, LeftOut
from dressform.data.duplicates import fingerprint
from dressform.data.grouped_contents import with_groups
from dressform.data.image_files import decode_all
from dressform.data.read_options import ReadArguments, ReadOptions
from dressform.data.recognise import FORMS, read_source
from dressform.data.several_labels import notes_on_several_labels
from dressform.data.splits import hold_out

logger = logging.getLogger(__name__)

TEST_FRACTION = 0.2
_TRANSPARENT = "with transparent pixels, which are read as white"
DataSource = str | Path | DatasetSplits
"""Where data come from: a catalogue name, a path, or splits in memory."""


def log_notes(splits: DatasetSplits) -> None:
    """Tell the user how data were read, where that is not obvious."""
    for note in splits.notes:
        logger.warning(note)


def load_data(
    source: DataSource = "fashion-mnist", **reading: Unpack[ReadArguments]
) -> DatasetSplits:
    """Read labelled images.

    Args:
        source: a catalogue name, or a path: class folders, a table of images and labels, IDX files,
            a table of pixels, Parquet, NPZ, or a ZIP or TAR of one of these; the form is detected.
            Splits in memory are returned as they are.
        **reading: the fields of :class:`ReadOptions`: ``image_size``, ``image_column``,
            ``label_column``, ``split_column``, ``group_column``, ``groups``, ``drop``,
            ``min_count``, ``skip_bad``.

    Returns:
        the available splits. If there is neither a test nor a validation split, a stratified 20 %
        is held out as test, the same in every call, and a note says so.

    Raises:
        ConfigError: an option is out of range.
        BadFilesError: files cannot be read; ``skip_bad`` leaves them out.
        DataError: data that are missing, damaged, inconsistent, or really MNIST.
        UnknownNameError: the source is neither a catalogue name nor a path, or there is no such
            option, column or class.
    """
    return read_data(source, ReadOptions.of(reading))


def read_data(source: DataSource, options: ReadOptions) -> DatasetSplits:
    """The same as :func:`load_data`, with the options as one value; splits stay as they are."""
    if isinstance(source, DatasetSplits):
        return source
    contents = _contents(source, options)
    parts, left_out, notes = _decoded(contents, options)
    return _divided(contents, parts, (left_out, (*contents.notes, *notes)), source, options)


def _divided(
    contents: Contents,
    parts: "_Decoded",
    remarks: tuple[tuple[LeftOut, ...], tuple[str, ...]],
    source: str | Path,
    options: ReadOptions,
) -> DatasetSplits:
    """What was read, as splits to train on and to test on."""
    left_out, notes = remarks
    splits = _splits(contents, parts, notes)
    splits = dataclasses.replace(
        splits,
        left_out=left_out,
        explanation=contents.reasons,
        grouped_by=contents.grouped_by,
    )
    splits = _with_test(_with_known_names(splits))
    return dataclasses.replace(splits, source=str(source), options=options)


@dataclasses.dataclass(frozen=True, eq=False)
class Examples:
    """All labelled images of a source.

    Attributes:
        name: of the data.
        parts: split -> examples, as the source divides them; nothing is held out.
        sources: split -> what each image was decoded from; None for arrays.
        notes: for the user, one line each.
        splits: the same as :func:`load_data` gives it; None if it refuses it.
    """

    name: str
    parts: dict[str, Dataset]
    sources: dict[str, tuple[ImageSource, ...] | None]
    notes: tuple[str, ...]
    splits: DatasetSplits | None


def read_examples_by_split(source: str | Path, options: ReadOptions) -> Examples:
    """All labelled images of a source, split by split, for a model that has been trained: nothing
    is held out, one class is enough, and there need be no images to train on.

    Raises:
        DressformError: see :func:`load_data`.
    """
    contents = _contents(source, options)
    parts, left_out, remarks = _decoded(contents, options)
    notes = (*contents.notes, *remarks)
    try:
        splits = _divided(contents, parts, (left_out, notes), source, options)
    except MistakenDataError:
        raise
    except DataError:
        splits = None
    names = contents.ordered_names()
    known = splits is not None and splits.class_names != names
    if splits is not None and known and len(splits.class_names) == len(names):
        names = splits.class_names  # of a known benchmark
    datasets = {
        split: dataclasses.replace(
            dataset_of(part, images, contents.ordered_names()), class_names=names
        )
        for split, (part, images) in parts.items()
    }
    sources = {
        split: None if isinstance(part.images, np.ndarray) else tuple(part.images)
        for split, (part, _) in parts.items()
    }
    return Examples(contents.name, datasets, sources, notes, splits)


def _contents(source: str | Path, options: ReadOptions) -> Contents:
    if not isinstance(source, (str, Path)):
        raise DataError(
            f"{type(source).__name__} was given in place of data; allowed: a dataset's name or a "
            f"path, and for training DatasetSplits"
        )
    if str(source) in CATALOG:
        contents = _bundled(str(source), options)
    else:
        path = user_path(source)
        if not path.exists():
            if "/" in str(source) or "\\" in str(source) or path.suffix:
                raise DataError(
                    f"{source} does not exist; give {FORMS}, or a name: {', '.join(CATALOG)}"
                )
            raise unknown_name("dataset or path", str(source), CATALOG)
        try:
            contents = read_source(path, options)
        except PermissionError as error:
            raise DataError(
                f"{error.filename} cannot be read: permission denied; change its permissions"
            ) from None
    for split, part in contents.parts.items():
        if not part.ids:
            raise DataError(f"{source} has no examples in {split}; add some, or leave {split} out")
    contents = with_groups(contents, options.groups)
    contents = drop_classes(contents, options.drop, options.min_count)
    names = contents.ordered_names()
    notes = (*notes_on_names(names), *notes_on_several_labels(names))
    return dataclasses.replace(contents, notes=(*contents.notes, *notes))


def _bundled(name: str, options: ReadOptions) -> Contents:
    folder = CATALOG[name].path()
    contents = read_source(folder, options)
    if contents.class_names != CATALOG[name].class_names:
        raise DataError(
            f"{folder} does not match {name}'s checksums: its files were changed; reinstall "
            f"dressform"
        )
    return dataclasses.replace(contents, name=name, notes=())


_Decoded = dict[str, tuple[Part, NDArray[np.uint8]]]


def _decoded(
    contents: Contents, options: ReadOptions
) -> tuple[_Decoded, tuple[LeftOut, ...], tuple[str, ...]]:
    """Parts with their images as arrays, what was left out, and notes."""
    decoded: _Decoded = {}
    sources: list[ImageSource] = []
    for split, part in contents.parts.items():
        if isinstance(part.images, np.ndarray):
            images = part.images if part.images.ndim == 4 else part.images[..., None]
            decoded[split] = part, images
        else:
            sources += part.images
    if not sources:
        return decoded, (), ()
    images_of = decode_all(sources, options.image_size)
    bad = [*contents.bad, *images_of.bad.values()]
    if bad and not options.skip_bad:
        total = len(sources) + len(contents.bad)
        shown = "; ".join(f"{path} {reason}" for path, reason in bad[:3])
        more = f" (and {len(bad) - 3} more)" if len(bad) > 3 else ""
        raise BadFilesError(
            f"{len(bad)} of {total} images cannot be used: {shown}{more}; 'dressform data check' "
            f"lists all, and skip_bad=True leaves them out",
            bad,
            total,
        )
    start = 0
    for split, part in contents.parts.items():
        end = start + len(part.ids)
        rows = [row for row in range(start, end) if row not in images_of.bad]
        kept = part if len(rows) == end - start else part.take([row - start for row in rows])
        pixels = images_of.pixels[start:end] if len(rows) == end - start else images_of.pixels[rows]
        if set(part.labels) != set(kept.labels):
            lost = sorted(set(part.labels) - set(kept.labels))
            raise DataError(
                f"{contents.name}: no image of {such_as(lost, 10)} in {split} can be read; the "
                f"first is {bad[0].path}, which {bad[0].reason}"
            )
        decoded[split] = kept, pixels
        start = end
    notes = [images_of.note] if images_of.note else []
    if images_of.transparent:
        notes.append(
            f"{counted(images_of.transparent, 'image')} {_TRANSPARENT}; put white objects on "
            f"another background first, or they are white on white"
        )
    if bad:
        shown = such_as([one.path.rpartition("/")[2] for one in bad])
        notes.append(f"left out {counted(len(bad), 'file')} that cannot be read: {shown}")
    return decoded, tuple(bad), tuple(notes)


def _splits(contents: Contents, parts: _Decoded, notes: tuple[str, ...]) -> DatasetSplits:
    name = contents.name
    if "train" not in parts:
        raise DataError(
            f"{name} has {', '.join(parts)} but no train split; add a folder or file for train, or "
            f"evaluate a trained model on it"
        )
    names = contents.class_names
    if names is None:
        names = dataclasses.replace(contents, parts={"train": parts["train"][0]}).ordered_names()
    if len(names) < 2:
        left = any(note.startswith("left out") for note in contents.notes)
        raise DataError(
            f"{name} has only one class, {names[0]}; a classifier needs two or more: "
            + (
                "drop= or min_count= left out the others"
                if left
                else "put the images of each class into a folder of its own, or give the folder "
                "that holds the folders of all classes"
            )
        )
    if 2 < len(names) == len(parts["train"][0].labels):
        raise DataError(
            f"{name} has {len(names):,} examples and as many labels (such as {names[0]}); a class "
            f"needs several examples, so check which column has the labels (label_column=)"
        )
    for split, (part, _) in parts.items():
        unknown = sorted(set(part.labels) - set(names))
        if unknown:
            raise DataError(
                f"{name}: {split} has class {unknown[0]!r}, which train does not have; give both "
                f"the same classes (train: {such_as(names, 10)})"
            )
    datasets = {split: dataset_of(part, images, names) for split, (part, images) in parts.items()}
    for split, dataset in datasets.items():
        provenance.refuse_mnist_counts(dataset.labels, dataset.shape, Path(f"{name} ({split})"))
    return DatasetSplits(
        name, datasets["train"], datasets.get("validation"), datasets.get("test"), notes
    )


def _with_known_names(splits: DatasetSplits) -> DatasetSplits:
    """Give Fashion-MNIST its class names in every file format (CSV and NPZ files lack them)."""
    if splits.shape != (28, 28, 1) or splits.class_names != tuple("0123456789"):
        return splits
    if fingerprint(splits.train) != provenance.FASHION_MNIST_TRAIN_FINGERPRINT:
        return splits
    named = {
        split: dataclasses.replace(dataset, class_names=provenance.FASHION_MNIST_CLASSES)
        for split, dataset in splits
    }
    return dataclasses.replace(
        splits, train=named["train"], validation=named.get("validation"), test=named.get("test")
    )


def _with_test(splits: DatasetSplits) -> DatasetSplits:
    if splits.test is not None or splits.validation is not None:
        return splits
    try:
        split = hold_out(splits.train, TEST_FRACTION, seed=0)
    except DataError as error:
        causes = [note for note in splits.notes if _TRANSPARENT in note]
        raise DataError("; ".join([str(error), *causes])) from None
    note = (
        f"no test split: {len(split.held_out_indices):,} of {len(splits.train):,} examples were "
        f"held out for testing"
    )
    return dataclasses.replace(
        splits,
        train=splits.train.take(split.train_indices),
        test=splits.train.take(split.held_out_indices),
        notes=(*splits.notes, note, *split.notes),
    )
