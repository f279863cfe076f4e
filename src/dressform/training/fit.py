"""`fit`: the training loop."""

import contextlib
import math
import time
from collections.abc import Iterator

import torch
from torch import nn

from dressform.core.errors import DressformError, TrainingError, is_shortage
from dressform.core.rng import stream_seed
from dressform.data.dataset import Dataset
from dressform.kernels.threads import pinned_threads
from dressform.models.network import Classifier, build_network, make_channels_last
from dressform.training.batches import AugmentedImages, Batches
from dressform.training.callback import Callback
from dressform.training.checkpoint import (
    State,
    TrainingFiles,
    load_state,
    save_state,
    weights_of,
)
from dressform.training.device import choose_device, deterministic, seeded
from dressform.training.feature_cache import FeatureCache
from dressform.training.feature_extractor import FeatureExtractor
from dressform.training.fitted import Fitted, together
from dressform.training.history import Epoch
from dressform.training.learning_data import class_weights, pixel_statistics
from dressform.training.lesson import learn
from dressform.training.objective import Objective, SoftTargets
from dressform.training.optim import make_optimizer
from dressform.training.pace import Pace
from dressform.training.parts import Part, Parts
from dressform.training.precision import choose_precision
from dressform.training.progressive_resizing import check_progressive_resizing
from dressform.training.recipe import Recipe
from dressform.training.running_metrics import RunningMetrics
from dressform.training.step import Step
from dressform.training.validation import Validator, out_of_patience, remember_best
from dressform.training.weight_average import WeightAverage

FINITE_CHECK_EVERY = 25


@contextlib.contextmanager
def reported_errors() -> Iterator[None]:
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
    """The message for an error that a network or recipe raised while it was trained."""
    reason = f"{type(error).__name__}: {error}".splitlines()[0]
    if is_shortage(error):
        return (
            f"there is not enough memory for this training ({reason}); use a smaller batch_size, "
            f"smaller images or a smaller network"
        )
    return f"training stopped with {reason}; fix the network or the recipe"


def fit(
    recipe: Recipe,
    train: Dataset,
    validation: Dataset | None,
    *,
    seed: int = 0,
    device: str = "auto",
    files: TrainingFiles | None = None,
    callback: Callback | None = None,
) -> Fitted:
    """Train a network.

    The same recipe, data, seed and machine give bit-identical weights, also when training was
    killed and resumed.

    Args:
        recipe: how to train.
        train: examples to learn from.
        validation: examples for the curves, early stopping and the best epoch; never learned from.
        seed: of weights, order, augmentation and dropout.
        device: ``auto``, ``cpu`` or ``cuda``.
        files: the checkpoint to write and resume from, and where features are cached.
        callback: follows the training, may stop it, and says by when it has to be over.

    Raises:
        TrainingError: the loss is no longer finite.
        ConfigError: the network cannot be built for these images.
        RunError: the checkpoint is damaged or belongs to another training.
        OutOfTimeError: the callback's strict deadline has passed.
    """
    whole = Part(recipe, callback or Callback(), files or TrainingFiles())
    return _fit_part(whole, train, validation, seed, device)


def _fit_part(
    part: Part, train: Dataset, validation: Dataset | None, seed: int, device: str
) -> Fitted:
    """The training of a recipe, which may have parts."""

    def fitted(part: Part) -> Fitted:
        return _fit_part(part, train, validation, seed, device)

    recipe = part.recipe
    if recipe.beside is not None:
        return together([fitted(one) for one in Parts(part)])
    if recipe.distillation is not None:
        parts = iter(Parts(part))
        lesson = learn(recipe.distillation, next(parts), train, fitted, choose_device(device))
        student = lesson.checked(next(parts))
        return lesson.with_student(
            _fit_alone(student, train, validation, seed, device, lesson.soft_targets)
        )
    return _fit_alone(part, train, validation, seed, device)


def _fit_alone(
    part: Part,
    train: Dataset,
    validation: Dataset | None,
    seed: int,
    device: str,
    soft_targets: SoftTargets | None = None,
) -> Fitted:
    """The training of one network; see :func:`fit`."""
    recipe, callback, files = part.recipe, part.callback, part.files
    began = time.perf_counter()
    where = choose_device(device)
    state = _initial_state(recipe, train, seed, where)
    if files.checkpoint is not None and files.checkpoint.exists():
        load_state(files.checkpoint, state, files.key)
    batches, validator = _data(part, train, validation, state, seed)
    objective = Objective(
        label_smoothing=recipe.label_smoothing,
        class_weights=class_weights(train, recipe.class_weight_power).to(where)
        if recipe.class_weight_power
        else None,
        example_losses=state.losses,
        soft_targets=soft_targets and soft_targets.to(where),
    )
    steps = [batches.steps(epoch) for epoch in range(recipe.epochs)]
    pace = Pace(steps, callback.deadline, closing=len(validation or ()) / recipe.batch_size)
    if state.pace:
        pace.restore(state.pace)
    step = Step(recipe, state, objective, pace)
    callback.on_train_begin(tuple(state.history), steps)
    prepared = time.perf_counter() - began

    with deterministic(where), pinned_threads(where):
        while not _finished(recipe, state, pace, steps, callback):
            epoch, started = len(state.history), time.perf_counter()
            first = sum(steps[:epoch])
            with seeded(stream_seed(seed, "dropout", epoch), where):
                metrics, trained = _train_epoch(step, batches, state, pace, first, part)
            stepped = time.monotonic()
            _check_finite(state.result, epoch, part.prefix)
            scores = validator(state.result)
            row = Epoch(
                epoch=epoch + 1,
                lr=step.learning_rate(first + trained - 1),
                train_loss=metrics.loss(),
                train_accuracy=metrics.accuracy(),
                val_loss=scores.loss,
                val_accuracy=scores.accuracy,
                val_ece=scores.ece,
                seconds=time.perf_counter() - started,
            )
            state.history.append(row)
            remember_best(recipe.early_stopping, state)
            state.pace = pace.facts
            if files.checkpoint is not None:
                save_state(files.checkpoint, state, files.key)
            callback.on_epoch_end(row)
            pace.end_epoch(time.monotonic() - stepped)
    callback.on_train_end()

    last = weights_of(state.result)
    network = state.result.cpu().eval()
    if recipe.early_stopping.restore_best and state.best is not None:
        network.load_state_dict(state.best)
    if step.graphs is not None:
        prepared += step.graphs.seconds
    history = tuple(state.history)
    planned = sum(steps[: len(history)])
    left_out = max(0, planned - pace.end) / steps[len(history) - 1]
    return Fitted(
        network=network,
        history=history,
        last=last,
        best=state.best,
        device=where.type,
        precision=state.precision,
        prepared=prepared,
        epochs=len(history) - left_out,
        shortened=pace.end < pace.planned,
    )


