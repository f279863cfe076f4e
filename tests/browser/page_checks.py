"""What a page must do for everybody: colours, names and roles (axe-core), narrow windows, zoom,
keyboard, print.

    python -m tests.browser.page_checks PAGE.html …

prints the faults of pages, by page.
"""

import ctypes
import io
import itertools
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
WINDOWS = {"390 px": 390, "1024 px": 1024, "1440 px": 1440, "1440 px at 200 % zoom": 720}
"""Their widths in CSS pixels."""
MIN_CONTRAST = 4.5
MIN_FILLED = 0.25
"""Of the height between the margins of a printed page."""
GAP = 36
"""Points between two things on paper that are not yet an empty place."""
PRINTED_SCALE = 1.5
"""Pixels a point."""
TABS = 12
CONTROLS = ":is(a[href], button, input, select, summary):not(:disabled, [tabindex='-1'])"
READY = """document.readyState === "complete" && (
  "ready" in document.documentElement.dataset
  || !document.querySelector("script[type=importmap]")
)"""

CHOOSE_THEME = """(theme) => {
  const element = document.querySelector("[data-theme]");
  const before = element?.dataset.theme ?? null;
  if (element) element.dataset.theme = theme;
  return before;
}"""


def axe_source() -> str:
    """The script of axe-core; the test is skipped where npm packages are not installed, except in
    CI.
    """
    if not AXE.exists():
        message = "no axe-core; run npm ci"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    return AXE.read_text(encoding="utf-8")


def opened(browser: Browser, address: str) -> Page:
    """A page that is ready, with the checks in it."""
    axe = axe_source()
    context = browser.new_context(
        viewport={"width": 1440, "height": 900},
        reduced_motion="reduce",
        color_scheme="light",
        bypass_csp=True,
    )
    tab = context.new_page()
    tab.goto(address)
    tab.wait_for_function(READY)
    tab.add_script_tag(content=axe)
    tab.add_script_tag(path=Path(__file__).with_suffix(".js"))
    tab.add_style_tag(content="* { transition: none !important }")
    return tab


def faults(
    tab: Page,
    fill: Callable[[Page], None] | None = None,
    cover: Callable[[Page], None] | None = None,
) -> list[str]:
    """All faults of a page: printed as it opens, then on the screen with everything unfolded.

    Args:
        tab: of :func:`opened`.
        fill: a step that shows more of the page, before it is checked on the screen.
        cover: a step that opens a dialog, which is checked after the page.
    """
    found = _print_faults(tab)
    tab.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    if fill:
        fill(tab)
    found += screen_faults(tab)
    if cover:
        cover(tab)
        found += screen_faults(tab)
    return list(dict.fromkeys(found))


def screen_faults(tab: Page) -> Iterator[str]:
    """Faults of what a page of :func:`opened` shows now: in both colour schemes, in all windows and
    at the keyboard.
    """
    for scheme in ("light", "dark"):
        tab.emulate_media(color_scheme=scheme)
        tab.wait_for_timeout(100)
        rules = None if scheme == "light" else ["color-contrast", "link-in-text-block"]
        yield from (f"axe, {scheme}: {line}" for line in _run(tab, "axeFaults", rules))
    tab.emulate_media(color_scheme="light")
    for name, width in WINDOWS.items():
        tab.set_viewport_size({"width": width, "height": 900})
        tab.wait_for_timeout(100)
        for check in ("tooWide", "tooSmall"):
            yield from (f"{name}: {line}" for line in _run(tab, check))
    tab.set_viewport_size({"width": 1440, "height": 900})
    yield from (f"keyboard: {line}" for line in _keyboard_faults(tab))


def _run(tab: Page, check: str, argument: list[str] | None = None) -> list[str]:
    script = "([check, argument]) => globalThis.pageChecks[check](argument ?? undefined)"
    lines: list[str] = tab.evaluate(script, [check, argument])
    return lines


def _keyboard_faults(tab: Page) -> list[str]:
    tab.evaluate("document.activeElement?.blur()")
    focused: list[int] = []
    for _ in range(TABS):
        tab.keyboard.press("Tab")
        focused.append(
            tab.evaluate(
                "[...document.querySelectorAll('*')].indexOf(document.activeElement)"
                " * (document.activeElement !== document.body)"
            )
        )
    stuck = any(one == other for one, other in itertools.pairwise(focused) if one)
    controls = tab.locator(f"{CONTROLS}:visible").count()
    lines = ["the Tab key stays on one element"] if stuck and controls > 1 else []
    if controls and not any(focused):
        lines.append("the Tab key reaches nothing")
    return lines + _run(tab, "unreachable")


