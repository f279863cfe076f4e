from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from dressform.core.errors import DataError, ResourceError
from dressform.data.image import alpha_of, open_image, upright
from dressform.data.resample import fit
from dressform.data.source import load_data
from tests.writers import packed


def test_a_picture_of_the_right_size_keeps_its_pixels(pictures: Path) -> None:
    image = open_image(pictures / "ankle-boot.png")
    assert np.array_equal(
        fit(image, (28, 28, 1))[..., 0], np.asarray(Image.open(pictures / "ankle-boot.png"))
    )


def test_a_wide_picture_is_padded_not_squashed() -> None:
    pixels = np.full((50, 100, 3), 10, np.uint8)
    pixels[10:40, 20:80] = 200
    fitted = fit(open_image(packed(Image.fromarray(pixels))), (20, 20, 1))[..., 0]
    assert (fitted[:5] == 10).all()
    assert (fitted[15:] == 10).all()
    assert fitted[10, 10] == 200
    rows, columns = np.nonzero(fitted > 100)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (6, 12)


def test_orientation_in_exif_is_applied() -> None:
    image = Image.new("RGB", (40, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated a quarter
    assert open_image(packed(image, "JPEG", exif=exif)).size == (20, 40)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "I;16"])
def test_every_mode_becomes_grey_or_rgb(mode: str) -> None:
    if mode == "I;16":
        image = Image.fromarray(np.full((9, 9), 40_000, np.uint16))
    else:
        image = Image.new("RGB", (9, 9), (156, 156, 156)).convert(mode)
    fitted = open_image(packed(image, "TIFF" if mode == "CMYK" else "PNG"))
    assert fitted.mode in ("L", "RGB")
    assert abs(int(fit(fitted, (9, 9, 1)).mean()) - (255 if mode == "1" else 156)) <= (
        255 if mode == "1" else 4
    )


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA", "P"])
def test_transparent_pixels_are_white(mode: str) -> None:
    image = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    image.putpixel((0, 0), (0, 0, 0, 255))
    image = image.quantize(8) if mode == "P" else image.convert(mode)
    opened = upright(image) if mode == "PA" else open_image(packed(image))
    expected = np.full((4, 4), 255)
    expected[0, 0] = 0
    assert np.array_equal(np.asarray(opened.convert("L")), expected)
    alpha = alpha_of(opened)
    assert alpha is not None
    assert np.array_equal(np.asarray(alpha), 255 - expected)


def test_a_text_in_a_file_is_no_transparency() -> None:
    text = PngInfo()
    text.add_text("alpha channel", "none")
    assert alpha_of(open_image(packed(Image.new("L", (4, 4)), pnginfo=text))) is None


def test_the_first_of_several_frames_is_taken() -> None:
    frames = [Image.new("L", (6, 6), value) for value in (30, 200)]
    content = packed(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert fit(open_image(content), (6, 6, 1)).max() == 30


def test_one_pixel_fills_the_input() -> None:
    assert (fit(open_image(packed(Image.new("L", (1, 1), 9))), (28, 28, 1)) == 9).all()


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "it is empty"), (b"hello", "it is text"), (b"\1\2", "starts with b")],
)
def test_bytes_that_are_no_picture(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=f"stdin is not an image .*{message}"):
        open_image(content, "stdin")


def test_a_chunk_that_declares_gigabytes_is_the_files_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Under a limit of memory; a sound file is never blamed for a shortage."""

    def too_much(*_: object) -> None:
        raise MemoryError

    content = packed(Image.new("RGB", (9, 9)), "PNG")
    chunk = content.index(b"IDAT") - 4
    spoiled = content[:chunk] + b"\x7f\xff\xff\xff" + content[chunk + 4 :]
    monkeypatch.setattr(Image, "open", too_much)
    with pytest.raises(DataError, match="declares more bytes than there are"):
        open_image(spoiled, "a.png")
    with pytest.raises(ResourceError, match="not enough memory"):
        open_image(content, "a.png")


def test_small_jpegs_are_read_as_browsers_decode_them(tmp_path: Path) -> None:
    """Decoding at a reduced scale gives other pixels."""
    noise = np.random.default_rng(0)
    for name in ("a", "b"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(5):
            path = tmp_path / "photos" / name / f"{number}.jpg"
            pixels = noise.integers(0, 255, (200, 240, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(path, quality=90)
    data = load_data(tmp_path / "photos", image_size=28)
    whole = {fit(open_image(path), (28, 28, 3)).tobytes() for path in tmp_path.rglob("*.jpg")}
    assert {image.tobytes() for image in data.train.images} <= whole
    assert len(data.train) > 1