def _train_epoch(
    step: Step, batches: Batches, state: State, pace: Pace, first: int, part: Part
) -> tuple[RunningMetrics, int]:
    """One pass over the training examples, or the part that there is time for; also its steps.

    ``first`` is the number of its first step.
    """
    state.network.train()
    epoch, done, images = len(state.history), 0, 0
    metrics, steps, planned = RunningMetrics(), batches.steps(epoch), pace.end
    pace.begin_epoch(first, steps)
    for batch in batches.epoch(epoch, state.losses):
        loss, logits = step(first + done, batch)
        metrics.update(loss, logits, batch.labels)
        done, images = done + 1, images + len(batch.labels)
        pace.look(first + done)
        if pace.end != planned:
            planned = pace.end
            part.callback.on_steps_changed(planned)
        over = done == steps or pace.over(first + done)
        mean = accuracy = None
        if over or done % FINITE_CHECK_EVERY == 1:
            mean, accuracy = metrics.loss(), metrics.accuracy()
            if not math.isfinite(mean):
                raise TrainingError(
                    f"the loss is {mean} in epoch {epoch + 1}, step {done}; try a lower learning "
                    f"rate (settings=['{part.prefix}optim.lr={step.peak_learning_rate / 10:g}']), "
                    f"or settings=['{part.prefix}precision=float32']"
                )
        part.callback.on_step(done, images, mean, accuracy)
        if over:
            break
    return metrics, done


def _initial_state(recipe: Recipe, train: Dataset, seed: int, device: torch.device) -> State:
    channels = train.shape[2]
    mean, std = torch.zeros(channels), torch.ones(channels)
    if recipe.pixels == "standardize":
        mean, std = pixel_statistics(train, device)
    body = build_network(recipe.model, train.shape, len(train.class_names), seed=seed)
    network = Classifier(body, mean, std).to(device)
    make_channels_last(network)
    check_progressive_resizing(recipe.progressive_resizing, network, train.shape)
    selects = recipe.hard_examples.fraction < 1
    return State(
        network=network,
        optimizer=make_optimizer(network, recipe.optim),
        precision=choose_precision(recipe.precision, device),
        average=WeightAverage(recipe.ema, network) if recipe.ema.decay else None,
        losses=torch.full((len(train),), torch.inf, device=device) if selects else None,
    )


def _data(
    part: Part, train: Dataset, validation: Dataset | None, state: State, seed: int
) -> tuple[Batches, Validator]:
    """Batches to learn from and examples to validate on: of images, or of cached features."""
    recipe, device = part.recipe, state.network.mean.device
    features = None
    if recipe.cached_features:
        extract = FeatureExtractor(
            state.network,
            recipe.augment,
            precision=state.precision,
            folder=part.files.features,
            deadline=part.callback.deadline,
        )
        versions = min(recipe.cached_features, recipe.epochs)
        inputs: AugmentedImages | FeatureCache = extract(
            train.images, versions, seed=seed, progress=part.callback.on_features
        )
        features = None if validation is None else extract(validation.images)
    else:
        inputs = AugmentedImages(train, recipe.augment, seed=seed, device=device)
    batches = Batches(
        torch.tensor(train.labels, device=device),
        inputs,
        batch_size=recipe.batch_size,
        seed=seed,
        hard_examples=recipe.hard_examples,
    )
    return batches, Validator(validation, features, state.precision, part.prefix)


def _finished(
    recipe: Recipe, state: State, pace: Pace, steps: list[int], callback: Callback
) -> bool:
    epochs = len(state.history)
    done = sum(steps[:epochs])
    if epochs:
        pace.look(done)
    return (
        epochs >= recipe.epochs
        or pace.over(done)
        or (callback.stop_training and epochs > 0)
        or out_of_patience(recipe.early_stopping, state.history)
    )


def _check_finite(network: nn.Module, epoch: int, prefix: str) -> None:
    floating = [t for t in network.state_dict().values() if t.is_floating_point()]
    if not bool(torch.stack([torch.isfinite(t).all() for t in floating]).all()):
        raise TrainingError(
            f"the weights are no longer finite after epoch {epoch + 1}; try a lower learning rate "
            f"(settings=['{prefix}optim.lr=…'])"
        )
