"""`state_of`: what tells whether an image file is still the one that was predicted."""

from pathlib import Path

from dressform.core.files import sha256_bytes, user_path
from dressform.predict.image_input import ImageInput

DIGITS = 12
"""Hexadecimal digits of the SHA-256 of an image given as bytes."""


def state_of(image: ImageInput) -> str | None:
    """What differs once an image's file was overwritten: its size and the nanosecond of its last
    change, which cost no reading; of bytes, digits of their SHA-256; None if there is no file.
    """
    if isinstance(image, bytes):
        return sha256_bytes(image)[:DIGITS]
    if not isinstance(image, (str, Path)):
        return None
    try:
        facts = user_path(image).stat()
    except (OSError, ValueError):
        return None
    return f"{facts.st_size} {facts.st_mtime_ns}"
