"""`write_explanation`: what a model saw of each picture, step by step, and what it made of it, as one HTML file."""

import base64
import html
import io
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dressform.core.files import write_text
from dressform.predict.predictor import Answer
from dressform.runs.manifest import moment, packages

STYLE = """
.steps { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 1rem; }
.steps img { width: 100%; aspect-ratio: 1; object-fit: contain; background: #000; border-radius: 6px; }
.steps img.tiny { image-rendering: pixelated; }
"""


def write_explanation(path: Path, answers: Sequence[Answer], model: str) -> None:
    """Write the page.

    Args:
        path: the HTML file.
        answers: of :meth:`dressform.predict.predictor.Predictor.predict`.
        model: its name.
    """
    style = (files("dressform") / "web" / "style.css").read_text(encoding="utf-8") + STYLE
    version = html.escape(packages().get("dressform", ""))
    write_text(
        path,
        f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="dressform {version}">
<meta name="color-scheme" content="light dark">
<title>What the model saw</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<header><h1>What the model saw</h1><p class="quiet">{html.escape(model)}, dressform {version}, {moment()}</p></header>
<main>
{"".join(_section(answer) for answer in answers)}
</main>
</body>
</html>
""",
    )


def _section(answer: Answer) -> str:
    label, share = answer.top[0]
    title = f"{Path(answer.path).name}: {'unsure, perhaps ' if answer.unsure else ''}{label}, {100 * share:.1f} %"
    steps = "".join(
        f'<figure><img alt=""{" class=tiny" if max(pixels.shape[:2]) < 128 else ""} src="{_address(pixels)}">'
        f"<figcaption>{number}. {html.escape(words)}</figcaption></figure>\n"
        for number, (words, pixels) in enumerate(answer.prepared.steps, 1)
    )
    rows = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td><span class="share" style="--share: {p:.4f}"></span>'
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
