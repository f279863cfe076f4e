"""The page that classifies photos, in a real Chromium, beside Python."""

import base64
import csv
import io
import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

import dressform
from dressform.core.errors import ConfigError
from dressform.data.image import open_image
from dressform.data.photo import PhotoSettings, is_photo, prepare
from dressform.data.resample import fit
from dressform.predict.prediction_table import column_names
from dressform.predict.predictor import Predictor
from dressform.reporting.classifier import write_classifier
from dressform.runs.run import Run
from tests.browser.conftest import Watched
from tests.data.test_photo import cut_out, scene
from tests.writers import packed

JUDGE = """async (photos) => {
  const { openModel, decodeImage, classify } = await import("dressform/classify/main.js");
  window.model ??= await openModel();
  const found = [];
  for (const photo of photos) {
    const bytes = Uint8Array.from(atob(photo), (c) => c.charCodeAt(0));
    const image = await decodeImage(new Blob([bytes]));
    const { pixels, logits, oodPValue, steps, warnings } = await classify(window.model, image);
    const words = steps.map(([words]) => words);
    found.push({ pixels: Array.from(pixels.data), logits, oodPValue, steps: words, warnings });
  }
  return found;
}"""


def opened(watched: Watched, file: Path) -> Page:
    watched.page.goto(file.as_uri())
    watched.page.wait_for_selector("html[data-ready]")
    return watched.page


def photos() -> dict[str, bytes]:
    """Photos for every step: on several floors, turned, grey, wide, tiny, transparent, of two
    things, of none.
    """
    red, _ = scene((200, 40, 50), (210, 205, 195), planks=8)
    white, _ = scene((240, 240, 238), (120, 90, 60), planks=20)
    dark, _ = scene((25, 25, 30), (180, 140, 100), planks=12, seed=3)
    large = red.resize((500, 600), Image.Resampling.BICUBIC)
    two = Image.new("RGB", (360, 180))
    two.paste(red, (0, 0))
    two.paste(red, (180, 0))
    two.paste(red.crop((0, 0, 30, 180)), (150, 0))
    two.paste(red.crop((0, 0, 30, 180)), (330, 0))
    turned = Image.Exif()
    turned[0x0112] = 6
    clear = white.convert("RGBA")
    clear.putalpha(
        Image.fromarray(np.tile(np.where(np.arange(150) < 60, 0, 255).astype(np.uint8), (180, 1)))
    )
    corner = red.convert("RGBA")
    corner.paste((0, 0, 0, 0), (0, 0, 30, 30))
    noise = np.random.default_rng(0).integers(0, 256, (90, 70, 3), np.uint8)
    return {
        "corner": packed(corner, "PNG"),
        "cut out": packed(cut_out((30, 30, 35)), "PNG"),
        "white cut out": packed(cut_out((250, 250, 248)), "WEBP", lossless=True),
        "all clear": packed(Image.new("RGBA", (80, 90)), "PNG"),
        "red": packed(red, "PNG"),
        "white": packed(white, "PNG"),
        "dark": packed(dark, "PNG"),
        "large jpeg": packed(large, "JPEG", quality=92),
        "webp": packed(white, "WEBP", lossless=True),
        "turned": packed(large, "JPEG", quality=92, exif=turned),
        "two": packed(two, "PNG"),
        "grey": packed(dark.convert("L"), "PNG"),
        "palette": packed(red.quantize(32), "PNG"),
        "clear": packed(clear, "PNG"),
        "noise": packed(Image.fromarray(noise), "PNG"),
        "nothing": packed(Image.new("RGB", (120, 90), (200, 180, 160)), "PNG"),
        "dot": packed(Image.new("RGB", (1, 1), "red"), "PNG"),
        "narrow": packed(red.crop((0, 0, 150, 6)), "PNG"),
        "16 bits": packed(
            Image.fromarray(np.arange(900, dtype=np.uint16).reshape(30, 30) * 70), "PNG"
        ),
        "ready": packed(red.resize((28, 28)), "PNG"),
        "small": packed(red.resize((20, 14)), "PNG"),
        "padded": packed(red.resize((28, 20)), "PNG"),
        "on black": packed(Image.fromarray(np.pad(np.full((20, 12), 180, np.uint8), 40)), "PNG"),
    }


