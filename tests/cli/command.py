"""Run the command line as a person does: a process, its exit code, stdout and stderr."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import TINY

SETTINGS = [part for setting in TINY for part in ("--set", setting)]


def dressform_command(
    *arguments: str | Path, cwd: Path | None = None, stdin: bytes | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "100", "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, "-m", "dressform", *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        env=environment,
        check=False,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def json_of(*arguments: str | Path, cwd: Path | None = None, stdin: bytes | None = None) -> object:
    done = dressform_command(*arguments, "--json", cwd=cwd, stdin=stdin)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def error_of(*arguments: str | Path, cwd: Path | None = None, code: int = 1) -> str:
    done = dressform_command(*arguments, "--json", cwd=cwd)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    document = json.loads(done.stderr.splitlines()[-1])
    assert list(document) == ["error"]
    assert "Traceback" not in done.stderr
    return str(document["error"])
