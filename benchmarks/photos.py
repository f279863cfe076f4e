"""A Fashion-MNIST model on real photos of clothes, with and without the preparation of photos.

    python benchmarks/photos.py RUN PHOTOS [--gallery docs/figures/photos.png] [--opencv]

PHOTOS has a folder per class; those of MAPPED are used. An answer is right where it is one of the
classes that the folder's name stands for. `--opencv` adds OpenCV's GrabCut (pip install
opencv-python-headless) in place of our foreground, from the same first guess. The gallery shows
photos with what the network saw: the first right and wrong ones of each class, by file name.
"""

import argparse
import itertools
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from report import write_report

import dressform
from dressform.data.foreground import CENTRE_PRIOR, Foreground, _clean_mask, border_mask, rgb_to_lab
from dressform.data.image import open_image
from dressform.data.mixture import Mixture
from dressform.data.photo import PhotoSettings, prepare
from dressform.data.resample import fit
from dressform.evaluation.intervals import wilson
from dressform.evaluation.significance import mcnemar
from dressform.predict.predictor import Predictor

MAPPED = {
    "t-shirt": ("T-shirt/top",),
    "pants": ("Trouser",),
    "longsleeve": ("Pullover",),
    "dress": ("Dress",),
    "outwear": ("Coat",),
    "shirt": ("Shirt",),
    "shoes": ("Sandal", "Sneaker", "Ankle boot"),
}
SHOWN = 5


def main() -> None:
    """Measure, write the report and perhaps the gallery."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--gallery", type=Path)
    parser.add_argument("--opencv", action="store_true")
    options = parser.parse_args()
    predictor = Predictor(dressform.open_run(options.run))
    names = predictor.class_names
    paths = [(p, folder) for folder in MAPPED for p in sorted((options.photos / folder).iterdir())]
    wanted = [{names.index(name) for name in MAPPED[folder]} for _, folder in paths]
    shape, settings = predictor.shape, PhotoSettings()
    ways: dict[str, Callable[[Image.Image], NDArray[np.uint8]]] = {
        "shrunk": lambda image: fit(image, shape),
        "negated and shrunk": lambda image: fit(
            Image.eval(image.convert("L"), lambda value: 255 - value), shape
        ),
        "prepared": lambda image: prepare(image, shape, settings).pixels,
    }
    if options.opencv:
        ways["prepared, OpenCV's GrabCut"] = lambda image: with_grabcut(image, shape, settings)
    results: dict[str, Any] = {"photos": len(paths)}
    right, seen = {}, {}
    for name, way in ways.items():
        started, pixels = time.perf_counter(), []
        for path, _ in paths:
            pixels.append(way(open_image(path, draft=320)))
        seconds = (time.perf_counter() - started) / len(paths)
        seen[name] = np.stack(pixels)
        answers = predictor.logits(seen[name]).argmax(axis=1)
        right[name] = np.array(
            [answer in classes for answer, classes in zip(answers.tolist(), wanted, strict=True)]
        )
        by_class = {
            folder: float(right[name][[f == folder for _, f in paths]].mean()) for folder in MAPPED
        }
        results[name] = {
            "accuracy": wilson(int(right[name].sum()), len(paths)).to_json(),
            "by_class": by_class,
            "answers": dict(
                zip(names, np.bincount(answers, minlength=len(names)).tolist(), strict=True)
            ),
            "seconds_per_photo": round(seconds, 4),
        }
        print(name, results[name]["accuracy"], by_class, flush=True)
    for name in ways:
        if name != "prepared":
            results[name]["p_value_against_prepared"] = mcnemar(
                right[name], right["prepared"]
            ).mid_p
    write_report(
        f"photos-{options.photos.name}",
        f"python benchmarks/photos.py RUN "
        f"{options.photos.name}{' --opencv' if options.opencv else ''}",
        results,
    )
    if options.gallery is not None:
        answers = predictor.logits(seen["prepared"]).argmax(axis=1)
        draw_gallery(
            options.gallery, paths, seen["prepared"], [names[i] for i in answers], right["prepared"]
        )


def with_grabcut(
    image: Image.Image, shape: tuple[int, int, int], settings: PhotoSettings
) -> NDArray[np.uint8]:
    """`prepare` with OpenCV's GrabCut in place of mean field."""
    with patch("dressform.data.photo.segment_foreground", grabcut):
        return prepare(image, shape, settings).pixels


def grabcut(pixels: NDArray[np.uint8]) -> Foreground | None:
    """OpenCV's, started from what the border's colours do not explain."""
    cv2: Any = import_module("cv2")

    height, width = pixels.shape[:2]
    border, colours = border_mask(height, width), rgb_to_lab(pixels).reshape(-1, 3)
    surprise = -Mixture(colours, border.ravel(), 5).log_density(colours).reshape(height, width)
    usual = float(np.median(surprise[border]))
    spread = float(np.percentile(surprise[border], 90)) - usual + 1
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)
    odds = (
        1.5 * np.clip((surprise - usual - 1.5 * spread) / spread, -2, 2)
        + CENTRE_PRIOR * (1 - 1.6 * (x**2 + y**2))
        - 1.5 * border
    )
    sides = np.where(odds > 0, cv2.GC_PR_FGD, np.where(border, cv2.GC_BGD, cv2.GC_PR_BGD)).astype(
        np.uint8
    )
    if not (sides == cv2.GC_PR_FGD).any():
        return None
    cv2.setRNGSeed(0)
    cv2.grabCut(pixels, sides, None, np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK)
    return _clean_mask((sides == cv2.GC_PR_FGD) | (sides == cv2.GC_FGD), border)


def draw_gallery(
    path: Path,
    paths: list[tuple[Path, str]],
    seen: NDArray[np.uint8],
    answers: list[str],
    right: NDArray[np.bool_],
) -> None:
    """A row per class: photos and what was seen, right ones left, wrong ones right."""
    side, line = 104, 18
    sheet = Image.new(
        "RGB", (2 * SHOWN * (side + 6), len(MAPPED) * (2 * side + line + 14)), "white"
    )
    pen = ImageDraw.Draw(sheet)
    for row, folder in enumerate(MAPPED):
        for half, wanted in enumerate((True, False)):
            own = (i for i, (_, name) in enumerate(paths) if name == folder and right[i] == wanted)
            for column, i in enumerate(itertools.islice(own, SHOWN)):
                x, y = (half * SHOWN + column) * (side + 6) + 3, row * (2 * side + line + 14) + 4
                shown = open_image(paths[i][0], draft=2 * side)
                shown.thumbnail((side, side), Image.Resampling.BOX)
                sheet.paste(shown, (x + (side - shown.width) // 2, y + (side - shown.height) // 2))
                sheet.paste(
                    Image.fromarray(seen[i].squeeze()).resize(
                        (side, side), Image.Resampling.NEAREST
                    ),
                    (x, y + side + 2),
                )
                pen.text((x, y + 2 * side + 4), answers[i], fill="#1d7a3e" if wanted else "#b3261e")
    sheet.quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    print(path)


if __name__ == "__main__":
    main()
