"""`notes_on_several_labels`: names of classes that are really several labels of one image."""

import json
import re
from collections.abc import Sequence

from dressform.data.contents import such_as

_SEPARATORS = (r"[,;|+]", r"[\s,;|+]+")


def notes_on_several_labels(names: Sequence[str]) -> tuple[str, ...]:
    """A note if names of classes look like several labels of one image, as tools for labelling
    write them: ``rust scab`` beside ``rust`` and ``scab``, or a list in JSON.
    """
    known = set(names)
    several = [name for name in names if _is_document(name) or _is_combination(name, known)]
    if not several:
        return ()
    which = "one class name looks" if len(several) == 1 else f"{len(several):,} class names look"
    return (
        f"{which} like several labels of one image ({such_as(several)}); several labels for an "
        f"image are not supported, so each combination is a class of its own: give each image one "
        f"label, or leave such classes out with drop=",
    )


def _is_document(name: str) -> bool:
    """Whether a name is a list or an object of JSON, or a list as Python writes it."""
    if (name[:1], name[-1:]) not in (("[", "]"), ("{", "}")):
        return False
    for text in (name, name.replace("'", '"')):
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            continue
        return True
    return False


def _is_combination(name: str, known: set[str]) -> bool:
    """Whether a name consists of others: all of its parts are names themselves."""
    for separator in _SEPARATORS:
        parts = {part.strip() for part in re.split(separator, name)} - {"", name}
        if len(parts) > 1 and parts <= known:
            return True
    return False
