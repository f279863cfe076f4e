"""`QuickPredictor`: int8 for most pictures, float32 where int8 is not sure enough."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.predict.int8 import Int8Network
from dressform.predict.predictor import Predictor
from dressform.runs.run import Run

FEWEST = 200
SAFETY = 6.0
"""The margin asked for is so many times int8's error of a margin, root mean square."""


class QuickPredictor:
    """The classes that :class:`Predictor` gives, several times as fast for many pictures at once.

    Each picture goes through an int8 copy of the network. Where its two largest logits are closer
    than a margin, or a feature is beyond what int8 can say, it goes through the float32 network,
    too, whose logits then count. The margin is measured: six times int8's error of a margin on the
    pictures given. So the classes are equal as far as those pictures tell, while logits of the
    others have int8's error (``error``, root mean square).

    Args:
        model: see :class:`Predictor`.
        images: uint8 [N, H, W, C] of the model's size, 200 or more like those to come; labels are
            not needed.

    Attributes:
        margin: of logits; below it float32 decides.
        error: of int8's logits on the pictures given, root mean square.
        repeated: share of the pictures given that float32 had to decide.

    Raises:
        RunError: no usable model there.
        ConfigError: the network has layers that int8 has not, or this torch has no int8.
        DataError: too few pictures, or of another size.
    """

    def __init__(self, model: Run | str | Path, images: NDArray[np.uint8]) -> None:
        self._exact = Predictor(model, spin=False)  # int8 takes turns with it
        if len(images) < FEWEST:
            raise DataError(
                f"{len(images)} pictures are too few to find the margin of int8; give {FEWEST} or "
                f"more"
            )
        wanted = self._exact.logits(images)
        self._int8 = Int8Network(self._exact.path, images[: len(images) // 2])
        found, beyond = self._int8.answers(images)
        sure = beyond if beyond.all() else ~beyond
        self.error = float(np.sqrt(np.mean((found - wanted)[sure] ** 2)))
        self.margin = SAFETY * float(
            np.sqrt(np.mean((margins(found) - margins(wanted))[sure] ** 2))
        )
        self.repeated = float(np.mean(beyond | (margins(found) < self.margin)))

    @property
    def class_names(self) -> tuple[str, ...]:
        """K names in the order of the logits."""
        return self._exact.class_names

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Logits [N, K] of pictures uint8 [N, H, W, C] of the model's size."""
        found, beyond = self._int8.answers(images)
        close = np.flatnonzero(beyond | (margins(found) < self.margin))
        if len(close):
            found[close] = self._exact.logits(images[close])
        return found

    def predicted(self, images: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Most likely classes int64 [N]."""
        return np.asarray(self.logits(images).argmax(axis=1), dtype=np.int64)


def margins(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """How far the largest logit of each row [N, K] is above the next, [N]."""
    top = np.partition(logits, -2, axis=1)[:, -2:]
    return np.asarray(top[:, 1] - top[:, 0])
