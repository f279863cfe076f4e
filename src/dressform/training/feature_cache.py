"""What a network's frozen backbone gives for several versions of each picture, computed once and
kept in files.

A picture's versions follow from its pixels and their number alone, so every seed, fold and recipe
with the same backbone and the same augmentation shares them.
"""

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dressform.core.errors import RunError
from dressform.core.files import sha256_bytes
from dressform.core.rng import generator
from dressform.models.network import Classifier
from dressform.training.augment import augment_batch
from dressform.training.checkpoint import load_weights, save_weights
from dressform.training.recipe import Augment

FORMAT = 2
"""Another one when the same settings begin to change pictures otherwise, so that files of before
are not taken.
"""
CHUNK = 32
"""Features at a time, for the head."""
SEEN = 4
"""Pictures at a time, for the backbone on a processor: what its first layers make of 32 photos fits
into no cache.
"""
WRITE_EVERY = 4096
"""Pictures: what was seen until then outlives a kill."""
DIGEST = 16
"""Bytes of the digest that stands for a picture."""
Progress = Callable[[int, int], object]
"""Told how many versions are done, and how many there are."""


class FeatureCache:
    """Features of several versions of N pictures, kept on the GPU where they fill less than half of
    what is free there.

    Args:
        features: float16 [V, N, ...], version 0 being the pictures as they are; maps have their
            channels last.
        device: where batches are wanted.
    """

    def __init__(self, features: NDArray[np.float16], device: torch.device) -> None:
        self._device = device
        fit = device.type == "cuda" and features.nbytes < torch.cuda.mem_get_info(device)[0] / 2
        self._features = torch.from_numpy(features).to(device if fit else "cpu")

    def versions(self, epoch: int, seed: int) -> Tensor:
        """Which version of each picture an epoch, counted from 0, sees, int64 [N]; each once in as
        many epochs as there are.
        """
        count, pictures = self._features.shape[:2]
        orders = generator(seed, "version", epoch // count).permuted(
            np.tile(np.arange(count), (pictures, 1)), axis=1
        )
        return torch.tensor(orders[:, epoch % count], device=self._features.device)

    def batch(self, versions: Tensor, examples: Tensor) -> Tensor:
        """Float32 features [B, ...] of some examples int64 [B]; maps are [B, C, H, W],
        channels-last in memory.

        Args:
            versions: int64 [N], of every picture, 0 being the picture as it is.
            examples: positions.
        """
        places = examples.to(self._features.device)
        found = self._features[versions[places], places].to(self._device).float()
        return found.permute(0, 3, 1, 2) if found.ndim == 4 else found

    def logits(self, network: Classifier) -> NDArray[np.float32]:
        """What the head of a network makes of the pictures as they are, float32 [N, K]."""
        network.eval()
        plain = torch.zeros(
            self._features.shape[1], dtype=torch.int64, device=self._features.device
        )
        with torch.inference_mode():
            places = torch.arange(len(plain), device=plain.device)
            parts = [
                network.head(self.batch(plain, some)).cpu() for some in torch.split(places, CHUNK)
            ]
        return torch.cat(parts).numpy()


def extract_features(
    network: Classifier,
    images: NDArray[np.uint8],
    count: int,
    augment: Augment,
    *,
    device: torch.device,
    precision: torch.dtype,
    folder: Path | None = None,
    progress: Progress = lambda done, total: None,
) -> FeatureCache:
    """Let a network's backbone see pictures, where it has not seen them before.

    Args:
        network: with a frozen backbone.
        images: uint8 [N, H, W, C].
        count: versions of each picture, 1 or more.
        augment: how versions other than the first differ.
        device: where the network is.
        precision: bfloat16 uses autocast.
        folder: where what was seen is kept, a file for each version; None keeps nothing. A damaged
            file is made anew.
        progress: told of the progress.

    Raises:
        ConfigError: the network has no frozen backbone.
    """
    backbone = network.backbone_digest()
    names = [hashlib.blake2b(image.tobytes(), digest_size=DIGEST).digest() for image in images]
    features: NDArray[np.float16] | None = None
    for version in range(count):
        settings = dataclasses.asdict(augment) if version else {}
        path = (
            None
            if folder is None
            else folder
            / f"{_key(backbone, images.shape[1:], settings, version, precision)}.safetensors"
        )
        known = _read(path)
        missing = list(
            {name: place for place, name in enumerate(names) if name not in known}.values()
        )
        for start in range(0, len(missing), WRITE_EVERY):
            some = missing[start : start + WRITE_EVERY]
            found = _see(network, images, some, names, version, augment, device, precision)
            known |= {names[place]: row for place, row in zip(some, found, strict=True)}
            _write(path, known)
            progress(
                version * len(images) + len(images) - len(missing) + start + len(some),
                count * len(images),
            )
        if features is None:
            features = np.empty((count, len(images), *known[names[0]].shape), np.float16)
        for place, name in enumerate(names):
            features[version, place] = known[name]
        progress((version + 1) * len(images), count * len(images))
    assert features is not None
    return FeatureCache(features, device)


