"""What the tests of readers ask of an input: how it was read, or how it was refused."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import dressform
from dressform.core.errors import DataError, DressformError
from dressform.data.dataset import DatasetSplits
from tests.cli.command import dressform_command

Counts = dict[str, dict[str, int]]
"""Split -> class -> examples."""


def counts(splits: DatasetSplits) -> Counts:
    return {
        split: dict(zip(dataset.class_names, map(int, dataset.counts), strict=True))
        for split, dataset in splits
    }


def totals(splits: DatasetSplits) -> dict[str, int]:
    """Examples of each class over all splits."""
    return {
        name: sum(split[name] for split in counts(splits).values()) for name in splits.class_names
    }


def notes(splits: DatasetSplits) -> str:
    return "\n".join(splits.notes)


def has(text: str, word: str) -> bool:
    """Whether a text has a word, whatever its case; a number must stand alone, and what the
    temporary folder is called does not count.
    """
    text = re.sub(r"[^\s'\"]*pytest-of-[^/]+/(?:[^/\s]+/)*?test_\w+", "", text)
    if word.isdigit():
        return re.search(rf"(?<!\d){word}(?!\d)", text) is not None
    return word.lower() in text.lower()


def notes_with(splits: DatasetSplits, *words: str) -> list[str]:
    """The notes that have one of the words."""
    return [note for note in splits.notes if any(has(note, word) for word in words)]


def examples(splits: DatasetSplits) -> list[tuple[bytes, str]]:
    """Pixels and class name of every example of every split, sorted."""
    return sorted(
        (image.tobytes(), dataset.class_names[label])
        for _, dataset in splits
        for image, label in zip(dataset.images, dataset.labels, strict=True)
    )


def refused(
    source: Path | str, *words: str, error: type[DressformError] = DataError, **options: Any
) -> str:
    """The message of the refusal: one line that has every word, whatever their case."""
    with pytest.raises(error) as caught:
        dressform.load_data(source, **options)
    return _message(caught.value, words)


def attempt(source: Path | str, *words: str, **options: Any) -> DatasetSplits | str:
    """The splits, or the message of a refusal that has every word."""
    try:
        return dressform.load_data(source, **options)
    except DressformError as error:
        return _message(error, words)


def _message(error: DressformError, words: tuple[str, ...]) -> str:
    message = str(error)
    assert "\n" not in message
    assert len(message) < 1500, message
    absent = [word for word in words if not has(message, word)]
    assert not absent, f"{absent} not in: {message}"
    return message


def check(source: Path | str, *options: str, code: int = 0) -> dict[str, Any]:
    """The document of ``data check --json``."""
    done = dressform_command("data", "check", source, *options, "--json")
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    document = json.loads(done.stdout)
    assert isinstance(document, dict)
    return document


def check_text(source: Path | str, *options: str, code: int = 0) -> str:
    """What ``data check`` prints, notes on stderr included."""
    done = dressform_command("data", "check", source, *options)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def complaint(*command: str | Path) -> str:
    """The last line on stderr of a command that must fail."""
    done = dressform_command(*command)
    assert done.returncode in (1, 2), done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.splitlines()[-1]


def train(source: Path, out: Path) -> list[str | Path]:
    """The quickest training there is, as a command."""
    settings = ("--set", "epochs=1", "--set", "batch_size=16")
    return ["train", "simple-dense", "--data", source, "--out", out, *settings]
