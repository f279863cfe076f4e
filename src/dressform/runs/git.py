"""The commit that a training was started in."""

import hashlib
import os
import stat
import subprocess
from pathlib import Path
from typing import Any

_SAFE = (
    "git",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "protocol.allow=never",
    "--no-optional-locks",
)
MOST_BYTES = 2**29
"""Of tracked files that are read."""


def git_state() -> dict[str, Any] | None:
    """Commit of the working directory, and whether tracked files differ from it; None outside git.

    A repository's own configuration may name programs (monitors, hooks, filters, transports), and
    the repository may be a stranger's: git is asked for what is committed and never looks at a
    file, which is compared by us. So files that git turns into something else on their way count as
    changed. Submodules are not looked at. ``changed`` is None where there is more to read than half
    a gigabyte.
    """
    try:
        commit = _git("rev-parse", "HEAD").decode().strip()
        top = Path(os.fsdecode(_git("rev-parse", "--show-toplevel").rstrip(b"\n")))
        committed = _git("-C", str(top), "ls-tree", "-r", "-l", "-z", "--full-tree", "HEAD")
        staged = _git("-C", str(top), "ls-files", "--stage", "-z")
        return {"commit": commit, "changed": _changed(top, committed, staged)}
    except (OSError, ValueError, subprocess.SubprocessError):
        return None


def _git(*words: str) -> bytes:
    environment = {**os.environ, "GIT_NO_LAZY_FETCH": "1"}
    return subprocess.run(
        [*_SAFE, *words], capture_output=True, timeout=10, check=True, env=environment
    ).stdout


def _changed(top: Path, committed: bytes, staged: bytes) -> bool | None:
    index = {
        name: facts.split()[:2]
        for facts, _, name in (line.partition(b"\t") for line in staged.split(b"\0") if line)
    }
    tree = {
        name: facts.split()
        for facts, _, name in (line.partition(b"\t") for line in committed.split(b"\0") if line)
    }
    if index != {name: [mode, blob] for name, (mode, _, blob, _) in tree.items()}:
        return True
    files = {top / os.fsdecode(name): facts for name, facts in tree.items() if facts[1] == b"blob"}
    if any(_size(path) != int(facts[3]) for path, facts in files.items()):
        return True
    if sum(int(facts[3]) for facts in files.values()) > MOST_BYTES:
        return None
    return any(_blob(path, len(facts[2])) != facts[2].decode() for path, facts in files.items())


def _size(path: Path) -> int | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode) else None


def _blob(path: Path, digits: int) -> str:
    content = os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()
    kind = hashlib.sha1 if digits == 40 else hashlib.sha256
    return kind(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
