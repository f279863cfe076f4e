"""`prepare`: turn a photo of an object on a floor, a bed or a hanger into an image like those of
Fashion-MNIST.

Fashion-MNIST's images are shop photos on white, trimmed, shrunk until the longer side has 28
pixels, centred and negated (Xiao, Rasul and Vollgraf 2017, https://arxiv.org/abs/1708.07747,
section 2). The same is done here, except that the background is not white and has to be segmented
first. Without this, models trained on such images classify only one photo in nine correctly.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dressform.core.display import brief, escaped, paragraph
from dressform.core.numbers import percent
from dressform.data.foreground import Foreground, segment_foreground
from dressform.data.image import alpha_of
from dressform.data.resample import border_pixels, fit, resize
from dressform.data.thumbnails import thumbnail

MAX_BLACK = 16
"""A border whose median is at most this counts as black."""
MIN_BLACK_FRACTION = 0.9
"""A dataset shows objects on black if at least this fraction of its images has such a border."""
MIN_SIDE = 8
MIN_CLEAR_FRACTION = 0.05
"""An image is a cut-out if so much of it is transparent; rounded corners are less."""
NO_FOREGROUND = "nothing stands out from the background; the whole photo was used"
Step = tuple[str, NDArray[np.uint8]]
"""What was done, and the image after it."""


@dataclass(frozen=True, kw_only=True)
class PhotoSettings:
    """How photos are prepared; stored with the model.

    Attributes:
        side: longer side in pixels of the copy that is segmented.
        margin: margin around the object, as a fraction of the image's side.
        median: the object is brightened until its median is at least this value, 0 to 255: white
            clothes are black in the negative.
    """

    side: int = 160
    margin: float = 1 / 28
    median: int = 90

    def __post_init__(self) -> None:
        if not (8 <= self.side <= 4096 and 0 <= self.margin < 0.5 and 0 <= self.median <= 255):
            raise ValueError(
                f"side {self.side}, margin {self.margin} and median {self.median} of a photo"
            )


@dataclass(frozen=True, eq=False)
class PreparedImage:
    """The network's input and how it was made.

    Attributes:
        pixels: uint8 [H, W, C].
        steps: a description of each step and the image after it, uint8 [h, w] or [h, w, 3]; none
            unless they were asked for.
        warnings: warnings for the user, one line each.
    """

    pixels: NDArray[np.uint8]
    steps: tuple[Step, ...]
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        size = " x ".join(map(str, self.pixels.shape))
        return brief(self, size, *(description for description, _ in self.steps), *self.warnings)

    def _repr_html_(self) -> str:
        steps = self.steps or (("", self.pixels),)
        images = "".join(
            f'<figure style="display: inline-block; margin: 4px; vertical-align: top; '
            f'max-width: 10em">{thumbnail(image, title=description, side=112)}'
            f"<figcaption>{escaped(description)}</figcaption></figure>"
            for description, image in steps
        )
        return images + "".join(map(paragraph, self.warnings))


def photo_settings_for(images: NDArray[np.uint8]) -> PhotoSettings | None:
    """Settings for a model trained on these images; None unless they show objects on black.

    Args:
        images: uint8 [N, H, W, C].
    """
    black = np.median(border_pixels(images).reshape(len(images), -1), axis=1) <= MAX_BLACK
    return PhotoSettings() if black.mean() >= MIN_BLACK_FRACTION else None


def is_photo(image: Image.Image) -> bool:
    """Whether an image is a cut-out, or has a border that is not black."""
    if _alpha_of_cut_out(image) is not None:
        return True
    width, height = image.size
    sides = (
        (0, 0, width, 1),
        (0, height - 1, width, height),
        (0, 0, 1, height),
        (width - 1, 0, width, height),
    )
    # converted alone: a large photo would be copied as a whole
    border = [np.asarray(image.crop(side).convert("L")).ravel() for side in sides]
    return bool(np.median(np.concatenate(border)) > MAX_BLACK)


def prepare(
    image: Image.Image,
    shape: tuple[int, int, int],
    settings: PhotoSettings,
    *,
    keep_steps: bool = True,
    segment: Callable[[NDArray[np.uint8]], Foreground | None] = segment_foreground,
) -> PreparedImage:
    """Segment the object on a photo and make a model input of it.

    Args:
        image: mode ``L`` or ``RGB``, upright (:func:`dressform.data.image.open_image`).
        shape: target height, width and channels.
        settings: stored with the model.
        keep_steps: whether the image after each step is kept, which takes 0.3 MB.
        segment: finds the object on the shrunk photo, uint8 [H, W, 3]; not asked about cut-outs,
            whose opaque pixels are the object.

    Returns:
        the object, bright on black, cropped and centred, its aspect ratio kept. If nothing stands
        out from the background, the whole photo, negated if its border is bright.
    """
    height, width, channels = shape
    colour = image if image.mode == "RGB" else image.convert("RGB")
    small = _shrunk(colour, settings.side)
    steps: list[Step] = []
    if keep_steps:
        steps.append(("the photo, upright", np.asarray(_shrunk(colour, 2 * settings.side))))
    foreground = _cut_out(image, settings.side)
    if foreground is None and min(small.size) >= MIN_SIDE:
        foreground = segment(np.asarray(small))
    if foreground is None:
        result, description = _without_foreground(image, shape)
        steps.append((description, result.squeeze()))
        return PreparedImage(result, tuple(steps) if keep_steps else (), (NO_FOREGROUND,))
    pixels, mask = np.asarray(small), foreground.mask
    detail = _shrunk(colour, 4 * max(height, width))
    if max(detail.size) > settings.side:
        pixels = np.asarray(detail)
        mask = np.asarray(
            Image.fromarray(foreground.mask).resize(detail.size, Image.Resampling.NEAREST)
        )
    if keep_steps:
        steps.append(("foreground", np.where(mask[..., None], pixels, 0)))
    if channels == 1:
        pixels, description = _negated(
            np.asarray(Image.fromarray(pixels).convert("L")), mask, settings.median
        )
        steps.append((description, pixels))
    else:
        pixels = np.where(mask[..., None], pixels, 0).astype(np.uint8)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    cropped = Image.fromarray(pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
    available = [max(1, round(side * (1 - 2 * settings.margin))) for side in (width, height)]
    scale = min(available[0] / cropped.width, available[1] / cropped.height)
    inner = (max(1, round(cropped.width * scale)), max(1, round(cropped.height * scale)))
    canvas = Image.new("L" if channels == 1 else "RGB", (width, height))
    canvas.paste(
        resize(cropped, inner, Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC),
        ((width - inner[0]) // 2, (height - inner[1]) // 2),
    )
    result = np.asarray(canvas, dtype=np.uint8).reshape(shape)
    steps.append(
        (f"cropped, padded, shrunk to {width} × {height}: what the network sees", result.squeeze())
    )
    return PreparedImage(result, tuple(steps) if keep_steps else (), _warnings(foreground))


def _alpha_of_cut_out(image: Image.Image) -> Image.Image | None:
    """How opaque a cut-out is; None if the image is none."""
    alpha = alpha_of(image)
    if alpha is None or alpha.histogram()[0] < MIN_CLEAR_FRACTION * image.width * image.height:
        return None
    return alpha


def _cut_out(image: Image.Image, side: int) -> Foreground | None:
    """The opaque pixels of a cut-out; None if it is none, or has none."""
    alpha = _alpha_of_cut_out(image)
    if alpha is None:
        return None
    mask = np.asarray(_shrunk(alpha, side)) >= 128
    return Foreground(mask, objects=1, cut=0.0) if mask.any() else None


def _shrunk(image: Image.Image, side: int) -> Image.Image:
    """Shrink by averaging until the longer side is at most ``side``."""
    scale = side / max(image.size)
    if scale >= 1:
        return image
    width, height = (max(1, round(length * scale)) for length in image.size)
    return resize(image, (width, height), Image.Resampling.BOX)


def _negated(
    grey: NDArray[np.uint8], mask: NDArray[np.bool_], median: int
) -> tuple[NDArray[np.uint8], str]:
    offset = max(0.0, median - float(np.median(255 - grey[mask].astype(np.int16))))
    negated = (
        np.where(mask, np.clip(255 - grey.astype(np.float32) + offset, 1, 255), 0)
        .round()
        .astype(np.uint8)
    )
    return negated, "grey and negated, like Fashion-MNIST's images" + (
        ", then brightened" if offset else ""
    )


def _without_foreground(
    image: Image.Image, shape: tuple[int, int, int]
) -> tuple[NDArray[np.uint8], str]:
    """The whole photo as the network's input, and what was done to it."""
    grey = image.convert("L")
    negated = is_photo(grey) and shape[2] == 1
    result = fit(Image.eval(grey, lambda value: 255 - value) if negated else image, shape)
    done = "negated and shrunk" if negated else "shrunk"
    return result, f"{done} to {shape[1]} × {shape[0]}: what the network sees"


def _warnings(foreground: Foreground) -> tuple[str, ...]:
    fraction, lines = foreground.mask.mean(), []
    if foreground.objects > 1:
        lines.append(
            f"{foreground.objects} separate objects were found and used; crop the photo to "
            f"classify only one"
        )
    if foreground.cut > 0.15:
        lines.append("the object is cut off by the photo's edge; leave some background around it")
    if fraction < 0.03:
        lines.append(f"the object fills only {percent(fraction, 1)} of the photo; move closer")
    return tuple(lines)
