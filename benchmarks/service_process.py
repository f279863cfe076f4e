"""A real service as a process of its own, for measurements of it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ServiceProcess:
    """A service that listens.

    Attributes:
        url: of it.
        key: an admin key.
        sign_in: the link that signs a browser in.
        pid: of the server.
    """

    url: str
    key: str
    sign_in: str
    pid: int


@contextmanager
def service(
    storage: Path, *words: str, key: str = "", log: Path | None = None
) -> Iterator[ServiceProcess]:
    """``dressform serve`` on a free port, which is stopped at the end.

    Args:
        storage: its folder.
        words: more of the command line.
        key: of a service that was begun before and told its key then.
        log: what it logs; beside the folder by default, as ``STORAGE.log``.
    """
    command = [sys.executable, "-m", "dressform", "serve", "--json", "--port", "0"]
    command += ["--storage", str(storage), *words]
    with (log or storage.with_suffix(".log")).open("ab") as file:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=file)
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, f"the service did not start: see {file.name}"
            facts = json.loads(line)
            yield ServiceProcess(
                facts["url"], facts["admin_key"] or key, facts["sign_in"], process.pid
            )
        finally:
            process.terminate()
            process.wait(60)


def family(pid: int) -> list[int]:
    """A process and those that it has started."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # ended meanwhile
    found = [pid]
    for member in found:
        found += [child for child, parent in parents.items() if parent == member]
    return found
