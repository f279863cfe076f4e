"""`prepare`: a photo of a thing on a floor, a bed or a hanger becomes a picture like those of
Fashion-MNIST.

Fashion-MNIST's pictures were shop photos on white, trimmed, shrunk until the longer side has 28
pixels, put into the middle and negated (Xiao, Rasul and Vollgraf 2017,
https://arxiv.org/abs/1708.07747, section 2). The same is done here, but for the white background,
which has to be found. Models that learned from such pictures are right about one untreated photo in
nine.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dressform.data.foreground import Foreground, find_foreground
from dressform.data.image import edges_of, fit

BLACK = 16
"""A border whose median is not brighter than this is black."""
MOSTLY = 0.9
"""Share of a dataset's pictures with such a border that makes it one of things on black."""
SMALLEST_SIDE = 8


@dataclass(frozen=True, kw_only=True)
class PhotoSettings:
    """How photos are prepared; stored with the model.

    Attributes:
        side: longer side in pixels of the copy on which the foreground is looked for.
        margin: free border around the thing, of the side of the picture.
        median: the thing is made brighter until half of it has at least this value, 0 to 255: white
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
class Prepared:
    """A picture for the network and how it came about.

    Attributes:
        pixels: uint8 [H, W, C].
        steps: what was done, in words, and how the picture looked then, uint8 [h, w] or [h, w, 3].
        warnings: what a person should know, a line each.
    """

    pixels: NDArray[np.uint8]
    steps: tuple[tuple[str, NDArray[np.uint8]], ...]
    warnings: tuple[str, ...] = ()


def settings_for(images: NDArray[np.uint8]) -> PhotoSettings | None:
    """Settings for a model that learned from these pictures; None where they are not things on
    black.

    Args:
        images: uint8 [N, H, W, C].
    """
    black = np.median(edges_of(images).reshape(len(images), -1), axis=1) <= BLACK
    return PhotoSettings() if black.mean() >= MOSTLY else None


def is_photo(image: Image.Image) -> bool:
    """Whether a picture has something else than black around what it shows."""
    return bool(np.median(edges_of(np.asarray(image.convert("L"))[None])) > BLACK)


def prepare(image: Image.Image, shape: tuple[int, int, int], settings: PhotoSettings) -> Prepared:
    """Find the thing on a photo and make a picture of it.

    Args:
        image: mode ``L`` or ``RGB``, upright (:func:`dressform.data.image.open_picture`).
        shape: wanted height, width and channels.
        settings: stored with the model.

    Returns:
        the thing bright on black, cropped, in the middle, neither squashed nor cut. Where nothing
        stands out from the background, the whole photo, negated if it is bright at the border.
    """
    height, width, channels = shape
    colour = image.convert("RGB")
    small = _shrunk(colour, settings.side)
    steps = [("the photo, upright", np.asarray(_shrunk(colour, 2 * settings.side)))]
    found = None if min(small.size) < SMALLEST_SIDE else find_foreground(np.asarray(small))
    if found is None:
        return _untreated(image, shape, steps)
    pixels, mask = np.asarray(small), found.mask
    detail = _shrunk(colour, 4 * max(height, width))
    if max(detail.size) > settings.side:
        pixels = np.asarray(detail)
        mask = np.asarray(Image.fromarray(found.mask).resize(detail.size, Image.Resampling.NEAREST))
    steps.append(("what is not background", np.where(mask[..., None], pixels, 0)))
    if channels == 1:
        pixels, words = _negative(
            np.asarray(Image.fromarray(pixels).convert("L")), mask, settings.median
        )
        steps.append((words, pixels))
    else:
        pixels = np.where(mask[..., None], pixels, 0).astype(np.uint8)
    down, across = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    thing = Image.fromarray(pixels[down[0] : down[-1] + 1, across[0] : across[-1] + 1])
    free = [max(1, round(side * (1 - 2 * settings.margin))) for side in (width, height)]
    scale = min(free[0] / thing.width, free[1] / thing.height)
    inner = (max(1, round(thing.width * scale)), max(1, round(thing.height * scale)))
    canvas = Image.new("L" if channels == 1 else "RGB", (width, height))
    canvas.paste(
        thing.resize(inner, Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC),
        ((width - inner[0]) // 2, (height - inner[1]) // 2),
    )
    made = np.asarray(canvas, dtype=np.uint8).reshape(shape)
    steps.append(
        (f"cropped, padded, shrunk to {width} × {height}: what the network sees", made.squeeze())
    )
    return Prepared(made, tuple(steps), _warnings(found))


def _shrunk(image: Image.Image, side: int) -> Image.Image:
    """Averaged down until the longer side is at most that long."""
    scale = side / max(image.size)
    if scale >= 1:
        return image
    width, height = (max(1, round(length * scale)) for length in image.size)
    return image.resize((width, height), Image.Resampling.BOX)


def _negative(
    grey: NDArray[np.uint8], mask: NDArray[np.bool_], median: int
) -> tuple[NDArray[np.uint8], str]:
    lift = max(0.0, median - float(np.median(255 - grey[mask].astype(np.int16))))
    made = (
        np.where(mask, np.clip(255 - grey.astype(np.float32) + lift, 1, 255), 0)
        .round()
        .astype(np.uint8)
    )
    return made, "grey and negated, as Fashion-MNIST's pictures are" + (
        ", then made brighter" if lift else ""
    )


def _untreated(
    image: Image.Image, shape: tuple[int, int, int], steps: list[tuple[str, NDArray[np.uint8]]]
) -> Prepared:
    grey = image.convert("L")
    negated = is_photo(grey) and shape[2] == 1
    made = fit(Image.eval(grey, lambda value: 255 - value) if negated else image, shape)
    steps.append(
        (
            f"{'negated and ' if negated else ''}shrunk to {shape[1]} × {shape[0]}: what the "
            f"network sees",
            made.squeeze(),
        )
    )
    return Prepared(
        made, tuple(steps), ("nothing stands out from the background; the whole photo was used",)
    )


def _warnings(found: Foreground) -> tuple[str, ...]:
    share, lines = found.mask.mean(), []
    if found.objects > 1:
        lines.append(
            f"{found.objects} separate objects; all of them were used, so cut the photo if only "
            f"one is meant"
        )
    if found.cut > 0.15:
        lines.append("what was found runs out of the photo; leave some background around it")
    if share < 0.03:
        lines.append(f"what was found fills {100 * share:.1f} % of the photo; go nearer")
    return tuple(lines)
