"""`ReadOptions`: how data are read, where the data themselves do not say."""

import os
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from typing import TypedDict

from dressform.core.arguments import argument, whole_number
from dressform.core.errors import ConfigError, unknown_name


class ReadArguments(TypedDict, total=False):
    """The fields of :class:`ReadOptions` as keyword arguments of a call."""

    image_size: int | None
    image_column: str | None
    label_column: str | None
    split_column: str | None
    group_column: str | None
    groups: str | None
    drop: Iterable[str]
    min_count: int
    skip_bad: bool


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """How data are read.

    Attributes:
        image_size: side in pixels, 4 to 1024, that images of several sizes are fitted to; default:
            their common size if it is at most 128, else 64.
        image_column: column of a listing with file names, paths or ids; default: found.
        label_column: column of a table with the classes; default: found.
        split_column: column of a table with train, validation and test; default: found.
        group_column: column of a table; examples with the same value stay on one side of every
            split.
        groups: regular expression searched in each file's name, and in its whole path where the
            name does not match: what its first group, or the whole of it, matches is the group
            that the example belongs to.
        drop: classes that are left out.
        min_count: classes with fewer examples are left out.
        skip_bad: whether files that cannot be read are left out; otherwise they are an error.

    Raises:
        ConfigError: a value is out of range, or options contradict each other.
    """

    image_size: int | None = None
    image_column: str | None = None
    label_column: str | None = None
    split_column: str | None = None
    group_column: str | None = None
    groups: str | None = None
    drop: tuple[str, ...] = ()
    min_count: int = 1
    skip_bad: bool = False

    def __post_init__(self) -> None:
        if self.image_size is not None:
            size = whole_number("image_size", self.image_size, least=4, most=1024)
            object.__setattr__(self, "image_size", size)
        object.__setattr__(self, "min_count", whole_number("min_count", self.min_count, least=1))
        drop = (self.drop,) if isinstance(self.drop, str) else tuple(self.drop)
        for name in drop:
            if not isinstance(name, str):
                raise ConfigError(f"drop has {name!r}; allowed: names of classes")
        object.__setattr__(self, "drop", drop)
        if self.groups is not None and self.group_column is not None:
            raise ConfigError(
                f"groups= ({self.groups}) and group_column= ({self.group_column}) were both given; "
                f"give one"
            )
        if self.groups is not None:
            try:
                re.compile(self.groups)
            except re.error as error:
                raise ConfigError(
                    f"groups is {self.groups!r}, which is not a regular expression ({error}); an "
                    f"example is '(sku\\d+)_'"
                ) from None

    def __repr__(self) -> str:
        return f"ReadOptions({self.arguments()})"

    @classmethod
    def of(cls, arguments: ReadArguments) -> "ReadOptions":
        """The options that keyword arguments name.

        Raises:
            UnknownNameError: there is no such option.
            ConfigError: see the class.
        """
        known = [field.name for field in fields(cls)]
        for name in arguments:
            if name not in known:
                raise unknown_name("argument", name, known)
        return cls(**arguments)  # type: ignore[arg-type]  # drop becomes a tuple

    def words(self) -> list[str]:
        """The options of a command line that say the same."""
        words: list[str] = []
        for name, value in self.changed().items():
            option = "--" + name.replace("_", "-")
            if value is True:
                words.append(option)
            elif isinstance(value, tuple):
                words += [word for item in value for word in (option, item.replace(",", "\\,"))]
            else:
                words += [option, str(value)]
        return words

    def arguments(self) -> str:
        """The arguments of a call that say the same, such as ``image_size=64, skip_bad=True``."""
        return ", ".join(argument(name, value) for name, value in self.changed().items())

    def changed(self) -> dict[str, object]:
        """The fields that differ from their defaults, by name."""
        default = asdict(ReadOptions())
        return {name: value for name, value in asdict(self).items() if value != default[name]}


def check_reading(data: object, reading: ReadArguments) -> None:
    """Refuse options of reading where there are no data to read.

    Raises:
        ConfigError: there are such options, and ``data`` is None, or in memory already.
    """
    if reading and not isinstance(data, (str, os.PathLike)):
        name, value = next(iter(reading.items()))
        if data is not None:
            raise ConfigError(
                f"{argument(name, value)} says how data are read, but {type(data).__name__} was "
                f"given, which is read already; leave it out"
            )
        raise ConfigError(
            f"{argument(name, value)} says how data are read; give data=, or leave it out"
        )
