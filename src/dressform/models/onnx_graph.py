"""`OnnxGraph`: an ONNX graph, built node by node."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn

from dressform.models.trace import BATCH, Rows, UntraceableError, Value

OPSET, IR_VERSION = 20, 10
"""What ONNX Runtime 1.18 and newer read."""
TYPES = {
    torch.float32: onnx.TensorProto.FLOAT,
    torch.uint8: onnx.TensorProto.UINT8,
}


class OnnxGraph:
    """An ONNX graph, built node by node.

    Args:
        module: whose parameters and buffers keep their names.
        images: the input.
    """

    def __init__(self, module: nn.Module, images: Value) -> None:
        self._nodes: list[Any] = []
        self._initializers: dict[str, onnx.TensorProto] = {}
        self._alive: list[Tensor] = []  # so that no other tensor gets the storage of one
        self._names = {images.number: "images"}
        self._images = images
        tensors = [*module.named_parameters(), *module.named_buffers()]
        self._constants = {_storage_key(tensor): name for name, tensor in tensors}

    def alias(self, value: Value, name: str) -> None:
        """Give a tensor the name of a node's output."""
        self._names[value.number] = name

    def add(self, kind: str, *inputs: Any, **attributes: Any) -> str:
        """Append a node with one output; numbers, arrays and tensors become constants.

        Args:
            kind: the operator of ONNX.
            inputs: values, names, rows, tensors, arrays or numbers.
            attributes: of the node.

        Returns:
            the name of its output.
        """
        output = f"{kind.lower()}_{len(self._nodes)}"
        names = [self._name(one) for one in inputs]
        self._nodes.append(helper.make_node(kind, names, [output], output, **attributes))
        return output

    def name(self, value: Value) -> str:
        """The name of a tensor."""
        if value.number not in self._names:
            raise UntraceableError("the second output of an operator is used")
        return self._names[value.number]

    def model(self, outputs: Mapping[str, Value]) -> onnx.ModelProto:
        """The whole model.

        Args:
            outputs: by the names that they get.
        """
        named: dict[str, str] = {}
        for name, value in outputs.items():
            inner = self.name(value)
            if inner == "images" or inner in named:
                inner = self.add("Identity", inner)
            named[inner] = name
        for node in self._nodes:
            for names in (node.input, node.output):
                for i, name in enumerate(names):
                    names[i] = named.get(name, name)
        graph = helper.make_graph(
            self._nodes,
            "dressform",
            [_value_info("images", self._images)],
            [_value_info(name, value) for name, value in outputs.items()],
            list(self._initializers.values()),
        )
        return helper.make_model(
            graph,
            producer_name="dressform",
            ir_version=IR_VERSION,
            opset_imports=[helper.make_opsetid("", OPSET)],
        )

    def _name(self, argument: Any) -> str:
        if isinstance(argument, str):
            return argument
        if isinstance(argument, Value):
            return self.name(argument)
        if isinstance(argument, Rows):
            count = self.add("Shape", self.name(self._images), start=0, end=1)
            rest = np.array(argument.row.shape[1:], np.int64)
            return self.add("Expand", argument.row, self.add("Concat", count, rest, axis=0))
        name = f"constant_{len(self._initializers)}"
        if isinstance(argument, Tensor):
            name = self._constants.setdefault(_storage_key(argument), name)
            self._alive.append(argument)
            argument = argument.detach().contiguous().numpy()
        elif not isinstance(argument, np.ndarray):
            argument = np.asarray(argument, np.float32)
        if name not in self._initializers:
            self._initializers[name] = numpy_helper.from_array(argument, name)
        return name


def _storage_key(tensor: Tensor) -> tuple[object, ...]:
    return tensor.data_ptr(), tuple(tensor.shape), tensor.stride(), tensor.dtype


def _value_info(name: str, value: Value) -> Any:
    shape = ["N" if side == BATCH else f"{-side} N" if side < 0 else side for side in value.shape]
    return helper.make_tensor_value_info(name, TYPES[value.dtype], shape)
