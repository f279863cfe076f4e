"""Corruptions: the same by seed, worse by severity, and what their names say."""

import numpy as np
import pytest

from dressform.core.errors import ConfigError, UnknownNameError
from dressform.data.corruptions import (
    CORRUPTIONS,
    SEVERITIES,
    SINGLE_SEVERITY,
    corrupt,
    severities_of,
)
from dressform.data.dataset import DatasetSplits


@pytest.mark.parametrize("name", CORRUPTIONS)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_corruption_keeps_shape_and_seed(
    name: str, channels: int, small: DatasetSplits
) -> None:
    images = np.repeat(small.train.images[:12, :, :24], channels, axis=3)
    for severity in severities_of(name):
        first = corrupt(images, name, severity, seed=3)
        assert first.shape == images.shape
        assert first.dtype == np.uint8
        assert not np.array_equal(first, images)
        np.testing.assert_array_equal(corrupt(images, name, severity, seed=3), first)
    np.testing.assert_array_equal(
        images, np.repeat(small.train.images[:12, :, :24], channels, axis=3)
    )


@pytest.mark.parametrize(
    "name", [n for n in CORRUPTIONS if n not in SINGLE_SEVERITY and n != "saturate"]
)
def test_stronger_is_further_from_the_picture(name: str, small: DatasetSplits) -> None:
    images = small.train.images[:100]
    away = [
        float(np.abs(corrupt(images, name, s).astype(float) - images).mean()) for s in SEVERITIES
    ]
    assert away == sorted(away)
    assert away[0] < 0.8 * away[-1]


def test_they_do_what_their_names_say(small: DatasetSplits) -> None:
    images = small.train.images[:50]
    np.testing.assert_array_equal(corrupt(images, "inverse", 1), 255 - images)
    np.testing.assert_array_equal(corrupt(images, "mirror", 1), images[:, :, ::-1])
    np.testing.assert_array_equal(corrupt(corrupt(images, "turn-left", 1), "turn-right", 1), images)
    grey = np.full((40, 28, 28, 1), 128, np.uint8)
    hit = corrupt(grey, "impulse-noise", 5) != 128
    assert 0.25 < hit.mean() < 0.29
    assert corrupt(grey, "brightness", 2)[0, 0, 0, 0] == pytest.approx(128 + 51, abs=1)
    dot = np.zeros((30, 29, 29, 1), np.uint8)
    dot[:, 14, 24] = 255  # ten right of the middle
    turned = corrupt(dot, "rotate", 5)[..., 0].astype(float)
    rows = (turned.sum(2) * np.arange(29)).sum(1) / turned.sum((1, 2)) - 14
    assert np.allclose(np.abs(rows), 10 * np.sin(1.0), atol=0.3)
    assert {-1.0, 1.0} == set(np.sign(rows))
    smaller = corrupt(dot, "scale", 5)[..., 0].astype(float)
    assert (smaller.sum((0, 1)) * np.arange(29)).sum() / smaller.sum() - 14 == pytest.approx(
        5, abs=0.3
    )
    red = np.zeros((1, 4, 4, 3), np.uint8)
    red[..., 0] = 200
    assert corrupt(red, "saturate", 2)[0, 0, 0].tolist() == pytest.approx([20, 18, 18], abs=1)
    assert corrupt(red, "brightness", 5)[0, 0, 0].tolist() == [255, 0, 0]


def test_flat_motion_blur_keeps_the_light(small: DatasetSplits) -> None:
    flat = np.full((20, 28, 28, 1), 77, np.uint8)
    np.testing.assert_array_equal(corrupt(flat, "motion-blur", 5), flat)


def test_unknown_names_and_strengths_are_told(small: DatasetSplits) -> None:
    with pytest.raises(UnknownNameError, match="rotate"):
        corrupt(small.train.images[:1], "rotat", 1)
    with pytest.raises(ConfigError, match="allowed: 1, 2, 3, 4, 5"):
        corrupt(small.train.images[:1], "rotate", 6)
    with pytest.raises(ConfigError, match="inverse is 2; allowed: 1"):
        corrupt(small.train.images[:1], "inverse", 2)
