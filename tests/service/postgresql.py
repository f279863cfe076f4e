"""A PostgreSQL of the tests' own: a cluster in a temporary folder, on a Unix socket."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote


def programs() -> Path | None:
    """The folder of ``initdb`` and ``postgres``; None without PostgreSQL."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: float(p.parent.name))
    found = shutil.which("initdb")
    folders = [*([Path(found).resolve().parent] if found else []), *reversed(debian)]
    return next((folder for folder in folders if (folder / "postgres").exists()), None)


class Cluster:
    """A server that runs, without durability: what is tested is not the power supply.

    Args:
        bin: the folder of its programs.
    """

    def __init__(self, bin: Path) -> None:  # noqa: A002
        self._bin, self._made = bin, 0
        self.folder = Path(tempfile.mkdtemp(prefix="dressform-pg-"))
        # PostgreSQL refuses to run as root.
        self._user = _unprivileged() if os.geteuid() == 0 else None
        if self._user is not None:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        data = self.folder / "data"
        self._run(
            "initdb", "-D", str(data), "-U", "tests", "-A", "trust", "--no-sync", "-E", "UTF8"
        )
        self.start()

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        options = ("fsync=off", "full_page_writes=off", "listen_addresses=", "max_connections=40")
        flags = [word for option in options for word in ("-c", option)]
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                [self._bin / "postgres", "-D", self.folder / "data", "-k", self.folder, *flags],
                stdout=log,
                stderr=log,
                **self._as_user(),
            )
        limit = time.monotonic() + 60
        while self._ask("SELECT 1").returncode != 0:
            assert self._server.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < limit, (self.folder / "log").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the server as if its machine had failed: connections break."""
        self._server.send_signal(3)  # SIGQUIT, PostgreSQL's immediate shutdown
        self._server.wait(30)

    def close(self) -> None:
        """Stop the server, and delete everything."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def new_database(self) -> str:
        """The URL of a new database."""
        self._made += 1
        name = f"test{self._made}"
        made = self._ask(f"CREATE DATABASE {name}")
        assert made.returncode == 0, made.stderr
        return f"postgresql://tests@/{name}?host={quote(str(self.folder), safe='')}"

    def _ask(self, sql: str) -> "subprocess.CompletedProcess[str]":
        command = [str(self._bin / "psql"), "-h", str(self.folder), "-U", "tests", "-d", "postgres"]
        return subprocess.run(
            [*command, "-qAtc", sql], capture_output=True, text=True, check=False, cwd="/"
        )

    def _run(self, program: str, *words: str) -> None:
        subprocess.run(
            [self._bin / program, *words], check=True, capture_output=True, **self._as_user()
        )

    def _as_user(self) -> dict[str, Any]:
        if self._user is None:
            return {"cwd": "/"}
        return {
            "cwd": "/",
            "user": self._user.pw_uid,
            "group": self._user.pw_gid,
            "extra_groups": [],
        }


def _unprivileged() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("there is no user postgres or nobody to run PostgreSQL as")
