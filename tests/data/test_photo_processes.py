"""What other processes find on photos is what this one finds, whatever happens to them."""

import io
import logging
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from dressform.core.frames import frame, read_frame
from dressform.data import photo_processes
from dressform.data.foreground import Foreground, segment_foreground
from dressform.data.photo_processes import FIRST_PHOTOS, PhotoProcesses
from tests.data.test_photo import scene

COLOURS = [(20 + 10 * i, 60, 200 - 8 * i) for i in range(FIRST_PHOTOS + 6)]
PHOTOS = [np.asarray(scene(colour, (190, 180, 160))[0]) for colour in COLOURS]
FIRST, LATER = PHOTOS[:FIRST_PHOTOS], PHOTOS[FIRST_PHOTOS:]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Products are added up in the same order as in the other processes."""
    with threadpool_limits(1, user_api="blas"):
        yield


def refused(_: NDArray[np.uint8]) -> Foreground | None:
    """In place of the work in this process."""
    raise AssertionError("segmented in this process")


def check(photo: NDArray[np.uint8], found: Foreground | None) -> None:
    """That a photo was segmented as it is here."""
    expected = segment_foreground(photo)
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        np.testing.assert_array_equal(found.mask, expected.mask)
        assert (found.objects, found.cut) == (expected.objects, expected.cut)


def test_photos_are_segmented_by_other_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = np.full((60, 50, 3), 190, np.uint8)
    with PhotoProcesses(2) as processes, ThreadPoolExecutor(2) as threads:
        first = [processes.segment(photo) for photo in FIRST]
        assert not processes.started
        monkeypatch.setattr(photo_processes, "segment_foreground", refused)
        later = list(threads.map(processes.segment, [*LATER, plain]))
        assert 1 <= len(processes.started) <= 2
    for photo, found in zip([*PHOTOS, plain], [*first, *later], strict=True):
        check(photo, found)
    assert later[-1] is None
    assert all(process.returncode is not None for process in processes.started)


@pytest.mark.parametrize(
    "instead",
    [
        "print('hello', flush=True); input()",
        "print('{\"size\": 9}', end='\\\\n12', flush=True)",
        "import sys; sys.exit(3)",
        "print('{\"size\": 0}', flush=True); input()",
    ],
)
def test_what_answers_nothing_or_something_else_is_given_up(
    instead: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    started = subprocess.Popen

    def other(command: list[str], **options: Any) -> "subprocess.Popen[bytes]":
        assert command[0] == sys.executable
        return started([sys.executable, "-c", instead], **options)

    monkeypatch.setattr(subprocess, "Popen", other)
    with PhotoProcesses(2) as processes, caplog.at_level(logging.WARNING):
        for photo in PHOTOS:
            check(photo, processes.segment(photo))
        assert len(processes.started) == 2
    assert caplog.text.count("a process that prepares photos has ended (code ") == 2


def test_a_photo_whose_process_is_killed_is_segmented_here() -> None:
    with PhotoProcesses(2) as processes:
        for photo in PHOTOS[: FIRST_PHOTOS + 1]:
            processes.segment(photo)
        (process,) = processes.started
        assert process.poll() is None
        process.kill()
        process.wait()
        for photo in PHOTOS[:3]:
            check(photo, processes.segment(photo))
        assert len(processes.started) == 2


def test_without_other_programs_photos_are_segmented_here(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", "/absent/python")
    with PhotoProcesses(2) as processes:
        for photo in PHOTOS:
            check(photo, processes.segment(photo))
    assert "photos are prepared on one core (No such file or directory)" in caplog.text
    assert len(caplog.records) == 1
    assert not processes.started


@pytest.mark.parametrize(("name", "value"), [("executable", None), ("frozen", True)])
def test_a_program_that_is_no_python_is_not_started_again(
    name: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, name, value, raising=False)
    with PhotoProcesses(2) as processes:
        for photo in PHOTOS:
            processes.segment(photo)
    assert not processes.started


def test_the_processes_run_the_same_code(tmp_path: Path) -> None:
    """Also where another dressform is installed, or in the working folder."""
    (tmp_path / "dressform").mkdir()
    (tmp_path / "dressform" / "__init__.py").write_text("raise SystemExit('another one')")
    source = Path(photo_processes.__file__).parents[2]
    program = (
        f"import sys; sys.path.insert(0, {str(source)!r})\n"
        "import numpy as np\n"
        "from dressform.data.photo_processes import PhotoProcesses\n"
        "with PhotoProcesses(2) as processes:\n"
        "    for _ in range(18):\n"
        "        processes.segment(np.full((20, 20, 3), 190, np.uint8))\n"
        "    print(len(processes.started), processes.started[0].poll())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("1 None\n", "")


def test_one_worker_starts_none() -> None:
    with PhotoProcesses(1) as processes:
        for photo in PHOTOS:
            processes.segment(photo)
        assert not processes.started


def test_a_frame_that_is_cut_off_is_none() -> None:
    whole = frame({"a": 1}, [b"12", b"345"])
    assert read_frame(io.BytesIO(whole)) == ({"a": 1, "size": 5}, b"12345")
    assert read_frame(io.BytesIO(whole[:-1])) is None
    assert read_frame(io.BytesIO(whole[:4])) is None
