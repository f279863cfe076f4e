"""The screenshots of the pages in the documentation.

    python benchmarks/screenshots.py RUN OTHER_RUN [--only NAME …] [--out docs/figures/pages]

Writes the pages themselves into a folder that is deleted afterwards.
"""

import argparse
import io
import tempfile
from collections.abc import Callable
from pathlib import Path

from chromium import chromium, opened
from PIL import Image
from playwright.sync_api import Browser, Page

import dressform
from dressform.exploration.doctor import examine
from dressform.exploration.out_of_sample import OutOfSample
from dressform.reporting.doctor import write_diagnosis
from dressform.reporting.exploration import write_exploration
from dressform.reporting.report import write_report

WINDOW = (1200, 800)


def main() -> None:
    """Write the pages, then take the screenshots."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("other", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs/figures/pages"))
    parser.add_argument(
        "--only", nargs="*", choices=SHOTS, help="screenshots by name; the default is all"
    )
    parser.add_argument("--chromium")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    run = dressform.open_run(options.run)
    with tempfile.TemporaryDirectory() as folder, chromium(options.chromium) as browser:
        paths = {name: Path(folder) / f"{name}.html" for name in ("report", "explore", "doctor")}
        shots = {name: SHOTS[name] for name in options.only or SHOTS}
        needed = {page for page, _ in shots.values()}
        if "report" in needed:
            write_report([options.run, options.other], out=paths["report"])
        if "explore" in needed:
            write_exploration(options.run, out=paths["explore"])
        if "doctor" in needed:
            data = dressform.load_data(run.manifest.dataset.source)
            write_diagnosis(
                paths["doctor"],
                examine(data, [OutOfSample(run.name, run.predictions("test"))]),
                data,
            )
        addresses = {name: path.as_uri() for name, path in paths.items()}
        for name, (page, show) in shots.items():
            shoot(browser, addresses[page], options.out / f"{name}.png", show)


def shoot(browser: Browser, address: str, path: Path, show: Callable[[Page], None]) -> None:
    """One screenshot of the window, with at most 256 colours."""
    tab = opened(browser, address, *WINDOW, color_scheme="light", reduced_motion="reduce")
    show(tab)
    tab.wait_for_timeout(2500)
    screenshot = Image.open(io.BytesIO(tab.screenshot()))
    screenshot.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB", flush=True)
    tab.close()


def section(name: str) -> Callable[[Page], None]:
    """A section at the top of the window."""
    return lambda tab: tab.evaluate(f"document.getElementById('{name}').scrollIntoView()")


def cell(tab: Page) -> None:
    """Shirts predicted as T-shirts."""
    tab.click(".confusion td[data-i='6'][data-j='0']")
    section("confusion")(tab)


def image(tab: Page) -> None:
    """An error with its saliency map."""
    tab.locator("#confusion .tile").first.click()
    tab.get_by_label("Saliency map (HiResCAM)").check()


def points(tab: Page) -> None:
    """t-SNE of all test images."""
    tab.select_option("#projector select >> nth=0", "1")
    section("projector")(tab)


SHOTS: dict[str, tuple[str, Callable[[Page], None]]] = {
    "comparison": ("report", section("comparison")),
    "confusion": ("report", cell),
    "image": ("report", image),
    "classes": ("report", section("per-class")),
    "projector": ("explore", points),
    "doctor": ("doctor", section("duplicate")),
}
"""Each with its page, and what is done there first."""


if __name__ == "__main__":
    main()
