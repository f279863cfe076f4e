"""The class names of an ONNX model: given, written beside it, or in its metadata."""

import ast
import csv
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dressform.core.errors import ConfigError, DataError
from dressform.core.files import sha256_file
from dressform.core.label_arguments import class_names_of
from dressform.data.labels import NAMES_FILES

logger = logging.getLogger(__name__)

TEXT_FILES = (*NAMES_FILES, "labels.txt")
KEYS = ("class_names", "classes", "names", "labels", "id2label")


@dataclass(frozen=True)
class ClassOrder:
    """The classes of a model in the order of its outputs.

    Attributes:
        names: K names.
        origin: where they come from, for messages.
    """

    names: tuple[str, ...]
    origin: str


def given_classes(classes: str | Sequence[str] | None) -> tuple[str, ...]:
    """Class names as the user gave them; as text they are separated by commas, and a name with a
    comma stands in quotes.

    Raises:
        ConfigError: there are fewer than two, or two are equal.
    """
    if classes is None:
        return ()
    if isinstance(classes, str):
        classes = next(csv.reader([classes], skipinitialspace=True, escapechar="\\"), [])
    names = [str(name).strip() for name in classes]
    if len(names) < 2 or not all(names) or len(set(names)) < len(names):
        raise ConfigError(
            f"classes are {', '.join(names) or 'empty'}; give the name of each class once, in the "
            f"order of the model's outputs, such as dress,pants,shoes"
        )
    return tuple(names)


def class_order_of(
    path: Path, given: tuple[str, ...], metadata: dict[str, str]
) -> ClassOrder | None:
    """The classes of a model: given, or of ``model.json`` or ``class_names.txt`` beside it, or of
    its metadata.

    Args:
        path: of the ONNX file.
        given: by the user; empty if not.
        metadata: of the model, as ONNX Runtime has it.

    Returns:
        None if they are written nowhere.

    Raises:
        DataError: a file beside it has no list of different names.
    """
    if given:
        return ClassOrder(given, "classes=")
    card = path.with_name("model.json")
    if card.is_file() and (names := _of_card(card, path)):
        return ClassOrder(names, str(card))
    for name in TEXT_FILES:
        listing = path.with_name(name)
        if listing.is_file():
            lines = [line.strip() for line in _read(listing).splitlines()]
            return ClassOrder(_checked([line for line in lines if line], listing), str(listing))
    for key in KEYS:
        if metadata.get(key):
            parsed = _names(_parsed(metadata[key]))
            if parsed:
                return ClassOrder(_checked(parsed, path), f"the metadata of {path.name}")
    return None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read ({error}); give classes=") from None


def _of_card(card: Path, path: Path) -> tuple[str, ...] | None:
    try:
        document = json.loads(_read(card))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{card} is not JSON ({error}); remove it, or give classes=") from None
    if not isinstance(document, dict):
        return None
    if "sha256" in document and document["sha256"] != sha256_file(path):
        logger.warning(f"{card} describes another file than {path.name} and was not used")
        return None
    names = next((names for key in KEYS if (names := _names(document.get(key)))), None)
    return _checked(names, card) if names else None


def _parsed(text: str) -> Any:
    """What metadata say: JSON, Python's literals (as Ultralytics writes them), or names between
    commas or in lines.
    """
    for parse in (json.loads, ast.literal_eval):
        try:
            return parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return text.splitlines() if "\n" in text.strip() else text.split(",")


def _names(value: Any) -> list[str] | None:
    """Names from a list, or from a mapping of numbers to names; None if it is neither."""
    if isinstance(value, dict):
        try:
            by_number = {int(number): name for number, name in value.items()}
        except (TypeError, ValueError):
            return None
        if sorted(by_number) != list(range(len(by_number))):
            return None
        value = [by_number[number] for number in range(len(by_number))]
    if not isinstance(value, (list, tuple)) or len(value) < 2:
        return None
    return [str(name).strip() for name in value]


def _checked(names: list[str], path: Path) -> tuple[str, ...]:
    try:
        return class_names_of(names)
    except DataError as error:
        raise DataError(f"{path}: {error}, or give classes=") from None
