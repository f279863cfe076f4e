"""`Columns`: which column of a table of images has what, and the names that people give to them."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dressform.core.errors import DataError, unknown_name
from dressform.data.split_names import split_of_name

LABELS = (
    "label", "labels", "class", "class_name", "classname", "class_label", "category", "target",
    "y", "emotion", "digit", "article_type", "articletype", "species", "breed", "tag", "answer",
    "label_name", "category_name", "cat", "type",
)  # fmt: skip
IMAGES = (
    "image", "images", "filename", "file_name", "file", "path", "filepath", "file_path",
    "image_path", "imagepath", "image_name", "imagename", "img", "img_path", "img_name",
    "image_file", "image_id", "img_id", "id", "name", "photo", "picture", "url", "uri", "fname",
)  # fmt: skip
SPLIT_COLUMNS = (
    "split",
    "set",
    "subset",
    "usage",
    "partition",
    "fold_name",
    "data_set",
    "dataset_split",
)
YES_NO_SPLITS = {
    "is_valid": ("validation", "train"), "is_val": ("validation", "train"),
    "is_validation": ("validation", "train"), "is_test": ("test", "train"),
    "is_train": ("train", "test"), "is_training": ("train", "test"),
    "is_training_image": ("train", "test"),
}  # fmt: skip
"""Columns of yes and no: the split of either."""
ROW_NUMBERS = ("", "unnamed:_0", "index", "row", "row_id", "id", "image_id", "rownames")
ANSWERS = frozenset(("label", "probability", "ood_p_value", "model", "size_mtime"))
"""Columns of a table that dressform's predictions of images were written to."""
_YES, _NO = ("true", "1", "1.0", "yes"), ("false", "0", "0.0", "no")


@dataclass(frozen=True)
class Columns:
    """Which column has what.

    Attributes:
        image: file names, paths or ids.
        label: the classes; None where ``one_hot`` has them.
        one_hot: columns of 0 and 1, one for each class.
        split, group: columns, or None.
    """

    image: str
    label: str | None
    one_hot: tuple[str, ...] = ()
    split: str | None = None
    group: str | None = None


_GROUPS = frozenset(
    [
        "sender",
        "user",
        "customer",
        "client",
        "person",
        "patient",
        "subject",
        "participant",
        "author",
        "owner",
        "seller",
        "vendor",
        "buyer",
        "product",
        "article",
        "item",
        "sku",
        "order",
        "session",
        "scene",
        "video",
        "clip",
        "burst",
        "series",
        "camera",
        "device",
        "location",
        "site",
        "shop",
        "store",
        "house",
        "group",
        "cluster",
        "study",
    ]
)
_NO_GROUPS = frozenset(
    ["type", "category", "class", "kind", "color", "colour", "size", "brand", "count", "name"]
)
MIN_REPEATED, MAX_SHARE = 0.3, 0.5
"""Of the rows that have a value with others, at least, and that have the commonest value, at most,
where a column looks like groups.
"""


def looks_like_groups(name: str, cells: Sequence[str]) -> bool:
    """Whether a column may say which images belong together: it is called like ``sender_id``, and
    many of its values are in several rows, but none in most.
    """
    words = set(re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()))
    if not words & _GROUPS or words & _NO_GROUPS:
        return False
    counts = Counter(cell for cell in cells if cell)
    repeated = sum(count for count in counts.values() if count > 1)
    return (
        len(counts) > 2
        and repeated >= MIN_REPEATED * len(cells)
        and max(counts.values()) <= MAX_SHARE * len(cells)
    )


def named(header: Sequence[str], given: str | None, known: Sequence[str], table: str) -> int | None:
    """The column that was asked for, or the one whose name is the first of those known.

    Args:
        header: names of the columns.
        given: what the user named, or None.
        known: in lower case.
        table: for messages.

    Raises:
        UnknownNameError: there is no column of the given name.
        DataError: two columns have it.
    """
    if given is not None:
        places = [i for i, name in enumerate(header) if name == given] or [
            i for i, name in enumerate(header) if name.lower() == given.lower()
        ]
        if not places:
            raise unknown_name(f"column of {table}", given, header)
        if len(places) > 1:
            raise DataError(f"{table} has {len(places)} columns called {given}; rename one")
        return places[0]
    lowered = [name.strip().lower().replace(" ", "_").replace("-", "_") for name in header]
    return next((lowered.index(name) for name in known if name in lowered), None)


def split_of_cell(column: str, cell: str) -> str | None:
    """The split that a cell names: ``train``, or ``True`` in a column ``is_valid``."""
    if (split := split_of_name(cell)) is not None:
        return split
    yes_no = YES_NO_SPLITS.get(column.strip().lower())
    if yes_no is None or cell.lower() not in (*_YES, *_NO):
        return None
    return yes_no[0] if cell.lower() in _YES else yes_no[1]


def is_set(cell: str) -> bool:
    """Whether a cell of 0 and 1 is 1."""
    return cell in ("1", "1.0", "True", "true")


def are_answers(columns: Iterable[str]) -> bool:
    """Whether a table has the columns of dressform's own predictions, whose labels nobody gave."""
    return set(columns) >= ANSWERS
