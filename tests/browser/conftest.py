"""A real Chromium. Without one the tests of pages are skipped; .ci/run installs it."""

import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

import dressform
from dressform.data.dataset import DatasetSplits
from dressform.exploration.doctor import examine
from dressform.exploration.out_of_sample import OutOfSample
from dressform.predict.predictor import Predictor
from dressform.reporting.classifier import write_classifier
from dressform.reporting.doctor import write_diagnosis
from dressform.reporting.explanation import write_explanation
from dressform.reporting.exploration import ProjectionOptions, write_exploration
from dressform.reporting.report import write_report
from dressform.runs.run import Run
from tests.browser.service_pages import photos, service  # noqa: F401
from tests.conftest import TINY
from tests.data.test_photo import scene
from tests.exploration.test_doctor import confident_predictions
from tests.writers import packed

expect.set_options(timeout=20_000)  # milliseconds; a busy machine is slow, not wrong
ENDING = 60
"""Seconds that Chromium has to end."""
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-unsafe-swiftshader",
    "--use-fake-device-for-media-stream",  # a camera that shows a moving test pattern
    "--use-fake-ui-for-media-stream",
]


def find_chromium() -> str | None:
    named = os.environ.get("CHROMIUM")
    names = (
        [named]
        if named
        else ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
    )
    return next((path for name in names if (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = find_chromium()
    if path is None:
        if "CHROMIUM" in os.environ:
            pytest.fail(
                f"CHROMIUM names {os.environ['CHROMIUM']}, which is not there; install it, or "
                f"name another"
            )
        pytest.skip("no Chromium; install the package chromium, or name one in CHROMIUM")
    with sync_playwright() as playwright:
        mark = f"--tests-of-dressform={os.getpid()}"  # which Chromium ignores
        chromium = playwright.chromium.launch(executable_path=path, args=[*FLAGS, mark])
        yield chromium
        # Playwright waits without a limit for a Chromium that does not end.
        force = threading.Timer(ENDING, subprocess.run, [["pkill", "-KILL", "-f", "--", mark]])
        force.start()
        chromium.close()
        force.cancel()


class Watched:
    """A page, what it asked the network for, and what went wrong in it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[str] = []
        self.faults: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url.partition(":")[0]))
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", lambda message: self.hear(message.type, message.text))

    def hear(self, kind: str, text: str) -> None:
        """Errors and warnings of the page; the graphics driver's remarks about its own speed are
        none.
        """
        if kind in ("error", "warning") and "GL Driver Message" not in text:
            self.faults.append(text)


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    """Fails at the end if the page had errors, or asked for anything that is not in its own
    file.
    """
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, accept_downloads=True, offline=True
    )
    found = Watched(context.new_page())
    yield found
    context.close()
    assert found.faults == []
    assert set(found.asked) <= {"file", "data", "blob"}
    assert found.asked.count("file") <= 1


@pytest.fixture(scope="session")
def one(named_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report([named_run.path], out=tmp_path_factory.mktemp("page") / "one.html")


@pytest.fixture(scope="session")
def two(named_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    other = dressform.train(
        "fast", named_run.manifest.dataset.source, settings=TINY, seed=1, out=folder
    )
    return write_report([named_run.path, other.path], out=folder / "two.html")


@pytest.fixture(scope="session")
def tested(named_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The 200 test pictures."""
    return write_exploration(
        named_run.path,
        projection=ProjectionOptions(methods=["pca", "tsne"], dimensions=[2, 3]),
        out=tmp_path_factory.mktemp("page") / "e.html",
    )


@pytest.fixture(scope="session")
def doctored(faulty: DatasetSplits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert faulty.test is not None
    test, path = faulty.test, tmp_path_factory.mktemp("page") / "doctor.html"
    predictions = confident_predictions(
        test.labels, list(range(20, 70)), test.ids, test.class_names
    )
    write_diagnosis(path, examine(faulty, [OutOfSample("model", predictions)]), faulty)
    return path


@pytest.fixture(scope="session")
def predictor(named_run: Run) -> Predictor:
    found = Predictor(named_run)
    assert found.photo is not None
    assert found.ood_detector is not None
    return found


@pytest.fixture(scope="session")
def file(predictor: Predictor, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("classifier") / "page.html"
    write_classifier(path, predictor)
    return path


@pytest.fixture(scope="session")
def explained(
    predictor: Predictor, pictures: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("page") / "explanation.html"
    photo = packed(scene((200, 40, 50), (210, 205, 195), planks=8)[0], "PNG")
    answers = [predictor.predict(photo, name="photo"), predictor.predict(pictures / "trouser.png")]
    write_explanation(path, answers, predictor)
    return path
