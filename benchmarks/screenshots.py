"""The screenshots of the pages in the documentation, or views of all pages to look at.

    python benchmarks/screenshots.py RUN OTHER_RUN [--only NAME …] [--out docs/figures/pages]
    python benchmarks/screenshots.py RUN OTHER_RUN --views FOLDER [--photos FOLDER]

The second writes each page (the reports of one and of two runs, projector, data doctor,
explanation, exported page, table of runs) into FOLDER with pictures of it, and of what it opens (an
image, a finding, an answer): 390, 1024 and 1440 px wide and zoomed to 200 %, in light and dark
colours, cut into parts of 3,000 px, and printed (PDF).
"""

import argparse
import io
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from chromium import chromium, opened
from PIL import Image
from playwright.sync_api import Browser, Page

import dressform
from dressform.exploration.doctor import examine
from dressform.exploration.out_of_sample import OutOfSample
from dressform.predict.predictor import Predictor
from dressform.reporting.classifier import write_classifier
from dressform.reporting.doctor import write_diagnosis
from dressform.reporting.explanation import write_explanation
from dressform.reporting.exploration import write_exploration
from dressform.reporting.report import write_report
from dressform.workbench.runs import runs_page

WINDOW = (1200, 800)
VIEWS = ((390, 844), (1024, 768), (1440, 900), (720, 450))
"""Width and height of windows; the last is one of 1440 x 900 zoomed to 200 %."""
PART = 3000
"""Pixels of height of one picture."""


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What the pages are about."""

    run: Path
    other: Path
    photos: Path


def main() -> None:
    """Write the pages, then take the screenshots."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("other", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs/figures/pages"))
    parser.add_argument(
        "--only", nargs="*", choices=SHOTS, help="screenshots by name; the default is all"
    )
    parser.add_argument("--views", type=Path, help="folder for views of all pages")
    parser.add_argument("--photos", type=Path, default=Path("examples/images"))
    parser.add_argument("--chromium")
    options = parser.parse_args()
    sources = Sources(run=options.run, other=options.other, photos=options.photos)
    with chromium(options.chromium) as browser:
        if options.views:
            view_pages(browser, sources, options.views)
        else:
            shoot_documented(browser, sources, options.out, options.only or list(SHOTS))


def shoot_documented(browser: Browser, sources: Sources, out: Path, names: Sequence[str]) -> None:
    """The documentation's screenshots of those names."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        paths = {page: Path(folder) / f"{page}.html" for page in {SHOTS[name][0] for name in names}}
        for page, path in paths.items():
            PAGES[page](sources, path)
        for name in names:
            page, show = SHOTS[name]
            shoot(browser, paths[page].as_uri(), out / f"{name}.png", show)


def view_pages(browser: Browser, sources: Sources, folder: Path) -> None:
    """Every page, and how it looks on screens and on paper."""
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for name, write in PAGES.items():
        path = folder / f"{name}.html"
        write(sources, path)
        tab = browser.new_page(reduced_motion="reduce")
        tab.goto(path.as_uri())
        if name != "explanation":  # which has no script that makes it
            tab.wait_for_selector("html[data-ready]", timeout=120_000)
        view_sizes(tab, folder, name, whole=True)
        tab.emulate_media(color_scheme="light")
        (folder / f"{name}.pdf").write_bytes(tab.pdf(format="A4"))
        if name in OPENED:
            OPENED[name](tab, sources)
            view_sizes(tab, folder, f"{name}-open", whole=name == "classify")
        tab.close()
        print(f"{folder / name}*", flush=True)


def view_sizes(tab: Page, folder: Path, name: str, *, whole: bool) -> None:
    """What a page shows in each window, in light and dark colours; whole, or what is in view."""
    for width, height in VIEWS:
        for scheme in ("light", "dark"):
            tab.set_viewport_size({"width": width, "height": height})
            tab.emulate_media(color_scheme=scheme)
            tab.wait_for_timeout(700)
            path = folder / f"{name}-{width}-{scheme}.png"
            if whole:
                view(tab, path)
            else:
                tab.screenshot(path=path)


def view(tab: Page, path: Path) -> None:
    """The whole page, in several files if it is long."""
    image = Image.open(io.BytesIO(tab.screenshot(full_page=True)))
    for number, top in enumerate(range(0, image.height, PART), 1):
        part = image.crop((0, top, image.width, min(top + PART, image.height)))
        part.save(path.with_stem(f"{path.stem}-{number}") if image.height > PART else path)


def write_one(sources: Sources, path: Path) -> None:
    """The report of a run."""
    write_report([sources.run], out=path)


def write_two(sources: Sources, path: Path) -> None:
    """The report of two runs."""
    write_report([sources.run, sources.other], out=path)


def write_projector(sources: Sources, path: Path) -> None:
    """The projector of the run's test images."""
    write_exploration(sources.run, out=path)


def write_doctor(sources: Sources, path: Path) -> None:
    """The findings in the run's data."""
    run = dressform.open_run(sources.run)
    data = dressform.load_data(run.manifest.dataset.source)
    write_diagnosis(path, examine(data, [OutOfSample(run.name, run.predictions("test"))]), data)


def write_explained(sources: Sources, path: Path) -> None:
    """How the first photos were classified."""
    predictor = Predictor(sources.run)
    photos = sorted(each for each in sources.photos.rglob("*") if each.is_file())[:4]
    answers = [predictor.predict(photo) for photo in photos]
    write_explanation(path, answers, predictor)


def write_page(sources: Sources, path: Path) -> None:
    """The page that classifies photos."""
    write_classifier(path, Predictor(sources.run))


def write_runs(sources: Sources, path: Path) -> None:
    """The table of all runs beside the run."""
    rows = dressform.list_runs(sources.run.resolve().parents[2])
    runs_page(rows, path, out=sources.run.resolve().parents[2])


PAGES: dict[str, Callable[[Sources, Path], None]] = {
    "report-one": write_one,
    "report": write_two,
    "explore": write_projector,
    "doctor": write_doctor,
    "explanation": write_explained,
    "classify": write_page,
    "runs": write_runs,
}


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
    tab.locator("#images .tile").first.click()
    tab.get_by_label("Saliency map (HiResCAM)").check()


def points(tab: Page) -> None:
    """All test images, and the shirts among them beside the stage."""
    tab.get_by_label("Find a class or an id").fill("Shirt")
    tab.get_by_label("Find a class or an id").press("Enter")
    section("projector")(tab)


def finding(tab: Page, sources: Sources) -> None:
    """The first finding of the doctor, enlarged."""
    tab.locator(".finding .twins").first.click()


def answered(tab: Page, sources: Sources) -> None:
    """Two photos, classified."""
    photos = sorted(each for each in sources.photos.rglob("*") if each.is_file())[:2]
    tab.set_input_files("#file", photos)
    tab.locator("#results section").nth(1).wait_for()


OPENED: dict[str, Callable[[Page, Sources], None]] = {
    "report-one": lambda tab, sources: image(tab),
    "explore": lambda tab, sources: points(tab),
    "doctor": finding,
    "classify": answered,
    "explanation": lambda tab, sources: tab.locator("details.answer summary").nth(1).click(),
}
"""What is opened on a page."""
SHOTS: dict[str, tuple[str, Callable[[Page], None]]] = {
    "comparison": ("report", section("comparison")),
    "confusion": ("report", cell),
    "image": ("report", image),
    "classes": ("report", section("per-class")),
    "projector": ("explore", points),
    "doctor": ("doctor", section("label")),
}
"""Each with its page, and what is done there first."""


if __name__ == "__main__":
    main()
