"""Labels of many images at once: by id, or by a table (CSV) that names images and labels."""

import csv
import io
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dressform.core.errors import DataError
from dressform.core.text import from_table_cell
from dressform.data.table_columns import IMAGES, LABELS
from dressform.service import projects
from dressform.service.database.tables import Category, Image, Project
from dressform.service.errors import NotFoundError
from dressform.service.tree_labels import MAX_LISTING

AT_ONCE = 500
IMAGE_COLUMNS = ("image_id", *IMAGES, "sha256")


@dataclass(frozen=True)
class Labelled:
    """What became of labels.

    Attributes:
        count: images whose label was set.
        unknown: names in the table that are no image of the project.
    """

    count: int
    unknown: tuple[str, ...] = ()


def label_images(session: Session, project: Project, labels: Mapping[str, str | None]) -> Labelled:
    """Give images a class, or take it away: all of them, or none.

    Args:
        session: of a transaction.
        project: whose images.
        labels: name of the class by id of the image; None: unlabelled. New classes are made.

    Raises:
        NotFoundError: the project has no such image.
    """
    images = {image.id: image for image in _images(session, project, Image.id, list(labels))}
    for image_id in labels:
        if image_id not in images:
            raise NotFoundError(f"{project.name} has no image {image_id!r}; nothing was changed")
    categories = _categories(session, project, labels)
    for image_id, label in labels.items():
        projects.label_image(images[image_id], None if label is None else categories[label])
    return Labelled(len(labels))


def label_by_names(
    session: Session, project: Project, labels: Mapping[str, str | None]
) -> Labelled:
    """The same for a table, which names images by id, by SHA-256 or by file name.

    Names that several images have stand for all of them.

    Raises:
        DataError: it names an image twice, with different labels; nothing is changed.
    """
    query = select(Image.id, Image.sha256, Image.name).where(Image.project_id == project.id)
    images = session.execute(query).all()  # names have no index: one look at all is quicker
    wanted, named = list(labels), dict[str, str]()
    for column in range(3):
        by_value = defaultdict[str, list[str]](list)
        for name in wanted:
            by_value[_last(name) if column == 2 else name].append(name)
        matched = set[str]()
        for image in images:
            names = by_value.get(image[column])
            if names:
                first = named.setdefault(image.id, names[0])
                _refuse_two_labels(image.name, labels, (first, *names))
                matched.update(names)
        wanted = [name for name in wanted if name not in matched]
    categories = _categories(session, project, labels)
    changes = [
        {"id": image_id, **projects.label_values(categories.get(labels[name] or ""))}
        for image_id, name in named.items()
    ]
    if changes:
        session.execute(update(Image), changes)
    return Labelled(len(named), tuple(wanted))


def _refuse_two_labels(
    image: str, labels: Mapping[str, str | None], names: tuple[str, ...]
) -> None:
    other = next((name for name in names if labels[name] != labels[names[0]]), None)
    if other is not None:
        told = " and ".join(f"{labels[name] or 'none'} ({name})" for name in (names[0], other))
        raise DataError(
            f"the table has two labels for {image}: {told}; name images by id, as images.csv "
            f"does, or correct it"
        )


def _images(session: Session, project: Project, column: object, values: list[str]) -> list[Image]:
    found: list[Image] = []
    for start in range(0, len(values), AT_ONCE):
        some = values[start : start + AT_ONCE]
        query = select(Image).where(Image.project_id == project.id, column.in_(some))  # type: ignore[attr-defined]
        found += session.scalars(query)
    return found


def _categories(
    session: Session, project: Project, labels: Mapping[str, str | None]
) -> dict[str, Category]:
    names = dict.fromkeys(label for label in labels.values() if label is not None)
    return projects.categories_named(session, project, names)


def _last(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


def read_listing(content: bytes, name: str) -> dict[str, str | None]:
    """Read a table of labels.

    Args:
        content: CSV, or with tabs or semicolons; its first line names the columns, as
            ``image`` (or ``filename``, ``path``, ``id``, ``sha256``) and ``label`` (``class``,
            ``category``) or other usual names.
        name: for messages.

    Returns:
        label by what the table calls the image; None where the cell is empty.

    Raises:
        DataError: it is too large, no text, has no such columns, or two labels for one image.
    """
    if len(content) > MAX_LISTING:
        raise DataError(f"{name} has {len(content):,} bytes; allowed: {MAX_LISTING:,}; split it")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{name} is not UTF-8; save it as CSV UTF-8") from None
    if "\0" in text:
        raise DataError(f"{name} is no text; give a CSV")
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        header = [cell.strip().lower() for cell in next(rows, [])]
        image = next((header.index(column) for column in IMAGE_COLUMNS if column in header), None)
        label = next((header.index(column) for column in LABELS if column in header), None)
        if image is None or label is None:
            missing = "images, such as image" if image is None else "labels, such as label"
            raise DataError(
                f"{name} has the columns {', '.join(header)[:200] or 'none'}; none of them is for "
                f"{missing}"
            )
        found: dict[str, str | None] = {}
        for row in rows:
            if len(row) > max(image, label) and row[image].strip():
                one = from_table_cell(row[image].strip())
                given = from_table_cell(row[label].strip()) or None
                if found.setdefault(one, given) != given:
                    raise DataError(
                        f"{name} has two labels for {one}: {found[one] or 'none'} and "
                        f"{given or 'none'}; correct it"
                    )
    except csv.Error as error:
        raise DataError(f"{name} cannot be read as CSV ({error})") from None
    return found
