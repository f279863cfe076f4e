"""The Open Inference Protocol, version 2, as KServe and Triton speak it.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md,
with Triton's extensions for binary tensors and for the listing of models. A model is a project: its
name in the protocol is the project's identifier or name, and its versions are the project's
versions.
"""

import asyncio

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

import dressform
from dressform.core.frames import Json
from dressform.predictions import softmax
from dressform.service.errors import NotFoundError
from dressform.service.http.auth import authenticate
from dressform.service.http.bodies import read_body
from dressform.service.http.predictions import (
    PlainRoute,
    models_of,
    settings_of,
    time_limit,
)
from dressform.service.http.tensors import (
    HEADER_LENGTH,
    InferRequest,
    decompressed,
    infer_response,
    read_infer_request,
)
from dressform.service.served_model import ServedModel

LARGE = 64 * 2**10
"""Bytes of a body from which it is read and written in a thread."""
OUTPUTS = ("logits", "probabilities")
EXTENSIONS = ["binary_tensor_data", "model_repository"]

_ERROR = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
_TENSOR = {
    "type": "object",
    "required": ["name", "datatype", "shape"],
    "properties": {
        "name": {"type": "string"},
        "datatype": {"type": "string"},
        "shape": {"type": "array", "items": {"type": "integer"}},
    },
}
_OBJECT = {"type": "object"}
_STATUSES = {
    401: "no valid key",
    403: "the key may not do it",
    404: "there is no such model or version",
    409: "it has no model yet",
    503: "the server stops, or the database does not answer",
}
_BODY_STATUSES = _STATUSES | {
    413: "too large",
    422: "tensors that do not fit the model",
    429: "too many images wait; Retry-After says for how long",
}

router = APIRouter(route_class=PlainRoute, tags=["Open Inference Protocol"])


def _responses(schema: Json, statuses: dict[int, str]) -> dict[int | str, Json]:
    described: dict[int | str, Json] = {
        200: {"description": "OK", "content": {"application/json": {"schema": schema}}}
    }
    for status, description in statuses.items():
        content = {"application/json": {"schema": _ERROR}}
        described[status] = {"description": description, "content": content}
    return described


def _path(*names: str) -> Json:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in names
    ]
    return {"parameters": parameters}


@router.get("/v2", responses=_responses(_OBJECT, {}))
async def server_metadata(request: Request) -> Response:
    """Name, version and extensions of the server."""
    return JSONResponse(
        {"name": "dressform", "version": dressform.__version__, "extensions": EXTENSIONS}
    )


@router.get("/v2/health/live", responses=_responses(_OBJECT, {}))
async def live(request: Request) -> Response:
    """Whether the server runs."""
    return JSONResponse({"live": True})


@router.get("/v2/health/ready", responses=_responses(_OBJECT, {503: "the server stops"}))
async def ready(request: Request) -> Response:
    """Whether the server takes predictions."""
    running = models_of(request).is_running
    return JSONResponse({"ready": running}, 200 if running else 503)


@router.post(
    "/v2/repository/index", responses=_responses({"type": "array", "items": _OBJECT}, _STATUSES)
)
async def repository_index(request: Request) -> Response:
    """All models that are ready, with all their versions."""
    caller = await authenticate(request, "predict")
    keys = await models_of(request).ready(caller)
    return JSONResponse(
        [
            {"name": key.project_id, "version": str(key.version), "state": "READY", "reason": ""}
            for key in keys
        ]
    )


