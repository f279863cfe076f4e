"""The training loop."""

import contextlib
import copy
import functools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from dressform.core.errors import DressformError, TrainingError, is_shortage
from dressform.core.rng import stream_seed
from dressform.data.dataset import Dataset
from dressform.evaluation.metrics import Scores, accuracy, ece, nll
from dressform.models.network import Classifier, build_network
from dressform.predictions import Predictions
from dressform.training.batches import Batches, class_weights, pixel_statistics
from dressform.training.checkpoint import State, Weights, load_state, save_state, weights_of
from dressform.training.feature_cache import FeatureCache, extract_features
from dressform.training.hardware import (
    choose_device,
    deterministic,
    flush_denormals,
    frozen_gc,
    pinned_threads,
    seeded,
    tune_allocator,
)
from dressform.training.history import Epoch, Observer, Silent
from dressform.training.inference import logits_of
from dressform.training.optim import make_optimizer
from dressform.training.precision import choose_precision
from dressform.training.progressive_resizing import check_progressive_resizing
from dressform.training.recipe import Recipe
from dressform.training.running_metrics import RunningMetrics
from dressform.training.step import Step

FINITE_CHECK_EVERY = 25


@contextlib.contextmanager
def telling_faults() -> Iterator[None]:
    """What a user's own network or recipe raises inside the block becomes a TrainingError of one
    line.
    """
    try:
        yield
    except (DressformError, OSError):
        raise
    except Exception as error:
        raise TrainingError(stopped_by(error)) from error


def stopped_by(error: BaseException) -> str:
    """What is told of an error that a network or recipe raised while it was trained."""
    reason = f"{type(error).__name__}: {error}".splitlines()[0]
    if is_shortage(error):
        return (
            f"there is not enough memory for this training ({reason}); use a smaller "
            f"batch_size, smaller pictures or network"
        )
    return f"training stopped with {reason}; fix the network or the recipe"


@dataclass(frozen=True, eq=False)
class Fitted:
    """What training gives.

    Attributes:
        network: with the weights that the recipe keeps, on the CPU, in evaluation mode.
        history: a row per epoch.
        last: weights after the last epoch (averaged, where the recipe averages).
        best: weights of the best epoch on validation, or None without validation examples.
        device: ``cpu`` or ``cuda``.
        precision: ``float32`` or ``bfloat16``.
        prepared: seconds of the training that went by before its first step, and into recording
            CUDA graphs.
    """

    network: Classifier
    history: tuple[Epoch, ...]
    last: Weights
    best: Weights | None
    device: str
    precision: str
    prepared: float


@flush_denormals()
def fit(
    recipe: Recipe,
    train: Dataset,
    validation: Dataset | None,
    *,
    seed: int = 0,
    device: str = "auto",
    checkpoint: Path | None = None,
    key: str = "",
    cache: Path | None = None,
    observer: Observer | None = None,
) -> Fitted:
    """Train a network.

    The same recipe, data, seed and machine give bit-identical weights, also when training was
    killed and resumed.

    Args:
        recipe: how.
        train: examples to learn from.
        validation: examples for the curves, early stopping and the best epoch; never learned from.
        seed: of weights, order, augmentation and dropout.
        device: ``auto``, ``cpu`` or ``cuda``.
        checkpoint: file for the state after each epoch; when it exists, training goes on from
            there.
        key: what the checkpoint must belong to.
        cache: folder in which the features of a frozen backbone are kept, for recipes with
            ``cached_features``; None keeps none.
        observer: told of the progress.

    Raises:
        TrainingError: the loss is no longer finite.
        ConfigError: the network cannot be built for these pictures.
        RunError: the checkpoint is damaged or belongs to another training.
    """
    observer = observer or Silent()
    begun = time.perf_counter()
    tune_allocator()
    where = choose_device(device)
    state = _start(recipe, train, seed, where)
    if checkpoint is not None and checkpoint.exists():
        load_state(checkpoint, state, key)
    precision: torch.dtype = getattr(torch, state.precision)
    views = unseen = None
    if recipe.cached_features:
        see = functools.partial(
            extract_features,
            state.network,
            augment=recipe.augment,
            device=where,
            precision=precision,
            folder=cache,
        )
        views = see(
            train.images, min(recipe.cached_features, recipe.epochs), progress=observer.looking
        )
        unseen = None if validation is None else see(validation.images, 1)
    batches = Batches(
        train,
        recipe.batch_size,
        recipe.augment,
        seed=seed,
        device=where,
        hard_examples=recipe.hard_examples,
        views=views,
    )
    weights = (
        class_weights(train, recipe.class_weight_power).to(where)
        if recipe.class_weight_power
        else None
    )
    steps = [batches.steps(epoch) for epoch in range(recipe.epochs)]
    step = Step(recipe, state, steps=sum(steps), weights=weights)
    observer.started(tuple(state.history), steps)
    prepared = time.perf_counter() - begun

    with deterministic(where), frozen_gc(), pinned_threads(where):
        while len(state.history) < recipe.epochs and not _stale(recipe, state):
            epoch, started = len(state.history), time.perf_counter()
            before = sum(steps[:epoch])
            with seeded(stream_seed(seed, "dropout", epoch), where):
                loss, right = _train_epoch(state, batches, epoch, step, before, observer.step)
            _check_finite(state.result, epoch)
            val_loss, val_accuracy, val_ece = _validate(
                state.result, validation, unseen, where, precision
            )
            row = Epoch(
                epoch=epoch + 1,
                lr=step.rate(before + steps[epoch] - 1),
                train_loss=loss,
                train_accuracy=right,
                val_loss=val_loss,
                val_accuracy=val_accuracy,
                val_ece=val_ece,
                seconds=time.perf_counter() - started,
            )
            state.history.append(row)
            _note_best(recipe, state)
            if checkpoint is not None:
                save_state(checkpoint, state, key)
            observer.epoch(row)

    last = weights_of(state.result)
    network = state.result.cpu().eval()
    if recipe.early_stopping.restore_best and state.best is not None:
        network.load_state_dict(state.best)
    if step.graphs is not None:
        prepared += step.graphs.seconds
    return Fitted(
        network, tuple(state.history), last, state.best, where.type, state.precision, prepared
    )