@torch.inference_mode()
def _see(
    network: Classifier,
    images: NDArray[np.uint8],
    places: list[int],
    names: list[bytes],
    version: int,
    augment: Augment,
    device: torch.device,
    precision: torch.dtype,
) -> NDArray[np.float16]:
    backbone, parts = network.backbone(), []
    at_once = SEEN if device.type == "cpu" else CHUNK
    for start in range(0, len(places), at_once):
        chosen = places[start : start + at_once]
        # A full batch always: products of other sizes are summed in another order, and what is
        # missing differs from call to call.
        filled = [*chosen, *[chosen[-1]] * (at_once - len(chosen))]
        pixels = torch.from_numpy(images[filled]).permute(0, 3, 1, 2).float().div_(255)
        if version:
            pixels = torch.cat(
                [
                    _changed(pixels[i : i + 1], augment, names[place], version)
                    for i, place in enumerate(filled)
                ]
            )
        pixels = pixels.to(device, memory_format=torch.channels_last)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == torch.bfloat16):
            features = backbone(pixels)[: len(chosen)]
        parts.append(
            (features.permute(0, 2, 3, 1) if features.ndim == 4 else features).half().cpu()
        )
    return torch.cat(parts).numpy()


def _changed(pixels: Tensor, augment: Augment, name: bytes, version: int) -> Tensor:
    """One picture, changed by draws that follow from its pixels and the version's number."""
    seed = int.from_bytes(
        hashlib.blake2b(name, digest_size=7, salt=version.to_bytes(4, "big")).digest(), "big"
    )
    first = torch.zeros(1, dtype=torch.int64)
    return augment_batch(
        pixels,
        first,
        augment,
        epoch=version,
        flip_first=first.bool(),
        generator=torch.Generator().manual_seed(seed),
    )


def _key(
    backbone: str,
    shape: tuple[int, ...],
    settings: dict[str, object],
    version: int,
    precision: torch.dtype,
) -> str:
    """Twelve hexadecimal digits of what a version's features depend on, but for the pictures."""
    facts = [FORMAT, backbone, list(shape), settings, version, str(precision)]
    return sha256_bytes(json.dumps(facts, sort_keys=True).encode())[:12]


def _read(path: Path | None) -> dict[bytes, NDArray[np.float16]]:
    if path is None or not path.is_file():
        return {}
    with contextlib.suppress(RunError, KeyError):
        tensors, _ = load_weights(path)
        names, features = tensors["pictures"].numpy(), tensors["features"].numpy()
        if (
            names.dtype == np.uint8
            and names.shape == (len(features), DIGEST)
            and features.dtype == np.float16
        ):
            return {name.tobytes(): row for name, row in zip(names, features, strict=True)}
    return {}


def _write(path: Path | None, known: dict[bytes, NDArray[np.float16]]) -> None:
    """A folder that cannot be written to does no harm: what was seen is seen again next time."""
    if path is None:
        return
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        names = np.frombuffer(b"".join(known), np.uint8).reshape(len(known), DIGEST).copy()
        save_weights(
            path,
            {
                "pictures": torch.from_numpy(names),
                "features": torch.from_numpy(np.stack(list(known.values()))),
            },
        )
