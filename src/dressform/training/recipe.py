"""`Recipe`: everything that decides a training but the data and the seed."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dressform.core.config import require, require_choices, to_dict
from dressform.core.display import brief, table
from dressform.core.text import counted

A_RECIPE = "a Recipe, such as find_recipe('fast')"


@dataclass(frozen=True, kw_only=True)
class Optim:
    """The optimiser.

    Attributes:
        kind: ``sgd``, ``adam``, ``adamw``, ``nadam`` or ``muon``, which is Muon for filters and SGD
            for the rest (:mod:`dressform.training.muon`).
        lr: learning rate at its highest.
        momentum: of sgd and muon; ``beta1`` of adam, adamw and nadam.
        nesterov: for sgd.
        beta2: for adam, adamw and nadam.
        eps: for adam, adamw and nadam; Keras's default, 1e-7.
        weight_decay: on weights of two or more dimensions only, but not on Muon's filters;
            decoupled for adamw, else added to the gradient.
        sgd_lr: learning rate of muon's companion SGD, which trains everything but filters.
        sgd_momentum: momentum of that SGD.
    """

    kind: Literal["sgd", "adam", "adamw", "nadam", "muon"] = "sgd"
    lr: float = 0.01
    momentum: float = 0.9
    nesterov: bool = False
    beta2: float = 0.999
    eps: float = 1e-7
    weight_decay: float = 0.0
    sgd_lr: float = 0.1
    sgd_momentum: float = 0.85

    def __post_init__(self) -> None:
        require_choices(self, "optim.")
        require(0 < self.lr <= 1000, "optim.lr", self.lr, "above 0, to 1000")
        require(0 <= self.momentum < 1, "optim.momentum", self.momentum, "0 to below 1")
        require(0 <= self.beta2 < 1, "optim.beta2", self.beta2, "0 to below 1")
        require(self.eps > 0, "optim.eps", self.eps, "above 0")
        require(0 < self.sgd_lr <= 1000, "optim.sgd_lr", self.sgd_lr, "above 0, to 1000")
        require(0 <= self.sgd_momentum < 1, "optim.sgd_momentum", self.sgd_momentum, "0 to below 1")
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
        warmup: fraction of the steps in which the rate rises linearly from 0 to its peak.
        final: last rate as a fraction of the peak, for linear and cosine.
        decay: per step, for inverse-time; None takes lr / epochs (tutorial 0).
    """

    kind: Literal["constant", "inverse-time", "linear", "cosine"] = "constant"
    warmup: float = 0.0
    final: float = 0.0
    decay: float | None = None

    def __post_init__(self) -> None:
        require_choices(self, "schedule.")
        require(0 <= self.warmup < 1, "schedule.warmup", self.warmup, "0 to below 1")
        require(0 <= self.final <= 1, "schedule.final", self.final, "0 to 1")
        require(self.decay is None or self.decay >= 0, "schedule.decay", self.decay, "0 or more")


