"""Edits that spoil a file of an input, and what reading it then must give: for the property tests
and for ``fuzz_readers.py``. The inputs are in ``fuzz_samples.py``.
"""

import random
import shutil
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import dressform
from dressform.core.errors import DressformError

EditKind = Literal["flip", "set", "cut", "delete", "insert", "repeat", "zeros", "number"]
EDIT_KINDS: tuple[EditKind, ...] = (
    "flip",
    "set",
    "cut",
    "delete",
    "insert",
    "repeat",
    "zeros",
    "number",
)
TOKENS = (
    *(b",", b";", b"\t", b"\n", b"\r\n", b'"', b"'", b" ", b"-", b".", b"0", b"\0"),
    *(b"256", b"-1", b"1e9", b"NaN", b"inf", b"9" * 30, b"\xef\xbb\xbf", b"\xff\xfe", b"../"),
)
"""What is inserted into text."""
NUMBERS = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)


@dataclass(frozen=True)
class Edit:
    """One change of a file.

    Attributes:
        kind: what is done.
        place: where, as a fraction of the file, 0..1.
        size: bytes concerned.
        data: what is inserted; its first byte also chooses bits and numbers.
    """

    kind: EditKind
    place: float
    size: int = 1
    data: bytes = b"\0"


def apply(content: bytes, edits: tuple[Edit, ...]) -> bytes:
    """The content after all edits, in order."""
    for edit in edits:
        at = min(int(edit.place * len(content)), max(0, len(content) - 1))
        end, data = at + edit.size, edit.data or b"\0"
        head, rest = content[:at], content[end:]
        match edit.kind:
            case "flip":
                bit = bytes([content[at] ^ (1 << data[0] % 8)]) if content else b""
                content = head + bit + content[at + 1 :]
            case "set":
                content = head + data[:1] + content[at + 1 :]
            case "cut":
                content = head
            case "delete":
                content = head + rest
            case "insert":
                content = head + data + content[at:]
            case "repeat":
                content = content[:end] + content[at:end] * 3 + rest
            case "zeros":
                content = head + bytes(len(content[at:end])) + rest
            case "number":
                number = NUMBERS[data[0] % len(NUMBERS)]
                order = "<I" if data[0] & 0x80 else ">I"
                content = head + struct.pack(order, number) + content[at + 4 :]
    return content


def random_edits(chance: random.Random) -> tuple[Edit, ...]:
    """One to six edits, half of them near the start, where headers are."""
    return tuple(
        Edit(
            chance.choice(EDIT_KINDS),
            chance.random() ** chance.choice((1, 8)),
            chance.choice((1, 2, 4, 16, 200)),
            chance.choice((chance.choice(TOKENS), chance.randbytes(chance.choice((1, 4, 40))))),
        )
        for _ in range(chance.choice((1, 1, 2, 3, 6)))
    )


@dataclass(frozen=True, repr=False)
class Sample:
    """A valid input of which one file is spoiled.

    Attributes:
        name: the reader and the form.
        files: path -> contents, the spoiled file's among them.
        victim: path of the spoiled file.
        content: the bytes that are edited: the file's, or those inside a container.
        source: path of what is read, ``.`` for the folder.
        wrap: makes the file of the edited bytes.
        good: images that stay readable whatever happens to the victim; None where all may be lost.
    """

    name: str
    files: Mapping[str, bytes]
    victim: str
    content: bytes
    source: str = "."
    wrap: Callable[[bytes], bytes] = field(default=bytes)
    good: int | None = None

    def __repr__(self) -> str:
        return f"<{self.name}>"


def outcome(
    sample: Sample, edits: tuple[Edit, ...], folder: Path, *, skip_bad: bool
) -> Literal["read", "refused"]:
    """Write the input with its victim spoiled, and read it.

    Args:
        sample: what is spoiled.
        edits: how.
        folder: where it is written; emptied first.
        skip_bad: whether bad images are left out.

    Raises:
        AssertionError: the message has several lines, or an image was lost in silence.
        Exception: whatever the reader raises beside DressformError; that is a bug.
    """
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    for path, content in sample.files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    (folder / sample.victim).write_bytes(sample.wrap(apply(sample.content, edits)))
    options: dict[str, Any] = {"skip_bad": True} if skip_bad else {}
    try:
        splits = dressform.load_data(folder / sample.source, **options)
    except DressformError as error:
        message = str(error)
        if "\n" in message or "\r" in message or len(message) > 2000:
            raise AssertionError(f"not one line: {message[:300]!r}") from error
        if skip_bad and sample.good is not None:
            raise AssertionError(f"one bad image ends all: {message}") from error
        return "refused"
    if sample.good is not None:
        _check_nothing_lost(sample, splits)
    return "read"


def _check_nothing_lost(sample: Sample, splits: dressform.DatasetSplits) -> None:
    ids = [str(example_id) for _, dataset in splits for example_id in dataset.ids]
    name = Path(sample.victim).name
    if len([i for i in ids if name not in i]) != sample.good:
        raise AssertionError(f"{len(ids)} images were read; {sample.good} others are good")
    said = [*splits.notes, *(str(item.path) for item in getattr(splits, "left_out", ()))]
    if not any(name in text for text in [*ids, *said]):
        raise AssertionError(f"{name} was lost in silence")
