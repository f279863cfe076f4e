"""Validation after each epoch, and what early stopping makes of it."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from dressform.core.errors import TrainingError
from dressform.data.dataset import Dataset
from dressform.evaluation.metrics import Scores, accuracy, ece, nll
from dressform.models.network import Classifier
from dressform.predictions import Predictions
from dressform.training.checkpoint import State, weights_of
from dressform.training.feature_cache import FeatureCache
from dressform.training.history import Epoch
from dressform.training.inference import logits_of
from dressform.training.recipe import EarlyStopping


class ValidationScores(NamedTuple):
    """Cross-entropy, accuracy 0..1 and expected calibration error 0..1; None without examples."""

    loss: float | None
    accuracy: float | None
    ece: float | None


class Validator:
    """Scores a network on validation examples.

    Args:
        dataset: the examples, or None.
        features: of the examples' images, for networks with a frozen backbone.
        precision: ``float32`` or ``bfloat16``, for autocast.
        prefix: of the names of the training's settings, for messages.
    """

    def __init__(
        self,
        dataset: Dataset | None,
        features: FeatureCache | None,
        precision: str,
        prefix: str = "",
    ) -> None:
        self._dataset, self._features, self._prefix = dataset, features, prefix
        self._precision: torch.dtype = getattr(torch, precision)

    def __call__(self, network: Classifier) -> ValidationScores:
        """The scores of a network.

        Raises:
            TrainingError: its logits are not finite.
        """
        dataset = self._dataset
        if dataset is None:
            return ValidationScores(None, None, None)
        if self._features is not None:
            logits = self._features.logits(network)
        else:
            device = network.mean.device
            logits = logits_of(network, dataset, device=device, precision=self._precision)
        if not np.isfinite(logits).all():
            raise TrainingError(
                f"the logits of validation examples are not finite; try a lower learning rate "
                f"(settings=['{self._prefix}optim.lr=…'])"
            )
        scores = Scores(Predictions(dataset.ids, dataset.labels, logits, dataset.class_names))
        return ValidationScores(nll(scores), accuracy(scores), ece(scores))


def remember_best(config: EarlyStopping, state: State) -> None:
    """Keep the weights of the last epoch if it is the best so far on the metric."""
    row = state.history[-1]
    if row.val_loss is None:
        return
    if not state.best_epoch or _score(config, row) > _score(
        config, state.history[state.best_epoch - 1]
    ):
        state.best, state.best_epoch = weights_of(state.result), row.epoch


def out_of_patience(config: EarlyStopping, history: Sequence[Epoch]) -> bool:
    """Whether as many epochs as ``patience`` have passed without improvement."""
    if not config.patience or not history or history[0].val_loss is None:
        return False
    scores = [_score(config, row) for row in history]
    return len(scores) - 1 - scores.index(max(scores)) >= config.patience


def _score(config: EarlyStopping, row: Epoch) -> float:
    value = row.val_accuracy if config.metric == "val_accuracy" else row.val_loss
    if value is None:
        return -math.inf
    return value if config.metric == "val_accuracy" else -value
