"""Image corruptions in the style of Fashion-MNIST-C, each at five severities.

The list and the numbers are those of MNIST-C (Mu and Gilmer 2019, https://arxiv.org/abs/1906.02337)
as adopted by Fashion-MNIST-C (Weiss and Tonella 2022,
https://github.com/testingautomated-usi/fashion-mnist-c); the code is our own, so the images
resemble theirs without being identical. Corruptions with a single severity there (`inverse`, the
mirror images and the quarter turns) have a single one here.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from dressform.core.errors import ConfigError, unknown_name
from dressform.core.rng import generator

Pixels = NDArray[np.float32]
"""[N, H, W, C], 0 to 1."""
SEVERITIES = (1, 2, 3, 4, 5)
ANGLES = 15
"""Directions of motion blur, between -45 and 45 degrees."""


def corrupt(
    images: NDArray[np.uint8], name: str, severity: int, *, seed: int = 0
) -> NDArray[np.uint8]:
    """Corrupt images; the same seed gives the same images.

    Args:
        images: uint8 [N, H, W, C].
        name: one of ``CORRUPTIONS``.
        severity: 1 to 5; only 1 for those in ``SINGLE_SEVERITY``.
        seed: for noise and random directions.

    Returns:
        uint8 images of the same shape.

    Raises:
        UnknownNameError: no such corruption.
        ConfigError: severity out of range.
    """
    allowed = severities_of(name)
    if severity not in allowed:
        raise ConfigError(
            f"severity of {name} is {severity}; allowed: {', '.join(map(str, allowed))}"
        )
    pixels = images.astype(np.float32) / np.float32(255)
    corrupted = CORRUPTIONS[name](
        pixels, severity - 1, generator(seed, f"corrupt-{name}", severity)
    )
    return np.asarray((corrupted.clip(0, 1) * 255).round(), np.uint8)


def severities_of(name: str) -> tuple[int, ...]:
    """The severities of a corruption.

    Raises:
        UnknownNameError: no such corruption.
    """
    if name not in CORRUPTIONS:
        raise unknown_name("corruption", name, CORRUPTIONS)
    return (1,) if name in SINGLE_SEVERITY else SEVERITIES


def _gaussian_noise(x: Pixels, level: int, random: np.random.Generator) -> Pixels:
    return x + random.normal(scale=(0.08, 0.12, 0.18, 0.26, 0.38)[level], size=x.shape).astype(
        np.float32
    )


def _shot_noise(x: Pixels, level: int, random: np.random.Generator) -> Pixels:
    photons = (60, 25, 12, 5, 3)[level]
    return np.asarray(random.poisson(x * photons) / photons, np.float32)


def _impulse_noise(x: Pixels, level: int, random: np.random.Generator) -> Pixels:
    """Salt and pepper, the same for all channels of a pixel."""
    draw = random.random(x.shape[:3])[..., None]
    amount = (0.03, 0.06, 0.09, 0.17, 0.27)[level]
    return np.where(draw < amount / 2, np.float32(0), np.where(draw < amount, np.float32(1), x))


def _blurred(x: Pixels, sigma: float) -> Pixels:
    return np.asarray(ndimage.gaussian_filter(x, (0, sigma, sigma, 0)), np.float32)


def _glass_blur(x: Pixels, level: int, random: np.random.Generator) -> Pixels:
    """Blur, swap each pixel at random with one nearby, and blur again."""
    sigma, reach, times = ((0.7, 1, 2), (0.9, 2, 1), (1.0, 2, 3), (1.1, 3, 2), (1.5, 4, 2))[level]
    x = _blurred(x, sigma)
    count, height, width = x.shape[:3]
    indices = np.arange(count)
    for _ in range(times):
        for row in range(height - reach - 1, reach - 1, -1):
            for column in range(width - reach - 1, reach - 1, -1):
                moved = random.random(count) < 0.5
                down, right = random.integers(-reach, reach, size=(2, count))
                target = indices[moved], row + down[moved], column + right[moved]
                source = indices[moved], row, column
                x[source], x[target] = x[target], x[source]
    return _blurred(x, sigma)


def _motion_blur(x: Pixels, level: int, random: np.random.Generator) -> Pixels:
    """Average along a line from each pixel with Gaussian weights, as ImageMagick does, from which
    the numbers come.
    """
    radius, sigma = ((10, 3), (15, 5), (15, 8), (15, 12), (20, 15))[level]
    steps = np.arange(min(2 * radius, max(x.shape[1:3])) + 1)
    weights = np.exp(-(steps**2) / (2 * sigma**2))
    direction = random.integers(ANGLES, size=len(x))
    rows, columns = np.indices(x.shape[1:3])
    out = np.empty_like(x)
    for number, angle in enumerate(np.linspace(-np.pi / 4, np.pi / 4, ANGLES)):
        batch = x[direction == number]
        down = (rows + step * np.sin(angle) for step in steps)
        right = (columns + step * np.cos(angle) for step in steps)
        inside = [
            (d.clip(0, x.shape[1] - 1), r.clip(0, x.shape[2] - 1))
            for d, r in zip(down, right, strict=True)
        ]
        parts = [
            weight * _sampled(batch, *coordinates)
            for weight, coordinates in zip(weights / weights.sum(), inside, strict=True)
        ]
        out[direction == number] = sum(parts)
    return out


def _sampled(x: Pixels, down: NDArray[np.float64], right: NDArray[np.float64]) -> Pixels:
    """Bilinear samples of all images at coordinates [H, W]; black outside."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = x.shape[1:3]
    down, right = (down + 1).clip(0, height + 1), (right + 1).clip(0, width + 1)
    top, left = np.minimum(down.astype(int), height), np.minimum(right.astype(int), width)
    below, beside = (
        (part - whole)[..., None].astype(np.float32) for part, whole in ((down, top), (right, left))
    )
    upper = padded[:, top, left] * (1 - beside) + padded[:, top, left + 1] * beside
    lower = padded[:, top + 1, left] * (1 - beside) + padded[:, top + 1, left + 1] * beside
    return np.asarray(upper * (1 - below) + lower * below, np.float32)


