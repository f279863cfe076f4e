"""Texts of others (names of files, classes, ids) as they may be shown."""

import re

_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_ALL_BUT_LINES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
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


def table_cell(text: str) -> str:
    """A text that no spreadsheet takes for a formula: one that begins like one gets an apostrophe
    before it.

    Numbers stay as they are. :func:`from_table_cell` takes the apostrophe away.
    """
    return f"'{text}" if text.startswith(_FORMULA) and not is_number(text) else text


def from_table_cell(text: str) -> str:
    """The text that :func:`table_cell` was given."""
    return (
        text[1:]
        if text.startswith("'") and text[1:].startswith(_FORMULA) and not is_number(text[1:])
        else text
    )


def is_number(text: str) -> bool:
    """Whether Python reads a text as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True
