"""The site is built without a warning, and its pages load nothing from elsewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT


def test_the_site_builds_and_loads_nothing_from_outside(tmp_path: Path) -> None:
    pytest.importorskip("furo", reason="the extra docs is not installed")
    options = ["-W", "--keep-going", "-n", "-q", "-d", str(tmp_path / "trees"), "-b", "html"]
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", *options, ROOT / "docs", tmp_path / "site"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|link|img|iframe|source)\b[^>]*", text)
        assert not [
            tag for tag in loaded if re.search(r"""(?:src|href)=["']?(?:https?:)?//""", tag)
        ]
    for sheet in (tmp_path / "site" / "_static").rglob("*.css"):
        assert not re.search(r"url\(['\"]?https?:|@import ['\"]?https?:", sheet.read_text("utf-8"))
