"""`QuickPredictor`: int8 for most images, float32 where int8 is too uncertain."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dressform.core.display import brief
from dressform.core.errors import DataError
from dressform.core.numbers import percent
from dressform.predict.int8 import Int8Network
from dressform.predict.predictor import Predictor
from dressform.runs.run import Run

MIN_CALIBRATION_IMAGES = 200
SAFETY_FACTOR = 6.0
"""Required margin, as a multiple of int8's root mean square error of a margin."""


class QuickPredictor:
    """The same classes as :class:`Predictor`, several times as fast for many images at once.

    Each image goes through an int8 copy of the network. If its two largest logits are closer than a
    margin, or a feature is saturated in int8, the float32 network recomputes its logits. The margin
    is measured: six times int8's error of a margin on the given images. So the classes are the same
    as far as these images show, while the other logits have int8's error (``error``, root mean
    square).

    Args:
        model: see :class:`Predictor`.
        images: uint8 [N, H, W, C] of the model's size, 200 or more representative images; labels
            are not needed.

    Attributes:
        margin: of logits, below which float32 is used.
        error: root mean square error of int8's logits on the given images.
        repeated: fraction of the given images that needed float32.

    Raises:
        RunError: there is no usable model.
        ConfigError: int8 does not support the network's layers, or this torch lacks int8.
        DataError: there are too few images, or their size differs from the model's.
    """

    def __init__(self, model: Run | str | Path, images: NDArray[np.uint8]) -> None:
        self._exact = Predictor(model, spin=False)  # int8 takes turns with it
        if len(images) < MIN_CALIBRATION_IMAGES:
            raise DataError(
                f"{len(images)} images are too few to measure the margin of int8; give "
                f"{MIN_CALIBRATION_IMAGES} or "
                f"more"
            )
        expected = self._exact.logits(images)
        self._int8 = Int8Network(self._exact.path, images[: len(images) // 2])
        logits, saturated = self._int8.logits_and_saturation(images)
        reliable = saturated if saturated.all() else ~saturated
        self.error = float(np.sqrt(np.mean((logits - expected)[reliable] ** 2)))
        self.margin = SAFETY_FACTOR * float(
            np.sqrt(np.mean((margins(logits) - margins(expected))[reliable] ** 2))
        )
        self.repeated = float(np.mean(saturated | (margins(logits) < self.margin)))

    def __repr__(self) -> str:
        exact = self._exact
        return brief(
            self,
            exact.description.name,
            f"int8, {percent(self.repeated)} repeated in float32",
            str(exact.path.parent),
        )

    @property
    def class_names(self) -> tuple[str, ...]:
        """K names in the order of the logits."""
        return self._exact.class_names

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits [N, K] of images uint8 [N, H, W, C] of the model's size."""
        logits, saturated = self._int8.logits_and_saturation(images)
        uncertain = np.flatnonzero(saturated | (margins(logits) < self.margin))
        if len(uncertain):
            logits[uncertain] = self._exact.logits(images[uncertain])
        return logits

    def predicted(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Most likely classes int64 [N]."""
        return np.asarray(self.logits(images).argmax(axis=1), dtype=np.int64)


def margins(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Difference between the two largest logits of each row [N, K], [N]."""
    top = np.partition(logits, -2, axis=1)[:, -2:]
    return np.asarray(top[:, 1] - top[:, 0])
