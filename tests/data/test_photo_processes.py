"""Photos that other processes prepare are prepared as here, whatever happens to the processes."""

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from dressform.core.frames import frame, read_frame
from dressform.data import photo_processes
from dressform.data.photo import PhotoSettings, PreparedImage, prepare
from dressform.data.photo_processes import FIRST_PHOTOS, MOST_PIXELS, PhotoProcesses
from tests.data.test_photo import scene

SETTINGS, SHAPE = PhotoSettings(), (28, 28, 1)
COLOURS = [(20 + 10 * i, 60, 200 - 8 * i) for i in range(FIRST_PHOTOS + 6)]
PHOTOS = [scene(colour, (190, 180, 160))[0] for colour in COLOURS]


def refused(*_: object, **__: object) -> PreparedImage:
    """In place of the preparation in this process."""
    raise AssertionError("prepared in this process")


def check(image: Image.Image, found: PreparedImage, shape: tuple[int, int, int] = SHAPE) -> None:
    """That a photo was prepared as it is here."""
    expected = prepare(image, shape, SETTINGS, keep_steps=False)
    np.testing.assert_array_equal(found.pixels, expected.pixels)
    assert (found.warnings, found.steps) == (expected.warnings, ())


def test_photos_are_prepared_in_other_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    with PhotoProcesses(2) as processes, ThreadPoolExecutor(2) as threads:
        first = [processes.prepare(one, SHAPE, SETTINGS) for one in PHOTOS[:FIRST_PHOTOS]]
        monkeypatch.setattr(photo_processes, "prepare", refused)
        later = threads.map(
            lambda one: processes.prepare(one, SHAPE, SETTINGS), PHOTOS[FIRST_PHOTOS:]
        )
        for image, found in zip(PHOTOS, [*first, *later], strict=True):
            check(image, found)
        colour = processes.prepare(PHOTOS[0], (40, 32, 3), SETTINGS)
        grey = PHOTOS[0].convert("L")
        check(grey, processes.prepare(grey, SHAPE, SETTINGS))
        plain = Image.new("RGB", (60, 50), (200, 190, 180))
        nothing = processes.prepare(plain, SHAPE, SETTINGS)
    check(PHOTOS[0], colour, (40, 32, 3))
    check(plain, nothing)
    assert nothing.warnings


def test_a_photo_whose_process_has_ended_is_prepared_here() -> None:
    with PhotoProcesses(2) as processes:
        for image in PHOTOS[: FIRST_PHOTOS + 1]:
            processes.prepare(image, SHAPE, SETTINGS)
        (process,) = processes.started
        assert process.poll() is None
        process.kill()
        process.wait()
        for image in PHOTOS[:3]:
            check(image, processes.prepare(image, SHAPE, SETTINGS))
        assert len(processes.started) == 2
    assert all(process.poll() is not None for process in processes.started)


def test_without_other_programs_photos_are_prepared_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_processes, "COMMAND", ("no-such-program",))
    with PhotoProcesses(2) as processes:
        for image in PHOTOS[:3] * 8:
            check(image, processes.prepare(image, SHAPE, SETTINGS))
    assert not processes.started


@pytest.mark.parametrize(("most", "size"), [(1, (150, 180)), (2, (2500, MOST_PIXELS // 2500 + 1))])
def test_no_process_for_one_worker_or_a_very_large_image(most: int, size: tuple[int, int]) -> None:
    image = PHOTOS[0].resize(size, Image.Resampling.NEAREST)
    with PhotoProcesses(most) as processes:
        for photo in PHOTOS[:FIRST_PHOTOS] if most > 1 else PHOTOS:
            processes.prepare(photo, SHAPE, SETTINGS)
        check(image, processes.prepare(image, SHAPE, SETTINGS))
        assert not processes.started


def test_a_frame_that_is_cut_off_is_none() -> None:
    whole = frame({"a": 1}, [b"12", b"345"])
    assert read_frame(io.BytesIO(whole)) == ({"a": 1, "size": 5}, b"12345")
    assert read_frame(io.BytesIO(whole[:-1])) is None
    assert read_frame(io.BytesIO(whole[:4])) is None
