"""Predictions by the native API."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import Response

from dressform.core.errors import ConfigError, DataError, OutOfTimeError
from dressform.core.frames import Json
from dressform.service.errors import TooLargeError
from dressform.service.http.auth import authenticate
from dressform.service.http.bodies import read_body
from dressform.service.images import file_name
from dressform.service.predicting import Models
from dressform.service.served_model import ModelKey, ServedModel
from dressform.service.settings import ServiceSettings

MAX_FILES = 256
"""Images of one request; each has a place in the queue."""
IMAGE = "image"
"""Name of one that came as the body."""
BOOLEANS = {"true": True, "1": True, "false": False, "0": False}
"""A part of the OpenAPI document."""
Named = tuple[str, str | DataError]
"""The name of an image, and its prediction as JSON, or what is wrong with it."""


class PlainRoute(APIRoute):
    """A route whose endpoint takes the request and gives the response, as Starlette's do.

    FastAPI would look for dependencies and validate the answer, in each of many requests a second.
    What the endpoint takes is described by ``openapi_extra``.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The endpoint itself."""
        endpoint: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return endpoint


router = APIRouter(route_class=PlainRoute, tags=["predictions"])


def models_of(request: Request) -> Models:
    """The models of the service."""
    models: Models = request.app.state.models
    return models


def settings_of(request: Request) -> ServiceSettings:
    """The operator's settings."""
    settings: ServiceSettings = request.app.state.service.settings
    return settings


_ERROR = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
_PROBABILITY = {"type": "number", "minimum": 0, "maximum": 1}
_LABELLED = {
    "type": "object",
    "required": ["label", "probability"],
    "properties": {"label": {"type": "string"}, "probability": _PROBABILITY},
}
_STEP = {
    "type": "object",
    "required": ["description", "width", "height", "image"],
    "properties": {
        "description": {"type": "string"},
        "width": {"type": "integer", "minimum": 1},
        "height": {"type": "integer", "minimum": 1},
        "image": {"type": "string", "description": "a PNG file as a data: address"},
    },
}
_PREDICTION = {
    "type": "object",
    "required": ["name", "top", "label", "probability", "abstain", "reason", "ood_p_value"],
    "properties": {
        "name": {"type": "string", "description": "of the file"},
        "label": {"type": "string", "description": "the most probable class"},
        "probability": _PROBABILITY,
        "top": {"type": "array", "items": _LABELLED, "description": "most probable first"},
        "abstain": {
            "type": ["boolean", "null"],
            "description": "the image is unlike the training images: do not trust the classes; "
            "null: the model had too few held-out images to tell",
        },
        "reason": {"type": ["string", "null"], "description": "why it abstains"},
        "ood_p_value": {
            "anyOf": [_PROBABILITY, {"type": "null"}],
            "description": "fraction of validation images that are as unusual as this one",
        },
        "warnings": {"type": "array", "items": {"type": "string"}},
        "steps": {"type": "array", "items": _STEP, "description": "only with steps=true"},
    },
}
_ANSWER = {
    "type": "object",
    "required": ["model", "predictions"],
    "properties": {
        "model": {
            "type": "object",
            "required": ["id", "project_id", "version"],
            "properties": {
                "id": {"type": "string"},
                "project_id": {"type": "string"},
                "version": {"type": "integer", "minimum": 1},
            },
        },
        "predictions": {
            "type": "array",
            "items": {
                "anyOf": [
                    _PREDICTION,
                    {
                        "type": "object",
                        "required": ["name", "error"],
                        "properties": {"name": {"type": "string"}, "error": {"type": "string"}},
                    },
                ]
            },
        },
    },
}
_FILES = {
    "type": "object",
    "properties": {
        "file": {"type": "array", "items": {"type": "string", "format": "binary"}, "minItems": 1}
    },
    "required": ["file"],
}


def _described(name: str, description: str) -> Json:
    """What OpenAPI says about the parameters and the body of a route."""
    return {
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            | {"description": description},
            {
                "name": "top",
                "in": "query",
                "schema": {"type": "integer", "minimum": 1},
                "description": "number of classes; default: all",
            },
            {
                "name": "steps",
                "in": "query",
                "schema": {"type": "boolean", "default": False},
                "description": "whether answers show how each image was prepared",
            },
        ],
        "requestBody": {
            "required": True,
            "description": f"one image file as it is, or up to {MAX_FILES} files in a form",
            "content": {
                "image/*": {"schema": {"type": "string", "format": "binary"}},
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
                "multipart/form-data": {"schema": _FILES},
            },
        },
    }


_ERRORS: dict[int | str, Json] = {
    status: {"description": description, "content": {"application/json": {"schema": _ERROR}}}
    for status, description in {
        400: "the body is damaged",
        401: "no valid key",
        403: "the key may not do it",
        404: "there is no such model",
        409: "it has no model yet",
        413: "too large",
        422: "no image, or a parameter out of range",
        429: "too many images wait; Retry-After says for how long",
        503: "the server stops, or the database does not answer",
    }.items()
}
_RESPONSES = _ERRORS | {
    200: {"description": "OK", "content": {"application/json": {"schema": _ANSWER}}}
}


