"""Names that people give to the columns of tables of images."""

import re
from collections import Counter
from collections.abc import Sequence

from dressform.core.errors import DataError, unknown_name

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
