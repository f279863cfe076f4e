"""The class folders that a review decided on: the original files, each in the folder of its
class.
"""

import contextlib
import shutil
import tempfile
from pathlib import Path

from dressform.core.errors import DataError
from dressform.data.dataset import DatasetSplits
from dressform.data.folder import split_folders


def is_class_folders(source: str | Path, data: DatasetSplits) -> bool:
    """Whether a dataset was read from files in class folders, one a picture."""
    folder = Path(source).expanduser()
    return folder.is_dir() and all((folder / str(dataset.ids[0])).is_file() for _, dataset in data)


def write_reviewed_folder(source: Path, data: DatasetSplits, out: Path) -> None:
    """Copy the pictures of a reviewed dataset, as they are, into a new tree of class folders.

    Args:
        source: the reviewed tree.
        data: what follows from the review; its ids are paths below ``source``, its labels may
            differ from their folders.
        out: made whole or not at all; must not exist.

    Raises:
        DataError: ``out`` exists, or a file cannot be copied.
    """
    if out.exists():
        raise DataError(f"{out} already exists; give another --out, so that no dataset is lost")
    # of the class among the parts of an id
    place = 0 if split_folders(source).get("train") == source else 1
    folder = Path(
        tempfile.mkdtemp(prefix=f".{out.name[:50]}.", suffix=".tmp", dir=out.absolute().parent)
    )
    try:
        targets = {}
        for _, dataset in data:
            for name, label in zip(dataset.ids.tolist(), dataset.labels.tolist(), strict=True):
                parts = list(Path(name).parts)
                parts[place] = dataset.class_names[label]
                targets[name] = folder.joinpath(*parts)
        # Those that stay in their class keep their names, so they come first.
        for name, target in sorted(targets.items(), key=lambda pair: pair[1] != folder / pair[0]):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, _free(target))
        folder.chmod(0o755)
        folder.rename(out)
    except OSError as error:
        raise DataError(
            f"{out} cannot be written ({error.strerror or error}); make room, or give another --out"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)


def _free(path: Path) -> Path:
    """The path, or one with a number where another class's picture has that name already."""
    found, number = path, 1
    while found.exists():
        number += 1
        found = path.with_stem(f"{path.stem}-{number}")
    return found
