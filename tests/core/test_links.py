"""What a notebook shows of a page's path."""

from pathlib import Path

import pytest

from dressform.core.links import LinkedPath


def test_a_page_is_a_path_and_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = LinkedPath(tmp_path / "a b" / "report.html")
    assert page == tmp_path / "a b" / "report.html"
    assert isinstance(page, Path)
    shown = page._repr_html_()
    assert shown.startswith('<a href="a%20b/report.html">')
    assert LinkedPath("x<y.html")._repr_html_() == '<a href="x%3Cy.html">x&lt;y.html</a>'
