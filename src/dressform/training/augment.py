"""Augmentation of a whole batch at once, from an explicit generator."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from dressform.training.recipe import Augment


def augment_batch(
    pixels: Tensor,
    examples: Tensor,
    config: Augment,
    *,
    epoch: int,
    flip_first: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Change a batch at random.

    Args:
        pixels: float [N, C, H, W] in [0, 1].
        examples: int64 [N], positions in the training set; used by the alternating flip.
        config: what to change.
        epoch: counted from 0.
        flip_first: bool, one per training example: mirrored in even epochs; used by the alternating
            flip.
        generator: source of all draws, on the pixels' device.

    Returns:
        a tensor of the same shape; ``pixels`` itself when there is nothing to change.
    """
    if epoch < config.start:
        return pixels
    if config.alternate_flip:
        pixels = _mirror(pixels, flip_first[examples] ^ bool(epoch % 2))
    elif config.flip:
        pixels = _mirror(pixels, _uniform(pixels, generator) < config.flip)
    if config.crop:
        pixels = _crop(pixels, config.crop, generator)
    if config.shift or config.rotate or config.zoom:
        pixels = _affine(pixels, config, generator)
    if config.brightness or config.contrast or config.saturation:
        pixels = _recolour(pixels, config, generator)
    if config.erase:
        pixels = _erase(pixels, config, generator)
    return pixels


def _uniform(pixels: Tensor, generator: torch.Generator, *shape: int) -> Tensor:
    return torch.rand((len(pixels), *shape), generator=generator, device=pixels.device)


def _mirror(pixels: Tensor, chosen: Tensor) -> Tensor:
    return torch.where(chosen[:, None, None, None], pixels.flip(3), pixels)


def _crop(pixels: Tensor, border: int, generator: torch.Generator) -> Tensor:
    """Parts as large as the images, cut at random places from the images with a black
    border.
    """
    height, width = pixels.shape[2:]
    moves = torch.randint(
        2 * border + 1, (2, len(pixels), 1), generator=generator, device=pixels.device
    )
    rows, columns = (
        moves[i] + torch.arange(side, device=pixels.device)
        for i, side in enumerate((height, width))
    )
    bordered = F.pad(pixels, (border,) * 4).permute(0, 2, 3, 1)
    places = torch.arange(len(pixels), device=pixels.device)[:, None, None]
    return bordered[places, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def _affine(pixels: Tensor, config: Augment, generator: torch.Generator) -> Tensor:
    """Rotate, zoom and shift in one bilinear sampling; what comes in from outside repeats the
    border (Keras's default).
    """
    angle, zoom, right, down = (2 * _uniform(pixels, generator, 4) - 1).unbind(1)
    angle = angle * math.radians(config.rotate)
    scale = 1 / (1 + zoom * config.zoom)
    height, width = pixels.shape[2:]
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    # affine_grid's coordinates run from -1 to 1 on both axes, so rotation has to know the image's
    # aspect.
    across = torch.stack([cos, -sin * (height / width), 2 * right * config.shift], dim=1)
    along = torch.stack([sin * (width / height), cos, 2 * down * config.shift], dim=1)
    grid = F.affine_grid(
        torch.stack([across, along], dim=1), list(pixels.shape), align_corners=False
    )
    return F.grid_sample(
        pixels.float(), grid, mode="bilinear", padding_mode="border", align_corners=False
    )


def _recolour(pixels: Tensor, config: Augment, generator: torch.Generator) -> Tensor:
    brightness, contrast, saturation = (2 * _uniform(pixels, generator, 3) - 1).unbind(1)
    grey = pixels.mean(dim=1, keepdim=True)
    pixels = grey + (pixels - grey) * (1 + config.saturation * saturation)[:, None, None, None]
    middle = pixels.mean(dim=(1, 2, 3), keepdim=True)
    pixels = middle + (pixels - middle) * (1 + config.contrast * contrast)[:, None, None, None]
    return (pixels * (1 + config.brightness * brightness)[:, None, None, None]).clamp_(0, 1)


def _erase(pixels: Tensor, config: Augment, generator: torch.Generator) -> Tensor:
    height, width = pixels.shape[2:]
    chosen, area, aspect, top, left = _uniform(pixels, generator, 5).unbind(1)
    pixels_erased = area * config.erase_area * height * width
    ratio = torch.exp((2 * aspect - 1) * math.log(3.0))
    h = (pixels_erased * ratio).sqrt().clamp(max=height)
    w = (pixels_erased / ratio).sqrt().clamp(max=width)
    y0, x0 = top * (height - h), left * (width - w)
    y = torch.arange(height, device=pixels.device) + 0.5
    x = torch.arange(width, device=pixels.device) + 0.5
    inside_y = (y >= y0[:, None]) & (y < (y0 + h)[:, None])
    inside_x = (x >= x0[:, None]) & (x < (x0 + w)[:, None])
    hole = inside_y[:, :, None] & inside_x[:, None, :] & (chosen < config.erase)[:, None, None]
    return pixels.masked_fill(hole[:, None], 0.0)