@dataclass(frozen=True, kw_only=True)
class Augment:
    """Random changes of the training images, drawn again for each example and epoch. All zero:
    none.

    Attributes:
        flip: probability of a left-right mirror image.
        alternate_flip: mirror every example in every second epoch, a random half first, in place of
            drawing by ``flip`` (K. Jordan 2024, airbench94).
        shift: largest shift as a fraction of the side, each way, in both directions.
        rotate: largest angle in degrees, each way.
        zoom: largest change of scale, 0.1 for 0.9 to 1.1.
        erase: probability of a rectangle set to black (Zhong et al. 2017).
        erase_area: largest fraction of the image that is erased.
        brightness: largest change of all values, 0.2 for 0.8 to 1.2 times.
        contrast: likewise, of the distances from the image's mean.
        saturation: likewise, of the distances from grey, where there is colour.
        start: first epoch with augmentation, counted from 0; earlier epochs use the original
            images.
        crop: width of a black border, in pixels, that is put around the image before a part of
            the image's own size is cut out at random: a shift by whole pixels, which blurs
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
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    crop: int = 0

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
class EarlyStopping:
    """When to stop early and which weights to keep; both look at validation data only.

    Attributes:
        patience: epochs without improvement before training stops; 0 never stops early.
        metric: what has to improve.
        restore_best: keep the weights of the epoch that was best on ``metric`` in place of the
            last epoch's, whether or not training stopped early.
    """

    patience: int = 0
    metric: Literal["val_loss", "val_accuracy"] = "val_loss"
    restore_best: bool = False

    def __post_init__(self) -> None:
        require_choices(self, "early_stopping.")
        require(self.patience >= 0, "early_stopping.patience", self.patience, "0 or more")


@dataclass(frozen=True, kw_only=True)
class EMA:
    """Exponential moving average of the weights, validated and kept in place of the weights.

    Attributes:
        decay: fraction of the old average that each step keeps; 0 is no averaging.
        start: fraction of the steps before averaging begins.
    """

    decay: float = 0.0
    start: float = 0.0

    def __post_init__(self) -> None:
        require(0 <= self.decay < 1, "ema.decay", self.decay, "0 to below 1")
        require(0 <= self.start < 1, "ema.start", self.start, "0 to below 1")


@dataclass(frozen=True, kw_only=True)
class ProgressiveResizing:
    """Images that start small and grow linearly to their own size (M. Tan and Q. Le 2021,
    EfficientNetV2, https://arxiv.org/abs/2104.00298). The cost of a step is proportional to the
    number of pixels. For networks that take images of any size.

    Attributes:
        start: sides at the beginning, as a fraction of their own; 1 leaves all as they are.
        until: fraction of the steps after which images have their own size.
    """

    start: float = 1.0
    until: float = 0.7

    def __post_init__(self) -> None:
        require(0 < self.start <= 1, "progressive_resizing.start", self.start, "above 0, to 1")
        require(0 < self.until <= 1, "progressive_resizing.until", self.until, "above 0, to 1")


@dataclass(frozen=True, kw_only=True)
class HardExamples:
    """Train later epochs on the examples with the largest losses and a few random others.

    As in Selective-Backprop (A. Jiang et al. 2019, https://arxiv.org/abs/1910.00762), except that
    an example's loss is the one from the last time it was seen.

    Attributes:
        fraction: of the examples that those epochs train on; 1 is all.
        start: the first such epoch, counted from 0; 1 or more.
        random_fraction: fraction of those that are drawn from the other examples, so that easy
            ones are not forgotten.
    """

    fraction: float = 1.0
    start: int = 1
    random_fraction: float = 0.3

    def __post_init__(self) -> None:
        require(0 < self.fraction <= 1, "hard_examples.fraction", self.fraction, "above 0, to 1")
        require(self.start >= 1, "hard_examples.start", self.start, "1 or more")
        require(
            0 <= self.random_fraction <= 1,
            "hard_examples.random_fraction",
            self.random_fraction,
            "0 to 1",
        )


@dataclass(frozen=True, kw_only=True)
class Distillation:
    """A teacher, whose probabilities a network learns from besides the labels: soft targets (G.
    Hinton et al. 2015, https://arxiv.org/abs/1503.02531).

    The loss of an example is (1 - weight) times its cross-entropy, plus weight times the squared
    temperature times the Kullback-Leibler divergence of the softened probabilities. The teacher
    sees each training image once, as it is; the network sees it changed by its augmentation.

    Attributes:
        teacher: recipe of the teacher, which is trained first, on the same examples and with the
            same seed.
        weight: of the teacher's part of the loss.
        temperature: that softens both's probabilities.
    """

    teacher: "Recipe"
    weight: float = 0.8
    temperature: float = 2.0

    def __post_init__(self) -> None:
        require(isinstance(self.teacher, Recipe), "distillation.teacher", self.teacher, A_RECIPE)
        require(0 < self.weight <= 1, "distillation.weight", self.weight, "above 0, to 1")
        require(
            0 < self.temperature <= 100,
            "distillation.temperature",
            self.temperature,
            "above 0, to 100",
        )


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train. Shapes, channels and classes are not part of it: they come from the data.

    Attributes:
        name: lower-case; becomes part of the run's folder.
        model: a network's config, or a function ``(shape, classes) -> torch.nn.Module``.
        epochs: passes over the training examples.
        batch_size: examples per step.
        optim, schedule, augment, early_stopping, ema, progressive_resizing, hard_examples: see
            those classes.
        pixels: ``unit`` leaves pixels in [0, 1]; ``standardize`` subtracts the training set's mean
            and divides by its standard deviation, per channel.
        label_smoothing: fraction of the target spread evenly over the classes (Szegedy et al.
            2015).
        validation_fraction: fraction of the training examples held out for validation, where the
            data have no validation split; where those are fewer than 30 and this was not set, 30
            are held out, but at most a fifth.
        split_seed: of that hold-out; independent of the run's seed, so that runs can be compared.
        precision: ``auto`` is bfloat16 autocast where the processor or GPU is fast at it, else
            float32.
        cached_features: number of versions of each image whose backbone features are computed
            once, for networks with a frozen backbone: the image itself and ``cached_features`` - 1
            augmented ones. The head sees one version of each image per epoch. With 0, every step
            augments again and runs the whole network.
        class_weight_power: weight of an example's loss, as a power of how rare its class is: 0
            counts every example alike, 1 every class alike.
        beside: another recipe. Each is trained as if it were alone, one after the other, and the
            network is the mean of both's logits. The hold-out is that of the first.
        distillation: from a teacher, or None; see that class.
    """

    name: str
    model: Any
    epochs: int
    batch_size: int
    optim: Optim = field(default_factory=Optim)
    schedule: Schedule = field(default_factory=Schedule)
    augment: Augment = field(default_factory=Augment)
    early_stopping: EarlyStopping = field(default_factory=EarlyStopping)
    ema: EMA = field(default_factory=EMA)
    progressive_resizing: ProgressiveResizing = field(default_factory=ProgressiveResizing)
    hard_examples: HardExamples = field(default_factory=HardExamples)
    pixels: Literal["unit", "standardize"] = "unit"
    label_smoothing: float = 0.0
    validation_fraction: float = 0.1
    split_seed: int = 0
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    cached_features: int = 0
    class_weight_power: float = 0.0
    beside: "Recipe | None" = field(default=None, metadata={"omitted": None})
    distillation: Distillation | None = field(default=None, metadata={"omitted": None})

    @property
    def networks(self) -> tuple[Any, ...]:
        """The networks' configs: of this recipe, and of the one beside it."""
        return (self.model,) if self.beside is None else (self.model, self.beside.model)

    @property
    def parts(self) -> "tuple[Recipe, ...]":
        """See :attr:`prefixed_parts`."""
        return tuple(self.prefixed_parts.values())

    @property
    def prefixed_parts(self) -> "dict[str, Recipe]":
        """What is trained one after the other, by what the names of its settings start with: this
        recipe and the one beside it, or the teacher and this recipe; or this recipe alone.
        """
        if self.beside is not None:
            return {"": dataclasses.replace(self, beside=None), "beside.": self.beside}
        if self.distillation is not None:
            alone = dataclasses.replace(self, distillation=None)
            return {"distillation.teacher.": self.distillation.teacher, "": alone}
        return {"": self}

    @property
    def all_epochs(self) -> int:
        """Epochs of the whole training."""
        parts = self.parts
        return self.epochs if len(parts) == 1 else sum(part.all_epochs for part in parts)

    def __repr__(self) -> str:
        model = getattr(self.model, "__name__", type(self.model).__name__)
        return brief(
            self,
            self.name,
            model,
            counted(self.epochs, "epoch"),
            f"batch size {self.batch_size}",
            f"{self.optim.kind} with learning rate {self.optim.lr:g}",
            f"{self.schedule.kind} schedule",
        )

    def _repr_html_(self) -> str:
        return table(["setting", "value"], [[k, str(v)] for k, v in _flat(to_dict(self)).items()])

    def __post_init__(self) -> None:
        valid = self.name.replace("-", "").isalnum() and self.name == self.name.lower()
        require(valid, "name of the recipe", self.name, "lower-case letters, digits and hyphens")
        buildable = dataclasses.is_dataclass(self.model) and hasattr(self.model, "build")
        require(
            buildable or callable(self.model),
            "model",
            self.model,
            "a dataclass with build(shape, classes), or a function of shape and classes",
        )
        require_choices(self)
        require(1 <= self.epochs <= 100_000, "epochs", self.epochs, "1 to 100,000")
        require(2 <= self.batch_size <= 1_000_000, "batch_size", self.batch_size, "2 to 1,000,000")
        require(
            0 <= self.label_smoothing < 1, "label_smoothing", self.label_smoothing, "0 to below 1"
        )
        require(0 <= self.cached_features <= 64, "cached_features", self.cached_features, "0 to 64")
        if self.cached_features:
            resizing, augment = self.progressive_resizing, self.augment
            only = "where features are cached"
            require(resizing.start == 1, "progressive_resizing.start", resizing.start, f"1 {only}")
            require(augment.start == 0, "augment.start", augment.start, f"0 {only}")
        inner, taught = self.beside, self.distillation
        require(inner is None or isinstance(inner, Recipe), "beside", inner, A_RECIPE)
        require(
            inner is None or inner.beside is None, "beside.beside", inner and inner.beside, "none"
        )
        allowed = "a Distillation, such as Distillation(teacher=find_recipe('fast'))"
        require(taught is None or isinstance(taught, Distillation), "distillation", taught, allowed)
        power, fraction = self.class_weight_power, self.validation_fraction
        require(0 <= power <= 1, "class_weight_power", power, "0 to 1")
        require(0 <= fraction <= 0.5, "validation_fraction", fraction, "0 to 0.5")
        for prefix in choosing_parts(self):
            allowed = f"above 0 with {prefix}early_stopping.patience or restore_best"
            require(fraction > 0, "validation_fraction", fraction, allowed)


def choosing_parts(recipe: Recipe) -> list[str]:
    """The prefixes of all parts whose training decides something by validation examples."""
    parts, stopping = recipe.prefixed_parts, recipe.early_stopping
    if len(parts) == 1:
        return [""] if stopping.patience or stopping.restore_best else []
    return [prefix + inner for prefix, one in parts.items() for inner in choosing_parts(one)]


def _flat(settings: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """The settings by the names that an assignment has for them."""
    flat: dict[str, object] = {}
    for name, value in settings.items():
        if isinstance(value, dict):
            flat |= {f"{prefix}{name}": value["type"]} if name == "model" else {}
            flat |= _flat(value, f"{prefix}{name}.")
        elif name != "type":
            flat[f"{prefix}{name}"] = value
    return flat
