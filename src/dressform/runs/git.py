"""The git commit that a training was started from."""

import hashlib
import os
import stat
import subprocess
from pathlib import Path
from typing import TypedDict

_SAFE_GIT = (
    "git",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "protocol.allow=never",
    "--no-optional-locks",
)
MAX_BYTES = 2**29
"""Maximum total size of tracked files that are read."""


class GitState(TypedDict):
    """The state of a git repository.

    Attributes:
        commit: of HEAD.
        changed: whether tracked files differ from it; None if there is too much to read.
    """

    commit: str
    changed: bool | None


def git_state() -> GitState | None:
    """The commit of the working directory and whether tracked files differ from it; None outside
    git.

    A repository's configuration may name programs (monitors, hooks, filters, transports), and the
    repository may be a stranger's. So git only lists what is committed and never reads a file;
    files are compared here. Files that git converts on checkout therefore count as changed.
    Submodules are ignored. ``changed`` is None if more than half a gigabyte would have to be read.
    """
    try:
        commit = _git("rev-parse", "HEAD").decode().strip()
        top = Path(os.fsdecode(_git("rev-parse", "--show-toplevel").rstrip(b"\n")))
        committed = _git("-C", str(top), "ls-tree", "-r", "-l", "-z", "--full-tree", "HEAD")
        staged = _git("-C", str(top), "ls-files", "--stage", "-z")
        return {"commit": commit, "changed": _changed(top, committed, staged)}
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def _git(*arguments: str) -> bytes:
    environment = {**os.environ, "GIT_NO_LAZY_FETCH": "1"}
    return subprocess.run(
        [*_SAFE_GIT, *arguments], capture_output=True, timeout=10, check=True, env=environment
    ).stdout


def _changed(top: Path, committed: bytes, staged: bytes) -> bool | None:
    index = {
        name: fields.split()[:2]
        for fields, _, name in (line.partition(b"\t") for line in staged.split(b"\0") if line)
    }
    tree = {
        name: fields.split()
        for fields, _, name in (line.partition(b"\t") for line in committed.split(b"\0") if line)
    }
    if index != {name: [mode, blob] for name, (mode, _, blob, _) in tree.items()}:
        return True
    files = {
        top / os.fsdecode(name): fields for name, fields in tree.items() if fields[1] == b"blob"
    }
    if any(_size(path) != int(fields[3]) for path, fields in files.items()):
        return True
    if sum(int(fields[3]) for fields in files.values()) > MAX_BYTES:
        return None
    return any(_blob(path, len(fields[2])) != fields[2].decode() for path, fields in files.items())


def _size(path: Path) -> int | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode) else None


def _blob(path: Path, digits: int) -> str:
    content = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
    kind = hashlib.sha1 if digits == 40 else hashlib.sha256
    return kind(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
