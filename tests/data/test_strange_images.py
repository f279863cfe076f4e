"""Image files of every form and mode, and files that only look like images."""

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import dressform
from dressform.data.audit import check_data
from dressform.data.image import upright
from tests.data.cases import class_folders, draw, encoded, write_image
from tests.data.reading import check, check_text, complaint, has, refused, totals, train

CLASSES = ("dress", "pants", "shoes")
SIX = dict.fromkeys(CLASSES, 6)
SIDE = 64
RAMP = np.tile(np.linspace(0, 255, SIDE).round().astype(np.uint8), (SIDE, 1))
"""Black on the left, white on the right."""
GREY = Image.fromarray(RAMP)
COLOUR = Image.merge("RGB", (GREY, GREY.transpose(Image.Transpose.ROTATE_90), GREY))


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def _rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    return saved(GREY.rotate(180), "JPEG", exif=exif, quality=95)


def _palette_with_transparency() -> bytes:
    image = COLOUR.quantize(64)
    return saved(image, "PNG", transparency=0)


def _frames(form: str) -> bytes:
    black = Image.new("L", (SIDE, SIDE))
    return saved(GREY, form, save_all=True, append_images=[black, black], duration=50)


def _pages() -> bytes:
    return saved(GREY, "TIFF", save_all=True, append_images=[Image.new("L", (9, 9))])


def _bits(depth: int, form: str) -> bytes:
    values = np.round(RAMP / 255 * (2**depth - 1)).astype(np.uint16)
    return saved(Image.fromarray(values), form)


def _alpha() -> bytes:
    image = COLOUR.convert("RGBA")
    image.putalpha(255)
    return saved(image, "PNG")


