"""Every kind of file that a person may drop on a classifier: the right answer or one clear line, in
bounded memory.
"""

import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dressform.core.errors import DataError
from dressform.predict.predictor import Predictor
from dressform.runs.run import Run
from tests.data.test_photo import scene
from tests.writers import packed

SIDE = 20_000
ROOM = 250 * 2**20
"""Bytes that the oddest file may take beyond an ordinary one; 20,000 x 20,000 grey pixels are 400
MB.
"""


@pytest.fixture(scope="module")
def predictor(named_run: Run) -> Predictor:
    return Predictor(named_run)


def photo() -> Image.Image:
    return scene((200, 40, 50), (210, 205, 195), planks=8)[0]


def grey() -> Image.Image:
    return photo().convert("L")


def without_corner() -> tuple[Image.Image, Image.Image]:
    """A photo with a transparent corner, and the same over white."""
    opaque = np.ones((180, 150), bool)
    opaque[:30, :30] = False
    clear = photo().convert("RGBA")
    clear.putalpha(Image.fromarray((opaque * 255).astype(np.uint8)))
    white = np.where(opaque[..., None], np.asarray(photo()), 255)
    return clear, Image.fromarray(white.astype(np.uint8))


SAME: dict[str, Callable[[], tuple[bytes, bytes]]] = {
    "an animated GIF is its first frame": lambda: (
        packed(grey(), "GIF", save_all=True, append_images=[Image.new("L", (150, 180), 7)]),
        packed(grey(), "GIF"),
    ),
    "an animated WebP is its first frame": lambda: (
        packed(
            photo(),
            "WEBP",
            lossless=True,
            save_all=True,
            append_images=[Image.new("RGB", (150, 180), "blue")],
        ),
        packed(photo(), "PNG"),
    ),
    "an animated PNG is its first frame": lambda: (
        packed(photo(), "PNG", save_all=True, append_images=[Image.new("RGB", (150, 180), "blue")]),
        packed(photo(), "PNG"),
    ),
    "a TIFF of several pages is its first page": lambda: (
        packed(
            photo(), "TIFF", save_all=True, append_images=[Image.new("RGB", (150, 180), "blue")]
        ),
        packed(photo(), "PNG"),
    ),
    "16 bits are 8": lambda: (
        packed(Image.fromarray(np.asarray(grey()).astype(np.uint16) * 257), "PNG"),
        packed(grey(), "PNG"),
    ),
    "16 bits of a TIFF are 8": lambda: (
        packed(Image.fromarray(np.asarray(grey()).astype(np.uint16) * 257), "TIFF"),
        packed(grey(), "PNG"),
    ),
    "transparent is white": lambda: tuple(packed(image, "PNG") for image in without_corner()),  # type: ignore[dict-item, return-value]
    "inks are colours": lambda: (packed(photo().convert("CMYK"), "TIFF"), packed(photo(), "PNG")),
    "a palette is its colours": lambda: (
        packed(photo().quantize(40), "PNG"),
        packed(photo().quantize(40).convert("RGB"), "PNG"),
    ),
}


@pytest.mark.parametrize("what", SAME)
def test_the_same_picture_in_another_form_gets_the_same_answer(
    what: str, predictor: Predictor
) -> None:
    odd, plain = SAME[what]()
    found, expected = predictor.predict(odd), predictor.predict(plain)
    np.testing.assert_array_equal(found.prepared.pixels, expected.prepared.pixels)
    assert found.top == expected.top


def test_a_jpeg_in_inks_is_nearly_the_same(predictor: Predictor) -> None:
    odd, plain = packed(photo().convert("CMYK"), "JPEG", quality=95), packed(photo(), "PNG")
    away = predictor.prepare(odd).pixels.astype(int) - predictor.prepare(plain).pixels
    assert np.abs(away).mean() < 4


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (3, 2), (27, 29), (4000, 9)])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "1"])
def test_any_size_gets_an_answer(size: tuple[int, int], mode: str, predictor: Predictor) -> None:
    for bright in (False, True):
        answer = predictor.predict(packed(Image.new("L", size, 255 * bright).convert(mode), "PNG"))
        assert answer.prepared.pixels.shape == predictor.shape
        assert 0 < answer.top[0][1] <= 1


