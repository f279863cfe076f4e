"""A new user's run in the service's page, in Chromium, with real trainings: how long the person
works.

    python benchmarks/service_walk.py SHOTS [--widths 1440,390] [--per-class 100] [--budget 150]

Start, create a project, upload 10 classes of images (a folder; a ZIP where the screen is a
phone's), train, predict, relabel two images, train a second version, promote it and roll back, all
by page. SHOTS gets a screenshot of every screen.

The person's own time is that of the keystroke-level model (S. Card, T. Moran and A. Newell 1980,
https://doi.org/10.1145/358886.358895) for what they do, with the time that the page takes to answer
it, as measured. Uploads and trainings, during which nobody has to be there, are told apart.
"""

import argparse
import re
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from chromium import chromium
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect
from report import write_report
from service_process import ServiceProcess, service

import dressform

PREPARE, POINT, PRESS, KEY, HAND = 1.35, 1.1, 0.2, 0.28, 0.4
"""Seconds to think, to point, to press a button, for a key of an average typist, and to move a hand
between keyboard and mouse.
"""
DIALOG = 3
"""Clicks in the system's dialog for a file or folder: the place, the name, the button."""
TRAINING = 3_600_000
"""Milliseconds."""
HEIGHTS = {390: 844}


@dataclass
class Person:
    """Somebody at a page.

    Attributes:
        page: that they see.
        shots: folder of screenshots.
        actions: what they did, with the seconds of each.
        answering: seconds in which the page answered that.
        waiting: seconds of uploads and trainings, by name.
        taken: number of screenshots.
    """

    page: Page
    shots: Path
    actions: list[tuple[str, float]] = field(default_factory=list)
    answering: float = 0.0
    waiting: dict[str, float] = field(default_factory=dict)
    taken: int = 0

    def click(self, what: str, place: Locator) -> None:
        """Find something, point at it and press."""
        self._act(f"click {what}", PREPARE + POINT + PRESS, place.click)

    def type(self, what: str, text: str) -> None:
        """Type into the field that has the focus, and press Enter."""

        def do() -> None:
            self.page.keyboard.type(text)
            self.page.keyboard.press("Enter")

        self._act(f"type {what}", PREPARE + 2 * HAND + KEY * (len(text) + 1), do)

    def choose_files(self, place: Locator, paths: Any) -> None:
        """Click, and choose in the system's dialog."""
        seconds = (1 + DIALOG) * (PREPARE + POINT + PRESS)
        self._act("choose files", seconds, lambda: place.set_input_files(paths))

    def select(self, what: str, place: Locator, label: str) -> None:
        """Choose from a list."""
        seconds = PREPARE + 2 * (POINT + PRESS)
        self._act(f"select {what}", seconds, lambda: place.select_option(label=label))

    def _act(self, name: str, seconds: float, do: Any) -> None:
        began = time.monotonic()
        do()
        self.answering += time.monotonic() - began
        self.actions.append((name, seconds))

    @contextmanager
    def sees(self) -> Iterator[None]:
        """Until what the person waits for is there."""
        began = time.monotonic()
        yield
        self.answering += time.monotonic() - began

    @contextmanager
    def waits(self, what: str) -> Iterator[None]:
        """For something that takes long."""
        began = time.monotonic()
        yield
        self.waiting[what] = round(time.monotonic() - began, 1)

    def shot(self, name: str) -> None:
        """A screenshot of the whole page, and whether it is wider than the window."""
        width = self.page.viewport_size["width"]  # type: ignore[index]
        self.taken += 1
        number = self.taken
        self.page.screenshot(path=self.shots / f"{width}-{number:02d}-{name}.png", full_page=True)
        found = self.page.evaluate("document.scrollingElement.scrollWidth")
        assert found <= width, f"{name} is {found} px wide in a window of {width}"


