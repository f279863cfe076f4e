"""`FeatureExtractor`: runs images through a frozen backbone, once, and keeps the features in files.

An image's versions follow from its pixels and their number alone, so every seed, fold and recipe
with the same backbone and the same augmentation shares them.
"""

import contextlib
import dataclasses
import hashlib
import json
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dressform.core.clock import Deadline
from dressform.core.errors import RunError, is_shortage
from dressform.core.files import sha256_bytes
from dressform.core.ordered_pool import map_in_order
from dressform.kernels.onnx_runtime import runtime_forward
from dressform.kernels.switch import enabled
from dressform.models.network import Classifier
from dressform.models.onnx_operators import traced_onnx
from dressform.training.augment import augment_batch
from dressform.training.checkpoint import load_weights, save_weights
from dressform.training.feature_cache import FeatureCache
from dressform.training.recipe import Augment

FORMAT = 4
"""Raised when the same settings begin to change images otherwise, so that older files are not
taken.
"""
BATCH_SIZE = {"cpu": 4, "cuda": 32}
"""Images at a time, in each thread: what a backbone's first layers make of 32 photos fits into no
cache of a processor.
"""
WRITE_EVERY = 4096
"""Images: what was computed until then outlives a kill."""
DIGEST_BYTES = 16
"""Of the digest that stands for an image."""
Progress = Callable[[int, int], object]
"""Told how many rows of features are done, and how many there are."""
Features = dict[bytes, NDArray[np.float16]]
"""Of images, under their digests."""


class FeatureExtractor:
    """Computes features of a network's frozen backbone, where they are not in a file yet.

    Args:
        network: with a frozen backbone.
        augment: how versions other than the first differ from the image.
        precision: ``float32`` or ``bfloat16``, for autocast.
        folder: of the files, one for each version; None keeps nothing. A damaged file is made
            again.
        deadline: of the training. Further versions are computed as long as half of its time is
            left; a strict one gives up.

    Raises:
        ConfigError: the network has no frozen backbone.
    """

    def __init__(
        self,
        network: Classifier,
        augment: Augment,
        *,
        precision: str,
        folder: Path | None = None,
        deadline: Deadline | None = None,
    ) -> None:
        self._backbone, self._digest = network.backbone(), network.backbone_digest()
        self._device = network.mean.device
        self._augment, self._precision, self._folder = augment, precision, folder
        self._deadline, self._half = deadline, -math.inf
        self._forward: Callable[[Tensor], Tensor] | None = None
        self._compiled = False

    def __call__(
        self,
        images: NDArray[np.uint8],
        versions: int = 1,
        *,
        seed: int = 0,
        progress: Progress = lambda done, total: None,
    ) -> FeatureCache:
        """The features of images.

        Args:
            images: uint8 [N, H, W, C].
            versions: of each image, 1 or more; the first is the image as it is.
            seed: of the order in which epochs see versions.
            progress: told of the progress.
        """
        digests = [
            hashlib.blake2b(image.tobytes(), digest_size=DIGEST_BYTES).digest() for image in images
        ]
        total = versions * len(images)
        features: NDArray[np.float16] | None = None
        if self._deadline is not None:
            self._half = self._deadline.left() / 2
        for version in range(versions):
            known = self._version(images, digests, version, progress, total)
            if version and len(known) < len(set(digests)):
                versions = version
                break
            if features is None:
                features = np.empty((versions, len(images), *known[digests[0]].shape), np.float16)
            for row, digest in enumerate(digests):
                features[version, row] = known[digest]
            progress((version + 1) * len(images), total)
        assert features is not None
        return FeatureCache(features[:versions], self._device, seed=seed)

    def _version(
        self,
        images: NDArray[np.uint8],
        digests: list[bytes],
        version: int,
        progress: Progress,
        total: int,
    ) -> Features:
        """One version of all images, from its file as far as it is there; of some only where the
        time is short and the version is not the first.
        """
        path = self._path(images.shape[1:], version)
        known = _read(path)
        missing = list({d: row for row, d in enumerate(digests) if d not in known}.values())
        done = version * len(images) + len(images) - len(missing)
        for start in range(0, len(missing), WRITE_EVERY):
            rows = missing[start : start + WRITE_EVERY]
            computed = self._compute(images, rows, digests, version)
            known |= {digests[row]: values for row, values in zip(rows, computed, strict=False)}
            _write(path, known)
            if self._deadline is not None:
                self._deadline.check()
            if len(computed) < len(rows):
                break
            progress(done + start + len(rows), total)
        return {digest: known[digest] for digest in digests if digest in known}

    def _stops(self, version: int) -> bool:
        """Whether there is no time for more of a version."""
        if self._deadline is None:
            return False
        left = self._deadline.left()
        return left < (0 if self._deadline.strict else self._half) and (
            self._deadline.strict or version > 0
        )

    def _compute(
        self, images: NDArray[np.uint8], rows: list[int], digests: list[bytes], version: int
    ) -> NDArray[np.float16]:
        size, forward = BATCH_SIZE[self._device.type], self._forward_of(images.shape[1:])

        @torch.inference_mode()
        def features(batch: Sequence[int]) -> Sequence[NDArray[np.float16]]:
            # Always a full batch: products of other sizes are summed in another order, and which
            # images are missing differs from call to call.
            filled = [*batch, *[batch[-1]] * (size - len(batch))]
            pixels = torch.from_numpy(images[filled]).permute(0, 3, 1, 2).float().div_(255)
            if version:
                augmented = [
                    _augmented(pixels[i : i + 1], self._augment, digests[row], version)
                    for i, row in enumerate(filled)
                ]
                pixels = torch.cat(augmented)
            computed = forward(pixels)[: len(batch)]
            channels_last = computed.permute(0, 2, 3, 1) if computed.ndim == 4 else computed
            return list(channels_last.half().contiguous().cpu().numpy())

        found: list[NDArray[np.float16]] = []
        with (
            _threads(self._compiled) as workers,
            contextlib.closing(map_in_order(features, rows, size, workers)) as computed,
        ):
            for row in computed:
                found.append(row)
                if len(found) % size == 0 and self._stops(version):
                    break
        return np.stack(found)

    def _forward_of(self, shape: tuple[int, ...]) -> Callable[[Tensor], Tensor]:
        """What the backbone computes, by ONNX Runtime where that can be, which is asked once."""
        if self._forward is None:
            if self._compiles:
                self._forward = _compiled(self._backbone, shape)
            self._compiled = self._forward is not None
            self._forward = self._forward or self._plain
        return self._forward

    @property
    def _compiles(self) -> bool:
        """In bfloat16 torch's convolutions are quick too."""
        float32 = self._device.type == "cpu" and self._precision == "float32"
        return float32 and enabled("onnx-runtime")

    def _plain(self, pixels: Tensor) -> Tensor:
        pixels = pixels.to(self._device, memory_format=torch.channels_last)
        bfloat16 = self._precision == "bfloat16"
        with torch.autocast(self._device.type, dtype=torch.bfloat16, enabled=bfloat16):
            features: Tensor = self._backbone(pixels)
        return features

    def _path(self, shape: tuple[int, ...], version: int) -> Path | None:
        """Named by a digest of what a version's features depend on, except for the images."""
        if self._folder is None:
            return None
        settings = dataclasses.asdict(self._augment) if version else {}
        facts = [
            FORMAT,
            self._digest,
            list(shape),
            settings,
            version,
            self._precision,
            self._compiles,
        ]
        key = sha256_bytes(json.dumps(facts, sort_keys=True).encode())[:12]
        return self._folder / f"{key}.safetensors"


