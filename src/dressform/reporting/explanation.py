"""`write_explanation`: how a model came to its predictions, step by step, as one HTML file."""

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dressform.core.files import write_text
from dressform.predict.predictor import Prediction
from dressform.reporting.page.template import filled
from dressform.runs.manifest import timestamp

MAX_PIXELATED = 128
"""Smaller images are enlarged without smoothing."""


def write_explanation(path: Path, answers: Sequence[Prediction], model: str) -> None:
    """Write the page.

    Args:
        path: the HTML file.
        answers: of :meth:`dressform.predict.predictor.Predictor.predict`, or of ``predict_many``
            with ``keep_prepared``.
        model: its name.
    """
    parts = {
        "model": html.escape(model),
        "timestamp": timestamp(),
        "predictions": "".join(_section(answer) for answer in answers),
    }
    write_text(path, filled("explanation.html", parts))


def _section(answer: Prediction) -> str:
    label, probability = answer.top[0]
    doubt = "unsure, perhaps " if answer.abstain else ""
    title = f"{Path(answer.path).name}: {doubt}{label}, {100 * probability:.1f} %"
    steps = "".join(
        _figure(f"{number}. {description}", pixels)
        for number, (description, pixels) in enumerate(answer.prepared.steps, 1)
    )
    rows = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th>'
        f'<td><span class="fraction" style="--fraction: {p:.4f}"></span>'
        f"<span>{100 * p:.1f} %</span></td></tr>"
        for name, p in answer.top
    )
    warnings = "".join(f"<li>{html.escape(line)}</li>" for line in answer.warnings)
    note = f'<div class="note"><ul>{warnings}</ul></div>\n' if warnings else ""
    return (
        f"<section><h2>{html.escape(title)}</h2>\n{note}"
        f'<div class="steps">\n{steps}</div>\n'
        f'<table class="probabilities">{rows}</table></section>\n'
    )


def _figure(caption: str, pixels: NDArray[np.uint8]) -> str:
    """An image, uint8 [h, w] or [h, w, 3], with its caption."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    address = f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"
    kind = " class=pixelated" if max(pixels.shape[:2]) < MAX_PIXELATED else ""
    return (
        f'<figure><img alt=""{kind} src="{address}">'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>\n"
    )
