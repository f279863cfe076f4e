"""Run the command line as a person does: a process, its exit code, stdout and stderr."""

import atexit
import functools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.conftest import TINY

SETTINGS = [part for setting in TINY for part in ("--set", setting)]


def dressform_command(
    *arguments: str | Path,
    cwd: Path | None = None,
    stdin: bytes | None = None,
    warnings: str = "error",
) -> subprocess.CompletedProcess[str]:
    """A process of its own, forked from one that has imported torch (tests/cli/server.py)."""
    server = _server()
    assert server.stdin is not None
    assert server.stdout is not None
    words = [str(argument) for argument in arguments]
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / name for name in ("stdin", "stdout", "stderr")]
        for file in files:
            file.write_bytes(stdin or b"" if file.name == "stdin" else b"")
        request = [words, str(cwd or Path.cwd()), warnings, *map(str, files)]
        server.stdin.write(json.dumps(request) + "\n")
        server.stdin.flush()
        status = int(server.stdout.readline())
        out, err = (file.read_bytes().decode() for file in files[1:])
    return subprocess.CompletedProcess(words, status, out, err)


@functools.cache
def _server() -> "subprocess.Popen[str]":
    server = subprocess.Popen(
        [sys.executable, Path(__file__).with_name("server.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        env={**os.environ, "COLUMNS": "80", "PYTHONWARNINGS": "error"},
    )
    atexit.register(server.communicate)
    return server


def json_of(*arguments: str | Path, cwd: Path | None = None, stdin: bytes | None = None) -> object:
    done = dressform_command(*arguments, "--json", cwd=cwd, stdin=stdin)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def error_of(*arguments: str | Path, cwd: Path | None = None, code: int | None = None) -> str:
    """The message of a command that must fail; ``code`` where the test is about it
    (tests/cli/test_usage.py), else 1 or 2.
    """
    done = dressform_command(*arguments, "--json", cwd=cwd)
    assert done.returncode in ((1, 2) if code is None else (code,)), done.stderr
    assert done.stdout == ""
    document = json.loads(done.stderr.splitlines()[-1])
    assert list(document) == ["error"]
    assert "Traceback" not in done.stderr
    return str(document["error"])