@router.get(
    "/v2/models/{model}", responses=_responses(_OBJECT, _STATUSES), openapi_extra=_path("model")
)
@router.get(
    "/v2/models/{model}/versions/{version}",
    responses=_responses(_OBJECT, _STATUSES),
    openapi_extra=_path("model", "version"),
)
async def model_metadata(request: Request) -> Response:
    """Inputs and outputs of a model."""
    served = await _served(request)
    versions = [str(served.key.version)]
    if "version" not in request.path_params:
        caller = await authenticate(request, "predict")
        keys = await models_of(request).ready(caller, served.key.project_id)
        versions = [str(key.version) for key in keys]
    card = served.card
    classes = len(card.class_names)
    return JSONResponse(
        {
            "name": request.path_params["model"],
            "versions": versions,
            "platform": "onnxruntime_onnx",
            "inputs": [{"name": "images", "datatype": "UINT8", "shape": [-1, *card.shape]}],
            "outputs": [
                {"name": name, "datatype": "FP32", "shape": [-1, classes]} for name in OUTPUTS
            ],
            "parameters": {"class_names": list(card.class_names)},
        }
    )


@router.get(
    "/v2/models/{model}/ready",
    responses=_responses(_OBJECT, _STATUSES),
    openapi_extra=_path("model"),
)
@router.get(
    "/v2/models/{model}/versions/{version}/ready",
    responses=_responses(_OBJECT, _STATUSES),
    openapi_extra=_path("model", "version"),
)
async def model_ready(request: Request) -> Response:
    """Whether a model takes predictions."""
    await _served(request)
    return JSONResponse({"name": request.path_params["model"], "ready": True})


_INFER = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["inputs"],
                    "properties": {
                        "id": {"type": "string"},
                        "parameters": _OBJECT,
                        "inputs": {"type": "array", "items": _TENSOR, "minItems": 1, "maxItems": 1},
                        "outputs": {"type": "array", "items": _OBJECT},
                    },
                }
            },
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}
_INFERRED = {
    "type": "object",
    "required": ["model_name", "model_version", "outputs"],
    "properties": {"outputs": {"type": "array", "items": _TENSOR}},
}


def _infer_responses() -> dict[int | str, Json]:
    described = _responses(_INFERRED, _BODY_STATUSES | {400: "the body is damaged"})
    described[200]["content"]["application/octet-stream"] = {
        "schema": {"type": "string", "format": "binary"}
    }
    return described


@router.post(
    "/v2/models/{model}/infer",
    response_class=Response,
    responses=_infer_responses(),
    openapi_extra=_path("model") | _INFER,
)
@router.post(
    "/v2/models/{model}/versions/{version}/infer",
    response_class=Response,
    responses=_infer_responses(),
    openapi_extra=_path("model", "version") | _INFER,
)
async def infer(request: Request) -> Response:
    """Logits and probabilities of images that have the model's size already."""
    served = await _served(request)
    settings = settings_of(request)
    async with time_limit(settings):
        body = await read_body(request, settings.max_upload, "the request")
        encoding = request.headers.get("content-encoding", "identity")
        header = request.headers.get(HEADER_LENGTH)

        def read() -> InferRequest:
            content = decompressed(body, encoding, settings.max_upload)
            return read_infer_request(content, header, served.card.shape, OUTPUTS)

        is_large = len(body) > LARGE or encoding != "identity"
        asked = await asyncio.to_thread(read) if is_large else read()
        logits = await served.logits(asked.images)

        def write() -> Response:
            arrays = {"logits": logits}
            if any(output.name == "probabilities" for output in asked.outputs):
                probabilities = softmax(logits / served.card.temperature)
                arrays["probabilities"] = probabilities.astype("<f4")
            about: dict[str, object] = {
                "model_name": request.path_params["model"],
                "model_version": str(served.key.version),
            }
            return infer_response(asked, about, arrays)

        return await asyncio.to_thread(write) if 16 * logits.size > LARGE else write()


async def _served(request: Request) -> ServedModel:
    """The model that a path names.

    Raises:
        NotFoundError: it does not exist, or belongs to somebody else.
    """
    caller = await authenticate(request, "predict")
    model, version = request.path_params["model"], request.path_params.get("version")
    if version is None:
        return await models_of(request).promoted(caller, model)
    if not (version.isascii() and version.isdecimal() and len(version) < 10):
        raise NotFoundError(f"{model} has no version {version[:40]!r}; versions are 1, 2, …")
    return await models_of(request).version(caller, model, int(version))
