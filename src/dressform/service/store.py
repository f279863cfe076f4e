"""`Store`: the bytes of images under their SHA-256, and the folders of models, on disk."""

import contextlib
import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from dressform.core.errors import ConfigError, ResourceError
from dressform.core.files import sha256_bytes
from dressform.service.errors import disk_error


class Store:
    """Files of the service. An image that was acknowledged is on the disk, whole.

    Args:
        root: made if it does not exist.

    Raises:
        ConfigError: it cannot be written to.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        try:
            for folder in (self._objects, self._models, self.temporary):
                folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.temporary):
                pass
        except OSError as error:
            raise ConfigError(
                f"{root} cannot be written to ({error.strerror}); give another folder for storage"
            ) from None

    @property
    def _objects(self) -> Path:
        return self.root / "objects"

    @property
    def _models(self) -> Path:
        return self.root / "models"

    @property
    def temporary(self) -> Path:
        """Folder of what is being written; a clean-up deletes what is left there."""
        return self.root / "tmp"

    def put(self, content: bytes) -> str:
        """Keep bytes.

        Returns:
            their SHA-256.

        Raises:
            FullError: the disk is full.
            ResourceError: it is read-only, or fails.
        """
        digest = sha256_bytes(content)
        path = self.path(digest)
        with contextlib.suppress(OSError):
            os.utime(path)  # first, so that a clean-up at this moment takes it for new
            if path.stat().st_size == len(content):
                return digest
        temporary = None
        try:
            path.parent.mkdir(exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.temporary, delete=False) as file:
                temporary = Path(file.name)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            _sync_folder(path.parent)
        except OSError as error:
            if temporary is not None:
                with contextlib.suppress(OSError):
                    temporary.unlink(missing_ok=True)
            raise disk_error("the image cannot be stored", error) from error
        return digest

    def path(self, digest: str) -> Path:
        """Where the bytes with a SHA-256 are, or would be.

        Raises:
            ValueError: it is no SHA-256.
        """
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise ValueError(f"{digest!r} is no SHA-256")
        return self._objects / digest[:2] / digest

    def read(self, digest: str) -> bytes:
        """The bytes with a SHA-256.

        Raises:
            ResourceError: they are missing or cannot be read.
        """
        try:
            return self.path(digest).read_bytes()
        except OSError as error:
            raise ResourceError(f"image {digest[:12]} cannot be read: {error.strerror}") from error

    def digests(self) -> Iterator[str]:
        """SHA-256 of everything that is kept."""
        for folder in sorted(self._objects.iterdir()):
            yield from sorted(path.name for path in folder.iterdir() if len(path.name) == 64)

    def delete(self, digest: str) -> None:
        """Forget bytes, if they are there."""
        self.path(digest).unlink(missing_ok=True)

    def age(self, digest: str) -> float:
        """Seconds since bytes were last stored; 0 if they are not there."""
        with contextlib.suppress(OSError):
            return time.time() - self.path(digest).stat().st_mtime
        return 0.0

    def delete_older(self, digest: str, seconds: float) -> int:
        """Forget bytes that nobody stored again for a while.

        Safe beside :meth:`put`, which renews the time of bytes that are there: they are moved
        aside, looked at, and moved back if they are new.

        Returns:
            how many bytes were freed.
        """
        path, aside = self.path(digest), self.temporary / f"delete-{digest}"
        try:
            path.replace(aside)
        except FileNotFoundError:
            return 0
        found = aside.stat()
        if time.time() - found.st_mtime < seconds:
            aside.replace(path)
            return 0
        aside.unlink()
        return found.st_size

    def model_folder(self, project_id: str, version: int) -> Path:
        """The folder of a project's model."""
        return self._models / project_id / f"{version:04d}"

    def delete_model(self, project_id: str, version: int) -> None:
        """Delete the files of a model."""
        shutil.rmtree(self.model_folder(project_id, version), ignore_errors=True)

    def delete_project(self, project_id: str) -> None:
        """Delete the models of a project."""
        shutil.rmtree(self._models / project_id, ignore_errors=True)

    def models(self) -> Iterator[tuple[str, int]]:
        """Project and version of every folder of a model."""
        for project in sorted(self._models.iterdir()):
            for folder in sorted(project.iterdir()) if project.is_dir() else ():
                if folder.name.isdecimal():
                    yield project.name, int(folder.name)

    def delete_training_data(self, folder: Path, *, keep_model: bool) -> None:
        """Delete what only a training needs: its images, and all but its log where it made no
        model.
        """
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.name == "images" or not (keep_model or path.suffix == ".log"):
                if path.is_dir():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)

    def clean_up(self, seconds: float = 0.0) -> None:
        """Delete what interrupted writes left, if it is older than so many seconds."""
        for path in self.temporary.iterdir():
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime < seconds:
                    continue
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()


def _sync_folder(folder: Path) -> None:
    """Make a rename durable; systems without it (Windows) do it by themselves."""
    with contextlib.suppress(OSError, AttributeError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below a folder, without those that have another name elsewhere too."""
    size = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # deleted meanwhile
            found = path.lstat()
            size += found.st_size * (stat.S_ISREG(found.st_mode) and found.st_nlink == 1)
    return size
