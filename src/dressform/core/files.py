"""Files that are whole or absent: temporary name, flush to disk, rename.

Also SHA-256, JSON, and a lock that dies with its process.
"""

import contextlib
import errno
import gzip
import hashlib
import io
import json
import os
import stat
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from dressform.core.errors import ConfigError, DataError, RunError


def user_path(text: str | Path) -> Path:
    """A path as a user wrote it, ``~`` expanded.

    Raises:
        ConfigError: it is no path.
        DataError: it is empty (an unset shell variable, most often), or names an unknown user's
            home.
    """
    if not isinstance(text, (str, os.PathLike)):
        raise ConfigError(
            f"{type(text).__name__} was given in place of a path; allowed: text or pathlib.Path"
        )
    if not str(text).strip():
        raise DataError("the path is empty; give a file or folder")
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise DataError(f"{text} cannot be used: {error}") from None


SHOWN = 50
"""Characters of a file's name in that of its temporary file; more may be too long with what is
added.
"""


def make_folder(folder: Path) -> None:
    """Make a folder for results, and those above it.

    Raises:
        RunError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(
            f"{folder} cannot be created: {error.strerror or error}; give a writable folder with "
            f"out="
        ) from error


def write_atomic(path: Path, write: Callable[[BinaryIO], object], *, replace: bool = True) -> None:
    """Write a file so that ``path`` holds either the old bytes or all of the new ones, even after a
    crash.

    What a killed process left behind of the same file is deleted.

    Args:
        path: final name; its folder must exist. A file that is there keeps its permissions; a link
            is replaced, not followed.
        write: called with the open temporary file.
        replace: False leaves a file that is there alone.

    Raises:
        OSError: what keeps the file from being written; its ``filename`` is ``path``.
    """
    delete_leftovers(path)
    try:
        _write_whole(path, write, replace)
    except OSError as error:
        if not path.parent.is_dir():
            raise FileNotFoundError(
                errno.ENOENT, "its folder was moved or deleted", str(path)
            ) from error
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def _write_whole(path: Path, write: Callable[[BinaryIO], object], replace: bool) -> None:
    temporary, handle = _temporary(path)
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
            with contextlib.suppress(
                OSError, AttributeError
            ):  # some file systems have no permissions, Windows no fchmod
                os.fchmod(
                    file.fileno(),
                    stat.S_IMODE(path.lstat().st_mode) if path.is_file() else 0o666 & ~_umask(),
                )
            if sys.platform != "win32":
                _move(temporary, path, replace=replace)
        if sys.platform == "win32":  # which moves no open file
            _move(temporary, path, replace=replace)
    finally:
        temporary.unlink(missing_ok=True)


def _move(temporary: Path, path: Path, *, replace: bool) -> None:
    if replace:
        temporary.replace(path)
    else:
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(temporary)


def _temporary(path: Path) -> tuple[Path, int]:
    """A new file beside ``path``, locked, that no other process deletes."""
    while True:
        handle, name = tempfile.mkstemp(
            prefix=f".{path.name[:SHOWN]}.", suffix=".tmp", dir=path.parent
        )
        if not try_lock(handle):
            os.close(handle)
            continue
        with contextlib.suppress(OSError):
            if os.path.samestat(Path(name).stat(), os.fstat(handle)):
                return Path(name), handle
        os.close(handle)


def try_lock(handle: int) -> bool:
    """Whether nobody else holds the file; on Windows, where an open file cannot be deleted,
    always.
    """
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def delete_leftovers(path: Path) -> None:
    """Delete temporary files that killed processes left of ``path``; those that somebody is writing
    stay.
    """
    with contextlib.suppress(OSError):
        for other in path.parent.iterdir():
            if other.name.startswith(f".{path.name[:SHOWN]}.") and other.suffix == ".tmp":
                _delete_if_left(other)


def _delete_if_left(temporary: Path) -> None:
    with contextlib.suppress(OSError):
        handle = os.open(temporary, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
        try:
            left = stat.S_ISREG(os.fstat(handle).st_mode) and try_lock(handle)
            if left and sys.platform != "win32":
                temporary.unlink(missing_ok=True)
        finally:
            os.close(handle)
        if left and sys.platform == "win32":
            temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Delete temporary files that killed processes left in ``folder`` or below; those that somebody
    is writing stay.
    """
    for path in folder.rglob(".*.tmp"):
        _delete_if_left(path)


def write_text(path: Path, text: str) -> None:
    """Write text atomically, UTF-8, with ``\\n`` line ends; bytes of file names that are no UTF-8
    stand as ``\\udcfc``.
    """
    write_atomic(path, lambda file: file.write(text.encode(errors="backslashreplace")))


def write_json(path: Path, document: object) -> None:
    """Write JSON atomically, indented, keys in the given order; NaN and infinity are refused."""
    write_text(path, json.dumps(document, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        RunError: the file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(f"{path} does not exist; is this a run directory?") from None
    except OSError as error:
        raise RunError(
            f"{path} cannot be read ({error.strerror or error}); check its permissions"
        ) from error
    except RecursionError:
        raise RunError(
            f"{path} is nested too deep to be one of our documents; it was changed or is from "
            f"another program"
        ) from None
    except ValueError as error:
        raise RunError(
            f"{path} is not a JSON document ({error}); it was changed or is from another program"
        ) from error


GUNZIPPED = 2**27
"""Bytes that are decompressed at a time; memory for so many is reserved at once."""


def gunzip(raw: bytes, most: int) -> bytes:
    """Decompress gzip, of which no more than ``most`` bytes may come: a few bytes can announce
    gigabytes.

    Raises:
        ValueError: more would come.
        EOFError, gzip.BadGzipFile, zlib.error: damaged.
    """
    # Whole, since gzip.GzipFile passes 8 KB at a time through Python. It takes what is left: files
    # of several members, and damaged ones.
    member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    with contextlib.suppress(zlib.error):
        content = member.decompress(raw, most + 1)
        if member.eof and not member.unused_data and len(content) <= most:
            return content
    parts, size = [], 0
    with gzip.GzipFile(fileobj=io.BytesIO(raw)) as file:
        # Part by part: asked for all that may come, Python reserves the memory at once.
        while part := file.read(min(GUNZIPPED, most + 1 - size)):
            parts.append(part)
            size += len(part)
            if size > most:
                raise ValueError(f"it holds more than {most:,} bytes")
    return parts[0] if len(parts) == 1 else b"".join(parts)


def sha256_bytes(*parts: bytes | memoryview) -> str:
    """SHA-256 of the concatenated parts, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


_ATTEMPTS = 10
"""To take a lock, 10 ms apart."""


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock file while the block runs; the system frees it when the process ends, however it
    ends.

    Raises:
        RunError: another process holds it.
    """
    with path.open("a+b") as file:
        for attempt in range(_ATTEMPTS):
            try:
                _take(file, shared=False)
                break
            except OSError:
                if attempt + 1 == _ATTEMPTS:
                    raise RunError(
                        f"another process is working on {path.parent}; wait for it or choose "
                        f"another out="
                    ) from None
                time.sleep(0.01)  # somebody may only be looking
        yield


def _take(file: BinaryIO, *, shared: bool) -> None:
    """Lock an open file, or raise OSError at once."""
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        fcntl.flock(file, kind | fcntl.LOCK_NB)


def is_locked(path: Path) -> bool:
    """Whether another process holds a lock file."""
    try:
        with path.open("rb") as file:
            _take(file, shared=True)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False
