"""Files that are images by their names and cannot be used: links to nothing, names that are no
text.
"""

import dataclasses
import sys

from dressform.core.errors import DataError
from dressform.core.text import counted, one_line
from dressform.data.contents import Contents, such_as
from dressform.data.dataset import LeftOut
from dressform.data.file_tree import File, FileTree
from dressform.data.image import SUFFIXES


def with_broken_files(contents: Contents, tree: FileTree) -> Contents:
    """Add what is an image by its name but no file, and tell what other programs left."""
    bad, notes = list(contents.bad), list(contents.notes)
    others = []
    for path, reason in tree.broken:
        name = path.rpartition("/")[2].lower()
        if name.endswith(SUFFIXES):
            bad.append(LeftOut(one_line(f"{tree.root}/{path}"), f"is {reason}"))
        else:
            others.append(f"{path} ({reason})")
    if others:
        notes.append(f"ignored what cannot be read as a file: {such_as(others)}")
    if tree.leftovers:
        count = len(tree.leftovers)
        notes.append(
            f"ignored {counted(count, 'file or folder', 'files or folders')} of other programs: "
            f"{such_as(tree.leftovers)}"
        )
    return dataclasses.replace(contents, bad=tuple(bad), notes=tuple(notes))


def without_broken_names(
    rows: list[tuple[str, File]], bad: list[LeftOut]
) -> list[tuple[str, File]]:
    """The files whose paths are text; the others are added to the bad ones.

    Raises:
        DataError: no file of a class is left.
    """
    kept: list[tuple[str, File]] = []
    lost: dict[str, LeftOut] = {}
    for name, file in rows:
        if _is_text(file.path):
            kept.append((name, file))
            continue
        what = "is in a folder that has" if _is_text(file.parts[-1]) else "has"
        bad.append(LeftOut(file.name, f"{what} a name that is not {_not_text()}"))
        lost.setdefault(name, bad[-1])
    for name in lost.keys() - {name for name, _ in kept}:
        path, reason = lost[name]
        raise DataError(f"class {name} has no image with a name that can be used: {path} {reason}")
    return kept


def _not_text() -> str:
    """What names are not, and what to do: to another encoding of the system's, UTF-8 is no text."""
    encoding = sys.getfilesystemencoding()
    if encoding.lower() in ("utf-8", "utf8"):
        return "UTF-8; rename it"
    return f"{encoding}, the encoding of this locale; set LC_ALL=C.UTF-8, or rename it"


def _is_text(path: str) -> bool:
    """Whether a path is text, and not bytes that stand for none."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