def _print_faults(tab: Page) -> list[str]:
    """Faults of the page on A4 paper, printed by somebody who has chosen its dark colours."""
    chosen = tab.evaluate(CHOOSE_THEME, "dark")
    content = tab.pdf(format="A4")
    tab.emulate_media(media="print")
    background = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    tab.emulate_media(media="screen")
    if chosen is not None:
        tab.evaluate(CHOOSE_THEME, chosen)
    lines = print_faults(content)
    if background not in ("rgb(255, 255, 255)", "rgba(0, 0, 0, 0)"):
        lines.insert(0, f"the background is {background}, not white")
    return [f"print: {line}" for line in lines]


def print_faults(content: bytes) -> list[str]:
    """Pages of a PDF that are nearly empty, or have text that cannot be read."""
    pdfium = pytest.importorskip("pypdfium2", reason="pypdfium2 is not installed")
    document = pdfium.PdfDocument(io.BytesIO(content))
    lines = []
    for number, page in enumerate(document, 1):
        image = page.render(scale=PRINTED_SCALE, rev_byteorder=True).to_numpy()[..., :3]
        where = f"page {number} of {len(document)}"
        if number < len(document) and (filled := _filled(image)) < MIN_FILLED:
            lines.append(f"{where} is only {100 * filled:.0f} % filled")
        lines += [f"{where}: {line}" for line in _faint_texts(pdfium.raw, page, image)]
    return lines


def _filled(image: NDArray[np.uint8]) -> float:
    """The part of the height that has something on it; small gaps count."""
    inked = (image.min(axis=2) < 245).any(axis=1)
    gap, height = GAP * PRINTED_SCALE, len(inked)
    empty, position = 0.0, 0
    for ink, rows in itertools.groupby(inked.tolist()):
        length = len(list(rows))
        if not ink and (length > gap or position + length == height):
            empty += length
        position += length
    return 1 - empty / height


def _faint_texts(raw: Any, page: Any, image: NDArray[np.uint8]) -> list[str]:
    """Texts with less contrast than 4.5 to the most frequent colour around them."""
    height, texts = page.get_height(), page.get_textpage()
    faint: dict[float, list[str]] = {}
    seen: dict[tuple[int, int], float] = {}
    packed = image.astype(np.int64) @ (1 << 16, 1 << 8, 1)
    for item in page.get_objects([raw.FPDF_PAGEOBJ_TEXT], max_depth=4, textpage=texts):
        left, bottom, right, top = (PRINTED_SCALE * value for value in item.get_bounds())
        above, below = PRINTED_SCALE * height - top, PRINTED_SCALE * height - bottom
        rows = slice(max(0, int(above) - 3), int(below) + 4)
        around = packed[rows, max(0, int(left) - 3) : int(right) + 4]
        text = item.extract().strip()
        if not text or around.shape[0] < 5 or around.shape[1] < 5:
            continue
        ring = np.concatenate([around[0], around[-1], around[:, 0], around[:, -1]])
        shades, counts = np.unique(ring, return_counts=True)
        pair = (_fill(raw, item), int(shades[counts.argmax()]))
        if pair not in seen:
            seen[pair] = _contrast(*pair)
        ratio = seen[pair]
        if ratio < MIN_CONTRAST:
            faint.setdefault(round(ratio, 1), []).append(text)
    return [
        f"{len(each)} texts with a contrast of {ratio}, such as {' '.join(each)[:40]!r}"
        for ratio, each in faint.items()
    ]


def _fill(raw: Any, item: Any) -> int:
    """The colour of a text, as 0xRRGGBB."""
    values = [ctypes.c_uint() for _ in range(4)]
    raw.FPDFPageObj_GetFillColor(item.raw, *(ctypes.byref(value) for value in values))
    red, green, blue = (value.value for value in values[:3])
    return red << 16 | green << 8 | blue


def _contrast(one: int, other: int) -> float:
    """WCAG's contrast of two sRGB colours 0xRRGGBB, 1 to 21."""

    def luminance(colour: int) -> float:
        c = np.array([colour >> 16, colour >> 8 & 255, colour & 255]) / 255
        linear = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        return float(linear @ (0.2126, 0.7152, 0.0722))

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def main(paths: Sequence[str]) -> int:
    """Print the faults of pages; the exit code is 1 if there are any."""
    from tests.browser.conftest import FLAGS, find_chromium

    code = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        for path in paths:
            tab = opened(browser, Path(path).resolve().as_uri())
            lines = faults(tab)
            tab.context.close()
            print(f"{path}: {len(lines)} faults", *lines, sep="\n  ")
            code = max(code, int(bool(lines)))
        browser.close()
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
