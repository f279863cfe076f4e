import torch
from torch import Tensor

from dressform.training.augment import augment_batch
from dressform.training.recipe import Augment


def changed(pixels: Tensor, config: Augment, epoch: int = 0, seed: int = 0) -> Tensor:
    examples = torch.arange(len(pixels))
    flip_first = torch.arange(len(pixels)) % 2 == 0
    generator = torch.Generator().manual_seed(seed)
    return augment_batch(
        pixels, examples, config, epoch=epoch, flip_first=flip_first, generator=generator
    )


def pictures(count: int = 400) -> Tensor:
    return torch.rand(count, 2, 12, 9, generator=torch.Generator().manual_seed(1))


def test_nothing_to_do_returns_the_same_tensor() -> None:
    x = pictures()
    assert changed(x, Augment()) is x
    assert changed(x, Augment(flip=1.0, start=3), epoch=2) is x
    assert changed(x, Augment(flip=1.0, start=3), epoch=3) is not x


def test_flip_mirrors_its_share() -> None:
    x = pictures()
    found = changed(x, Augment(flip=0.3))
    mirrored = (found == x.flip(3)).flatten(1).all(1)
    untouched = (found == x).flatten(1).all(1)
    assert (mirrored ^ untouched).all()
    assert 0.2 < mirrored.float().mean() < 0.4


def test_alternating_flip_shows_each_example_both_ways_in_two_epochs() -> None:
    x = pictures()
    first, second = (changed(x, Augment(alternate_flip=True), epoch=e) for e in (0, 1))
    assert torch.equal(first[::2], x[::2].flip(3))
    assert torch.equal(first[1::2], x[1::2])
    assert torch.equal(second, first.flip(3))


def test_zoom_shift_and_rotation_move_a_dot_no_further_than_allowed() -> None:
    x = torch.zeros(500, 1, 41, 41)
    x[:, :, 20, 32] = 1  # 12 pixels right of the middle
    found = changed(x, Augment(shift=0.1))
    weights = found[:, 0] / found[:, 0].sum((1, 2), keepdim=True)
    column = (weights.sum(1) * torch.arange(41)).sum(1) - 32
    row = (weights.sum(2) * torch.arange(41)).sum(1) - 20
    assert column.abs().max() <= 4.1 + 1e-3
    assert row.abs().max() <= 4.1 + 1e-3
    assert column.abs().max() > 3
    turned = changed(x, Augment(rotate=30))
    weights = turned[:, 0] / turned[:, 0].sum((1, 2), keepdim=True)
    height = (weights.sum(2) * torch.arange(41)).sum(1) - 20
    assert 4.5 < height.abs().max() <= 6.2  # 12 * sin(30) = 6
    zoomed = changed(x, Augment(zoom=0.2))
    weights = zoomed[:, 0] / zoomed[:, 0].sum((1, 2), keepdim=True)
    column = (weights.sum(1) * torch.arange(41)).sum(1) - 20
    assert column.min() > 9.4
    assert column.max() < 14.6


def test_rotation_keeps_right_angles_on_oblong_pictures() -> None:
    x = torch.zeros(300, 1, 61, 31)
    x[:, :, 30, 25] = 1
    found = changed(x, Augment(rotate=90))
    weights = found[:, 0] / found[:, 0].sum((1, 2), keepdim=True)
    row = (weights.sum(2) * torch.arange(61)).sum(1) - 30
    column = (weights.sum(1) * torch.arange(31)).sum(1) - 15
    assert ((row**2 + column**2).sqrt() - 10).abs().max() < 0.6


def test_crop_moves_by_whole_pixels_and_brings_in_black() -> None:
    x = pictures() + 0.01
    found = changed(x, Augment(crop=2))
    moves = set()
    for before, after in zip(x, found, strict=True):
        bordered = torch.nn.functional.pad(before, (2, 2, 2, 2))
        height, width = before.shape[1:]
        same = [
            (dy, dx)
            for dy in range(5)
            for dx in range(5)
            if torch.equal(bordered[:, dy : dy + height, dx : dx + width], after)
        ]
        assert len(same) == 1
        moves.add(same[0])
    assert len(moves) > min(10, len(x) // 2)
    assert {dy for dy, _ in moves} == {dx for _, dx in moves} == {0, 1, 2, 3, 4}


def test_erase_blackens_one_rectangle_of_bounded_area_in_its_share() -> None:
    x = torch.ones(1000, 1, 20, 30)
    found = changed(x, Augment(erase=0.4, erase_area=0.2))
    area = (found == 0).flatten(1).float().mean(1)
    assert area.max() <= 0.26  # rounding to whole pixels
    assert 0.3 < (area > 0).float().mean() < 0.45
    picture = found[area.argmax(), 0] == 0
    rows, columns = picture.any(1), picture.any(0)
    assert torch.equal(picture, rows[:, None] & columns[None])


def test_draws_come_from_the_generator_alone() -> None:
    x, config = pictures(), Augment(flip=0.5, shift=0.1, rotate=10, zoom=0.1, erase=0.5)
    torch.manual_seed(0)
    first = changed(x, config, seed=7)
    torch.manual_seed(99)
    assert torch.equal(first, changed(x, config, seed=7))
    assert not torch.equal(first, changed(x, config, seed=8))