def _start(recipe: Recipe, train: Dataset, seed: int, device: torch.device) -> State:
    channels = train.shape[2]
    mean, std = torch.zeros(channels), torch.ones(channels)
    if recipe.pixels == "standardize":
        mean, std = pixel_statistics(train, device)
    body = build_network(recipe.model, train.shape, len(train.class_names), seed=seed)
    network = Classifier(body, mean, std).to(device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    check_progressive_resizing(recipe.progressive_resizing, network, train.shape)
    average = copy.deepcopy(network) if recipe.ema.decay else None
    precision = choose_precision(recipe.precision, device)
    losses = (
        torch.full((len(train),), torch.inf, device=device)
        if recipe.hard_examples.fraction < 1
        else None
    )
    return State(network, make_optimizer(network, recipe.optim), precision, average, losses)


def _train_epoch(
    state: State,
    batches: Batches,
    epoch: int,
    step: Step,
    before: int,
    on_step: Callable[[int, float], None],
) -> tuple[float, float]:
    """Mean loss and accuracy of an epoch, before which there were ``before`` steps."""
    state.network.train()
    metrics, steps = RunningMetrics(), batches.steps(epoch)
    for index, batch in enumerate(batches.epoch(epoch, state.losses)):
        loss, logits = step(before + index, batch)
        metrics.add(loss, logits, batch.labels)
        mean = math.nan
        if index % FINITE_CHECK_EVERY == 0 or index == steps - 1:
            mean = metrics.loss()
            if not math.isfinite(mean):
                raise TrainingError(
                    f"the loss is {mean} in epoch {epoch + 1}, step {index + 1}; try a lower "
                    f"learning rate"
                    f" (--set optim.lr={step.highest_rate / 10:g}), or --set precision=float32"
                )
        on_step(index + 1, mean)
    return metrics.loss(), metrics.accuracy()


def _check_finite(network: nn.Module, epoch: int) -> None:
    floating = [t for t in network.state_dict().values() if t.is_floating_point()]
    if not bool(torch.stack([torch.isfinite(t).all() for t in floating]).all()):
        raise TrainingError(
            f"the weights are no longer finite after epoch {epoch + 1}; try a lower learning rate "
            f"(--set optim.lr=…)"
        )


def _validate(
    network: Classifier,
    validation: Dataset | None,
    views: FeatureCache | None,
    device: torch.device,
    precision: torch.dtype,
) -> tuple[float | None, float | None, float | None]:
    if validation is None:
        return None, None, None
    logits = (
        logits_of(network, validation, device=device, precision=precision)
        if views is None
        else views.logits(network)
    )
    if not np.isfinite(logits).all():
        raise TrainingError(
            "the logits of validation examples are not finite; try a lower learning rate (--set "
            "optim.lr=…)"
        )
    scores = Scores(Predictions(validation.ids, validation.labels, logits, validation.class_names))
    return nll(scores), accuracy(scores), ece(scores)


def _score(recipe: Recipe, row: Epoch) -> float:
    value = row.val_accuracy if recipe.early_stopping.metric == "val_accuracy" else row.val_loss
    if value is None:
        return -math.inf
    return value if recipe.early_stopping.metric == "val_accuracy" else -value


def _note_best(recipe: Recipe, state: State) -> None:
    row = state.history[-1]
    if row.val_loss is None:
        return
    if not state.best_epoch or _score(recipe, row) > _score(
        recipe, state.history[state.best_epoch - 1]
    ):
        state.best, state.best_epoch = weights_of(state.result), row.epoch


def _stale(recipe: Recipe, state: State) -> bool:
    patience = recipe.early_stopping.patience
    return (
        bool(patience)
        and state.best_epoch > 0
        and len(state.history) - state.best_epoch >= patience
    )
