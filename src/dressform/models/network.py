"""What a network is, and how one is built for given images."""

import copy
import dataclasses
import functools
import hashlib
import logging
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from dressform.core.code_digest import is_own
from dressform.core.errors import ConfigError
from dressform.core.rng import stream_seed
from dressform.data.dataset import Layout
from dressform.models import MODELS
from dressform.models.ensemble import Members
from dressform.models.transfer import transfer_of

logger = logging.getLogger(__name__)

Shape = tuple[int, int, int]
"""Height, width and channels of the images."""


@runtime_checkable
class Network(Protocol):
    """A network's config: a frozen dataclass that can build the network for any shape and number of
    classes.
    """

    def build(self, shape: Shape, classes: int) -> nn.Module:
        """Return a module from float [N, C, H, W] to logits [N, classes]; drawn from torch's
        current random state.
        """


class ChannelsLast(nn.Module):
    """Lets a network take [N, H, W, C] instead of [N, C, H, W]."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Logits [N, K] for images float [N, H, W, C]."""
        logits: Tensor = self.network(images.permute(0, 3, 1, 2))
        return logits


class Contiguous(nn.Module):
    """A network that fails on images and weights that are channels-last in memory, as one with
    ``x.view(len(x), -1)`` after a convolution does.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Logits [N, K] for images float [N, C, H, W] of any format."""
        logits: Tensor = self.network(as_contiguous(images))
        return logits


def as_contiguous(images: Tensor) -> Tensor:
    """Images [N, C, H, W] in torch's usual format, with its strides even where C is 1: grey images
    in the other one are contiguous, too, but convolutions go by the strides.
    """
    return images.flatten(1).view(images.shape)


def make_channels_last(network: nn.Module) -> None:
    """Put 4-D weights and buffers into the memory format in which convolutions are fast, but those
    of a network that needs the other.
    """
    if isinstance(network, Contiguous):
        return
    for tensor in (*network.parameters(recurse=False), *network.buffers(recurse=False)):
        if tensor.ndim == 4:
            tensor.data = tensor.data.to(memory_format=torch.channels_last)
    for child in network.children():
        make_channels_last(child)