def walk(
    browser: Browser, running: ServiceProcess, width: int, photos: Path, shots: Path, budget: float
) -> dict[str, Any]:
    """One person's run."""
    context = browser.new_context(
        viewport={"width": width, "height": HEIGHTS.get(width, 900)}, accept_downloads=True
    )
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    person, shop = Person(page, shots), f"Shop {width}"
    person._act("open the link", PREPARE + POINT + PRESS, lambda: page.goto(running.sign_in))
    with person.sees():
        page.wait_for_selector("#project-name")
    person.shot("start")
    person.click("the name", page.locator("#project-name"))
    person.type("the name", shop)
    with person.sees():
        expect(page.get_by_role("heading", level=1)).to_have_text(shop)
    set_budget(running, shop, budget)
    person.shot("empty-project")

    count = sum(1 for path in photos.rglob("*.jpg"))
    if width < 500:
        place, paths = page.locator(".zone input[type=file]").first, photos.with_suffix(".zip")
    else:
        place, paths = page.locator(".zone input[webkitdirectory]"), photos
    person.choose_files(place, paths)
    with person.waits("upload"):
        expect(page.locator(".upload-status")).to_contain_text(
            f"{count:,} images added", timeout=TRAINING
        )
        expect(page.get_by_role("button", name="Train")).to_be_enabled(timeout=30_000)
    person.shot("uploaded")

    person.click("Train", page.get_by_role("button", name="Train"))
    result = page.locator("#result")
    with person.waits("first training"):
        expect(page.locator("#live")).to_contain_text(
            re.compile("epoch|comparing"), timeout=TRAINING
        )
        person.shot("comparing")
        expect(page.locator("#live .series polyline").first).to_be_visible(timeout=TRAINING)
        person.shot("training")
        expect(result).to_contain_text(re.compile("classified correctly|failed"), timeout=TRAINING)
        expect(result).to_contain_text("are classified correctly")
    person.shot("result")
    told = result.inner_text()
    with context.expect_page() as opened:
        person.click("the report", result.get_by_role("link", name="Report of version 1"))
    report = opened.value
    report.wait_for_selector("html[data-ready]", timeout=60_000)
    report.screenshot(path=shots / f"{width}-report.png")
    report.close()

    person.click("Try it", result.get_by_role("link", name="Try it"))
    trial = next(photos.rglob("*.jpg"))
    person.choose_files(page.locator(".zone input[type=file]").first, trial)
    with person.sees():
        expect(page.locator(".answer-card").first.locator(".answer-text")).not_to_be_empty()
    person.shot("try-it")

    tabs = page.get_by_role("navigation", name="Project")
    person.click("Images", tabs.get_by_role("link", name="Images"))
    tiles = page.locator(".thumbnail")
    with person.sees():
        expect(tiles.first).to_be_visible()
    person.click("an image", tiles.nth(0))
    person._act(
        "shift-click another", POINT + PRESS + KEY, lambda: tiles.nth(1).click(modifiers=["Shift"])
    )
    names = sorted(path.name for path in photos.iterdir())
    chooser = page.get_by_label("New class of the selected images")
    person.select("the new class", chooser, names[0])
    person.shot("relabel")
    person.click("Relabel", page.get_by_role("button", name="Relabel"))
    with person.sees():
        expect(page.get_by_role("group", name="Selected images")).to_be_hidden()

    person.click("Train a new version", page.get_by_role("button", name="Train a new version"))
    with person.waits("second training"):
        expect(result).to_contain_text(
            re.compile("Version 1 still answers|failed"), timeout=TRAINING
        )
        expect(result).to_contain_text("Version 1 still answers")
    person.shot("second-version")
    person.click("Versions", tabs.get_by_role("link", name="Versions"))
    badge = page.locator(".card.promoted h3")
    with person.sees():
        expect(badge).to_contain_text("Version 1")
    person.shot("versions")
    person.click("Promote", page.get_by_role("button", name="Promote version 2"))
    with person.sees():
        expect(badge).to_contain_text("Version 2")
    person.click("Roll back", page.get_by_role("button", name="Roll back to version 1"))
    with person.sees():
        expect(badge).to_contain_text("Version 1")
    person.shot("rolled-back")
    for screen in ("Label", "Settings"):
        tabs.get_by_role("link", name=screen).click()
        expect(page).to_have_title(re.compile(f"^{screen} – "))
        person.shot(screen.lower())
    for address in ("keys", "service"):
        page.evaluate(f"location.hash = '#/{address}'")
        page.wait_for_selector(f"html[data-ready='#/{address}']")
        person.shot(address)
    context.close()
    assert not faults, faults
    own = sum(seconds for _, seconds in person.actions)
    return {
        "width": width,
        "images": count,
        "actions": len(person.actions),
        "own_seconds": round(own + person.answering, 1),
        "of_these_answering": round(person.answering, 1),
        "waiting_seconds": person.waiting,
        "told": " ".join(told.split()),
        "done": [name for name, _ in person.actions],
    }


def set_budget(running: ServiceProcess, name: str, budget: float) -> None:
    """Shorten the trainings of a project, which is no part of the run."""
    with httpx.Client(
        base_url=f"{running.url}/api/v1", headers={"Authorization": f"Bearer {running.key}"}
    ) as client:
        found = client.get("/projects").json()["projects"]
        (project,) = [one["id"] for one in found if one["name"] == name]
        client.patch(f"/projects/{project}", json={"budget": budget}).raise_for_status()


def write_photos(folder: Path, per_class: int) -> None:
    """Class folders of JPEG files, and a ZIP of them beside the folder."""
    data = dressform.load_data("fashion-mnist").train
    with zipfile.ZipFile(folder.with_suffix(".zip"), "w") as archive:
        for label, name in enumerate(data.class_names):
            kind = folder / name.replace("/", "-")
            kind.mkdir(parents=True)
            for i in np.flatnonzero(data.labels == label)[:per_class]:
                path = kind / f"{i}.jpg"
                Image.fromarray(data.images[i, ..., 0]).save(path, quality=95)
                archive.write(path, f"{kind.name}/{path.name}")


def main() -> None:
    """Walk, and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shots", type=Path, help="folder for screenshots")
    parser.add_argument("--widths", default="1440,390")
    parser.add_argument("--per-class", type=int, default=100)
    parser.add_argument("--budget", type=float, default=150.0, help="seconds of a training")
    given = parser.parse_args()
    given.shots.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_photos(folder / "photos", given.per_class)
        with service(folder / "service") as running, chromium() as browser:
            rows = [
                walk(browser, running, int(width), folder / "photos", given.shots, given.budget)
                for width in given.widths.split(",")
            ]
    for row in rows:
        print(row, file=sys.stderr)
    command = f"python benchmarks/service_walk.py SHOTS {' '.join(sys.argv[2:])}"
    write_report("service-walk", command.strip(), {"n": len(rows), "runs": rows})


if __name__ == "__main__":
    main()
