"""`read_tree`, `read_file`: decide what data are, then read them."""

import contextlib
import dataclasses
from pathlib import Path

from dressform.core.arguments import argument
from dressform.core.errors import ConfigError, DataError
from dressform.core.file_kinds import kind_of_file
from dressform.core.npz import read_npz
from dressform.data.archive import read_array_files, read_arrays
from dressform.data.archive_tree import open_tree
from dressform.data.class_folders import read_class_folders
from dressform.data.contents import Contents, such_as
from dressform.data.delimited import SUFFIXES as TEXT_SUFFIXES
from dressform.data.delimited import Delimited, read_delimited
from dressform.data.file_tree import File, FileTree, archive_suffix
from dressform.data.folder import folder_of
from dressform.data.idx_sets import find_idx_sets, read_idx_set
from dressform.data.image_index import ImageIndex
from dressform.data.labels import NAMES_FILES, names_beside
from dressform.data.listing import find_columns, read_listings
from dressform.data.listing_rows import lost_images
from dressform.data.listing_search import (
    MAX_TABLE_SAMPLE,
    SUBMISSION,
    beside_folders,
    check_unusable,
    find_listings,
    is_submission,
    not_looked_into,
    tables_of,
)
from dressform.data.listing_table import SUFFIXES as TABLE_SUFFIXES
from dressform.data.listing_table import ListingTable, open_listed, read_listing_table
from dressform.data.parquet import ParquetTable
from dressform.data.pixel_table import PixelColumns, find_pixel_columns
from dressform.data.read_options import ReadOptions
from dressform.data.tables import one_folder, read_image_parquet, read_pixel_tables

FORMS = (
    "a folder of class sub-folders, a table of images and labels (CSV, JSON lines, Parquet), a "
    "folder of IDX files, a table of pixels (CSV, ARFF), Parquet with images, an .npz file, or a "
    "ZIP or TAR of one of these"
)
_COLUMN_OPTIONS = ("image_column", "label_column", "split_column", "group_column")


def read_source(path: Path, options: ReadOptions) -> Contents:
    """Recognise and read a file, a folder or an archive.

    Args:
        path: it exists.
        options: how it is read where it does not say.

    Raises:
        DataError: it has no labelled images in a known form, or can be read in several ways.
    """
    if not path.is_dir() and not archive_suffix(path):
        return _read_file(path, options)
    tree = open_tree(path)
    contents = _read_tree(tree, options)
    if not tree.runs:
        return contents
    note = f"left out folders of dressform's runs: {such_as(tree.runs)}"
    return dataclasses.replace(contents, notes=(*contents.notes, note))


def _without_columns(contents: Contents, options: ReadOptions) -> Contents:
    """What has no table, if no option names a column.

    Raises:
        ConfigError: one does.
    """
    for name in _COLUMN_OPTIONS:
        value = getattr(options, name)
        if value is not None:
            raise ConfigError(
                f"{argument(name, value)} does not apply to {contents.name}, which was not read "
                f"from a "
                f"table; leave it out, or give the table itself"
            )
    return contents


def _read_file(path: Path, options: ReadOptions) -> Contents:
    beside = FileTree(path.parent)
    for one in [path, *_names_files(path.parent)]:
        beside.add(one.name, one)
    file = beside.files[0]
    if path.name.removesuffix(".gz").endswith("-ubyte"):
        siblings = [p for p in path.parent.iterdir() if "-ubyte" in p.name or "idx2-int" in p.name]
        tree = FileTree(path.parent)
        for one in sorted([*siblings, *_names_files(path.parent)]):
            tree.add(one.name, one)
        sets = [
            s
            for s in find_idx_sets(tree)
            if any(file.path == f.path for pair in s.files.values() for f in pair)
        ]
        if sets:
            return _without_columns(read_idx_set(tree, sets[0]), options)
        raise DataError(f"{path} is an IDX file with an unknown name; expected {FORMS}")
    names = names_beside(beside, "")
    if file.suffix == ".npz":
        arrays = read_arrays(path.stem, str(path), read_npz(path), names)
        return _without_columns(arrays, options)
    if file.suffix in TABLE_SUFFIXES:
        return _read_table_file(beside, file, options, names)
    if file.is_image:
        raise DataError(f"{path} is a single image; expected {FORMS}")
    raise _unknown(file)