FORMS: dict[str, Callable[[], bytes]] = {
    "progressive.jpg": lambda: saved(GREY, "JPEG", progressive=True, quality=95),
    "cmyk.jpg": lambda: saved(COLOUR.convert("CMYK"), "JPEG", quality=95),
    "rotated.jpg": _rotated,
    "16-bit.png": lambda: _bits(16, "PNG"),
    "12-bit.png": lambda: _bits(12, "PNG"),
    "12-bit.tiff": lambda: _bits(12, "TIFF"),
    "float.tif": lambda: saved(Image.fromarray(RAMP.astype(np.float32) / 255), "TIFF"),
    "palette.png": lambda: saved(GREY.quantize(256), "PNG"),
    "palette-transparent.png": _palette_with_transparency,
    "alpha.png": _alpha,
    "grey-alpha.png": lambda: saved(GREY.convert("LA"), "PNG"),
    "1-bit.png": lambda: saved(GREY.convert("1"), "PNG"),
    "1-bit.tif": lambda: saved(GREY.convert("1"), "TIFF", compression="group4"),
    "lzw.tif": lambda: saved(COLOUR, "TIFF", compression="tiff_lzw"),
    "animated.gif": lambda: _frames("GIF"),
    "animated.png": lambda: _frames("PNG"),
    "animated.webp": lambda: _frames("WEBP"),
    "pages.tif": _pages,
    "a.jp2": lambda: saved(GREY, "JPEG2000"),
    "a.ppm": lambda: saved(COLOUR, "PPM"),
    "a.pgm": lambda: saved(GREY, "PPM"),
    "a.tga": lambda: saved(COLOUR, "TGA"),
    "a.ico": lambda: saved(COLOUR, "ICO", sizes=[(SIDE, SIDE)]),
    "a.dib": lambda: saved(COLOUR, "DIB"),
    "a.pcx": lambda: saved(COLOUR, "PCX"),
    "a.jfif": lambda: saved(GREY, "JPEG", quality=95),
    "png-called.jpg": lambda: saved(GREY, "PNG"),
    "webp-called.jpeg": lambda: saved(GREY, "WEBP", quality=95),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_and_mode(name: str, tmp_path: Path) -> None:
    """Read beside others, the first frame alone, dark on the left and bright on the right."""
    class_folders(tmp_path, count=6)
    (tmp_path / "dress" / name).write_bytes(FORMS[name]())
    splits = dressform.load_data(tmp_path, image_size=SIDE)
    assert totals(splits) == {**SIX, "dress": 7}
    (image,) = [
        dataset.images[k]
        for _, dataset in splits
        for k, example_id in enumerate(dataset.ids)
        if name in str(example_id)
    ]
    columns = image[..., 0].mean(axis=0)
    if name != "palette-transparent.png":  # where a colour is cut out
        assert columns[:8].mean() < 40
        assert columns[-8:].mean() > 200
        assert np.all(np.diff(columns.reshape(8, 8).mean(axis=1)) > 0)


def test_12_bit_images_are_not_black_and_dark_ones_stay_dark(tmp_path: Path) -> None:
    """Values up to 4,095 are 12-bit values: half of that is a middle grey."""
    for label, peak in (("dark", 0.5), ("bright", 1.0)):
        for number in range(6):
            values = np.round(np.roll(RAMP, number, 1) / 255 * peak * 4095).astype(np.uint16)
            (tmp_path / label).mkdir(exist_ok=True)
            Image.fromarray(values).save(tmp_path / label / f"{number}.png")
    splits = dressform.load_data(tmp_path)
    for _, dataset in splits:
        peaks = dataset.images.max(axis=(1, 2, 3))
        assert peaks[dataset.labels == splits.class_names.index("bright")].min() > 250
        assert peaks[dataset.labels == splits.class_names.index("dark")].max() < 135


def heic(brand: bytes = b"heic") -> bytes:
    """The start of a photo of a phone."""
    box = b"\0\0\0\x24ftyp" + brand + b"\0\0\0\0" + b"mif1MiHEmiafMiHB" + brand
    return box + b"\0\0\x0d\xadmeta" + bytes(400)


@pytest.mark.parametrize("suffix", [".HEIC", ".heif", ".jpg"])
def test_a_photo_of_a_phone_is_named(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    class_folders(tmp_path, count=6)
    (tmp_path / "dress" / f"IMG_0001{suffix}").write_bytes(heic())
    refused(tmp_path, "HEIC", "pip install", "heic", "IMG_0001")
    assert totals(dressform.load_data(tmp_path, skip_bad=True)) == SIX


def test_nothing_but_photos_of_a_phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not "no images": the cause is the form."""
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    for label in CLASSES:
        (tmp_path / label).mkdir()
        for number in range(4):
            (tmp_path / label / f"IMG_{number}.heic").write_bytes(heic(b"mif1"))
    refused(tmp_path, "HEIC", "12")
    refused(tmp_path, "HEIC", skip_bad=True)  # leaving out all of them leaves nothing


@pytest.mark.parametrize("suffix", [".HEIC", ".jpg"])
def test_photos_of_a_phone_are_read(suffix: str, tmp_path: Path) -> None:
    """By content, whatever the file is called: phones' photos are often renamed."""
    import pillow_heif

    class_folders(tmp_path, count=6)
    pixels = np.full((48, 64, 3), (200, 30, 60), np.uint8)
    target = tmp_path / "dress" / f"IMG_0001{suffix}"
    pillow_heif.from_pillow(Image.fromarray(pixels)).save(tmp_path / "a.heif")
    (tmp_path / "a.heif").rename(target)
    splits = dressform.load_data(tmp_path, image_size=16)
    assert sum(totals(splits).values()) == sum(SIX.values()) + 1
    for _, dataset in splits:
        for i, name in enumerate(dataset.ids.tolist()):
            if "IMG_0001" in name:
                assert np.abs(dataset.images[i].astype(int).mean((0, 1)) - pixels[0, 0]).max() < 8


BAD: dict[str, bytes] = {
    "error.jpg": b"<!DOCTYPE html><html><head><title>403 Forbidden</title></head></html>",
    "empty.png": b"",
    "cut.jpg": encoded("dress", 9)[:900],
    "cut.png": encoded("dress", 9, ".png")[:-3000],
    "pointer.jpg": b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 9\n",
    "zeros.jpg": bytes(5000),
    "text.webp": b"RIFF\x10\0\0\0WEBPVP8 ",
    "archive.bmp": b"PK\3\4" + bytes(60),
}


@pytest.fixture
def spoiled(tmp_path: Path) -> Path:
    root = class_folders(tmp_path / "photos", count=6)
    for place, (name, content) in enumerate(BAD.items()):
        (root / CLASSES[place % 3] / name).write_bytes(content)
    return root


def test_every_bad_file_is_listed(spoiled: Path, tmp_path: Path) -> None:
    message = refused(spoiled, "8 of 26", "skip")
    said = message.replace("skip_bad=True", "--skip-bad")
    assert said in complaint(*train(spoiled, tmp_path / "runs"))
    bad = check(spoiled, code=1)["bad"]
    assert sorted(Path(entry["path"]).name for entry in bad) == sorted(BAD)
    reasons = {Path(entry["path"]).name: entry["reason"] for entry in bad}
    assert has(reasons["error.jpg"], "HTML")
    assert has(reasons["empty.png"], "empty")
    assert has(reasons["pointer.jpg"], "LFS")
    assert all("\n" not in reason for reason in reasons.values())
    text = check_text(spoiled, code=1)
    assert all(text.count(name) >= 1 for name in BAD)
    assert "8 of 26 images cannot be used (listed above); --skip-bad leaves them out" in text
    assert "data check" not in text


def test_bad_files_are_left_out_on_request(spoiled: Path) -> None:
    splits = dressform.load_data(spoiled, skip_bad=True)
    assert totals(splits) == SIX
    assert sorted(Path(str(item.path)).name for item in splits.left_out) == sorted(BAD)
    assert all(item.reason for item in splits.left_out)
    assert isinstance(splits.left_out, tuple)
    document = check(spoiled, "--skip-bad")
    assert len(document["bad"]) == len(BAD)


def test_a_good_folder_has_no_bad_files(tmp_path: Path) -> None:
    class_folders(tmp_path, count=6)
    assert check(tmp_path)["bad"] == []
    splits = dressform.load_data(tmp_path, skip_bad=True)
    assert splits.left_out == ()


def test_a_class_whose_files_are_all_bad(tmp_path: Path) -> None:
    """Left out file by file, a class would vanish: refused with its name."""
    class_folders(tmp_path, count=6)
    (tmp_path / "socks").mkdir()
    for number in range(4):
        (tmp_path / "socks" / f"{number}.jpg").write_bytes(b"")
    refused(tmp_path, "4 of 22")
    refused(tmp_path, "socks", skip_bad=True)


def test_a_large_photo_is_read_at_its_reduced_size(tmp_path: Path) -> None:
    class_folders(tmp_path, count=6)
    draw("dress", 3).resize((6000, 4000)).save(tmp_path / "dress" / "large.jpg", quality=60)
    write_image(tmp_path / "dress" / "narrow.jpg", "dress", 4)
    Image.new("RGB", (3000, 3), (200, 10, 10)).save(tmp_path / "dress" / "line.png")
    splits = dressform.load_data(tmp_path)
    assert totals(splits)["dress"] == 9
    assert splits.shape == (64, 64, 3)


def test_equal_images_of_two_classes_are_named(tmp_path: Path) -> None:
    class_folders(tmp_path, count=6)
    first, second = (sorted(p for p in tmp_path.iterdir() if p.is_dir())[i] for i in (0, 1))
    image = min(first.iterdir())
    (second / "same.png").write_bytes(image.read_bytes())
    audit = check_data(dressform.load_data(tmp_path))
    (problem,) = (line for line in audit.problems if "different labels" in line)
    assert f"{first.name}/{image.name} ({first.name}) and {second.name}/same.png" in problem
    assert problem.endswith("'dressform data doctor' shows all")


@pytest.mark.parametrize("odd", [np.nan, np.inf])
@pytest.mark.parametrize("white", [1, 255])
def test_one_value_that_is_no_number_changes_no_other(odd: float, white: int) -> None:
    values = np.linspace(0, white, 64, dtype=np.float32).reshape(8, 8)
    expected = np.asarray(upright(Image.fromarray(values))).copy()
    values[2, 2] = odd
    found = np.asarray(upright(Image.fromarray(values))).copy()
    expected[2, 2] = found[2, 2] = 0
    assert found.tolist() == expected.tolist()
