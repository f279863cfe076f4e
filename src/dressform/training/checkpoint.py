"""The state of an unfinished training, in one file that is whole or absent."""

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from dressform.core.errors import RunError
from dressform.core.files import write_atomic
from dressform.models.network import Classifier
from dressform.training.history import Epoch
from dressform.training.recipe import Recipe
from dressform.training.weight_average import WeightAverage

Weights = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class TrainingFiles:
    """What a training keeps on disk while it runs.

    Attributes:
        checkpoint: file for the state after each epoch; where it exists, training continues from
            there.
        key: what the checkpoint must belong to.
        features: folder for the features of a frozen backbone, shared by training runs; None keeps
            none.
        find_teacher: gives the run directory of a finished training of a teacher's recipe, on the
            same examples and with the same seed, or None, which trains the teacher.
    """

    checkpoint: Path | None = None
    key: str = ""
    features: Path | None = None
    find_teacher: Callable[[Recipe], Path | None] = lambda _: None

    def written(self) -> list[Path]:
        """The checkpoints that are there: of the training, and of its parts."""
        if self.checkpoint is None:
            return []
        folder, stem, suffix = self.checkpoint.parent, self.checkpoint.stem, self.checkpoint.suffix
        found = [self.checkpoint, *folder.glob(f"{stem}-*{suffix}")]
        return [file for file in found if file.exists()]

    def part(self, name: str) -> "TrainingFiles":
        """The files of a part of a training."""
        checkpoint = self.checkpoint
        if checkpoint is not None:
            checkpoint = checkpoint.with_name(f"{checkpoint.stem}-{name}{checkpoint.suffix}")
        return replace(self, checkpoint=checkpoint, key=f"{self.key}-{name}")


@dataclass
class State:
    """Everything that the rest of a training depends on, at the end of an epoch.

    Attributes:
        network: being trained.
        optimizer: with its moments.
        precision: ``float32`` or ``bfloat16``, chosen when training began.
        average: of the network's weights, or None.
        losses: float32 [N], of each training example when it was last seen, infinite before; None
            where nobody asks.
        history: a row per finished epoch.
        best: weights of the best epoch on the stopping metric, or None.
        best_epoch: its number, counted from 1; 0 before the first.
        pace: what :class:`dressform.training.pace.Pace` keeps; empty without a deadline.
    """

    network: Classifier
    optimizer: torch.optim.Optimizer
    precision: str
    average: WeightAverage | None = None
    losses: Tensor | None = None
    history: list[Epoch] = field(default_factory=list)
    best: Weights | None = None
    best_epoch: int = 0
    pace: list[float] = field(default_factory=list)

    @property
    def result(self) -> Classifier:
        """The network whose weights count: the average where there is one."""
        return self.network if self.average is None else self.average.network


def weights_of(network: nn.Module) -> Weights:
    """A copy of a network's parameters and buffers on the CPU, contiguous, as safetensors needs
    them.
    """
    return {
        name: t.detach().to("cpu", copy=True).contiguous()
        for name, t in network.state_dict().items()
    }


def save_weights(path: Path, weights: Weights, metadata: dict[str, str] | None = None) -> None:
    """Write weights as safetensors, atomically."""
    content = safetensors.torch.save(weights, metadata)
    write_atomic(path, lambda file: file.write(content))


def load_weights(path: Path) -> tuple[Weights, dict[str, str]]:
    """Read a safetensors file and its metadata.

    Raises:
        RunError: missing or damaged.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            # Clones: the originals would keep the file mapped, and Windows does not replace a
            # mapped file.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
            return tensors, dict(file.metadata() or {})
    except (safetensors.SafetensorError, OSError) as error:
        raise RunError(
            f"{path} cannot be read as safetensors ({error}); train again without resume=True, "
            f"into another out="
        ) from error


def save_state(path: Path, state: State, key: str) -> None:
    """Write the state.

    Args:
        path: replaced atomically.
        state: at the end of an epoch.
        key: digest of recipe, data and seed, checked on loading.
    """
    tensors = {f"network.{k}": v for k, v in weights_of(state.network).items()}
    if state.average is not None:
        tensors |= {f"average.{k}": v for k, v in weights_of(state.average.network).items()}
    if state.losses is not None:
        tensors["losses."] = state.losses.cpu()
    if state.best is not None:
        tensors |= {f"best.{k}": v for k, v in state.best.items()}
    for index, values in state.optimizer.state_dict()["state"].items():
        for name, value in values.items():
            if value is not None:
                tensors[f"optimizer.{index}.{name}"] = (
                    torch.as_tensor(value).detach().cpu().contiguous()
                )
    facts = {
        "key": key,
        "precision": state.precision,
        "best_epoch": state.best_epoch,
        "pace": state.pace,
        "history": [dataclasses.asdict(row) for row in state.history],
    }
    save_weights(path, tensors, {"state": json.dumps(facts)})


def load_state(path: Path, state: State, key: str) -> None:
    """Bring ``state``, freshly built, to what was saved.

    Raises:
        RunError: damaged, or saved by a training of another recipe, seed or data.
    """
    tensors, metadata = load_weights(path)
    facts: dict[str, Any] = json.loads(metadata.get("state", "{}"))
    if facts.get("key") != key:
        raise RunError(
            f"{path} belongs to a training with other settings, data or seed; train into another "
            f"out="
        )
    groups: dict[str, dict[str, Tensor]] = {
        "network": {},
        "average": {},
        "best": {},
        "optimizer": {},
        "losses": {},
    }
    for name, tensor in tensors.items():
        group, _, rest = name.partition(".")
        groups[group][rest] = tensor
    try:
        state.network.load_state_dict(groups["network"])
        if state.average is not None:
            state.average.network.load_state_dict(groups["average"])
    except RuntimeError as error:
        raise RunError(f"{path} has weights of another network; train into another out=") from error
    if state.losses is not None:
        state.losses.copy_(groups["losses"][""])
    state.best = groups["best"] or None
    state.precision = facts["precision"]
    state.best_epoch = facts["best_epoch"]
    state.pace = facts.get("pace", [])
    state.history = [Epoch(**row) for row in facts["history"]]
    parameters = [p for group in state.optimizer.param_groups for p in group["params"]]
    values: dict[int, dict[str, Tensor]] = {}
    for name, tensor in groups["optimizer"].items():
        index, _, field_name = name.partition(".")
        parameter = parameters[int(index)]
        if (
            tensor.shape == parameter.shape
        ):  # in the parameter's memory layout, so that the same kernels run
            tensor = torch.empty_like(parameter, dtype=tensor.dtype).copy_(tensor)
        values.setdefault(int(index), {})[field_name] = tensor
    saved = state.optimizer.state_dict()
    state.optimizer.load_state_dict({"state": values, "param_groups": saved["param_groups"]})