class Classifier(nn.Module):
    """A network together with the scaling of its pixels, so that no weights file can be used with
    the wrong scaling.

    Args:
        network: float [N, C, H, W] -> logits.
        mean: per channel, of pixels in [0, 1].
        std: per channel.
    """

    def __init__(self, network: nn.Module, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.network = network
        # Copies: weights that are loaded into one classifier must not change another.
        self.register_buffer("mean", mean.reshape(1, -1, 1, 1).float().clone())
        self.register_buffer("std", std.reshape(1, -1, 1, 1).float().clone())
        self.mean: Tensor
        self.std: Tensor
        self.register_load_state_dict_post_hook(lambda loaded, _: loaded._note_scaling())  # type: ignore[no-untyped-call]
        self._note_scaling()

    def _note_scaling(self) -> None:
        self._scales = bool(self.mean.any()) or bool((self.std != 1).any())

    def forward(self, pixels: Tensor) -> Tensor:
        """Logits [N, K] for pixels float [N, C, H, W] in [0, 1]."""
        logits: Tensor = self.network(self._scaled(pixels))
        return logits

    def member_logits(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Logits [N, K] of each member of an ensemble; of any other network, its own."""
        network, scaled = self.network, self._scaled(pixels)
        if isinstance(network, Contiguous):
            network, scaled = network.network, as_contiguous(scaled)
        return network.member_logits(scaled) if isinstance(network, Members) else (network(scaled),)

    def backbone(self) -> "Classifier":
        """A copy of the part that does not learn, pixels float [N, C, H, W] in [0, 1] -> features.

        Raises:
            ConfigError: the network has no such part.
        """
        backbone = copy.deepcopy(transfer_of(self.network).backbone)
        return Classifier(backbone, self.mean, self.std).eval()

    def _scaled(self, pixels: Tensor) -> Tensor:
        return (pixels - self.mean) / self.std if self._scales else pixels

    def head_logits(self, features: Tensor) -> tuple[Tensor, ...]:
        """The same as :meth:`member_logits`, from what :meth:`backbone` gave."""
        return (self.head(features),)

    def head(self, features: Tensor) -> Tensor:
        """Logits [N, K] from what :meth:`backbone` gave."""
        logits: Tensor = transfer_of(self.network).head(features)
        return logits

    def backbone_digest(self) -> str:
        """Twelve hexadecimal digits of everything that :meth:`backbone` depends on.

        Raises:
            ConfigError: the network has no such part.
        """
        backbone = transfer_of(self.network).backbone
        digest = hashlib.sha256(repr(backbone).encode())
        for name, values in {"mean": self.mean, "std": self.std, **backbone.state_dict()}.items():
            digest.update(name.encode())
            digest.update(values.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:12]


def build_network(
    network: Network | Callable[[Shape, int], nn.Module] | str,
    shape: Shape,
    classes: int,
    *,
    seed: int = 0,
) -> nn.Module:
    """Build a network with weights that depend on ``seed`` and on nothing else.

    Args:
        network: a name of ``MODELS``, a config, or a function of shape and classes.
        shape: height, width and channels of the images.
        classes: number of logits.
        seed: of the initial weights. torch's own random state is left as it was.

    Raises:
        UnknownNameError: no such name.
        ConfigError: not a network, or one whose output is not [N, classes].
    """
    if isinstance(network, str):
        network = resolve_network(network)
    if classes < 2 or min(shape) < 1:
        raise ConfigError(
            f"a network for images {shape} and {classes} classes cannot be built; allowed: sides "
            f">= 1, classes >= 2"
        )
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(stream_seed(seed, "weights"))
        try:
            module = (
                network.build(shape, classes)
                if isinstance(network, Network)
                else network(shape, classes)
            )
        except ConfigError:
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
            raise ConfigError(
                f"the network cannot be built for images {shape} and {classes} classes ({reason})"
            ) from error
        if not isinstance(module, nn.Module):
            raise ConfigError(
                f"the network's build returned {type(module).__name__}; it must give a "
                f"torch.nn.Module"
            )
        _check_output(module, shape, classes)
        if not is_built_in(network) and not _takes_channels_last(module, shape):
            return Contiguous(module)
    return module


def is_built_in(network: object) -> bool:
    """Whether a network's config, and all that it holds, are of classes of dressform."""
    if not dataclasses.is_dataclass(network) or not is_own(type(network)):
        return False
    values = [getattr(network, field.name) for field in dataclasses.fields(network)]
    held = [one for value in values for one in (value if isinstance(value, tuple) else (value,))]
    return all(is_built_in(one) for one in held if dataclasses.is_dataclass(one) or callable(one))


def resolve_network(name: str) -> Network:
    """The config of a named network with its default values."""
    found: Any = MODELS.resolve(name)
    network: Network = found() if isinstance(found, type) else found
    return network


def _takes_channels_last(module: nn.Module, shape: Shape) -> bool:
    """Whether a network can be trained in the memory format of the images."""
    tensors = [*module.parameters(), *module.buffers()]
    before, was_training = [tensor.data for tensor in tensors], module.training
    make_channels_last(module.eval())
    try:
        with torch.no_grad():
            module(torch.zeros(2, *shape).permute(0, 3, 1, 2))
    except Exception:  # noqa: BLE001 - whatever the user's network raises
        return False
    finally:
        module.train(was_training)
        for tensor, data in zip(tensors, before, strict=True):
            tensor.data = data
    return True


def _check_output(module: nn.Module, shape: Shape, classes: int) -> None:
    height, width, channels = shape
    was_training = module.training
    module.eval()
    try:
        with torch.no_grad():
            logits = module(torch.zeros(2, channels, height, width))
    except Exception as error:
        reason = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
        raise ConfigError(
            f"the network fails on images {height} x {width} x {channels} ({reason})"
        ) from error
    finally:
        module.train(was_training)
    if not isinstance(logits, Tensor):
        raise ConfigError(
            f"the network gives a {type(logits).__name__} for 2 images; expected a tensor [2, "
            f"{classes}], one logit per class, so return the logits alone"
        )
    if tuple(logits.shape) != (2, classes):
        raise ConfigError(
            f"the network gives {list(logits.shape)} for 2 images; expected [2, {classes}], one "
            f"logit per class"
        )
    if (logits >= 0).all() and (logits.sum(1) - 1).abs().max() < 1e-5:
        _warn_of_probabilities()


@functools.cache
def _warn_of_probabilities() -> None:
    """Once per process, however often the network is built."""
    logger.warning(
        "the network gives probabilities, which add up to 1; training takes logits and applies "
        "softmax itself, so leave out the network's softmax, with which it learns much less"
    )


def build_model(
    name: str | Network,
    *,
    shape: Shape = (28, 28, 1),
    classes: int = 10,
    layout: Layout = "channels-first",
    seed: int = 0,
) -> nn.Module:
    """Build a named network as a plain torch module.

    Args:
        name: a name of ``dressform models``, or a config.
        shape: height, width and channels of the images.
        classes: number of logits.
        layout: ``"channels-first"`` takes [N, C, H, W], ``"channels-last"`` [N, H, W, C]; the
            weights are the same.
        seed: of the initial weights.

    Raises:
        UnknownNameError: no such network or layout.
    """
    module = build_network(name, shape, classes, seed=seed)
    if layout == "channels-last":
        return ChannelsLast(module)
    if layout != "channels-first":
        raise ConfigError(f"layout is {layout!r}; allowed: channels-first, channels-last")
    return module


def count_parameters(module: nn.Module) -> int:
    """Numbers in a network: weights, frozen ones too, and batch norm's running statistics (as Keras
    counts them).
    """
    buffers = sum(
        b.numel()
        for n, b in module.named_buffers()
        if n.rpartition(".")[2] in ("running_mean", "running_var")
    )
    return buffers + sum(p.numel() for p in module.parameters())
