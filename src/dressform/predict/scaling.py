"""`Scaling`: how the bytes of images become the numbers that a model of another program takes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dressform.core.arguments import argument
from dressform.core.errors import ConfigError

SCALES = {
    "unit": "0 to 1",
    "raw": "0 to 255",
    "symmetric": "-1 to 1",
}
"""What a model of floats takes: name -> range of its pixels."""


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """Pixels in a range, from which a mean is subtracted, and which are divided by a standard
    deviation: as torchvision's ``ToTensor`` and ``Normalize``.

    Attributes:
        scale: ``unit``, ``raw`` or ``symmetric``; see ``SCALES``.
        mean: one number, or one per channel, in units of the scaled pixels; empty for 0.
        std: likewise, above 0; empty for 1.

    Raises:
        ConfigError: an unknown scale, or numbers out of range.
    """

    scale: str = "unit"
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            allowed = ", ".join(f"{name} ({interval})" for name, interval in SCALES.items())
            raise ConfigError(f"scale is {self.scale!r}; allowed: {allowed}")
        if any(not value > 0 for value in self.std):
            raise ConfigError(f"std is {_listed(self.std)}; allowed: numbers above 0")

    def apply(self, images: NDArray[np.uint8], dtype: type[np.generic]) -> NDArray[Any]:
        """Scale images.

        Args:
            images: uint8 [N, H, W, C].
            dtype: float16, float32 or float64.

        Returns:
            of that type, [N, H, W, C].

        Raises:
            ConfigError: mean or std have neither one number nor one per channel.
        """
        channels = images.shape[3]
        for name, given in (("mean", self.mean), ("std", self.std)):
            if len(given) not in (0, 1, channels):
                raise ConfigError(
                    f"{name} has {len(given)} numbers ({_listed(given)}) but the images have "
                    f"{channels} channel{'s' if channels > 1 else ''}; give one, or one per channel"
                )
        wide = np.float64 if dtype is np.float64 else np.float32
        values: NDArray[Any] = images.astype(wide)
        if self.scale == "unit":
            values /= 255
        elif self.scale == "symmetric":
            values = values / wide(127.5) - 1
        if self.mean:
            values -= np.array(self.mean, wide)
        if self.std:
            values /= np.array(self.std, wide)
        return values.astype(dtype)

    @property
    def options(self) -> str:
        """The arguments that ask for it, such as ``mean=0.5, std=0.5``."""
        words = [] if self.scale == "unit" and self.mean else [f"scale={self.scale!r}"]
        words += [
            argument(name, _short(values))
            for name, values in (("mean", self.mean), ("std", self.std))
            if values
        ]
        return ", ".join(words)


def numbers_of(name: str, value: float | str | Sequence[float] | None) -> tuple[float, ...]:
    """One number, or one per channel; as text they are separated by commas.

    Args:
        name: of the option, for messages.
        value: as the user gave it; None gives none.

    Raises:
        ConfigError: it is no number.
    """
    if value is None:
        return ()
    parts = value.split(",") if isinstance(value, str) else value
    try:
        numbers = tuple(
            float(part) for part in (parts if isinstance(parts, Sequence) else (parts,))
        )
        if not numbers or not all(map(math.isfinite, numbers)):
            raise ValueError
    except (TypeError, ValueError):
        raise ConfigError(
            f"{name} is {value!r}; allowed: a number, or one per channel, such as 0.485,0.456,0.406"
        ) from None
    return numbers


def common_scalings(images: NDArray[np.uint8]) -> tuple[list[Scaling], Scaling]:
    """The scalings that published models and tutorials use.

    Args:
        images: uint8 [N, H, W, C].

    Returns:
        them, and the one by the images' own mean and standard deviation.
    """
    published: list[tuple[tuple[float, ...], tuple[float, ...]]] = [
        ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),  # ImageNet
        ((0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616)),  # CIFAR-10
    ]
    if images.shape[3] == 1:
        published = [((0.286,), (0.353,)), ((0.1307,), (0.3081,))]  # Fashion-MNIST, MNIST
    pixels = images.reshape(-1, images.shape[3]) / 255
    mean, std = (
        tuple(round(float(value), 3) for value in values)
        for values in (pixels.mean(axis=0), np.maximum(pixels.std(axis=0), 0.001))
    )
    common = [Scaling(scale=scale) for scale in SCALES]
    common += [Scaling(mean=of_set, std=sd) for of_set, sd in published]
    return common, Scaling(mean=mean, std=std)


def _short(values: Sequence[float]) -> float | list[float]:
    short = [float(f"{value:.4g}") for value in values]
    return short if len(short) > 1 else short[0]


def _listed(values: Sequence[float]) -> str:
    return ",".join(f"{value:g}" for value in values)
