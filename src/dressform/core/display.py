"""How objects show themselves: in one line where Python prints them, as a table in a notebook."""

import html
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from dressform.core.text import columns, one_line, padded

LONGEST = 240
"""Characters of a line; the middle of a longer one is left out."""

Item = TypeVar("Item")


class Markup(str):
    """HTML in place of text."""

    __slots__ = ()


class Listing(list[Item]):
    """A list that is printed as a table, and shown as one by a notebook.

    Args:
        items: of the list.
        row: what is shown of each, by heading.
    """

    def __init__(self, items: Iterable[Item], row: Callable[[Item], Mapping[str, str]]) -> None:
        super().__init__(items)
        self._row = row

    def __repr__(self) -> str:
        names = [next(iter(self._row(item).values())) for item in self]
        return brief(self, f"{len(self)}", listed(names))

    def __str__(self) -> str:
        rows = [[one_line(cell) for cell in row] for row in self._rows()]
        widths = [max(columns(cell) for cell in column) for column in zip(*rows, strict=True)]
        lines = ("  ".join(map(padded, row, widths)).rstrip() for row in rows)
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        header, *rows = self._rows()
        return table(header, rows)

    def _rows(self) -> list[list[str]]:
        """The headings and the cells."""
        shown = [self._row(item) for item in self]
        return [list(shown[0]) if shown else [], *(list(row.values()) for row in shown)]


def brief(thing: object, about: str, *facts: str) -> str:
    """An object in one line: ``<Run fast, seed 0: finished, test accuracy 94.27 %>``.

    Args:
        thing: whose class begins the line.
        about: its name.
        facts: the most important first; empty ones are left out.
    """
    rest = ", ".join(fact for fact in facts if fact)
    text = one_line(f"{about}: {rest}" if about and rest else about or rest)
    room = LONGEST - len(type(thing).__name__) - 3
    if len(text) > room:
        text = f"{text[: room * 2 // 3]} … {text[-room // 3 + 3 :]}"
    return f"<{type(thing).__name__} {text}>"


def listed(names: Sequence[str], most: int = 3) -> str:
    """The first of some names: ``dress, pants, shoes, …``."""
    return ", ".join([*names[:most], *(["…"] if len(names) > most else [])])


def paragraph(text: str) -> str:
    """A line of a notebook's output."""
    return f"<div>{escaped(text)}</div>"


def escaped(text: str) -> str:
    """Text for HTML; :class:`Markup` stays."""
    return text if isinstance(text, Markup) else html.escape(one_line(text))


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in the notebook's own colours; columns of numbers are aligned to the right."""
    rows = list(rows)
    sides = [
        "right" if rows and all(_is_number(row[column]) for row in rows) else "left"
        for column in range(len(header))
    ]

    def line(tag: str, cells: Sequence[str]) -> str:
        return "".join(
            f'<{tag} style="text-align: {side}">{escaped(cell)}</{tag}>'
            for cell, side in zip(cells, sides, strict=True)
        )

    body = "".join(f"<tr>{line('td', row)}</tr>" for row in rows)
    return f"<table><thead><tr>{line('th', header)}</tr></thead><tbody>{body}</tbody></table>"


def bar(fraction: float) -> Markup:
    """A horizontal bar of 0 to 1."""
    width = 8 * min(1.0, max(0.0, fraction))
    return Markup(
        f'<span style="display: inline-block; width: {width:.2f}em; height: 0.7em; '
        f'background: currentColor; opacity: 0.5"></span>'
    )


def _is_number(cell: str) -> bool:
    return not isinstance(cell, Markup) and re.fullmatch(r"|-|-?[\d.,]+( [%s])?", cell) is not None
