"""`KerasGraph`: a network as stock layers of Keras 3, and the ``.keras`` file of it.

The file is what Keras writes: a ZIP with the functional model's ``config.json``, ``metadata.json``
and the weights as HDF5. Neither Keras nor TensorFlow is needed to write it.
"""

import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dressform.core.errors import ConfigError
from dressform.core.files import write_atomic

KERAS_VERSION = "3.15.1"
"""Whose form of the file this is."""
MERGING = ("Add", "Average", "Concatenate", "Dot")
"""Layers that take a list."""
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""Of the ZIP's entries, so that the same network gives the same bytes."""


class Output(NamedTuple):
    """What a call of a layer gives.

    Attributes:
        layer: its name.
        call: number of the call, from 0.
    """

    layer: str
    call: int = 0


@dataclass(eq=False)
class KerasLayer:
    """A layer of the graph.

    Attributes:
        kind: its class in ``keras.layers``.
        name: distinct.
        config: its arguments, as JSON has them.
        calls: what each call of it takes: its inputs.
        weights: in Keras's order and layout.
        shape: of its output, without the batch: (H, W, C) or (F,).
    """

    kind: str
    name: str
    config: dict[str, object]
    calls: list[tuple["Output", ...]]
    weights: tuple[NDArray[np.float32], ...]
    shape: tuple[int, ...]


class KerasGraph:
    """A functional model of Keras that grows layer by layer; the last one is its output.

    Args:
        shape: of the images: height, width and channels.

    Attributes:
        layers: by name, each after those that it takes.
    """

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self._counts: Counter[str] = Counter()
        config: dict[str, object] = {
            "batch_shape": [None, *shape],
            "sparse": False,
            "ragged": False,
        }
        images = KerasLayer("InputLayer", "images", config, [], (), tuple(shape))
        self.layers = {images.name: images}

    def add(
        self,
        kind: str,
        inputs: Sequence[Output],
        shape: tuple[int, ...],
        weights: Sequence[NDArray[Any]],
        config: Mapping[str, object],
    ) -> Output:
        """Append a layer, called once.

        Args:
            kind: its class in ``keras.layers``.
            inputs: of the call.
            shape: of its output, without the batch.
            weights: in Keras's order and layout.
            config: its arguments; without ``name``, its class and a number, as Keras numbers
                layers.
        """
        name = str(config.get("name", ""))
        if not name:
            count = self._counts[kind]
            self._counts[kind] += 1
            name = f"{snake_case(kind)}_{count}" if count else snake_case(kind)
        arrays = tuple(np.ascontiguousarray(values, np.float32) for values in weights)
        self.layers[name] = KerasLayer(kind, name, dict(config), [tuple(inputs)], arrays, shape)
        return Output(name)

    def call(self, name: str, inputs: Sequence[Output]) -> Output:
        """Call a layer once more: its weights are shared."""
        calls = self.layers[name].calls
        calls.append(tuple(inputs))
        return Output(name, len(calls) - 1)

    def rename_last(self, name: str) -> Output:
        """Give the last layer, which no other takes yet, another name."""
        _, layer = self.layers.popitem()
        layer.name = name
        self.layers[name] = layer
        return Output(name)

    def save(self, path: Path, name: str, date: str) -> None:
        """Write the ``.keras`` file, atomically.

        Args:
            path: the file.
            name: of the model.
            date: when it was saved, for people.

        Raises:
            ConfigError: h5py is not installed.
        """
        parts: dict[str, str | bytes] = {
            "metadata.json": json.dumps({"keras_version": KERAS_VERSION, "date_saved": date}),
            "config.json": json.dumps(self.config(name)),
            "model.weights.h5": self._hdf5(),
        }
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for part, data in parts.items():
                archive.writestr(zipfile.ZipInfo(part, _EPOCH), data)
        write_atomic(path, lambda file: file.write(content.getvalue()))

    def config(self, name: str) -> dict[str, object]:
        """The functional model as ``config.json`` has it."""
        layers = list(self.layers.values())
        return {
            "module": "keras",
            "class_name": "Model",
            "config": {
                "name": re.sub(r"\W+", "_", name),
                "trainable": True,
                "layers": [self._layer_config(layer) for layer in layers],
                "input_layers": [[layers[0].name, 0, 0]],
                "output_layers": [[layers[-1].name, 0, 0]],
            },
            "registered_name": None,
        }

    def _layer_config(self, layer: KerasLayer) -> dict[str, object]:
        nodes: list[object] = []
        for inputs in layer.calls:
            tensors = [self._tensor(one) for one in inputs]
            arguments = [tensors] if layer.kind in MERGING else tensors
            nodes.append({"args": arguments, "kwargs": {}})
        return {
            "module": "keras.layers",
            "class_name": layer.kind,
            "config": {"dtype": "float32", **layer.config, "name": layer.name},
            "registered_name": None,
            "name": layer.name,
            "inbound_nodes": nodes,
        }

    def _tensor(self, output: Output) -> dict[str, object]:
        return {
            "class_name": "__keras_tensor__",
            "config": {
                "shape": [None, *self.layers[output.layer].shape],
                "dtype": "float32",
                "keras_history": [output.layer, output.call, 0],
            },
        }

    def _hdf5(self) -> bytes:
        """The weights: a group per layer, named by its class and a number."""
        try:
            import h5py
        except ImportError:
            raise ConfigError(
                "a .keras file needs h5py; install it with pip install 'dressform[keras]', or "
                "export with to='onnx'"
            ) from None
        content = io.BytesIO()
        counts: Counter[str] = Counter()
        with h5py.File(content, "w") as file:
            file.create_group("vars")
            for name in self.keras_order():
                layer = self.layers[name]
                kind = snake_case(layer.kind)
                group = f"layers/{kind}_{counts[kind]}" if counts[kind] else f"layers/{kind}"
                counts[kind] += 1
                variables = file.create_group(f"{group}/vars")
                for i, values in enumerate(layer.weights):
                    variables[str(i)] = values
                if layer.kind == "Dropout":  # which keeps the state of its random numbers
                    file[f"{group}/seed_generator/vars/0"] = np.array([0, 0], np.uint32)
        return content.getvalue()

    def keras_order(self) -> list[str]:
        """The layers as Keras orders them when it reads the file, by which it finds their weights:
        by their largest distance from the output, those that are as far as they are met by a
        depth-first search from it.
        """
        met: dict[str, int] = {}
        calls: list[Output] = []  # each after those that it takes
        seen: set[Output] = set()

        def visit(call: Output) -> None:
            if call not in seen:
                seen.add(call)
                met.setdefault(call.layer, len(met))
                for before in self._inputs(call):
                    visit(before)
                calls.append(call)

        visit(Output(next(reversed(self.layers))))
        distances: dict[Output, int] = {}
        of_layers: dict[str, int] = {}
        for call in reversed(calls):
            distance = max(distances.get(call, 0), of_layers.get(call.layer, 0))
            of_layers[call.layer] = distances[call] = distance
            for before in self._inputs(call):
                distances[before] = max(distance + 1, distances.get(before, 0))
        return sorted(of_layers, key=lambda name: (-of_layers[name], met[name]))

    def _inputs(self, call: Output) -> tuple[Output, ...]:
        calls = self.layers[call.layer].calls
        return calls[call.call] if calls else ()


def snake_case(kind: str) -> str:
    """``MaxPooling2D`` as Keras turns it into ``max_pooling2d``."""
    parts = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", kind)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", parts).lower()
