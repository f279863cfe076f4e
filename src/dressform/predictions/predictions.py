"""`Predictions`, the waist of the house: ids, labels and logits on disk, all that judging needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.core.files import read_npz, write_npz


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Class probabilities, float64, the last axis adding up to 1."""
    shifted = np.asarray(logits, dtype=np.float64)
    shifted = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model said about some examples.

    Attributes:
        ids: str [N], unique: joins the predictions of two models.
        labels: int64 [N], the true classes.
        logits: float32 [N, K]; softmax of a row gives probabilities. Log-probabilities are logits too.
        class_names: K names in label order.

    Raises:
        DataError: shapes that disagree, values that are not finite, or labels out of range.
    """

    ids: NDArray[np.str_]
    labels: NDArray[np.int64]
    logits: NDArray[np.float32]
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        n, k = self.labels.size, len(self.class_names)
        if self.labels.ndim != 1 or self.logits.shape != (n, k) or self.ids.shape != (n,) or n == 0:
            raise DataError(
                f"predictions have {self.ids.size} ids, labels {list(self.labels.shape)} and logits"
                f" {list(self.logits.shape)} for {k} classes;"
                " give one id, one label and K logits per example"
            )
        if not np.isfinite(self.logits).all():
            row = int(np.flatnonzero(~np.isfinite(self.logits).all(axis=1))[0])
            raise DataError(f"logits of example {self.ids[row]} are not finite; the model that made them is broken")
        if self.labels.min() < 0 or self.labels.max() >= k:
            raise DataError(f"labels go from {self.labels.min()} to {self.labels.max()}; allowed: 0 to {k - 1}")
        if len(np.unique(self.ids)) != n:
            raise DataError("some ids stand for two examples; give each example its own id")

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """float64 [N, K], rows add up to 1."""
        return softmax(self.logits)

    @property
    def predicted(self) -> NDArray[np.int64]:
        """Most likely class of each example, int64 [N]; the first of equals."""
        return np.asarray(self.logits.argmax(axis=1), dtype=np.int64)

    @classmethod
    def from_probabilities(
        cls, ids: Sequence[str], labels: Sequence[int], probabilities: NDArray[np.floating], class_names: Sequence[str]
    ) -> "Predictions":
        """Make predictions from another program's probabilities [N, K]."""
        logits = np.log(np.clip(np.asarray(probabilities, dtype=np.float64), 1e-12, None)).astype(np.float32)
        return cls(np.asarray(ids, dtype=np.str_), np.asarray(labels, dtype=np.int64), logits, tuple(class_names))

    def save(self, path: Path) -> None:
        """Write an NPZ file without pickle: ``ids``, ``labels``, ``logits``, ``class_names``."""
        write_npz(path, {"ids": self.ids, "labels": self.labels, "logits": self.logits, "class_names": np.array(self.class_names)})

    @classmethod
    def load(cls, path: Path) -> "Predictions":
        """Read what :meth:`save` wrote, or an NPZ file made elsewhere.

        Args:
            path: arrays ``labels`` [N] and ``logits`` or ``probabilities`` [N, K]; ``ids`` and ``class_names`` are optional.

        Raises:
            DataError: unreadable, or not predictions.
        """
        arrays = read_npz(path)
        if "labels" not in arrays or not {"logits", "probabilities"} & set(arrays):
            raise DataError(
                f"{path} has arrays {', '.join(arrays) or 'none'}; predictions need labels and logits (or probabilities)"
            )
        scores = arrays["logits"] if "logits" in arrays else np.log(np.clip(arrays["probabilities"], 1e-12, None))
        labels = arrays["labels"]
        if labels.ndim == 2 and labels.shape[1] == 1:  # as Keras has them
            labels = labels[:, 0]
        if (
            scores.ndim != 2
            or labels.ndim != 1
            or not np.issubdtype(scores.dtype, np.floating)
            or not np.issubdtype(labels.dtype, np.integer)
        ):
            raise DataError(
                f"{path} has labels {labels.dtype} {list(labels.shape)} and scores {scores.dtype} {list(scores.shape)};"
                " expected whole numbers [N] and floats [N, K]"
            )
        names = arrays.get("class_names", np.array([str(i) for i in range(scores.shape[1])]))
        ids = arrays.get("ids", np.array([f"{i:05d}" for i in range(len(labels))]))
        try:
            return cls(
                np.ravel(ids).astype(np.str_),
                labels.astype(np.int64),
                scores.astype(np.float32),
                tuple(np.ravel(names).astype(str).tolist()),
            )
        except DataError as error:
            raise DataError(f"{path}: {error}") from None