@router.post(
    "/api/v1/projects/{project_id}/predict",
    response_class=Response,
    responses=_RESPONSES,
    openapi_extra=_described("project_id", "of the project, or its name"),
)
async def predict_with_promoted(request: Request) -> Response:
    """Classes of one image or of many, by the promoted model of a project."""
    caller = await authenticate(request, "predict")
    served = await models_of(request).promoted(caller, request.path_params["project_id"])
    return await _predict(request, served)


@router.post(
    "/api/v1/models/{model_id}/predict",
    response_class=Response,
    responses=_RESPONSES,
    openapi_extra=_described("model_id", "of a ready model"),
)
async def predict_with_model(request: Request) -> Response:
    """Classes of one image or of many, by any ready model."""
    caller = await authenticate(request, "predict")
    served = await models_of(request).by_id(caller, request.path_params["model_id"])
    return await _predict(request, served)


async def _predict(request: Request, served: ServedModel) -> Response:
    settings = settings_of(request)
    top, steps = _options(request)
    is_form = request.headers.get("content-type", "").startswith("multipart/form-data")
    async with time_limit(settings):
        if is_form:
            named = await _predict_files(request, served, top, steps)
        else:
            content = await read_body(request, settings.max_image, "the image")
            answer = (await served.predict([(IMAGE, content)], top=top, steps=steps))[0]
            if isinstance(answer, DataError):
                raise answer
            named = [(IMAGE, answer)]
    return _response(served.key, named)


def _options(request: Request) -> tuple[int | None, bool]:
    """How many classes the answer has, None for all, and whether it has the steps.

    Raises:
        ConfigError: one of them is out of range.
    """
    if not request.scope["query_string"]:
        return None, False
    top, steps = request.query_params.get("top"), request.query_params.get("steps", "false")
    if top is not None and not (top.isascii() and top.isdecimal() and 0 < len(top) < 10):
        raise ConfigError(f"top is {top[:40]!r}; allowed: 1 or more")
    if top is not None and int(top) < 1:
        raise ConfigError(f"top is {top}; allowed: 1 or more")
    if steps.lower() not in BOOLEANS:
        raise ConfigError(f"steps is {steps[:40]!r}; allowed: true or false")
    return None if top is None else int(top), BOOLEANS[steps.lower()]


async def _predict_files(
    request: Request, served: ServedModel, top: int | None, steps: bool
) -> list[Named]:
    """Answers to the files of a form; one that is too large has an error in its place."""
    settings = settings_of(request)
    body = bounded(request, settings.max_upload, "the body")
    parser = MultiPartParser(body.headers, body.stream(), max_files=MAX_FILES, max_fields=16)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise ConfigError(f"the form cannot be read ({error.message})") from None
    files: list[tuple[str, bytes]] = []
    named: list[tuple[str, DataError | None]] = []
    try:
        for field, part in form.multi_items():
            if not isinstance(part, UploadFile):
                raise ConfigError(f"part {field[:40]!r} of the form is no file; leave it out")
            name = file_name(part.filename or "")
            if (part.size or 0) > settings.max_image:
                too_large = DataError(
                    f"{name} has {part.size or 0:,} bytes; allowed: {settings.max_image:,}; save "
                    f"it smaller"
                )
                named.append((name, too_large))
            else:
                named.append((name, None))
                files.append((name, await part.read()))
    finally:
        await form.close()
    if not named:
        raise ConfigError("the form has no file; send one or more")
    answers = iter(await served.predict(files, top=top, steps=steps))
    return [(name, refused or next(answers)) for name, refused in named]


def _response(key: ModelKey, named: Sequence[Named]) -> Response:
    model = {"id": key.model_id, "project_id": key.project_id, "version": key.version}
    predictions = ", ".join(_json(name, answer) for name, answer in named)
    document = f'{{"model": {json.dumps(model)}, "predictions": [{predictions}]}}'
    return Response(document, media_type="application/json")


def _json(name: str, answer: str | DataError) -> str:
    if isinstance(answer, str):
        return answer
    return json.dumps({"name": name, "error": str(answer)}, ensure_ascii=False)


def bounded(request: Request, most: int, what: str) -> Request:
    """The same request, whose body is read up to a limit.

    Args:
        request: whose body was not read yet.
        most: bytes; reading more raises TooLargeError.
        what: it is, for the message.
    """
    size = 0

    async def receive() -> Any:
        nonlocal size
        message = await request.receive()
        size += len(message.get("body", b""))
        if size > most:
            raise TooLargeError(f"{what} has more than {most:,} bytes, which is the limit")
        return message

    return Request(request.scope, receive)


@asynccontextmanager
async def time_limit(settings: ServiceSettings) -> AsyncIterator[None]:
    """A request takes no longer than the operator allows.

    Raises:
        OutOfTimeError: it does.
    """
    try:
        async with asyncio.timeout(settings.request_timeout):
            yield
    except TimeoutError:
        raise OutOfTimeError(
            f"the request took longer than {settings.request_timeout:g} s, its upload included; "
            f"send less at a time, or try again later"
        ) from None