@contextlib.contextmanager
def _threads(several: bool) -> Iterator[int]:
    """How many batches are computed at a time: as many as torch has threads, of which each gets one
    inside the block; or one batch with all threads.
    """
    count = torch.get_num_threads()
    if not several:
        yield 1
        return
    torch.set_num_threads(1)
    try:
        yield count
    finally:
        torch.set_num_threads(count)


def _compiled(backbone: nn.Module, shape: tuple[int, ...]) -> Callable[[Tensor], Tensor] | None:
    """A backbone, run by ONNX Runtime; None where it has operators that no one has written down as
    ONNX, or where that gives something else.
    """
    height, width, channels = shape
    sample = torch.rand(2, channels, height, width, generator=torch.Generator().manual_seed(0))
    try:
        content = traced_onnx(backbone, sample, ["features"]).SerializeToString()
        forward = runtime_forward(content)
        with torch.inference_mode():
            torch.testing.assert_close(forward(sample), backbone(sample), rtol=1e-3, atol=1e-3)
    except Exception as error:  # whatever it is, torch computes the same
        if is_shortage(error):
            raise
        return None
    return forward


def _augmented(pixels: Tensor, augment: Augment, digest: bytes, version: int) -> Tensor:
    """One image, changed by draws that follow from its pixels and the version's number."""
    salted = hashlib.blake2b(digest, digest_size=7, salt=version.to_bytes(4, "big"))
    seed = int.from_bytes(salted.digest(), "big")
    first = torch.zeros(1, dtype=torch.int64)
    return augment_batch(
        pixels,
        first,
        augment,
        epoch=version,
        flip_first=first.bool(),
        generator=torch.Generator().manual_seed(seed),
    )


def _read(path: Path | None) -> Features:
    if path is None or not path.is_file():
        return {}
    with contextlib.suppress(RunError, KeyError):
        tensors, _ = load_weights(path)
        digests, features = tensors["images"].numpy(), tensors["features"].numpy()
        types = digests.dtype == np.uint8 and features.dtype == np.float16
        if types and digests.shape == (len(features), DIGEST_BYTES):
            return {d.tobytes(): row for d, row in zip(digests, features, strict=True)}
    return {}


def _write(path: Path | None, known: Features) -> None:
    """A folder that cannot be written to does no harm: features are computed again next time."""
    if path is None:
        return
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        digests = np.frombuffer(b"".join(known), np.uint8).reshape(len(known), DIGEST_BYTES)
        features = np.stack(list(known.values()))
        save_weights(
            path,
            {"images": torch.from_numpy(digests.copy()), "features": torch.from_numpy(features)},
        )