def _names_files(folder: Path) -> list[Path]:
    return [folder / name for name in NAMES_FILES if (folder / name).is_file()]


def _unknown(file: File) -> DataError:
    what = kind_of_file(file.path, file.read(200))
    return DataError(
        f"{file.name} {f'is {what}' if what else 'has an unknown format'}; expected {FORMS}"
    )


def _read_table_file(
    beside: FileTree, file: File, options: ReadOptions, names: tuple[str, ...] | None
) -> Contents:
    name = file.path.partition(".")[0]
    delimited: Delimited | None = None
    if file.suffix == ".parquet":
        if ParquetTable(file).image_column(options.image_column) is not None:
            contents = read_image_parquet(beside, [file], options, names)
            return dataclasses.replace(contents, name=name)
        delimited = ParquetTable(file).delimited()
    elif file.suffix in TEXT_SUFFIXES:
        delimited = read_delimited(file)
    if delimited is not None:
        columns = find_pixel_columns(delimited, options)
        if columns is not None:
            return read_pixel_tables(name, file.name, [(file, delimited, columns)], names)
    table = read_listing_table(file, delimited)
    here = beside.root.absolute()
    tree = open_listed(table, here)
    index = ImageIndex(tree)
    found = find_columns(dataclasses.replace(table, file=_placed(tree, file, "")), index, options)
    if found is None and not index.images and here.parent != Path(here.anchor):
        # The images may lie in a folder next to the table's.
        above = open_tree(here.parent, strict=False)
        placed = dataclasses.replace(table, file=_placed(above, file, here.name))
        with contextlib.suppress(DataError):  # of other tables' images
            found = find_columns(placed, ImageIndex(above), options)
            if found is not None:
                contents = read_listings(above, ImageIndex(above), [(placed, found)], names)
                return dataclasses.replace(contents, name=name)
        found = None
    if found is None:
        raise _no_table(file, table, index)
    contents = read_listings(tree, index, [(table, found)], names)
    return dataclasses.replace(contents, name=name)


def _placed(tree: FileTree, file: File, folder: str) -> File:
    """A table as a file of a tree, in a folder below its root."""
    return File(tree, f"{folder}/{file.path}" if folder else file.path, file.name, file.local)


def _no_table(file: File, table: ListingTable, index: ImageIndex) -> DataError:
    if (lost := lost_images(table, index)) is not None:
        return lost
    header = list(table.columns)
    shown = such_as(header, 8)
    if not index.images:
        return DataError(
            f"{file.name} has {len(header)} columns ({shown}); expected a label and a square "
            f"number of pixels, such as 1 + 784, or a column of images and one of labels, with the "
            f"images in {index.root}"
        )
    return DataError(
        f"{file.name} has columns {shown}, but none that names any of the {len(index.images):,} "
        f"images in {index.root} and has labels beside it; name the columns with image_column= "
        f"and label_column="
    )


def _read_tree(tree: FileTree, options: ReadOptions) -> Contents:
    sets = find_idx_sets(tree)
    if sets:
        if len(sets) > 1:
            shown = [
                f"{tree.root}/{one.folder}"
                if len({s.folder for s in sets}) > 1
                else f"{tree.root}/{next(iter(one.files.values()))[0].path}"
                for one in sets
            ]
            raise DataError(
                f"{tree.root} has several datasets in IDX files ({such_as(shown, 8)}); give one "
                f"of them"
            )
        return _without_columns(read_idx_set(tree, sets[0]), options)
    if any(file.is_image for file in tree.files):
        return _read_images(tree, options)
    return _read_tables(tree, options)


