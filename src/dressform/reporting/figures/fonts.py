"""Fonts for names in any script: those that are installed and have the characters."""

import functools
import logging
import unicodedata
import warnings
from collections.abc import Iterable

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.textpath import TextToPath

logger = logging.getLogger(__name__)

DEFAULT = "DejaVu Sans"
"""Comes with matplotlib."""
PLACEHOLDERS = "Last Resort"
"""Fonts whose glyphs only say what is missing."""
SHOWN_NAMES, SHOWN_CHARACTERS, SHOWN_FONTS = 3, 12, 6
FONTS = {
    "CJK": "Noto Sans CJK",
    "HIRAGANA": "Noto Sans CJK",
    "KATAKANA": "Noto Sans CJK",
    "HANGUL": "Noto Sans CJK",
    "FULLWIDTH": "Noto Sans CJK",
}
"""The font for a script, by the first word of its characters' names, where it is not Noto Sans and
the script's own name.
"""
_noted: set[str] = set()
"""Characters that a note has named: a run's figures show the same names several times."""


def use_fonts_for(figure: Figure) -> None:
    """Give each text of a figure fonts for the characters that the default font lacks.

    A note says which names remain that no installed font can draw.
    """
    texts: dict[Text, str] = {}
    for axes in figure.axes:
        for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
            texts[label] = label.get_text()
    texts |= {text: text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)}
    lacking = {text: chars for text, s in texts.items() if (chars := _lacking(s))}
    if not lacking:
        return
    families, missing = _fallbacks(frozenset().union(*lacking.values()))
    for text, chars in lacking.items():
        if chars - missing:
            text.set_fontfamily([DEFAULT, *families])
    _note({texts[text]: chars & missing for text, chars in lacking.items() if chars & missing})


@functools.lru_cache(maxsize=4096)
def text_width(text: str, size: float) -> float:
    """The width of one line of text in points, in the fonts that draw it.

    Args:
        text: one line.
        size: of the font, in points.
    """
    families = [DEFAULT]
    if lacking := _lacking(text):
        families += _fallbacks(lacking)[0]
    font = font_manager.FontProperties(family=families, size=size)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph", UserWarning)
        return float(TextToPath().get_text_width_height_descent(text, font, ismath=False)[0])


def _lacking(text: str) -> frozenset[str]:
    """The characters of a text that the default font cannot draw."""
    if text.isascii():
        return frozenset()
    return frozenset(text) - _drawn_by_default(frozenset(text))


@functools.lru_cache(maxsize=1024)
def _drawn_by_default(characters: frozenset[str]) -> frozenset[str]:
    path = font_manager.findfont(font_manager.FontProperties(family=[DEFAULT]))
    return _drawn(path, characters) | {c for c in characters if _invisible(c)}


def _invisible(character: str) -> bool:
    """Joiners and selectors, of which nothing is drawn, and line ends."""
    selector = "\ufe00" <= character <= "\ufe0f"
    return selector or character == "\n" or unicodedata.category(character) == "Cf"


def _drawn(path: str, characters: Iterable[str]) -> frozenset[str]:
    try:
        font = font_manager.get_font(path)
        return frozenset(c for c in characters if font.get_char_index(ord(c)))
    except (OSError, RuntimeError, ValueError):  # a font of bitmaps, or damaged
        return frozenset()


@functools.lru_cache(maxsize=64)
def _fallbacks(characters: frozenset[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Families that draw the characters together, and those that none draws."""
    families, missing = [], characters
    entries = sorted(
        font_manager.fontManager.ttflist,
        key=lambda entry: (entry.style != "normal", str(entry.weight) not in ("400", "normal")),
    )
    # The one that draws most comes first, so that a name is not a patchwork.
    while missing:
        found = [(_drawn(entry.fname, missing), entry.name) for entry in _distinct(entries)]
        drawn, name = max(found, key=lambda one: len(one[0]), default=(frozenset(), ""))
        if not drawn:
            break
        families.append(name)
        missing -= drawn
    return tuple(families), missing


def _distinct(
    entries: list[font_manager.FontEntry],
) -> list[font_manager.FontEntry]:
    first: dict[str, font_manager.FontEntry] = {}
    for entry in entries:
        if not entry.name.startswith(PLACEHOLDERS):
            first.setdefault(entry.name, entry)
    return list(first.values())


def _note(names: dict[str, frozenset[str]]) -> None:
    """Say once which characters are drawn as boxes, and in which names."""
    missing = frozenset().union(*names.values()) - _noted
    if not missing:
        return
    _noted.update(missing)
    shown = list(dict.fromkeys(name for name, chars in names.items() if chars & missing))
    more = f" and {len(shown) - SHOWN_NAMES} more" if len(shown) > SHOWN_NAMES else ""
    first = ", ".join(f'"{" ".join(name.split())}"' for name in shown[:SHOWN_NAMES])
    characters = "".join(sorted(missing)[:SHOWN_CHARACTERS])
    fonts = sorted({_font_for(character) for character in missing})
    logger.warning(
        f"no installed font has {characters}{'…' if len(missing) > SHOWN_CHARACTERS else ''}, so "
        f"figures show boxes in {first}{more}; install {_listed(fonts)}, then redraw them with "
        f"dressform figures; reports and tables show these names as they are"
    )


def _font_for(character: str) -> str:
    """A free font that has a character."""
    script = unicodedata.name(character, "").split(" ")[0].split("-")[0]
    if unicodedata.category(character)[0] != "L" and script not in FONTS:
        return "Noto Emoji" if unicodedata.category(character)[0] == "S" else "Noto Sans Symbols"
    return FONTS.get(script, f"Noto Sans {script.capitalize()}")


def _listed(fonts: list[str]) -> str:
    more = f" and {len(fonts) - SHOWN_FONTS} more" if len(fonts) > SHOWN_FONTS else ""
    return f"the font{'s' if len(fonts) > 1 else ''} {', '.join(fonts[:SHOWN_FONTS])}{more}"
