"""The page of all runs in a real Chromium: sorted, filtered, linked, and nothing in it runs."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from dressform.workbench.runs import annotate_run, list_runs, runs_page
from tests.browser.conftest import Watched
from tests.runs.made_runs import make_crossval, make_run, make_tuning


@pytest.fixture
def page_of_runs(tmp_path: Path) -> Path:
    root = tmp_path / "my runs"
    run = make_run(root, val=0.90, test=0.8912)
    make_run(root, seed=1, val=0.95)
    annotate_run(run, name="<img src=x onerror=x()>", note="a note", add_tags=["paper"])
    (run / "report.html").write_text("<title>the report</title>")
    make_run(
        root, "conv1", data="</script><script>x()</script>", val=None, status="failed", error="nan"
    )
    make_crossval(root, finished=True)
    make_tuning(root)
    return runs_page(list_runs(root), out=root)


def test_sort_filter_and_follow(watched: Watched, page_of_runs: Path) -> None:
    page = watched.page
    page.goto(page_of_runs.as_uri())
    page.wait_for_selector("html[data-ready]")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(5)
    expect(rows.nth(0)).to_contain_text("95.00 % (best)")
    expect(rows.nth(1).locator("th")).to_contain_text("<img src=x onerror=x()>")
    page.get_by_role("button", name="Validation").click()
    page.get_by_role("button", name="Validation").click()
    expect(rows.last).to_contain_text("95.00 %")  # the smallest first
    page.get_by_label("Filter runs").fill("paper note")
    expect(rows).to_have_count(1)
    expect(page.locator("figcaption")).to_contain_text("1 of 5")
    link = page.get_by_role("link", name="report of")
    assert link.get_attribute("href") == "photos/fast-12345678/seed0/report.html"
    for width in (390, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    watched.asked.clear()
    link.click()
    expect(page).to_have_title("the report")
