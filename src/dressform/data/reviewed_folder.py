"""Class folders after a review: the original files, each in the folder of its split and its new
class.
"""

import contextlib
import shutil
import tempfile
from pathlib import Path

from dressform.core.errors import DataError
from dressform.core.text import class_name
from dressform.data.dataset import DatasetSplits
from dressform.data.split_names import split_of_name


def has_class_folders(source: str | Path, data: DatasetSplits) -> bool:
    """Whether a dataset was read from class folders with one file per image."""
    folder = Path(source).expanduser()
    return folder.is_dir() and all(
        _class_part(name, dataset.class_names[label]) is not None and (folder / name).is_file()
        for _, dataset in data
        for name, label in zip(dataset.ids.tolist(), dataset.labels.tolist(), strict=True)
    )


def _class_part(name: str, label: str) -> int | None:
    """Which of the folders in an id is that of its class."""
    folders = [class_name(part) for part in name.split("/")[:-1]]
    return folders.index(label) if label in folders else None


def _has_split_folder(name: str, split: str) -> bool:
    """Whether a folder of an id is called after its split."""
    return any(split_of_name(part) == split for part in name.split("/")[:-1])


def write_reviewed_folder(
    source: Path, before: DatasetSplits, data: DatasetSplits, out: Path
) -> None:
    """Copy the image files of a reviewed dataset, unchanged, into a new tree of class folders.

    Where the reviewed tree had no folders for its splits (a table named them, or a test split was
    held out), the new one has: what was tested on stays what is tested on.

    Args:
        source: the reviewed tree.
        before: the dataset before its review.
        data: the reviewed dataset; its ids are paths below ``source``, and its labels may differ
            from their folders.
        out: created completely or not at all; must not exist.

    Raises:
        DataError: ``out`` already exists, or a file cannot be copied.
    """
    if out.exists():
        raise DataError(f"{out} already exists; give another out=")
    folder = Path(
        tempfile.mkdtemp(prefix=f".{out.name[:50]}.", suffix=".tmp", dir=out.absolute().parent)
    )
    try:
        targets = {}
        divided = all(_has_split_folder(name, split) for split, part in data for name in part.ids)
        for split, dataset in data:
            old = before[split]
            label_of = dict(zip(old.ids.tolist(), old.labels.tolist(), strict=True))
            for name, label in zip(dataset.ids.tolist(), dataset.labels.tolist(), strict=True):
                parts = name.split("/")
                place = _class_part(name, old.class_names[label_of[name]])
                assert place is not None
                if label != label_of[name]:
                    parts[place] = dataset.class_names[label]
                targets[name] = folder.joinpath(*([] if divided else [split]), *parts)
        # Files that stay in their class keep their names, so they come first.
        for name, target in sorted(
            targets.items(), key=lambda pair: not pair[1].as_posix().endswith(pair[0])
        ):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, _unused_path(target))
        folder.chmod(0o755)
        folder.rename(out)
    except OSError as error:
        raise DataError(
            f"{out} cannot be written ({error.strerror or error}); free some space or give "
            f"another out="
        ) from error
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)


def _unused_path(path: Path) -> Path:
    """The path itself, or with a number appended if the name is already taken."""
    candidate, number = path, 1
    while candidate.exists():
        number += 1
        candidate = path.with_stem(f"{path.stem}-{number}")
    return candidate
