"""What the shell completes: recipes, datasets, folders of runs. None of it imports torch or reads
more than names of files.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from dressform.core.errors import DressformError
from dressform.runs.annotations import read_annotations
from dressform.runs.layout import DEFAULT_ROOT, SHIPPED, is_run


def _beginning(names: Iterator[str] | tuple[str, ...] | list[str], incomplete: str) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]


def complete_recipes(incomplete: str) -> list[str]:
    """Names of recipes."""
    from dressform.recipes import RECIPES

    return _beginning(RECIPES.names, incomplete)


def complete_trained(incomplete: str) -> list[str]:
    """Names of recipes, and ``auto``."""
    return [*complete_recipes(incomplete), *_beginning(("auto",), incomplete)]


def complete_data(incomplete: str) -> list[str]:
    """Bundled datasets, and files and folders, of which a dataset may be any."""
    from dressform.data.catalog import CATALOG

    return [*_beginning(list(CATALOG), incomplete), *_paths(incomplete)]


def complete_runs(incomplete: str) -> list[str]:
    """Folders of runs, cross-validations and tunings below ``runs``; else files and folders, since
    runs may lie anywhere.
    """
    folders = (str(folder) for folder in sorted(DEFAULT_ROOT.glob("*/*/*")) if is_run(folder))
    return _beginning(folders, incomplete) or _paths(incomplete)


def complete_models(incomplete: str) -> list[str]:
    """The model that comes with dressform, and runs."""
    return [*_beginning((SHIPPED,), incomplete), *complete_runs(incomplete)]


def complete_tags(incomplete: str) -> list[str]:
    """Tags that runs below ``runs`` have."""
    tags: set[str] = set()
    for folder in DEFAULT_ROOT.glob("*/*/*"):
        with contextlib.suppress(DressformError):
            tags.update(read_annotations(folder).tags)
    return _beginning(sorted(tags), incomplete)


def _paths(incomplete: str) -> list[str]:
    """Files and folders; a folder ends in a slash."""
    typed = Path(incomplete)
    folder, start = (typed, "") if incomplete.endswith("/") else (typed.parent, typed.name)
    try:
        found = sorted(folder.expanduser().iterdir())
    except OSError:
        return []
    head = incomplete[: len(incomplete) - len(start)]
    return [
        f"{head}{path.name}{'/' if path.is_dir() else ''}"
        for path in found
        if path.name.startswith(start) and (start.startswith(".") or not path.name.startswith("."))
    ]
