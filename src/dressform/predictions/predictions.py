"""`Predictions`, the waist of the house: ids, labels and logits on disk, all that judging needs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import DataError
from dressform.core.files import read_npz, write_npz

SUM_TOLERANCE = 1e-3
"""How far the probabilities of one example may be from adding up to 1: float16 and four printed
digits stay inside.
"""


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Class probabilities, float64, the last axis adding up to 1."""
    shifted = np.asarray(logits, dtype=np.float64)
    shifted = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


def positions(ids: NDArray[np.str_], wanted: NDArray[np.str_]) -> NDArray[np.int64]:
    """Where the wanted ids stand among unique ones: int64 [len(wanted)]; anywhere for a wanted id
    that is not there.
    """
    order = np.argsort(ids)
    return np.asarray(
        order[np.searchsorted(ids, wanted, sorter=order).clip(max=len(ids) - 1)], dtype=np.int64
    )


def fault_of_probabilities(probabilities: NDArray[np.floating]) -> tuple[int, str] | None:
    """The first row of [N, K] that is no probability distribution, and why; None where all are.

    Each value has to be in 0..1 (1e-6 of rounding is let through) and each row has to add up to 1
    within ``SUM_TOLERANCE``.
    """
    values = np.asarray(probabilities, dtype=np.float64)
    finite = np.all(np.isfinite(values), axis=1)
    inside = np.all((values >= -1e-6) & (values <= 1 + 1e-6), axis=1)
    sums = np.where(finite[:, None], values, 0).sum(axis=1)
    wrong = np.flatnonzero(~(finite & inside & (np.abs(sums - 1) <= SUM_TOLERANCE)))
    if not len(wrong):
        return None
    row = int(wrong[0])
    if not finite[row]:
        return row, "are not finite; allowed: 0 to 1, so mend the program that made them"
    if not inside[row]:
        low, high = values[row].min(), values[row].max()
        return (
            row,
            f"go from {low:.6g} to {high:.6g}; allowed: 0 to 1, so take the softmax or give logits",
        )
    return (
        row,
        f"add up to {sums[row]:.6g}; allowed: 1 within {SUM_TOLERANCE}, so take the softmax or "
        f"give logits",
    )


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model said about some examples.

    Attributes:
        ids: str [N], unique: joins the predictions of two models.
        labels: int64 [N], the true classes.
        logits: float32 [N, K]; softmax of a row gives probabilities. Log-probabilities are logits
            too.
        class_names: K names in label order, K at least 2.

    Raises:
        DataError: shapes that disagree, values that are not finite, labels out of range, or an id
            that stands twice.
    """

    ids: NDArray[np.str_]
    labels: NDArray[np.int64]
    logits: NDArray[np.float32]
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        n, k = self.labels.size, len(self.class_names)
        if n == 0:
            raise DataError("predictions have no examples; give at least one")
        if self.labels.ndim != 1 or self.logits.shape != (n, k) or self.ids.shape != (n,):
            raise DataError(
                f"predictions have {self.ids.size} ids, labels {list(self.labels.shape)} and logits"
                f" {list(self.logits.shape)} for {k} classes;"
                " give one id, one label and K logits per example"
            )
        if k < 2:
            raise DataError(
                f"predictions have {k} class; two or more are needed, so give both classes of a "
                f"yes-or-no model"
            )
        if not np.isfinite(self.logits).all():
            row = int(np.flatnonzero(~np.isfinite(self.logits).all(axis=1))[0])
            raise DataError(
                f"logits of example {self.ids[row]} are not finite; the model that made them is "
                f"broken"
            )
        outside = np.flatnonzero((self.labels < 0) | (self.labels >= k))
        if len(outside):
            row = int(outside[0])
            raise DataError(
                f"labels go from {self.labels.min()} to {self.labels.max()}; allowed: 0 to "
                f"{k - 1} for {k} classes (example"
                f" {self.ids[row]} has label {self.labels[row]}); give the missing classes, or "
                f"count labels from 0"
            )
        unique, counts = np.unique(self.ids, return_counts=True)
        if len(unique) != n:
            twice = unique[counts > 1][0]
            first, second = np.flatnonzero(self.ids == twice)[:2] + 1
            raise DataError(
                f"some ids stand for two examples ({twice} in rows {first} and {second}); give "
                f"each example its own id"
            )

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

    def take(self, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> "Predictions":
        """Some of the examples, by positions [M] or a mask [N]."""
        return Predictions(
            self.ids[chosen], self.labels[chosen], self.logits[chosen], self.class_names
        )

    @classmethod
    def from_probabilities(
        cls,
        ids: Sequence[str] | NDArray[np.str_],
        labels: Sequence[int] | NDArray[np.integer],
        probabilities: NDArray[np.floating],
        class_names: Sequence[str],
    ) -> "Predictions":
        """Make predictions from another program's probabilities.

        Args:
            ids: N names, each its own.
            labels: N whole numbers, 0..K-1.
            probabilities: [N, K], each row adding up to 1 within 1e-3. Those below 1e-12 are taken
                as 1e-12.
            class_names: K names in label order.

        Returns:
            predictions with the same most likely classes; softmax gives the same probabilities to
            1e-6, once rows add up to 1.

        Raises:
            DataError: probabilities that are none, or what :class:`Predictions` refuses.
        """
        names, values = np.asarray(ids, dtype=np.str_), np.asarray(probabilities, dtype=np.float64)
        if (
            values.ndim == 2
            and values.size
            and len(values) == len(names)
            and (fault := fault_of_probabilities(values))
        ):
            raise DataError(f"probabilities of example {names[fault[0]]} {fault[1]}")
        logits = np.log(np.clip(values, 1e-12, None)).astype(np.float32)
        if logits.ndim == 2 and logits.size:
            keep_argmax(logits, values.argmax(axis=1))
        return cls(names, np.asarray(labels, dtype=np.int64), logits, tuple(class_names))

    def save(self, path: Path) -> None:
        """Write an NPZ file without pickle: ``ids``, ``labels``, ``logits``, ``class_names``."""
        write_npz(
            path,
            {
                "ids": self.ids,
                "labels": self.labels,
                "logits": self.logits,
                "class_names": np.array(self.class_names),
            },
        )

    @classmethod
    def load(cls, path: Path) -> "Predictions":
        """Read what :meth:`save` wrote, or an NPZ file made elsewhere.

        Args:
            path: arrays ``labels`` [N] and ``logits`` or ``probabilities`` [N, K]; ``ids`` and
                ``class_names`` are optional.

        Raises:
            DataError: unreadable, or not predictions.
        """
        arrays = read_npz(path)
        if "labels" not in arrays or not {"logits", "probabilities"} & set(arrays):
            raise DataError(
                f"{path} has arrays {', '.join(arrays) or 'none'}; predictions need labels and "
                f"logits (or probabilities)"
            )
        given = "logits" if "logits" in arrays else "probabilities"
        scores = arrays[given]
        labels = arrays["labels"]
        if labels.ndim == 2 and labels.shape[1] == 1:  # as Keras has them
            labels = labels[:, 0]
        if (
            scores.ndim != 2
            or labels.ndim != 1
            or scores.dtype.kind not in ("f" if given == "logits" else "fiu")
            or not np.issubdtype(labels.dtype, np.integer)
        ):
            raise DataError(
                f"{path} has labels {labels.dtype} {list(labels.shape)} and scores {scores.dtype} "
                f"{list(scores.shape)};"
                " expected whole numbers [N] and floats [N, K]"
            )
        names = arrays.get("class_names", np.array([str(i) for i in range(scores.shape[1])]))
        ids = arrays.get("ids", np.array([f"{i:05d}" for i in range(len(labels))]))
        if {"logits", "probabilities"} <= set(arrays):
            _check_agreement(path, scores, arrays["probabilities"])
        names, ids = _texts(path, "class_names", names), _texts(path, "ids", ids)
        return from_scores(path, given, ids, labels, scores, tuple(names.tolist()))


def _texts(path: Path, name: str, array: NDArray[Any]) -> NDArray[np.str_]:
    try:
        if array.dtype.kind == "S":
            return np.char.decode(np.ravel(array), "utf-8")
        if array.dtype.kind in "Uiu":
            return np.ravel(array).astype(np.str_)
    except UnicodeDecodeError:
        pass
    raise DataError(
        f"{path} has {name} of type {array.dtype}; allowed: text (UTF-8) or whole numbers"
    )


def _check_agreement(path: Path, logits: NDArray[Any], probabilities: NDArray[Any]) -> None:
    same = probabilities.shape == logits.shape and probabilities.dtype.kind in "fiu"
    if not same or not np.allclose(
        softmax(logits), probabilities, atol=SUM_TOLERANCE, equal_nan=True
    ):
        raise DataError(
            f"{path} has logits and probabilities that do not go together; leave one of them out"
        )


def from_scores(
    path: Path,
    given: str,
    ids: NDArray[Any],
    labels: NDArray[Any],
    scores: NDArray[Any],
    class_names: tuple[str, ...],
) -> Predictions:
    """Predictions out of a file's ``logits`` or ``probabilities``; errors begin with its path."""
    names, numbers = ids.astype(np.str_), labels.astype(np.int64)
    try:
        if given == "probabilities":
            return Predictions.from_probabilities(names, numbers, scores, class_names)
        with np.errstate(
            over="ignore"
        ):  # what is too large for float32 becomes infinite and is refused
            return Predictions(names, numbers, scores.astype(np.float32), class_names)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def keep_argmax(scores: NDArray[np.floating], top: NDArray[np.int64]) -> None:
    """Lift the scores [N, K] of the classes ``top`` [N] by one bit, in place, where rounding made
    another class their equal.
    """
    rows = np.flatnonzero(scores.argmax(axis=1) != top)
    scores[rows, top[rows]] = np.nextafter(scores[rows].max(axis=1), np.array(np.inf, scores.dtype))
