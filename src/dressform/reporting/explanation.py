"""`write_explanation`: how a model came to its predictions, image by image, as one HTML file."""

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dressform.core.errors import ConfigError, DataError
from dressform.core.files import user_path, write_text
from dressform.core.numbers import percent
from dressform.data.image import open_image
from dressform.exploration.attribution import Attribution, attribute
from dressform.predict.prediction import Prediction
from dressform.predict.predictor import Predictor
from dressform.reporting.page.template import filled
from dressform.runs.manifest import timestamp

MAX_EXPLAINED = 500
"""Images on one page; a photo takes about 40 kB."""
MAX_PIXELATED = 128
"""Smaller images are enlarged without smoothing."""
PHOTO_SIDE = 256
"""Longer side in pixels of the photo itself."""
QUALITY = 82


def check_count(count: int) -> None:
    """Check that one page has room for so many images, before they are classified.

    Raises:
        ConfigError: it has not.
    """
    if count > MAX_EXPLAINED:
        raise ConfigError(
            f"explain was given {count:,} images; allowed: up to {MAX_EXPLAINED} on a page, so "
            f"name fewer, or classify all of them into a table with out="
        )


def write_explanation(
    path: Path, answers: Sequence[Prediction], predictor: Predictor
) -> Attribution:
    """Write the page: a grid of all images, each of which opens its details.

    Args:
        path: the HTML file.
        answers: of :meth:`dressform.predict.predictor.Predictor.predict`, or of ``predict_many``
            with ``keep_prepared``; one or more.
        predictor: that gave them.

    Returns:
        the saliency maps and how they were made.
    """
    attribution = attribute(predictor, np.stack([answer.prepared.pixels for answer in answers]))
    alone = len(answers) == 1
    parts = {
        "model": html.escape(predictor.description.name),
        "timestamp": timestamp(),
        "count": "1 image" if alone else f"{len(answers):,} images",
        "saliency": _about(attribution),
        "predictions": "".join(
            _details(answer, saliency, attribution.method, opened=alone)
            for answer, saliency in zip(answers, attribution.maps, strict=True)
        ),
    }
    write_text(path, filled("explanation.html", parts))
    return attribution


def _about(attribution: Attribution) -> str:
    """How the saliency maps were made, as HTML."""
    paper = f'<a href="{attribution.address}">{html.escape(attribution.paper)}</a>'
    method = attribution.method[0].upper() + attribution.method[1:]
    text = f"Saliency maps: {method} ({paper}). {html.escape(attribution.explanation)}"
    if attribution.reason:
        text += f" Gradients cannot be used: {html.escape(attribution.reason)}."
    return text


def _details(answer: Prediction, saliency: NDArray[np.uint8], method: str, *, opened: bool) -> str:
    """One image of the grid, with what it opens."""
    label, probability = answer.top[0]
    name = html.escape(Path(answer.path).name)
    shown = percent(probability).replace(" ", "&nbsp;")
    doubt = "Unsure, perhaps " if answer.abstain else ""
    figures = [
        _figure(f"{number}. {description}", pixels)
        for number, (description, pixels) in enumerate(answer.prepared.steps, 1)
    ]
    if saliency.any():
        caption = f"Saliency ({method}): bright where it supports {label}"
        figures.append(_figure(caption, overlaid(answer.prepared.pixels, saliency), smooth=True))
    else:
        figures.append(
            "<figure><figcaption>Saliency: no part of the image supports the prediction."
            "</figcaption></figure>\n"
        )
    rows = "".join(
        f'<tr><th scope="row">{html.escape(one)}</th>'
        f'<td><span class="fraction" style="--fraction: {p:.4f}"></span>'
        f"<span>{percent(p)}</span></td></tr>"
        for one, p in answer.top
    )
    warnings = "".join(f"<li>{html.escape(line)}</li>" for line in answer.warnings)
    note = f'<div class="note"><ul>{warnings}</ul></div>\n' if warnings else ""
    flag = ' <span class="flag" title="See the notes inside">!</span>' if warnings else ""
    return (
        f'<details class="answer"{" open" if opened else ""}><summary>{_image(_photo(answer))}'
        f"<span><b>{doubt}{html.escape(label)}</b> {shown}{flag}<br>"
        f"<small>{name}</small></span></summary>\n"
        f'<p class="quiet">{html.escape(answer.path)}</p>\n{note}'
        f'<table class="probabilities">{rows}</table>\n'
        f'<div class="steps">\n{"".join(figures)}</div></details>\n'
    )


def _photo(answer: Prediction) -> NDArray[np.uint8]:
    """The photo itself; its first step where there is no file, or where it cannot be read again."""
    try:
        image = open_image(user_path(answer.path), answer.path, draft=2 * PHOTO_SIDE)
    except DataError:
        return answer.prepared.steps[0][1]
    image.thumbnail((PHOTO_SIDE, PHOTO_SIDE), Image.Resampling.LANCZOS)
    return np.asarray(image)


def overlaid(pixels: NDArray[np.uint8], saliency: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """An image with its saliency map over it, in the colours of the report.

    Args:
        pixels: uint8 [H, W, C], the network's input.
        saliency: uint8 [h, w].

    Returns:
        uint8 [H', W', 3]; small images are enlarged by a whole factor.
    """
    factor = -(-PHOTO_SIDE // max(pixels.shape[:2])) if max(pixels.shape) < MAX_PIXELATED else 1
    image = np.repeat(np.repeat(pixels, factor, axis=0), factor, axis=1).astype(np.float64)
    height, width = image.shape[:2]
    resized = Image.fromarray(saliency).resize((width, height), Image.Resampling.BILINEAR)
    value = np.asarray(resized, np.float64)[..., None]
    colour = np.concatenate([np.full_like(value, 255), 60 + value / 2, 0 * value], axis=2)
    alpha = np.minimum(230, 1.1 * value) / 255
    return np.asarray(np.round(alpha * colour + (1 - alpha) * image), np.uint8)


def _figure(caption: str, pixels: NDArray[np.uint8], *, smooth: bool = False) -> str:
    """An image, uint8 [h, w] or [h, w, 3], with its caption."""
    picture = _image(pixels, smooth=smooth)
    return f"<figure>{picture}<figcaption>{html.escape(caption)}</figcaption></figure>\n"


def _image(pixels: NDArray[np.uint8], *, smooth: bool = False) -> str:
    """An ``img`` element: small images keep every pixel, photos are compressed."""
    stream, small = io.BytesIO(), max(pixels.shape[:2]) < MAX_PIXELATED
    if small:
        Image.fromarray(pixels).save(stream, "PNG")
    else:
        Image.fromarray(pixels).save(stream, "WEBP", quality=QUALITY, method=2)
    data = base64.b64encode(stream.getvalue()).decode()
    kind = ' class="pixelated"' if small and not smooth else ""
    address = f"data:image/{'png' if small else 'webp'};base64,{data}"
    return f'<img alt=""{kind} loading="lazy" src="{address}">'
