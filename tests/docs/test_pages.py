"""Every block of code of every page and of the README runs, in order, on a slice of the data."""

import ast
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dressform
from dressform.data.archive import write_archive
from dressform.data.dataset import DatasetSplits
from tests.data.test_photo import scene
from tests.docs.pages import PAGES, ROOT, SLICE, Reader, blocks

LANGUAGES = {
    "sh",
    "python",
    "text",
    "{toctree}",
    "{glossary}",
    "{literalinclude}",
    "{include}",
    "{eval-rst}",
}
PHOTOS = {3: "dress", 4: "coat", 9: "shoes"}
"""Class folders of the reader's own photos, by Fashion-MNIST's label."""

GIVEN = "<!-- given: a run of fast -->"
"""On pages that begin where the two-minute start ends."""


@pytest.fixture(scope="session")
def desk(fashion: DatasetSplits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data and images that the pages name, small."""
    folder = tmp_path_factory.mktemp("desk")
    assert fashion.test is not None
    train, test = fashion.train.take(np.arange(240)), fashion.test.take(np.arange(60))
    write_archive(folder / SLICE, DatasetSplits("small", train, None, test))
    shutil.copytree(ROOT / "examples", folder / "examples")
    for i in range(120):
        name = PHOTOS.get(int(train.labels[i]))
        if name is not None:
            path = folder / "photos" / name / f"{i:04}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(train.images[i, :, :, 0]).resize((40, 48)).save(path)
    scene((190, 40, 50), (180, 170, 150))[0].save(folder / "photo.jpg")
    return folder


@pytest.fixture(scope="session")
def desk_with_run(desk: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after the two-minute start."""
    folder = tmp_path_factory.mktemp("begun") / "desk"
    shutil.copytree(desk, folder)
    reader = Reader(folder)
    reader.run(["dressform", "train", "fast"], blocks(ROOT / "docs" / "start.md")[0])
    return folder


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(b.language in ("sh", "python") for b in blocks(page))],
    ids=lambda page: page.relative_to(ROOT).as_posix(),
)
def test_what_a_page_shows_runs(page: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    given = "desk_with_run" if GIVEN in page.read_text(encoding="utf-8") else "desk"
    folder = tmp_path / "desk"
    shutil.copytree(request.getfixturevalue(given), folder)
    with Reader(folder) as reader:
        for block in blocks(page):
            if block.language in ("sh", "python"):
                reader.do(block)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_code_escapes_the_tests(page: Path) -> None:
    """Every fence says its language, and no command stands in an indented block; a diagram with
    columns may.
    """
    for block in blocks(page):
        shows_commands = re.search(r"^\s*(dressform|python|make|pip) ", block.code, re.M)
        assert block.language in LANGUAGES or not shows_commands, block.place
        if block.language == "python":
            ast.parse(block.code)
    outside = re.sub(r"^(`{3,}).*?^\1$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    assert not re.search(r"^ {4,}(\$ )?(dressform|python|make|pip) (?!.* {3,}[^# ])", outside, re.M)


def test_every_public_name_is_on_a_page_of_the_api() -> None:
    pages = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "docs" / "api").glob("*.md"))
    shown = set(re.findall(r"auto(?:function|class|exception):: (\w+)$", pages, re.M))
    assert shown == set(dressform.__all__)
