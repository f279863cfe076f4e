"""`Annotations`: the name, note and tags that a user gives to a run, kept beside its manifest, so
that neither digests nor ``--resume`` are affected.
"""

from dataclasses import asdict, dataclass
from pathlib import Path

from dressform.core.errors import ConfigError
from dressform.core.files import read_json, write_json
from dressform.core.records import check_format, read_record
from dressform.core.text import one_line
from dressform.runs.layout import annotations

FORMAT = 1
MAX_LENGTH = 200
"""Characters of a name or tag."""


@dataclass(frozen=True, kw_only=True)
class Annotations:
    """What a user says of a run.

    Attributes:
        format: version; a larger one than ``FORMAT`` is refused.
        name: to list it under, in place of its recipe; None without.
        note: one line or more; empty without.
        tags: sorted, each once.

    Raises:
        ConfigError: a name or tag that is empty, too long, or has control characters or a ``/`` in
            it.
    """

    format: int = FORMAT
    name: str | None = None
    note: str = ""
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for kind, text in (("name", self.name), *(("tag", tag) for tag in self.tags)):
            if text is not None and not _is_label(text):
                raise ConfigError(
                    f"the {kind} is {text!r}; allowed: 1 to {MAX_LENGTH} characters, without / and "
                    f"spaces around them"
                )
        object.__setattr__(self, "tags", tuple(sorted(set(self.tags))))


def _is_label(text: str) -> bool:
    return (
        0 < len(text) <= MAX_LENGTH
        and text == text.strip()
        and one_line(text) == text
        and "/" not in text
    )


def read_annotations(folder: Path) -> Annotations:
    """The annotations of a run's folder; empty ones where there are none.

    Raises:
        RunError: the file is damaged, or of a newer dressform.
    """
    path = annotations(folder)
    if not path.is_file():
        return Annotations()
    document = read_json(path)
    check_format(document, FORMAT, path)
    return read_record(Annotations, document, path, advice="correct or delete it")


def write_annotations(folder: Path, given: Annotations) -> None:
    """Keep annotations in a run's folder; empty ones leave no file."""
    if given == Annotations():
        annotations(folder).unlink(missing_ok=True)
    else:
        write_json(annotations(folder), asdict(given))