def announced(form: str) -> bytes:
    """A small picture whose header says 20,000 x 20,000."""
    content = bytearray(packed(Image.new("RGB", (8, 8)), form))
    if form == "JPEG":
        place = content.index(b"\xff\xc0") + 5
        content[place : place + 4] = struct.pack(">HH", SIDE, SIDE)
    elif form == "GIF":
        content[6:10] = struct.pack("<HH", SIDE, SIDE)
        place = content.index(b"\x2c") + 5
        content[place : place + 4] = struct.pack("<HH", SIDE, SIDE)
    else:
        assert form == "BMP"
        content[18:26] = struct.pack("<ii", SIDE, SIDE)
    return bytes(content)


REFUSED = {
    "corrupt.jpg": (lambda: packed(photo(), "JPEG")[:900], "is a damaged image"),
    "corrupt.png": (lambda: packed(photo(), "PNG")[:-2000], "is a damaged image"),
    "corrupt.webp": (
        lambda: packed(photo(), "WEBP")[:300],
        "is a damaged image|is not an image",
    ),
    "empty.png": (lambda: b"", "it is empty"),
    "text.jpg": (
        lambda: b"dear model, what is this?",
        r"is not an image \(it is text\)",
    ),
    "program.png": (lambda: b"\x7fELF" + bytes(3000), "is not an image"),
    "page.gif": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is not an image"),
    "huge.png": (
        lambda: packed(Image.new("1", (SIDE, SIDE)), "PNG"),
        "declares more than 64,000,000 pixels; resize it",
    ),
    "huge.jpg": (
        lambda: announced("JPEG"),
        "declares more than 64,000,000 pixels; resize it",
    ),
    "huge.gif": (
        lambda: announced("GIF"),
        "declares more than 64,000,000 pixels; resize it",
    ),
    "huge.bmp": (
        lambda: announced("BMP"),
        "declares more than 64,000,000 pixels; resize it",
    ),
    "large.png": (
        lambda: packed(Image.new("1", (9_000, 9_000)), "PNG"),
        "9,000 x 9,000 pixels; allowed: at most 64,000,000 in total",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_seen_is_told_in_a_line(
    name: str, predictor: Predictor, tmp_path: Path
) -> None:
    content, message = REFUSED[name]
    (tmp_path / name).write_bytes(content())
    with pytest.raises(DataError, match=message) as told:
        predictor.predict(tmp_path / name)
    assert "\n" not in str(told.value)
    assert name in str(told.value)


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="memory of one child is told by wait4 only")
def test_memory_is_bounded(named_run: Run, tmp_path: Path) -> None:
    """All of them at once take no more than a phone's photo would."""
    odd, plain = tmp_path / "odd", tmp_path / "plain"
    for folder in (odd, plain):
        folder.mkdir()
        (folder / "photo.png").write_bytes(packed(photo(), "PNG"))
    for name, (content, _) in REFUSED.items():
        (odd / name).write_bytes(content())
    peaks = []
    for folder, status in ((plain, 0), (odd, 1)):
        command = [
            sys.executable,
            "-m",
            "dressform",
            "predict",
            str(folder),
            "--model",
            str(named_run.path),
        ]
        with (
            (tmp_path / "out").open("w") as out,
            subprocess.Popen(command, stdout=out, stderr=out) as process,
        ):
            _, code, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(code)
        told = (tmp_path / "out").read_text()
        assert process.returncode == status, told
        assert "photo.png" in told
        assert "Traceback" not in told
        peaks.append(usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
    assert peaks[1] - peaks[0] < ROOM