def test_the_page_sees_and_says_what_python_does(
    watched: Watched, file: Path, predictor: Predictor
) -> None:
    given = photos()
    page = opened(watched, file)
    answers = page.evaluate(
        JUDGE, [base64.b64encode(content).decode() for content in given.values()]
    )
    kinds: set[str] = set()
    for (name, content), found in zip(given.items(), answers, strict=True):
        expected = predictor.predict(content, name=name)
        pixels = expected.prepared.pixels
        seen = np.array(found["pixels"], np.uint8).reshape(pixels.shape)
        most = 1 if name == "16 bits" else 0  # the browser cuts the lower byte off, we round
        np.testing.assert_allclose(seen, pixels.astype(int), atol=most, rtol=0, err_msg=name)
        np.testing.assert_allclose(
            found["logits"], predictor.logits(seen[None])[0], atol=1e-3, err_msg=name
        )
        (usual,) = predictor.ood_p_values(seen[None])  # type: ignore[misc]
        assert found["oodPValue"] == pytest.approx(usual, abs=1e-9), name
        assert found["steps"] == [words for words, _ in expected.prepared.steps], name
        assert found["warnings"] == list(expected.warnings), name
        kinds.update(words.split(",")[0] for words, _ in expected.prepared.steps)
    assert {
        "the photo",
        "foreground",
        "grey and negated",
        "cropped",
        "shrunk to 28 × 28: what the network sees",
        "enlarged to 28 × 28: what the network sees",
        "padded to 28 × 28: what the network sees",
        "28 × 28: what the network sees",
    } <= kinds


PREPARE = """async ([photo, shape, settings]) => {
  const { decodeImage } = await import("dressform/classify/main.js");
  const { prepare } = await import("dressform/classify/photo.js");
  const bytes = Uint8Array.from(atob(photo), (c) => c.charCodeAt(0));
  return Array.from(prepare(await decodeImage(new Blob([bytes])), shape, settings).pixels.data);
}"""


def test_other_models_see_what_python_prepares(watched: Watched, file: Path) -> None:
    page, given = opened(watched, file), photos()
    ways = [None, PhotoSettings(), PhotoSettings(side=100, margin=0.1, median=0)]
    cases = list(
        itertools.product(
            [(20, 30, 3), (64, 64, 3), (48, 28, 1), (10, 10, 1)],
            ways,
            ("red", "two", "grey", "noise", "clear", "cut out"),
        )
    )
    cases += [
        ((224, 224, 3), way, name)
        for way in (None, ways[2])
        for name in ("red", "narrow", "nothing")
    ]
    for shape, settings, name in cases:
        image = open_image(given[name])
        photo = settings is not None and is_photo(image) and max(image.size) > max(shape[:2])
        expected = (
            prepare(image, shape, settings).pixels if photo and settings else fit(image, shape)
        )
        found = page.evaluate(
            PREPARE, [base64.b64encode(given[name]).decode(), shape, settings and vars(settings)]
        )
        np.testing.assert_array_equal(
            np.reshape(found, shape), expected, err_msg=f"{name} {shape} {settings}"
        )


