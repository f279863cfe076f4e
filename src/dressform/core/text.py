"""Texts of others (names of files, classes, ids) as they may be shown."""

import re
import unicodedata

# Surrogates stand for bytes of a file's name that are no text: nothing can write them.
_OTHERS = "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_CONTROLS = re.compile(f"[\x00-\x1f{_OTHERS}]")
_ALL_BUT_LINES = re.compile(f"[\x00-\x08\x0b-\x1f{_OTHERS}]")
_FORMULA = tuple("=+-@\t\r")


def one_line(text: str) -> str:
    """A text without what ends lines, steers a terminal or turns the direction of writing: such
    characters as ``\\u001b``.
    """
    return _CONTROLS.sub(_escaped, text)


def printable(text: str) -> str:
    """The same for a text of several lines, whose ends and tabs stay."""
    return _ALL_BUT_LINES.sub(_escaped, text)


def _escaped(found: "re.Match[str]") -> str:
    return f"\\u{ord(found[0]):04x}"


def class_name(text: str) -> str:
    """A class's name as it is compared: in composed form (NFC), without spaces around it."""
    return unicodedata.normalize("NFC", text).strip()


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun: ``1 image``, ``2,000 images``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def columns(text: str) -> int:
    """Columns of a terminal that a text of one line takes: two for a Chinese character, none for an
    accent that stands alone.
    """
    return sum(
        0
        if unicodedata.category(c) in ("Mn", "Me", "Cf")
        else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )


def padded(text: str, width: int) -> str:
    """A text with spaces after it, up to that many columns."""
    return text + " " * (width - columns(text))


def shortened(text: str, width: int) -> str:
    """A text of one line in at most ``width`` columns: of a longer one, ``…`` stands for the
    middle, since names that belong together often begin alike and differ at the end.
    """
    if columns(text) <= width:
        return text
    room = width - 1
    start, end = "", ""
    for c in text:
        if columns(start + c) > (room + 1) // 2:
            break
        start += c
    for c in reversed(text):
        if columns(start) + columns(c + end) > room:
            break
        end = c + end
    return f"{start}…{end}"


def encodable(text: str) -> str:
    """A text as UTF-8 can hold it: bytes of file names that are no UTF-8 stand as ``\\udcfc``."""
    return text.encode(errors="backslashreplace").decode()


def table_cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula: one that begins like one gets an apostrophe
    before it.

    Numbers stay as they are. :func:`from_table_cell` takes the apostrophe away.
    """
    return f"'{text}" if _is_formula(text) else text


def from_table_cell(text: str) -> str:
    """The text that :func:`table_cell` was given."""
    return text[1:] if text.startswith("'") and _is_formula(text) else text


def _is_formula(text: str) -> bool:
    """Whether a spreadsheet takes a text for a formula, or would without the apostrophes before
    it.
    """
    text = text.lstrip("'")
    return text.startswith(_FORMULA) and not is_number(text)


def is_number(text: str) -> bool:
    """Whether Python reads a text as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
