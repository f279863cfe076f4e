"""Files of pixels or encoded images in tables: CSV, ARFF and Parquet, one or several per split."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.core.text import class_name
from dressform.data.contents import Contents, ImageSource, Part, numbered_ids, such_as
from dressform.data.delimited import Delimited
from dressform.data.file_tree import File, FileTree
from dressform.data.labels import named_labels
from dressform.data.parquet import ParquetTable
from dressform.data.pixel_table import PixelColumns, PixelRows, read_pixel_rows
from dressform.data.read_options import ReadOptions
from dressform.data.split_names import SPLITS, split_of_name, split_words
from dressform.data.table_columns import LABELS, SPLIT_COLUMNS, named


def files_by_split(files: Sequence[File], where: str, kind: str) -> dict[str, list[File]]:
    """The split of each of several files, by their names; a single file is train.

    Args:
        files: of one folder.
        where: the folder, for messages.
        kind: what the files are, for messages.

    Raises:
        DataError: a name says no split or several, or there is none for train.
    """
    if len(files) == 1:
        return {"train": list(files)}
    found: dict[str, list[File]] = {}
    unused = []
    for file in files:
        words = split_words(file.parts[-1].partition(".")[0])
        folders = [split for part in file.parts[:-1] if (split := split_of_name(part))]
        if len(words) == 1 or (not words and folders):
            found.setdefault(words.pop() if words else folders[-1], []).append(file)
        else:
            unused.append(file.path)
    if not found:  # parts of one table, as a large one is written
        one_folder(files, where, kind)
        return {"train": list(files)}
    if unused:
        raise DataError(
            f"{where} has {such_as(unused)} among its {kind} files; name them train, validation "
            f"and test, or give a single file"
        )
    for several in found.values():
        one_folder(several, where, kind)
    return {split: found[split] for split in SPLITS if split in found}


def read_pixel_tables(
    name: str,
    where: str,
    tables: Sequence[tuple[File, Delimited, PixelColumns]],
    names: tuple[str, ...] | None,
) -> Contents:
    """Read tables of pixels.

    Args:
        name: of the dataset.
        where: the file or folder, for messages.
        tables: of one folder.
        names: of the classes, from a file beside, or None.

    Raises:
        DataError: they are damaged or do not belong together.
    """
    splits = files_by_split([file for file, _, _ in tables], where, "CSV")
    for split, files in splits.items():
        if len(files) > 1:
            raise DataError(
                f"{where} has several CSV files for {split}: "
                f"{', '.join(f.parts[-1] for f in files)}; keep one"
            )
    if "train" not in splits:
        raise DataError(
            f"{where} has CSV files {', '.join(f.parts[-1] for f, _, _ in tables)} but none with "
            f"train in its name"
        )
    opened = {id(file): (table, columns) for file, table, columns in tables}
    read = {s: read_pixel_rows(*opened[id(files[0])]) for s, files in splits.items()}
    numbers = {s: r.labels for s, r in read.items() if not isinstance(r.labels, list)}
    labels: dict[str, list[str]] = {
        s: r.labels for s, r in read.items() if isinstance(r.labels, list)
    }
    ordered = next((r.class_names for r in read.values() if r.class_names), None)
    if numbers:
        named, ordered = named_labels(numbers, where, names)
        labels |= named
    parts = {split: _part(split, rows, labels[split]) for split, rows in read.items()}
    notes = dict.fromkeys(note for rows in read.values() for note in rows.notes)
    reasons = [reason for rows in read.values() for reason in rows.reasons]
    columns = tables[0][2]
    grouped = None
    if columns.group is not None and tables[0][1].header is not None:
        grouped = f"column {tables[0][1].header[columns.group]}"
    contents = Contents(name, parts, ordered, tuple(notes), tuple(reasons), (), grouped)
    only = read.get("train")
    if len(read) == 1 and only is not None and only.splits is not None:
        contents = _divided(contents, only.splits, where)
    return contents


def _part(split: str, rows: PixelRows, labels: list[str]) -> Part:
    return Part(labels, numbered_ids(split, len(labels)), rows.images, rows.groups)


def _divided(contents: Contents, cells: Sequence[str], where: str) -> Contents:
    """The examples of a single table by what its column of splits says."""
    splits = [split_of_name(cell) for cell in cells]
    if None in splits:
        row = splits.index(None)
        raise DataError(
            f"{where} row {row + 1} has {cells[row]!r} as its split; allowed: train, validation or "
            f"test"
        )
    whole = contents.parts["train"]
    parts = {}
    for split in SPLITS:
        rows = [i for i, one in enumerate(splits) if one == split]
        if rows:
            parts[split] = whole.take(rows)
    return dataclasses.replace(contents, parts=parts)


def read_image_parquet(
    tree: FileTree, files: Sequence[File], options: ReadOptions, names: tuple[str, ...] | None
) -> Contents:
    """Read Parquet files with encoded images, as the hub writes them; several are shards.

    Args:
        tree: that they are in.
        files: of one folder.
        options: may name columns.
        names: of the classes, from a file beside, or None.

    Raises:
        DataError: they are damaged, or have no labels.
    """
    where = files[0].name if len(files) == 1 else str(tree.root)
    splits = files_by_split(files, where, "Parquet")
    parts: dict[str, Part] = {}
    reasons: list[str] = []
    declared = names
    divided_by: list[str] = []
    for split, shards in splits.items():
        images: list[ImageSource] = []
        labels: list[Any] = []
        groups: list[str] = []
        cells: list[str] = []
        for shard in shards:
            table = ParquetTable(shard)
            image = table.image_column(options.image_column)
            if image is None:
                raise DataError(
                    f"{shard.name} has no column of encoded images; its columns are "
                    f"{', '.join(table.names)}"
                )
            label = named(table.names, options.label_column, LABELS, shard.name)
            if label is None:
                raise DataError(
                    f"{shard.name} has no column of labels; its columns are "
                    f"{', '.join(table.names)}; name one with label_column="
                )
            declared = declared or table.class_names(table.names[label])
            labels += table.values(table.names[label])
            for row, cell in enumerate(table.values(image)):
                content = cell.get("bytes") if isinstance(cell, dict) else cell
                images.append(ImageSource(f"{shard.name} row {row + 1}", None, content or b""))
            group = named(table.names, options.group_column, (), shard.name)
            groups += table.texts(table.names[group]) if group is not None else []
            if options.split_column is not None or len(splits) == 1:
                place = named(table.names, options.split_column, SPLIT_COLUMNS, shard.name)
                cells += table.texts(table.names[place]) if place is not None else []
            reasons.append(
                f"{shard.path} has images in column {image}, labels in {table.names[label]}"
            )
        parts[split] = Part(labels, numbered_ids(split, len(images)), images, groups or None)
        if cells and len(splits) == 1:
            divided_by = cells
    grouped = f"column {options.group_column}" if options.group_column else None
    contents = Contents(tree.name, parts, None, (), tuple(reasons), (), grouped)
    contents = _named(contents, where, declared)
    return _divided(contents, divided_by, where) if divided_by else contents


def _named(contents: Contents, where: str, names: tuple[str, ...] | None) -> Contents:
    """Labels as names: those that are texts, and numbers by ``names``."""
    arrays: dict[str, NDArray[Any]] = {}
    for split, part in contents.parts.items():
        if any(label is None for label in part.labels):
            row = part.labels.index(None)  # type: ignore[arg-type]
            raise DataError(f"{where}: {split} row {row + 1} has no label; add one")
        arrays[split] = np.array(part.labels)
    ordered = names
    if all(array.dtype.kind in "iu" for array in arrays.values()):
        labels, ordered = named_labels(arrays, where, names)
    else:
        labels = {s: [class_name(str(x)) for x in a.tolist()] for s, a in arrays.items()}
        ordered = None
    parts = {
        split: dataclasses.replace(part, labels=labels[split])
        for split, part in contents.parts.items()
    }
    return dataclasses.replace(contents, parts=parts, class_names=ordered)


def one_folder(files: Sequence[File], where: str, kind: str) -> None:
    """Check that files are in one folder.

    Raises:
        DataError: they are in several, which are named.
    """
    folders = sorted({file.path.rpartition("/")[0] for file in files})
    if len(folders) > 1:
        shown = [f"{where}/{folder}" if folder else where for folder in folders]
        raise DataError(
            f"{where} has {kind} files in several folders ({such_as(shown, 6)}); give one of them"
        )