def _read_images(tree: FileTree, options: ReadOptions) -> Contents:
    """Class folders, or a listing of the images; class folders where both say the same."""
    found = find_listings(tree, options)
    asked = any(getattr(options, name) is not None for name in _COLUMN_OPTIONS)
    folders: Contents | None = None
    problem = found.problem or next(iter(found.lost), None)
    try:
        folders = read_class_folders(tree, folder_of(tree))
    except DataError as error:
        problem = problem or error
    check_unusable(found, tree, folders)
    listings, notes = found.usable, [*found.notes, *(f"ignored a table: {e}" for e in found.lost)]
    classes = set(folders.parts["train"].labels) if folders and "train" in folders.parts else set()
    if found.lost and not listings and folders and len(folders.ordered_names()) < 2:
        raise found.lost[0]
    if folders is not None and not (listings and (asked or len(classes) < 2)):
        for listing in listings:
            notes.append(beside_folders(listing, tree, folders))
        folders = dataclasses.replace(folders, notes=(*folders.notes, *notes))
        return _without_columns(folders, options)
    if listings:
        read = read_listings(tree, ImageIndex(tree), listings, names_beside(tree, ""))
        return dataclasses.replace(read, notes=(*read.notes, *notes))
    assert problem is not None
    raise problem


def _read_tables(tree: FileTree, options: ReadOptions) -> Contents:
    """Trees without image files: arrays, tables of pixels, Parquet with images."""
    arrays = [f for f in tree.files if f.suffix in (".npz", ".npy")]
    parquet = [f for f in tree.files if f.suffix == ".parquet"]
    texts = tables_of(tree, TEXT_SUFFIXES)
    if parquet:
        names = names_beside(tree, parquet[0].path.rpartition("/")[0])
        return read_image_parquet(tree, parquet, options, names)
    pixels: list[tuple[File, Delimited, PixelColumns]] = []
    problem: DataError | None = None
    damaged: list[str] = []
    notes = [SUBMISSION.format(file.path) for file in texts if is_submission(file)]
    texts = [file for file in texts if not is_submission(file)]
    notes += not_looked_into(texts)
    for file in texts[:MAX_TABLE_SAMPLE]:
        try:
            delimited = read_delimited(file)
            columns = find_pixel_columns(delimited, options)
        except DataError as error:
            if file.suffix != ".txt":  # a text is a table only if it looks like one
                problem = problem or error
                damaged.append(f"ignored {file.path}, which cannot be used: {error}")
            continue
        if columns is not None:
            pixels.append((file, delimited, columns))
    if pixels:
        one_folder([file for file, _, _ in pixels], str(tree.root), "CSV")
        folder = pixels[0][0].path.rpartition("/")[0]
        where = pixels[0][0].name if len(pixels) == 1 else f"{tree.root}/{folder}".rstrip("/")
        name = pixels[0][0].parts[-1].partition(".")[0] if len(pixels) == 1 else tree.name
        contents = read_pixel_tables(name, where, pixels, names_beside(tree, folder))
        return dataclasses.replace(contents, notes=(*contents.notes, *notes, *damaged))
    if arrays:
        one_folder(arrays, str(tree.root), "array")
        read = read_array_files(tree, arrays)
        return _without_columns(read, options)
    if problem is not None:
        raise problem
    raise _nothing(tree)


def _nothing(tree: FileTree) -> DataError:
    """Why a tree without anything to read cannot be read."""
    archives = [f.path for f in tree.files if archive_suffix(Path(f.path))]
    if archives:
        give = f"give {tree.root}/{archives[0]}, or " if tree.root.is_dir() else ""
        return DataError(
            f"{tree.root} has no images outside archives; {give}unpack {such_as(archives)}"
        )
    other = next(
        (f for f in tree.files[:MAX_TABLE_SAMPLE] if kind_of_file(f.path, f.read(200))), None
    )
    if other is not None:
        return _unknown(other)
    if tree.runs and not tree.files:
        return DataError(
            f"{tree.root} has nothing but dressform's runs ({such_as(tree.runs)}); expected {FORMS}"
        )
    if not tree.files and not tree.broken:
        more = (
            f" but for files of other programs ({such_as(tree.leftovers)})"
            if tree.leftovers
            else ""
        )
        return DataError(f"{tree.root} is empty{more}; expected {FORMS}")
    if tree.broken and not tree.files:
        shown = such_as([f"{path} ({reason})" for path, reason in tree.broken])
        return DataError(f"{tree.root} has no files that can be read: {shown}; expected {FORMS}")
    if tree.empty and not tree.files:
        return DataError(f"{tree.root} has folders but no files; expected {FORMS}")
    shown = such_as([f.path for f in tree.files])
    return DataError(
        f"{tree.root} has no sub-folders with images and no other data that can be read ({shown}); "
        f"expected {FORMS}"
    )
