"""Bodies that are images: raw, or the parts of a form."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, BinaryIO, cast

from fastapi import Depends, HTTPException, Request
from fastapi.datastructures import UploadFile
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData

from dressform.core.errors import ConfigError, DataError, DressformError
from dressform.core.frames import Json
from dressform.service.errors import TooLargeError, disk_error
from dressform.service.http.auth import service_of
from dressform.service.store import Store

MAX_TEXT = 2_000
"""Bytes of a form's field."""
BINARY: Json = {"schema": {"type": "string", "format": "binary"}}
FORM: Json = {
    "schema": {
        "type": "object",
        "properties": {"file": {"type": "array", "items": {"type": "string", "format": "binary"}}},
        "required": ["file"],
    }
}
IMAGE_BODY: Json = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": BINARY, "multipart/form-data": FORM},
    }
}
"""For the description of routes that take images."""


def is_form(request: Request) -> bool:
    """Whether the body is a form with parts."""
    return request.headers.get("content-type", "").lower().startswith("multipart/")


async def read_body(request: Request, most: int, what: str) -> bytes:
    """The whole body.

    Raises:
        TooLargeError: it has more than ``most`` bytes.
        DataError: it is empty.
    """
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise TooLargeError(f"{what} has more than {most:,} bytes, which is the limit")
        parts.append(part)
    if not size:
        raise DataError(f"the body is empty; send {what} in it")
    return b"".join(parts)


async def read_form(request: Request) -> FormData:
    """The parts of a form; whoever reads it closes it.

    Raises:
        HTTPException: it is damaged, or has more parts than are allowed (400).
        ResourceError: the disk of temporary files is full or read-only.
    """
    most = service_of(request).settings.max_files
    try:
        return await request.form(max_files=most, max_fields=1_000, max_part_size=MAX_TEXT)
    except HTTPException:
        raise
    except AssertionError:
        raise HTTPException(400, "the Content-Type of the form is damaged") from None
    except OSError as error:  # large parts are written to temporary files
        raise disk_error("the upload cannot be stored", error) from error


async def form_of(request: Request) -> AsyncIterator[FormData | None]:
    """The body's parts, or None for a raw body."""
    if not is_form(request):
        yield None
        return
    form = await read_form(request)
    try:
        yield form
    finally:
        await form.close()


HasForm = Annotated[FormData | None, Depends(form_of)]


def files_of(form: FormData) -> list[UploadFile]:
    """The parts that are files with a name.

    Raises:
        DataError: there is none.
    """
    files = [
        part
        for _, part in form.multi_items()
        if not isinstance(part, str) and (part.filename or part.size)
    ]
    if not files:
        raise DataError("the form has no file; add one as part 'file'")
    return cast(list[UploadFile], files)


def content_of(file: UploadFile, most: int) -> bytes | DressformError:
    """The bytes of a part, or the error that it is too large; from a thread."""
    if (file.size or 0) > most:
        return TooLargeError(
            f"{file.filename} has {file.size:,} bytes; allowed: {most:,}; save it smaller"
        )
    return file.file.read()


def text_of(form: FormData, name: str) -> str | None:
    """A field of a form, which some clients send as a file without a name.

    Raises:
        ConfigError: it is longer than a field may be, or no text.
    """
    value = form.get(name)
    if value is None or isinstance(value, str):
        return value
    if (value.size or 0) > MAX_TEXT:
        raise ConfigError(f"{name} has {value.size:,} bytes; allowed: {MAX_TEXT:,}")
    try:
        return value.file.read().decode()
    except UnicodeDecodeError:
        raise ConfigError(f"{name} is not UTF-8") from None


async def spooled(request: Request, form: FormData | None, store: Store, suffix: str) -> Path:
    """Write the body, or its only file, to a file in the store's temporary folder.

    Raises:
        FullError: the disk is full.
        ResourceError: it is read-only, or fails.
        DataError: the body is empty, or has several files.
    """
    try:
        file = cast(
            BinaryIO,
            tempfile.NamedTemporaryFile(  # noqa: SIM115 - the path is handed on
                dir=store.temporary, prefix="upload-", suffix=suffix, delete=False
            ),
        )
    except OSError as error:
        raise disk_error("the upload cannot be stored", error) from None
    path, size = Path(file.name), 0
    try:
        with file:
            if form is None:
                async for part in request.stream():
                    size += len(part)
                    await run_in_threadpool(file.write, part)
            else:
                parts = files_of(form)
                if len(parts) > 1:
                    raise DataError(f"the form has {len(parts)} files; send one in each request")
                while part := await parts[0].read(2**20):
                    size += len(part)
                    await run_in_threadpool(file.write, part)
        if not size:
            raise DataError("the body is empty; send the file in it")
    except OSError as error:
        path.unlink(missing_ok=True)
        raise disk_error("the upload cannot be stored", error) from error
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path