def test_a_model_that_knows_no_pictures_and_wants_no_photos(
    watched: Watched, named_run: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(named_run.layout.onnx.read_bytes())
    document = json.loads((named_run.layout.weights / "model.json").read_text(encoding="utf-8"))
    document["preprocessing"]["photo"] = None
    (folder / "model.json").write_text(json.dumps(document), encoding="utf-8")
    predictor = Predictor(folder)
    write_classifier(tmp_path / "page.html", predictor)
    content = photos()["red"]
    (found,) = opened(watched, tmp_path / "page.html").evaluate(
        JUDGE, [base64.b64encode(content).decode()]
    )
    expected = predictor.predict(content)
    assert found["oodPValue"] is None
    assert found["steps"] == ["shrunk to 28 × 28: what the network sees"]
    np.testing.assert_allclose(
        found["logits"], predictor.logits(expected.prepared.pixels[None])[0], atol=1e-3
    )


def test_a_large_jpeg_differs_by_how_it_is_decoded_only(
    watched: Watched, file: Path, predictor: Predictor
) -> None:
    """Python lets JPEG shrink such photos while it decodes them; the browser decodes them whole."""
    red, _ = scene((200, 40, 50), (210, 205, 195), planks=8)
    content = packed(red.resize((1500, 1800), Image.Resampling.BICUBIC), "JPEG", quality=92)
    (found,) = opened(watched, file).evaluate(JUDGE, [base64.b64encode(content).decode()])
    expected = predictor.predict(content)
    away = np.abs(np.array(found["pixels"]) - expected.prepared.pixels.ravel().astype(int))
    assert away.mean() < 2
    assert found["steps"] == [words for words, _ in expected.prepared.steps]


def test_photos_are_chosen_dropped_and_saved(
    watched: Watched, file: Path, predictor: Predictor, tmp_path: Path
) -> None:
    given = photos()
    paths = [tmp_path / "red.png", tmp_path / "text.png"]
    paths[0].write_bytes(given["red"])
    paths[1].write_bytes(b"no picture")
    page = opened(watched, file)
    expect(page.locator("#save")).to_be_disabled()
    page.set_input_files("#file", paths)
    expect(page.locator("#results section")).to_have_count(2)
    answer = predictor.predict(paths[0])
    label, share = answer.top[0]
    red = page.locator("#results section").nth(1)
    expect(red.locator("h2")).to_have_text(f"{'Unsure, perhaps ' if answer.abstain else ''}{label}")
    expect(red.locator("p").first).to_have_text(f"{100 * share:.1f} % · red.png")
    expect(red.locator(".steps canvas")).to_have_count(len(answer.prepared.steps))
    expect(page.locator("#results section").nth(0)).to_contain_text("No prediction")
    expect(page.locator("#results section").nth(0)).to_contain_text("text.png")
    expect(page.locator("#results section").nth(0)).to_contain_text(
        "this browser cannot read it as an image"
    )
    page.evaluate(
        """(photo) => {
          const moved = new DataTransfer();
          const bytes = Uint8Array.from(atob(photo), (c) => c.charCodeAt(0));
          moved.items.add(new File([bytes], "dropped <b>.png", { type: "image/png" }));
          document.dispatchEvent(new DragEvent("drop", { dataTransfer: moved, bubbles: true }));
        }""",
        base64.b64encode(given["dark"]).decode(),
    )
    expect(page.locator("#results section p").first).to_contain_text("dropped <b>.png")
    with page.expect_download() as download:
        page.click("#save")
    rows = list(
        csv.DictReader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8")))
    )
    *own, model, size_mtime = column_names(3)  # as predict --out, but for what a file has
    assert (list(rows[0]), model, size_mtime) == (own, "model", "size_mtime")
    assert [row["path"] for row in rows] == ["red.png", "text.png", "dropped <b>.png"]
    assert rows[1]["error"].startswith("this browser cannot read it as an image")
    assert rows[0]["label"] == label
    assert float(rows[0]["probability"]) == pytest.approx(share, abs=1e-4)
    page.get_by_role("button", name="Clear results").click()
    expect(page.locator("#results section")).to_have_count(0)
    expect(page.locator("#save")).to_be_disabled()
    assert page.evaluate("document.activeElement.id") == "choose"
    page.set_viewport_size({"width": 390, "height": 800})
    page.set_input_files("#file", paths[0])
    expect(page.locator("#results section")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_camera_is_live_and_switched_off(watched: Watched, file: Path) -> None:
    page = opened(watched, file)
    page.evaluate("""() => {
      const devices = navigator.mediaDevices, ask = devices.getUserMedia.bind(devices);
      devices.getUserMedia = async (wish) => (window.given = await ask(wish));
    }""")
    page.get_by_role("button", name="Use the camera").click()
    page.get_by_role("button", name="Take photo").click()
    expect(page.locator("#results p").first).to_contain_text("camera 1.png")
    page.get_by_role("button", name="Take photo").press("Escape")
    expect(page.locator("video")).to_be_hidden()
    assert page.evaluate("given.getTracks().map((track) => track.readyState)") == ["ended"]
    page.evaluate("""() => {
      const refused = () => Promise.reject(new DOMException("no", "NotAllowedError"));
      navigator.mediaDevices.getUserMedia = refused;
    }""")
    page.get_by_role("button", name="Use the camera").click()
    expect(page.get_by_role("alert")).to_contain_text("allow the camera for this page")
    expect(page.get_by_role("button", name="Use the camera")).to_be_enabled()


def test_the_command_writes_it(named_run: Run, watched: Watched, tmp_path: Path) -> None:
    page_file = str(tmp_path / "c.html")
    command = [
        sys.executable,
        "-m",
        "dressform",
        "export",
        str(named_run.path),
        page_file,
        "--to",
        "page",
        "--threshold",
        "1",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0] == page_file
    page = opened(watched, Path(page_file))
    (tmp_path / "red.png").write_bytes(photos()["red"])
    page.set_input_files("#file", tmp_path / "red.png")
    expect(page.locator("#results h2")).to_contain_text("Unsure, perhaps ")


def test_a_folder_is_no_page(named_run: Run, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a folder; give the HTML file to write"):
        dressform.export(named_run, tmp_path, to="page")


def test_the_photos_are_what_they_say() -> None:
    given = photos()
    assert open_image(given["turned"]).size == (600, 500)
    assert open_image(given["16 bits"]).mode == "L"
