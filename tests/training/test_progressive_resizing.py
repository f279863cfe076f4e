"""Pictures that grow while a training goes on."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dressform.core.config import override
from dressform.core.errors import ConfigError
from dressform.data.dataset import DatasetSplits
from dressform.recipes import find_recipe
from dressform.training.fit import fit
from dressform.training.progressive_resizing import SMALLEST, resized, size_at
from dressform.training.recipe import ProgressiveResizing
from tests.conftest import TINY


@given(st.floats(0.01, 1), st.floats(0.01, 1), st.integers(1, 100), st.integers(1, 100))
def test_sizes_grow_to_the_pictures_own(
    start: float, until: float, height: int, width: int
) -> None:
    config = ProgressiveResizing(start=start, until=until)
    sizes = [size_at(config, (height, width), done / 50) for done in range(51)]
    assert sizes == sorted(sizes)
    assert sizes[-1] == (height, width)
    assert all(size_at(config, (height, width), done) == (height, width) for done in (until, 1.0))
    assert all(
        min(SMALLEST, height) <= h <= height and min(SMALLEST, width) <= w <= width
        for h, w in sizes
    )


def test_pixels_are_averaged() -> None:
    pixels = torch.rand(3, 2, 32, 48)
    small = resized(ProgressiveResizing(start=0.5), pixels, 0.0)
    torch.testing.assert_close(small, pixels.reshape(3, 2, 16, 2, 24, 2).mean((3, 5)))
    assert small.is_contiguous(memory_format=torch.channels_last)
    assert resized(ProgressiveResizing(start=0.5), pixels, 0.7) is pixels
    assert resized(ProgressiveResizing(), pixels, 0.0) is pixels


def test_a_network_for_one_size_is_refused_before_it_is_trained(small: DatasetSplits) -> None:
    minivggnet = override(
        find_recipe("minivggnet"), ["epochs=1", "model.widths=4", "progressive_resizing.start=0.5"]
    )
    with pytest.raises(
        ConfigError,
        match=r"progressive_resizing.start is 0.5, but the network does not accept 16 x 16 images "
        r".*; allowed: 1, "
        r"or",
    ):
        fit(minivggnet, small.train, None)


def test_a_training_with_growing_pictures_repeats_itself(small: DatasetSplits) -> None:
    recipe = override(find_recipe("fast"), [*TINY, "progressive_resizing.start=0.4"])
    first, second = (fit(recipe, small.train, None, seed=1) for _ in range(2))
    plain = fit(override(recipe, ["progressive_resizing.start=1"]), small.train, None, seed=1)
    assert all(torch.equal(first.last[name], second.last[name]) for name in first.last)
    assert any(not torch.equal(first.last[name], plain.last[name]) for name in first.last)
