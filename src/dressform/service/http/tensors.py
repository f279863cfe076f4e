"""Tensors of the Open Inference Protocol, as JSON and as bytes behind it."""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from starlette.responses import Response

from dressform.core.errors import ConfigError, DataError, unknown_name
from dressform.service.errors import TooLargeError

HEADER_LENGTH = "Inference-Header-Content-Length"
"""Of the JSON, where the bytes of tensors follow it."""
MAX_JSON = 16 * 2**20
"""Bytes of JSON, which takes many times as much memory and time as tensors in bytes."""
MAX_OBJECTS = 1_000
WINDOW_BITS = {"gzip": 31, "deflate": 15}
"""How zlib is told which of its formats comes."""


@dataclass(frozen=True)
class OutputRequest:
    """An output that a client wants.

    Attributes:
        name: of the output.
        binary: whether as bytes, little-endian, or as numbers in the JSON.
    """

    name: str
    binary: bool


@dataclass(frozen=True)
class InferRequest:
    """A request for inference.

    Attributes:
        images: uint8 [N, H, W, C].
        outputs: wanted, in order.
        id: that the client gives, and gets back; or None.
    """

    images: NDArray[np.uint8]
    outputs: tuple[OutputRequest, ...]
    id: str | None


def decompressed(body: bytes, encoding: str, most: int) -> bytes:
    """A body without its ``Content-Encoding``.

    Args:
        body: as it came.
        encoding: ``identity``, ``gzip`` or ``deflate``.
        most: bytes that it may have.

    Raises:
        TooLargeError: it has more.
        DataError: it is damaged.
        ConfigError: the encoding is another one.
    """
    if encoding == "identity":
        return body
    if encoding not in WINDOW_BITS:
        raise ConfigError(f"Content-Encoding is {encoding[:40]!r}; allowed: gzip or deflate")
    stream = zlib.decompressobj(WINDOW_BITS[encoding])
    try:
        content = stream.decompress(body, most)
    except zlib.error as error:
        raise DataError(f"the body is no valid {encoding} ({error}); send it again") from None
    if stream.unconsumed_tail:
        raise TooLargeError(f"the body unpacks to more than {most:,} bytes, which is the limit")
    if not stream.eof:
        raise DataError(f"the body is no valid {encoding} (it ends early); send it again")
    return content


def read_infer_request(
    body: bytes, header: str | None, shape: tuple[int, int, int], outputs: Sequence[str]
) -> InferRequest:
    """Read the body of a request for inference.

    Args:
        body: JSON, and the bytes of tensors behind it.
        header: value of the header with the JSON's length; None if it is all.
        shape: height, width and channels of the model's input.
        outputs: names of the model's outputs.

    Raises:
        DataError: it is no such body, or its tensors do not fit.
        ConfigError: an output is unknown.
        TooLargeError: the JSON is too large.
    """
    length = len(body)
    if header is not None:
        digits = header.isascii() and header.isdecimal() and len(header) < 20
        if not (digits and int(header) <= len(body)):
            raise DataError(
                f"{HEADER_LENGTH} is {header[:40]!r}; allowed: 0 to {len(body):,}, the length of "
                f"the body"
            )
        length = int(header)
    if length > MAX_JSON:
        raise TooLargeError(
            f"the JSON has {length:,} bytes; allowed: {MAX_JSON:,}; send fewer images, or their "
            f"bytes behind the JSON (binary_data_size)"
        )
    if body.count(b"{", 0, length) > MAX_OBJECTS:
        raise DataError(
            f"the JSON has more than {MAX_OBJECTS:,} objects; send a request for inference"
        )
    try:
        document = json.loads(body[:length])
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise DataError(
            f"the body is no valid JSON ({reason}); send a request for inference"
        ) from None
    if not isinstance(document, dict):
        raise DataError("the body is no JSON object; send a request for inference")
    inputs = document.get("inputs")
    if not (isinstance(inputs, list) and len(inputs) == 1 and isinstance(inputs[0], dict)):
        raise DataError("inputs is no list of one tensor; send one, named images")
    identifier = document.get("id")
    if identifier is not None and not isinstance(identifier, str):
        raise DataError("id is no text; send one, or leave it out")
    images = _images(inputs[0], body[length:], shape)
    return InferRequest(images, _outputs(document, outputs), identifier)


