"""`print_table`: columns of text on stdout, no wider than the terminal."""

import os
import shutil
import sys
import textwrap
from collections.abc import Collection, Sequence

from dressform.core.text import columns, one_line, padded, shortened

MIN_WIDTH = 8
"""Columns that a shortened or wrapped cell keeps."""
GAP = "  "


def terminal_width() -> int | None:
    """Columns of the terminal that stdout is shown on; None where it goes to a file or a pipe and
    ``COLUMNS`` is not set, since whoever reads that wants it whole.
    """
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told) > 0:
        return int(told)
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def print_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    shorten: Collection[int] = (0,),
    wrap: Collection[int] = (),
    optional: Collection[int] = (),
) -> None:
    """Columns of text on stdout, as wide as their contents, or as the terminal allows.

    Args:
        header: a title per column; all empty prints none.
        rows: a cell per column each.
        shorten: columns whose texts are shortened in the middle where the terminal is too narrow.
        wrap: columns whose texts are continued on the next line there.
        optional: columns that are left out before others are shortened, the first of these first; a
            line says so.
    """
    table = [[one_line(cell) for cell in row] for row in (header, *rows)]
    shown, missing = list(range(len(header))), []
    width = terminal_width()
    least = [_least(table, i, shorten, wrap) for i in shown]
    whole = [max(columns(row[i]) for row in table) for i in shown]
    for column in optional:
        if width is not None and _total([whole[i] for i in shown]) > width:
            shown.remove(column)
            missing.append(header[column])
    for number, block in enumerate(_blocks(least, shown, width)):
        if number:
            print()
        _print_block(table, block, _widths(table, block, least, width), wrap)
    if missing:
        print(f"({', '.join(missing)}: in a wider terminal, or with --json)")


def _least(
    table: Sequence[Sequence[str]], column: int, shorten: Collection[int], wrap: Collection[int]
) -> int:
    whole = max(columns(row[column]) for row in table)
    if column in wrap:
        return min(whole, max(MIN_WIDTH, columns(table[0][column])))
    return min(whole, MIN_WIDTH) if column in shorten else whole


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(GAP) * (len(widths) - 1)


def _blocks(least: Sequence[int], shown: Sequence[int], width: int | None) -> list[list[int]]:
    """The columns of each table: one, or several that repeat the first column, one below the
    other.
    """
    first, *others = shown
    blocks = [[first]]
    for column in others:
        fits = width is None or _total([least[i] for i in (*blocks[-1], column)]) <= width
        if not fits and len(blocks[-1]) > 1:
            blocks.append([first])
        blocks[-1].append(column)
    return blocks


def _widths(
    table: Sequence[Sequence[str]], block: Sequence[int], least: Sequence[int], width: int | None
) -> list[int]:
    """The width of each column of a block: the widest give way first."""
    widths = [max(columns(row[i]) for row in table) for i in block]
    while width is not None and _total(widths) > width:
        over = [n for n, i in enumerate(block) if widths[n] > least[i]]
        if not over:
            break
        widths[max(over, key=lambda n: widths[n])] -= 1
    return widths


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of a text; paths and other long words stay whole, to be copied."""
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)


def _print_block(
    table: Sequence[Sequence[str]],
    block: Sequence[int],
    widths: Sequence[int],
    wrap: Collection[int],
) -> None:
    for row in table[0 if any(table[0]) else 1 :]:
        cells = [
            (_wrapped(row[i], width) or [""])
            if i in wrap and columns(row[i]) > width
            else [shortened(row[i], width)]
            for i, width in zip(block, widths, strict=True)
        ]
        for line in range(max(map(len, cells))):
            texts = (cell[line] if line < len(cell) else "" for cell in cells)
            print(GAP.join(padded(text, w) for text, w in zip(texts, widths, strict=True)).rstrip())
