"""`Recipe`: everything that decides a training but the data and the seed."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from dressform.core.config import LATER, later, require


@dataclass(frozen=True, kw_only=True)
class Optim:
    """The optimiser.

    Attributes:
        kind: ``sgd``, ``adam``, ``adamw``, ``nadam`` or ``muon``, which is Muon for filters and SGD
            for the rest (:mod:`dressform.training.muon`).
        lr: learning rate at its highest.
        momentum: of sgd; ``beta1`` of the others.
        nesterov: for sgd.
        beta2: for all but sgd.
        eps: for all but sgd; Keras's 1e-7.
        weight_decay: on weights of two or more dimensions only, but not on Muon's filters;
            decoupled for adamw, else added to the gradient.
        rest_lr: of muon, the rate of what are no filters.
        rest_momentum: of muon, likewise.
    """

    kind: Literal["sgd", "adam", "adamw", "nadam", "muon"] = "sgd"
    lr: float = 0.01
    momentum: float = 0.9
    nesterov: bool = False
    beta2: float = 0.999
    eps: float = 1e-7
    weight_decay: float = 0.0
    rest_lr: float = later(0.1)
    rest_momentum: float = later(0.85)

    def __post_init__(self) -> None:
        require(0 < self.lr <= 1000, "optim.lr", self.lr, "above 0, to 1000")
        require(0 <= self.momentum < 1, "optim.momentum", self.momentum, "0 to below 1")
        require(0 <= self.beta2 < 1, "optim.beta2", self.beta2, "0 to below 1")
        require(self.eps > 0, "optim.eps", self.eps, "above 0")
        require(0 < self.rest_lr <= 1000, "optim.rest_lr", self.rest_lr, "above 0, to 1000")
        require(
            0 <= self.rest_momentum < 1, "optim.rest_momentum", self.rest_momentum, "0 to below 1"
        )
        require(self.weight_decay >= 0, "optim.weight_decay", self.weight_decay, "0 or more")
        require(
            not self.nesterov or self.momentum > 0,
            "optim.nesterov",
            True,
            "false where momentum is 0",
        )


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """The learning rate over the steps.

    Attributes:
        kind: ``constant``; ``inverse-time``, lr / (1 + decay * step); ``linear`` or ``cosine`` from
            the peak to ``final``.
        warmup: share of the steps in which the rate rises linearly from 0 to its peak.
        final: last rate as a share of the peak, for linear and cosine.
        decay: per step, for inverse-time; None takes lr / epochs (tutorial 0).
    """

    kind: Literal["constant", "inverse-time", "linear", "cosine"] = "constant"
    warmup: float = 0.0
    final: float = 0.0
    decay: float | None = None

    def __post_init__(self) -> None:
        require(0 <= self.warmup < 1, "schedule.warmup", self.warmup, "0 to below 1")
        require(0 <= self.final <= 1, "schedule.final", self.final, "0 to 1")
        require(self.decay is None or self.decay >= 0, "schedule.decay", self.decay, "0 or more")


@dataclass(frozen=True, kw_only=True)
class Augment:
    """Random changes of the training pictures, drawn anew for each example and epoch. All zero:
    none.

    Attributes:
        flip: probability of a left-right mirror image.
        alternate_flip: mirror every example in every second epoch, a random half first, in place of
            drawing by ``flip`` (K. Jordan 2024, airbench94).
        shift: largest shift as a share of the side, each way, in both directions.
        rotate: largest angle in degrees, each way.
        zoom: largest change of scale, 0.1 for 0.9 to 1.1.
        erase: probability of a rectangle set to black (Zhong et al. 2017).
        erase_area: largest share of the picture that is erased.
        brightness: largest change of all values, 0.2 for 0.8 to 1.2 times.
        contrast: likewise, of the distances from the picture's mean.
        saturation: likewise, of the distances from grey, where there is colour.
        start: first epoch with augmentation, counted from 0; earlier ones see the pictures as they
            are.
        crop: width of a black border, in pixels, that is put around the picture before a part of
            the picture's own size is cut out at random: a shift by whole pixels, which blurs
            nothing.
    """

    flip: float = 0.0
    alternate_flip: bool = False
    shift: float = 0.0
    rotate: float = 0.0
    zoom: float = 0.0
    erase: float = 0.0
    erase_area: float = 0.2
    start: int = 0
    brightness: float = later(0.0)
    contrast: float = later(0.0)
    saturation: float = later(0.0)
    crop: int = later(0)

    def __post_init__(self) -> None:
        require(0 <= self.flip <= 1, "augment.flip", self.flip, "0 to 1")
        require(0 <= self.shift <= 0.5, "augment.shift", self.shift, "0 to 0.5")
        require(0 <= self.rotate <= 180, "augment.rotate", self.rotate, "0 to 180 degrees")
        require(0 <= self.zoom < 1, "augment.zoom", self.zoom, "0 to below 1")
        require(0 <= self.erase <= 1, "augment.erase", self.erase, "0 to 1")
        require(0 < self.erase_area <= 1, "augment.erase_area", self.erase_area, "above 0, to 1")
        require(self.start >= 0, "augment.start", self.start, "0 or more")
        require(0 <= self.crop <= 100, "augment.crop", self.crop, "0 to 100 pixels")
        for name in ("brightness", "contrast", "saturation"):
            require(0 <= getattr(self, name) <= 1, f"augment.{name}", getattr(self, name), "0 to 1")


@dataclass(frozen=True, kw_only=True)
class Stopping:
    """When to stop early and which weights to keep; both look at validation data only.

    Attributes:
        patience: epochs without improvement before stopping; 0 never stops early.
        metric: what has to improve.
        keep: the weights that become the model: of the last epoch, or of the best on ``metric``.
    """

    patience: int = 0
    metric: Literal["val_loss", "val_accuracy"] = "val_loss"
    keep: Literal["last", "best"] = "last"

    def __post_init__(self) -> None:
        require(self.patience >= 0, "stopping.patience", self.patience, "0 or more")


@dataclass(frozen=True, kw_only=True)
class Average:
    """Exponential moving average of the weights, used in place of them for validation and as the
    result.

    Attributes:
        decay: share of the old average kept at each step; 0 is no averaging.
        start: share of the steps before averaging begins.
    """

    decay: float = 0.0
    start: float = 0.0

    def __post_init__(self) -> None:
        require(0 <= self.decay < 1, "average.decay", self.decay, "0 to below 1")
        require(0 <= self.start < 1, "average.start", self.start, "0 to below 1")


@dataclass(frozen=True, kw_only=True)
class Resize:
    """Progressive resizing: small pictures at first, growing linearly to their own size (M. Tan and
    Q. Le 2021, EfficientNetV2, https://arxiv.org/abs/2104.00298). A step costs as much as its
    pictures have pixels. For networks that take any size.

    Attributes:
        start: sides at the beginning, as a share of their own; 1 leaves all as they are.
        until: share of the steps after which pictures have their own size.
    """

    start: float = 1.0
    until: float = 0.7

    def __post_init__(self) -> None:
        require(0 < self.start <= 1, "resize.start", self.start, "above 0, to 1")
        require(0 < self.until <= 1, "resize.until", self.until, "above 0, to 1")


@dataclass(frozen=True, kw_only=True)
class Focus:
    """Later epochs learn from hard examples: those with the largest losses when they were last
    seen, and some others.

    As in Selective-Backprop (A. Jiang et al. 2019, https://arxiv.org/abs/1910.00762), but that the
    losses are of the last time.

    Attributes:
        share: of the examples that those epochs learn from; 1 is all.
        start: the first such epoch, counted from 0; 1 or more.
        random: share of those that are drawn among the others, so that what is easy is not
            forgotten.
    """

    share: float = 1.0
    start: int = 1
    random: float = 0.3

    def __post_init__(self) -> None:
        require(0 < self.share <= 1, "focus.share", self.share, "above 0, to 1")
        require(self.start >= 1, "focus.start", self.start, "1 or more")
        require(0 <= self.random <= 1, "focus.random", self.random, "0 to 1")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train. Shapes, channels and classes are not part of it: they come from the data.

    Attributes:
        name: lower-case, becomes part of the run's folder.
        model: a network's config, or a function ``(shape, classes) -> torch.nn.Module``.
        epochs: passes over the training examples.
        batch_size: examples per step.
        optim, schedule, augment, stopping, average, resize, focus: see those classes.
        pixels: ``unit`` leaves pixels in [0, 1]; ``standardize`` subtracts the training set's mean
            and divides by its standard deviation, per channel.
        label_smoothing: share of the target spread evenly over the classes (Szegedy et al. 2015).
        validation: share of the training examples held out for validation, where the data have no
            validation split.
        split_seed: of that hold-out; independent of the run's seed, so that runs can be compared.
        precision: ``auto`` is bfloat16 autocast where the processor or GPU is fast at it, else
            float32.
        views: versions of each picture that a network's frozen front sees, once and for all: the
            picture and ``views`` - 1 augmented ones; what learns behind it gets one of them in each
            epoch. 0 draws anew in every epoch, and every step goes through the whole network.
        balance: weight of an example's loss, as a power of how rare its class is: 0 counts every
            example once, 1 every class.
    """

    name: str
    model: Any
    epochs: int
    batch_size: int
    optim: Optim = field(default_factory=Optim)
    schedule: Schedule = field(default_factory=Schedule)
    augment: Augment = field(default_factory=Augment)
    stopping: Stopping = field(default_factory=Stopping)
    average: Average = field(default_factory=Average)
    pixels: Literal["unit", "standardize"] = "unit"
    label_smoothing: float = 0.0
    validation: float = 0.1
    split_seed: int = 0
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    resize: Resize = field(default_factory=Resize, metadata=LATER)
    focus: Focus = field(default_factory=Focus, metadata=LATER)
    views: int = later(0)
    balance: float = later(0.0)

    def __post_init__(self) -> None:
        allowed = "lower-case letters, digits and hyphens"
        require(
            self.name.replace("-", "").isalnum() and self.name == self.name.lower(),
            "name",
            self.name,
            allowed,
        )
        require(
            (dataclasses.is_dataclass(self.model) and hasattr(self.model, "build"))
            or isinstance(self.model, Callable),  # type: ignore[arg-type]
            "model",
            self.model,
            "a dataclass with build(shape, classes), or a function of shape and classes",
        )
        require(1 <= self.epochs <= 100_000, "epochs", self.epochs, "1 to 100,000")
        require(2 <= self.batch_size <= 1_000_000, "batch_size", self.batch_size, "2 to 1,000,000")
        require(
            0 <= self.label_smoothing < 1, "label_smoothing", self.label_smoothing, "0 to below 1"
        )
        require(0 <= self.views <= 64, "views", self.views, "0 to 64")
        require(
            not self.views or self.resize.start == 1,
            "resize.start",
            self.resize.start,
            "1 where views are kept",
        )
        require(
            not self.views or self.augment.start == 0,
            "augment.start",
            self.augment.start,
            "0 where views are kept",
        )
        require(0 <= self.balance <= 1, "balance", self.balance, "0 to 1")
        require(0 <= self.validation <= 0.5, "validation", self.validation, "0 to 0.5")
        needs_validation = self.stopping.patience > 0 or self.stopping.keep == "best"
        require(
            self.validation > 0 or not needs_validation,
            "validation",
            self.validation,
            "above 0 for stopping.* to look at",
        )
