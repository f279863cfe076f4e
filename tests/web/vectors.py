"""Inputs and outputs of the photo preparation in Python, against which its JavaScript is tested.

    python -m tests.web.vectors

writes ``vectors.json``, which ``npm test`` reads. Arrays of bytes are base64.
"""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dressform.data.foreground import segment_foreground
from dressform.data.mixture import Mixture, quadratic_terms
from dressform.data.resample import fit, resize

PATH = Path(__file__).parent / "vectors.json"
SIZES = ((3, 2), (4, 3), (6, 2), (7, 5), (12, 3), (14, 10), (16, 11))


def compute() -> dict[str, Any]:
    """All vectors."""
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (5, 7, 3), np.uint8)
    return {
        "image": packed(pixels),
        "grey": packed(np.asarray(Image.fromarray(pixels).convert("L"))),
        "round": [[value, round(value)] for value in (0.5, 1.5, 2.4, 2.5, 2.6, -0.5, -1.5)],
        "quantile": quantiles(random.normal(size=11).round(3)),
        "resize": [
            {
                "width": width,
                "height": height,
                "filter": name,
                "pixels": packed(
                    np.asarray(resize(Image.fromarray(pixels), (width, height), resampling))
                ),
            }
            for width, height in SIZES
            for name, resampling in (
                ("box", Image.Resampling.BOX),
                ("bicubic", Image.Resampling.BICUBIC),
            )
        ],
        "resizeMask": [
            {
                "width": width,
                "height": height,
                "pixels": packed(
                    np.asarray(
                        Image.fromarray(pixels[..., 0] % 2).resize(
                            (width, height), Image.Resampling.NEAREST
                        )
                    )
                ),
            }
            for width, height in SIZES
        ],
        "fit": [
            {"shape": shape, "pixels": packed(fit(Image.fromarray(pixels), shape))}
            for shape in ((5, 7, 1), (4, 4, 3), (12, 9, 1))
        ],
        "mixture": mixture(random),
        "foreground": [foreground(photo(random, boxes)) for boxes in (1, 2, 0)],
    }


def packed(values: NDArray[np.generic]) -> dict[str, Any]:
    """Bytes [H, W] or [H, W, C] as JSON."""
    height, width, *channels = values.shape
    return {
        "width": width,
        "height": height,
        "channels": channels[0] if channels else 1,
        "data": base64.b64encode(np.ascontiguousarray(values, np.uint8).tobytes()).decode(),
    }


def quantiles(values: NDArray[np.float64]) -> dict[str, Any]:
    """Quantiles by numpy."""
    fractions = (0.0, 0.25, 0.5, 0.9, 1.0)
    return {
        "values": values.tolist(),
        "quantiles": [[fraction, float(np.quantile(values, fraction))] for fraction in fractions],
    }


def mixture(random: np.random.Generator) -> dict[str, Any]:
    """A mixture of three clusters of colours, fitted to all but every fifth pixel."""
    centres = np.array([[20, 0, 0], [60, 30, -20], [80, -10, 40]])
    colours = centres[random.integers(0, 3, 90)] + random.normal(scale=4, size=(90, 3))
    colours = np.round(colours * 64) / 64
    mask, terms = np.arange(90) % 5 > 0, quadratic_terms(colours)
    return {
        "colours": colours.ravel().tolist(),
        "indices": np.flatnonzero(mask).tolist(),
        "components": 4,
        "logDensity": Mixture(terms, mask, 4).log_density(terms).tolist(),
    }


def photo(random: np.random.Generator, objects: int) -> NDArray[np.uint8]:
    """A grainy floor with red objects on it, uint8 [30, 40, 3]."""
    pixels = np.full((30, 40, 3), (190, 180, 160)) + random.normal(scale=5, size=(30, 40, 3))
    for number in range(objects):
        left = 8 + 16 * number
        pixels[8:22, left : left + 10] -= (20, 120, 110)
    return pixels.clip(0, 255).round().astype(np.uint8)


def foreground(pixels: NDArray[np.uint8]) -> dict[str, Any]:
    """What is segmented on a photo."""
    segmented = segment_foreground(pixels)
    return {
        "photo": packed(pixels),
        "foreground": segmented
        and {
            "mask": packed(segmented.mask),
            "objects": segmented.objects,
            "cut": segmented.cut,
        },
    }


if __name__ == "__main__":
    PATH.write_text(json.dumps(compute(), indent=1) + "\n", encoding="utf-8")
