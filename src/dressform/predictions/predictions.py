"""`Predictions`: ids, labels and logits, in memory and on disk; all that evaluation needs."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dressform.core.display import brief, listed
from dressform.core.errors import DataError
from dressform.core.files import user_path
from dressform.core.label_arguments import (
    class_names_of,
    group_texts,
    id_texts,
    label_numbers,
    scores_of,
)
from dressform.core.npz import read_npz, write_npz
from dressform.core.numbers import percent
from dressform.predictions.npz_arrays import (
    check_agreement,
    label_positions,
    temperature_of,
    texts_of,
)
from dressform.predictions.probabilities import (
    SUM_TOLERANCE,
    both_probabilities,
    find_invalid_probabilities,
    is_single,
    preserve_argmax,
    rounding_tolerance,
    softmax,
)

logger = logging.getLogger(__name__)

ScoreKind = Literal["logits", "probabilities"]
MAX_NUMBERED = 100_000
"""Classes that hard predictions may have without names."""
HARD_LOGIT = 1.0
"""Logit of the predicted class of a hard prediction; the others have 0. Only their order counts."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """A model's predictions of labelled examples.

    Attributes:
        ids: str [N], unique; they join the predictions of two models.
        labels: int64 [N], the true classes.
        logits: float32 [N, K]; softmax of a row, divided by the temperature, gives its
            probabilities. Log-probabilities are valid logits.
        class_names: K names in label order, K at least 2.
        groups: str [N], of examples that are no independent ones (photos of one sender), or None;
            intervals and tests then resample groups.
        hard: whether only the predicted classes are known; ``logits`` then only rank them first,
            and there are no probabilities.
        temperature: above 0; the model's logits are divided by it for its probabilities
            (C. Guo et al. 2017, https://arxiv.org/abs/1706.04599).

    Raises:
        DataError: inconsistent shapes, non-finite values, labels out of range, or duplicate ids.
    """

    ids: NDArray[np.str_]
    labels: NDArray[np.int64]
    logits: NDArray[np.float32]
    class_names: tuple[str, ...]
    groups: NDArray[np.str_] | None = None
    hard: bool = False
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.temperature < np.inf:
            raise DataError(
                f"predictions have a temperature of {self.temperature}; allowed: above 0, finite"
            )
        object.__setattr__(self, "class_names", class_names_of(self.class_names))
        object.__setattr__(self, "ids", id_texts(self.ids))
        object.__setattr__(self, "labels", label_numbers(self.labels))
        object.__setattr__(self, "logits", scores_of("logits", self.logits, self.class_names))
        if self.groups is not None:
            object.__setattr__(self, "groups", group_texts(self.groups))
        n, k = self.labels.size, len(self.class_names)
        if n == 0:
            raise DataError("predictions have no examples; give at least one")
        if self.labels.ndim != 1 or self.logits.shape != (n, k) or self.ids.shape != (n,):
            single = k == 2 and is_single(self.logits) and self.logits.size == n
            raise DataError(
                f"predictions have {self.ids.size} ids, labels {list(self.labels.shape)} and logits"
                f" {list(self.logits.shape)} for {k} classes; give one id, one label and "
                f"{'both logits ([0, z] for one logit z)' if single else 'K logits'} per example"
            )
        if self.groups is not None and self.groups.shape != (n,):
            raise DataError(
                f"predictions have groups {list(self.groups.shape)} for {n} examples; give one "
                f"group per example"
            )
        if k < 2:
            raise DataError(
                f"predictions have {k} class; two or more are needed, so give both classes of a "
                f"binary model: [1 - p, p], or logits [0, z]"
            )
        if not np.isfinite(self.logits).all():
            row = int(np.flatnonzero(~np.isfinite(self.logits).all(axis=1))[0])
            raise DataError(
                f"logits of example {self.ids[row]} are not finite; check the model that computed "
                f"them"
            )
        out_of_range = np.flatnonzero((self.labels < 0) | (self.labels >= k))
        if len(out_of_range):
            row = int(out_of_range[0])
            raise DataError(
                f"labels go from {self.labels.min()} to {self.labels.max()}; allowed: 0 to "
                f"{k - 1} for {k} classes (example"
                f" {self.ids[row]} has label {self.labels[row]}); give the missing classes, or "
                f"number labels from 0"
            )
        unique, counts = np.unique(self.ids, return_counts=True)
        if len(unique) != n:
            duplicate = unique[counts > 1][0]
            first, second = np.flatnonzero(self.ids == duplicate)[:2] + 1
            raise DataError(
                f"ids are not unique ({duplicate} in rows {first} and {second}); give each "
                f"example its own id"
            )

    def __repr__(self) -> str:
        accuracy = percent(float((self.predicted == self.labels).mean()))
        names = f"{len(self.class_names)} classes ({listed(self.class_names)})"
        return brief(self, f"{len(self):,} examples", f"accuracy {accuracy}", names)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """float64 [N, K]; rows add up to 1.

        Raises:
            DataError: the predictions are hard.
        """
        self.require_probabilities("this")
        return softmax(self.scaled_logits)

    @property
    def scaled_logits(self) -> NDArray[np.float64]:
        """Logits divided by the temperature, float64 [N, K]."""
        return self.logits.astype(np.float64) / self.temperature

    def require_probabilities(self, purpose: str, otherwise: str = "") -> None:
        """Refuse hard predictions.

        Args:
            purpose: what needs probabilities, for the message.
            otherwise: what else can be done, for its end.

        Raises:
            DataError: the predictions are hard.
        """
        if self.hard:
            raise DataError(
                f"{purpose} needs probabilities, and these are hard predictions (a class for each "
                f"example); give a table with a column of probabilities per class{otherwise}"
            )

    @property
    def predicted(self) -> NDArray[np.int64]:
        """Most likely class of each example, int64 [N]; the first one in a tie."""
        return np.asarray(self.logits.argmax(axis=1), dtype=np.int64)

    def take(self, indices: NDArray[np.int64] | NDArray[np.bool_]) -> "Predictions":
        """The examples at indices [M] or under a mask [N]."""
        return replace(
            self,
            ids=self.ids[indices],
            labels=self.labels[indices],
            logits=self.logits[indices],
            groups=None if self.groups is None else self.groups[indices],
        )

    @classmethod
    def from_classes(
        cls,
        ids: Sequence[str] | NDArray[np.str_],
        labels: Sequence[int] | NDArray[np.integer],
        predicted: Sequence[int] | NDArray[np.integer],
        class_names: Sequence[str],
    ) -> "Predictions":
        """Create hard predictions: the predicted classes, without probabilities.

        Args:
            ids: N unique ids.
            labels: N whole numbers, 0..K-1.
            predicted: N whole numbers, 0..K-1.
            class_names: K names in label order.

        Returns:
            predictions that have accuracy, balanced accuracy, F1 and a confusion matrix, but no
            NLL, Brier score, ECE or top-2 accuracy.

        Raises:
            DataError: a class out of range, or anything that :class:`Predictions` refuses.
        """
        names, classes = class_names_of(class_names), label_numbers(predicted)
        wrong = np.flatnonzero((classes < 0) | (classes >= len(names)))
        if len(wrong):
            raise DataError(
                f"prediction {classes[wrong[0]]} is out of range; allowed: 0 to {len(names) - 1} "
                f"for {len(names)} classes"
            )
        logits = np.zeros((len(classes), len(names)), np.float32)
        logits[np.arange(len(classes)), classes] = HARD_LOGIT
        return cls(id_texts(ids), label_numbers(labels), logits, names, hard=True)

    @classmethod
    def from_probabilities(
        cls,
        ids: Sequence[str] | NDArray[np.str_],
        labels: Sequence[int] | NDArray[np.integer],
        probabilities: NDArray[np.floating],
        class_names: Sequence[str],
    ) -> "Predictions":
        """Create predictions from another program's probabilities.

        Args:
            ids: N unique ids.
            labels: N whole numbers, 0..K-1.
            probabilities: [N, K]; each row adds up to 1 within 1e-3, or within what rounding to its
                digits explains. Values below 1e-12 are raised to 1e-12. Of two classes also [N] or
                [N, 1], the probability of the second, which a note says. The columns of a data
                frame go by their names.
            class_names: K names in label order, or a dict of names and their numbers.

        Returns:
            predictions with the same most likely classes; softmax returns the same probabilities to
            1e-6, once rows are normalised.

        Raises:
            DataError: invalid probabilities, or anything that :class:`Predictions` refuses.
        """
        names, classes = id_texts(ids), class_names_of(class_names)
        values = scores_of("probabilities", probabilities, classes).astype(np.float64)
        if is_single(values) and len(values) == len(names) and len(classes) > 1:
            values = both_probabilities(values, names, classes)
        if (
            values.ndim == 2
            and values.size
            and len(classes) > 1
            and len(values) == len(names)
            and (invalid := find_invalid_probabilities(values, rounding_tolerance(values)))
        ):
            raise DataError(f"probabilities of example {names[invalid[0]]} {invalid[1]}")
        logits = np.log(np.clip(values, 1e-12, None)).astype(np.float32)
        if logits.ndim == 2 and logits.size:
            preserve_argmax(logits, values.argmax(axis=1))
        return cls(names, label_numbers(labels), logits, classes)

    def save(self, path: str | Path) -> None:
        """Write an NPZ file without pickle: ``ids``, ``labels``, ``logits`` (of hard predictions
        ``predicted``), ``class_names``, and ``groups`` and ``temperature`` where there are any.
        """
        arrays = {
            "ids": self.ids,
            "labels": self.labels,
            **({"predicted": self.predicted} if self.hard else {"logits": self.logits}),
            "class_names": np.array(self.class_names),
        }
        if self.groups is not None:
            arrays["groups"] = self.groups
        if self.temperature != 1:
            arrays["temperature"] = np.array(self.temperature)
        write_npz(user_path(path), arrays)

    @classmethod
    def load(cls, path: str | Path) -> "Predictions":
        """Read a file written by :meth:`save`, or an NPZ file made elsewhere.

        Args:
            path: arrays ``labels`` [N] (whole numbers, or names in ``class_names``) and ``logits``
                or ``probabilities`` [N, K] (of two classes also [N], of the second), or
                ``predicted`` [N] for hard predictions; ``ids``, ``class_names``, ``groups`` and
                ``temperature`` (of logits) are optional.

        Raises:
            DataError: the file is unreadable or does not contain predictions.
        """
        path = user_path(path)
        arrays = read_npz(path)
        if "labels" not in arrays or not {"logits", "probabilities", "predicted"} & set(arrays):
            raise DataError(
                f"{path} has arrays {', '.join(arrays) or 'none'}; predictions need labels and "
                f"logits (or probabilities, or predicted classes)"
            )
        if not {"logits", "probabilities"} & set(arrays):
            return _hard_predictions(path, arrays)
        kind: ScoreKind = "logits" if "logits" in arrays else "probabilities"
        scores = arrays[kind]
        labels = label_positions(path, "labels", arrays)
        if labels.ndim == 2 and labels.shape[1] == 1:  # as Keras has them
            labels = labels[:, 0]
        single = kind == "probabilities" and is_single(scores)
        if (
            (scores.ndim != 2 and not single)
            or labels.ndim != 1
            or scores.dtype.kind not in ("f" if kind == "logits" else "fiu")
            or not np.issubdtype(labels.dtype, np.integer)
        ):
            raise DataError(
                f"{path} has labels {labels.dtype} {list(labels.shape)} and scores {scores.dtype} "
                f"{list(scores.shape)};"
                " expected whole numbers [N] and floats [N, K]"
            )
        names = arrays.get(
            "class_names", np.array([str(i) for i in range(2 if single else scores.shape[1])])
        )
        ids = arrays.get("ids", np.array([f"{i:05d}" for i in range(len(labels))]))
        temperature = temperature_of(path, arrays)
        if {"logits", "probabilities"} <= set(arrays):
            check_agreement(path, scores / temperature, arrays["probabilities"])
        names, ids = texts_of(path, "class_names", names), texts_of(path, "ids", ids)
        predictions = predictions_from_scores(
            path, kind, ids=ids, labels=labels, scores=scores, class_names=tuple(names.tolist())
        )
        try:
            groups = texts_of(path, "groups", arrays["groups"]) if "groups" in arrays else None
            return replace(predictions, groups=groups, temperature=temperature)
        except DataError as error:
            raise DataError(f"{path}: {error}") from None


def _hard_predictions(path: Path, arrays: dict[str, NDArray[Any]]) -> Predictions:
    """Predictions of an NPZ file with ``labels`` and ``predicted``."""
    labels, predicted = (
        np.ravel(label_positions(path, name, arrays)) for name in ("labels", "predicted")
    )
    if labels.dtype.kind not in "iu" or predicted.dtype.kind not in "iu":
        raise DataError(
            f"{path} has labels {labels.dtype} and predicted {predicted.dtype}; expected whole "
            f"numbers [N], the classes from 0"
        )
    largest = int(max(labels.max(initial=1), predicted.max(initial=1)))
    if "class_names" not in arrays and largest >= MAX_NUMBERED:
        raise DataError(f"{path} has class {largest}; number classes from 0, or give class_names")
    numbers = range(1 + largest)
    names = arrays.get("class_names", np.array([str(i) for i in numbers]))
    ids = arrays.get("ids", np.array([f"{i:05d}" for i in range(len(labels))]))
    names, ids = texts_of(path, "class_names", names), texts_of(path, "ids", ids)
    try:
        groups = texts_of(path, "groups", arrays["groups"]) if "groups" in arrays else None
        predictions = Predictions.from_classes(ids, labels, predicted, tuple(names.tolist()))
        return replace(predictions, groups=groups)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def _note_rounding(path: Path, probabilities: NDArray[Any]) -> None:
    """Say that rows were normalised, where rounding made their sum another than 1."""
    totals = np.asarray(probabilities, dtype=np.float64).sum(axis=1)
    rounded = totals[np.abs(totals - 1) > SUM_TOLERANCE]
    if len(rounded):
        logger.warning(
            f"{path}: {len(rounded):,} of {len(totals):,} rows add up to {rounded.min():.4g} to "
            f"{rounded.max():.4g}, since their probabilities are rounded; they were normalised"
        )


def predictions_from_scores(
    path: Path,
    kind: ScoreKind,
    *,
    ids: NDArray[Any],
    labels: NDArray[Any],
    scores: NDArray[Any],
    class_names: tuple[str, ...],
) -> Predictions:
    """Predictions from a file's ``logits`` or ``probabilities``; errors begin with its path."""
    str_ids, int_labels = ids.astype(np.str_), labels.astype(np.int64)
    try:
        if kind == "probabilities":
            if is_single(scores) and len(scores) == len(str_ids) and len(class_names) > 1:
                scores = both_probabilities(scores, str_ids, class_names, f"{path}: ")
            predictions = Predictions.from_probabilities(str_ids, int_labels, scores, class_names)
            _note_rounding(path, scores)
            return predictions
        with np.errstate(
            over="ignore"
        ):  # values too large for float32 become infinite and are refused
            return Predictions(str_ids, int_labels, scores.astype(np.float32), class_names)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