def _affine(x: Pixels, matrix: NDArray[np.float64]) -> Pixels:
    """Each output position (down, right) from the centre takes the value at ``matrix`` times it."""
    middle = (np.array(x.shape[1:3]) - 1)[:, None, None] / 2
    down, right = np.einsum("ij,jhw->ihw", matrix, np.indices(x.shape[1:3]) - middle) + middle
    return _sampled(x, down, right)


def _either_way(
    x: Pixels, random: np.random.Generator, matrix: Callable[[int], NDArray[np.float64]]
) -> Pixels:
    sign = random.choice([-1, 1], size=len(x))
    out = np.empty_like(x)
    for way in (-1, 1):
        out[sign == way] = _affine(x[sign == way], matrix(way))
    return out


def _shear(x: Pixels, level: int, random: np.random.Generator) -> Pixels:
    amount = np.tan((0.2, 0.4, 0.6, 0.8, 1.0)[level])
    return _either_way(x, random, lambda way: np.array([[1.0, 0.0], [way * amount, 1.0]]))


def _rotate(x: Pixels, level: int, random: np.random.Generator) -> Pixels:
    angle = (0.2, 0.4, 0.6, 0.8, 1.0)[level]
    cos, sin = np.cos(angle), np.sin(angle)
    return _either_way(x, random, lambda way: np.array([[cos, way * sin], [-way * sin, cos]]))


def _scale(x: Pixels, level: int, random: np.random.Generator) -> Pixels:
    return _affine(x, np.eye(2) / (0.9, 0.8, 0.7, 0.6, 0.5)[level])


def _turned(x: Pixels, quarters: int) -> Pixels:
    """Rotate by 90 degrees, to the left for 1; a non-square image is cropped to its shape."""
    if x.shape[1] == x.shape[2]:
        return np.rot90(x, quarters, axes=(1, 2))
    return _affine(x, np.array([[0.0, quarters], [-quarters, 0.0]]))


def _contrast(x: Pixels, level: int, random: np.random.Generator) -> Pixels:
    middle = x.mean(axis=(1, 2), keepdims=True)
    return np.asarray(
        middle + (x - middle) * np.float32((0.4, 0.3, 0.2, 0.1, 0.05)[level]), np.float32
    )


def _brightness(x: Pixels, level: int, random: np.random.Generator) -> Pixels:
    """Add to the value of HSV, so that colours keep their hue."""
    added = np.float32((0.1, 0.2, 0.3, 0.4, 0.5)[level])
    value = x.max(axis=-1, keepdims=True)
    return np.where(
        value > 0, x / np.maximum(value, np.float32(1e-6)) * (value + added).clip(0, 1), added
    )


def _saturate(x: Pixels, level: int, random: np.random.Generator) -> Pixels:
    """Scale and shift saturation and value; grey images have only a value."""
    factor, offset = ((0.3, 0.0), (0.1, 0.0), (2.0, 0.0), (5.0, 0.1), (20.0, 0.2))[level]
    value = x.max(axis=-1, keepdims=True)
    # of each channel; the largest is the saturation
    away = 1 - x / np.maximum(value, np.float32(1e-6))
    saturation = np.where(value > 0, away.max(axis=-1, keepdims=True), np.float32(0))
    new_saturation = np.where(
        saturation > 0,
        (saturation * factor + offset).clip(0, 1) / np.maximum(saturation, 1e-6),
        np.float32(0),
    )
    return np.asarray(
        (value * factor + offset).clip(0, 1) * (1 - away * new_saturation), np.float32
    )


CORRUPTIONS: dict[str, Callable[[Pixels, int, np.random.Generator], Pixels]] = {
    "gaussian-noise": _gaussian_noise,
    "shot-noise": _shot_noise,
    "impulse-noise": _impulse_noise,
    "glass-blur": _glass_blur,
    "motion-blur": _motion_blur,
    "shear": _shear,
    "scale": _scale,
    "rotate": _rotate,
    "brightness": _brightness,
    "contrast": _contrast,
    "saturate": _saturate,
    "inverse": lambda x, level, random: np.float32(1) - x,
    "mirror": lambda x, level, random: x[:, :, ::-1],
    "upside-down": lambda x, level, random: x[:, ::-1],
    "turn-left": lambda x, level, random: _turned(x, 1),
    "turn-right": lambda x, level, random: _turned(x, -1),
}
SINGLE_SEVERITY = ("inverse", "mirror", "upside-down", "turn-left", "turn-right")
"""Corruptions with a single severity."""
