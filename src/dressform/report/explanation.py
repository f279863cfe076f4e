"""`write_explanation`: what a model saw of each picture, step by step, and what it made of it, as
one HTML file.
"""

import base64
import html
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dressform.core.files import write_text
from dressform.predict.predictor import Answer
from dressform.report.page.template import filled
from dressform.runs.manifest import timestamp


def write_explanation(path: Path, answers: Sequence[Answer], model: str) -> None:
    """Write the page.

    Args:
        path: the HTML file.
        answers: of :meth:`dressform.predict.predictor.Predictor.predict`.
        model: its name.
    """
    parts = {
        "model": html.escape(model),
        "moment": timestamp(),
        "answers": "".join(_section(answer) for answer in answers),
    }
    write_text(path, filled("explanation.html", parts))


def _section(answer: Answer) -> str:
    label, share = answer.top[0]
    title = (
        f"{Path(answer.path).name}: {'unsure, perhaps ' if answer.abstain else ''}{label}, "
        f"{100 * share:.1f} %"
    )
    steps = "".join(
        f'<figure><img alt=""{" class=tiny" if max(pixels.shape[:2]) < 128 else ""} '
        f'src="{_address(pixels)}">'
        f"<figcaption>{number}. {html.escape(words)}</figcaption></figure>\n"
        for number, (words, pixels) in enumerate(answer.prepared.steps, 1)
    )
    rows = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td><span class="share" style="--share: '
        f'{p:.4f}"></span>'
        f"<span>{100 * p:.1f} %</span></td></tr>"
        for name, p in answer.top
    )
    warnings = "".join(f"<li>{html.escape(line)}</li>" for line in answer.warnings)
    return (
        f"<section><h2>{html.escape(title)}</h2>\n"
        + (f'<div class="note"><ul>{warnings}</ul></div>\n' if warnings else "")
        + f'<div class="steps">\n{steps}</div>\n<table class="shares">{rows}</table></section>\n'
    )


def _address(pixels: NDArray[np.uint8]) -> str:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}"