def _images(
    tensor: Mapping[str, object], binary: bytes, shape: tuple[int, int, int]
) -> NDArray[np.uint8]:
    """The input of the model.

    Raises:
        DataError: it does not fit.
    """
    if tensor.get("name") != "images":
        raise unknown_name("input", str(tensor.get("name"))[:40], ["images"])
    if tensor.get("datatype") != "UINT8":
        raise DataError(f"images is {str(tensor.get('datatype'))[:40]}; allowed: UINT8")
    sides = tensor.get("shape")
    allowed = f"[N, {', '.join(map(str, shape))}], N from 1"
    if not (
        isinstance(sides, list)
        and all(type(side) is int for side in sides)
        and tuple(sides[1:]) == shape
        and sides[0] >= 1
    ):
        raise DataError(f"images has the shape {str(sides)[:80]}; allowed: {allowed}")
    count = int(np.prod(shape)) * int(sides[0])
    size = _parameter(tensor, "binary_data_size")
    if size is not None:
        if size != len(binary) or size != count:
            raise DataError(
                f"images has {len(binary):,} bytes, binary_data_size is {str(size)[:40]}; allowed: "
                f"{count:,} for its shape"
            )
        values = np.frombuffer(binary, np.uint8)
    else:
        if binary:
            raise DataError(
                f"{len(binary):,} bytes follow the JSON, but images has no binary_data_size"
            )
        values = _numbers(tensor.get("data"))
    if values.size != count:
        raise DataError(f"images has {values.size:,} values; allowed: {count:,} for its shape")
    return values.reshape(sides)


def _numbers(data: object) -> NDArray[np.uint8]:
    """The values of a tensor in JSON, nested or flat.

    Raises:
        DataError: they are no integers from 0 to 255.
    """
    if not isinstance(data, list):
        raise DataError("images has no data; send a list of numbers, or binary_data_size")
    try:
        values = np.array(data)
    except (ValueError, OverflowError):
        raise DataError("the lists in data differ in length; send a flat list") from None
    is_fit = values.size == 0 or (
        values.dtype.kind in "iu" and 0 <= values.min() <= values.max() <= 255
    )
    if not is_fit:
        raise DataError("data has values other than integers from 0 to 255")
    return values.astype(np.uint8)


def _outputs(document: Mapping[str, object], known: Sequence[str]) -> tuple[OutputRequest, ...]:
    """The outputs that are wanted; all if none is named.

    Raises:
        DataError: the list is no list of outputs.
        ConfigError: one is unknown, or asked for twice.
    """
    binary = _parameter(document, "binary_data_output") is True
    wanted = document.get("outputs")
    if wanted is None or wanted == []:
        return tuple(OutputRequest(name, binary) for name in known)
    if not (isinstance(wanted, list) and all(isinstance(output, dict) for output in wanted)):
        raise DataError("outputs is no list of objects with a name")
    found: list[OutputRequest] = []
    for output in wanted:
        name = output.get("name")
        if name not in known:
            raise unknown_name("output", str(name)[:40], known)
        if any(name == other.name for other in found):
            raise ConfigError(f"output {name} is asked for twice; ask once")
        if _parameter(output, "classification") is not None:
            raise ConfigError(
                "the classification extension is not known here; ask for probabilities"
            )
        own = _parameter(output, "binary_data")
        found.append(OutputRequest(name, binary if own is None else own is True))
    return tuple(found)


def _parameter(document: Mapping[str, object], name: str) -> object:
    """A parameter of a request, an input or an output; None if it is not given.

    Raises:
        DataError: the parameters are no JSON object.
    """
    parameters = document.get("parameters")
    if parameters is None:
        return None
    if not isinstance(parameters, dict):
        raise DataError("parameters is no JSON object")
    value: object = parameters.get(name)
    return value


def infer_response(
    request: InferRequest, about: Mapping[str, object], arrays: Mapping[str, NDArray[np.float32]]
) -> Response:
    """The answer to a request for inference.

    Args:
        request: as it was read.
        about: what the answer says about the model.
        arrays: float32 [N, K], by the names of the outputs.
    """
    outputs, parts = [], []
    for wanted in request.outputs:
        values = np.ascontiguousarray(arrays[wanted.name], dtype="<f4")
        output: dict[str, object] = {
            "name": wanted.name,
            "datatype": "FP32",
            "shape": list(values.shape),
        }
        if wanted.binary:
            output["parameters"] = {"binary_data_size": values.nbytes}
            parts.append(values.tobytes())
        else:
            output["data"] = values.ravel().tolist()
        outputs.append(output)
    document = dict(about) | ({} if request.id is None else {"id": request.id})
    content = json.dumps(document | {"outputs": outputs}, ensure_ascii=False).encode()
    if not parts:
        return Response(content, media_type="application/json")
    return Response(
        b"".join((content, *parts)),
        media_type="application/octet-stream",
        headers={HEADER_LENGTH: str(len(content))},
    )
