"""The data doctor's page in a real Chromium: decide, save, go on, apply."""

import json
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.review import Finding, Review, apply_review
from dressform.exploration.doctor import Diagnosis, examine
from dressform.exploration.out_of_sample import OutOfSample
from dressform.reporting.doctor import write_diagnosis
from tests.browser.conftest import Watched
from tests.exploration.test_doctor import confident_predictions, faulty

__all__ = ["faulty"]


@pytest.fixture(scope="module")
def doctored(faulty: DatasetSplits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert faulty.test is not None
    test, path = faulty.test, tmp_path_factory.mktemp("page") / "doctor.html"
    predictions = confident_predictions(
        test.labels, list(range(20, 70)), test.ids, test.class_names
    )
    write_diagnosis(path, examine(faulty, [OutOfSample("model", predictions)]), faulty)
    return path


def opened(watched: Watched, path: Path) -> Page:
    watched.page.goto(path.as_uri())
    watched.page.wait_for_selector("html[data-ready]")
    return watched.page


def test_decide_save_and_apply(
    watched: Watched, doctored: Path, faulty: DatasetSplits, tmp_path: Path
) -> None:
    page = opened(watched, doctored)
    expect(page.locator("#findings")).to_contain_text("50 suspect labels in test")
    first = page.locator("#label .finding").first
    first.get_by_label("relabel", exact=True).check()
    page.locator("#label .finding").nth(1).get_by_label("drop").check()
    page.locator("#label .finding").nth(2).get_by_role("combobox").select_option("Bag")
    page.locator("#duplicate").get_by_role("button", name="drop", exact=True).click()
    page.locator("#duplicate .finding").first.get_by_label("keep").check()
    page.locator("#outlier canvas").first.scroll_into_view_if_needed()
    page.wait_for_timeout(200)
    assert page.locator("#outlier canvas").first.evaluate(
        "c => c.getContext('2d').getImageData(0, 0, 28, 28).data.some((v, i) => i % 4 < 3 && v)"
    )
    with page.expect_download() as download:
        page.get_by_role("button", name="Save review.json").click()
    download.value.save_as(tmp_path / "review.json")
    review = Review.load(tmp_path / "review.json")
    labels = [f for f in review.findings if f.kind == "label"]
    assert (labels[0].action, labels[0].to) == ("relabel", labels[0].suggested)
    assert (labels[1].action, labels[1].to) == ("drop", None)
    assert (labels[2].action, labels[2].to) == ("relabel", "Bag")
    assert {f.action for f in labels[3:]} == {"keep"}
    twins = [f.action for f in review.findings if f.kind == "duplicate"]
    assert twins[0] == "keep"
    assert set(twins[1:40]) == {"drop"}
    expect(page.locator("#findings [role=status]")).to_contain_text("2 to relabel")
    applied = apply_review(faulty, review)
    assert applied.relabelled == 2
    assert applied.dropped == len({f.id for f in review.findings if f.action == "drop"})


def test_a_saved_review_is_gone_on_with(watched: Watched, doctored: Path, tmp_path: Path) -> None:
    page = opened(watched, doctored)
    document = page.evaluate("JSON.parse(document.getElementById('document').textContent).review")
    document["findings"][-1].update(action="drop")
    index = next(i for i, f in enumerate(document["findings"]) if f["kind"] == "label")
    document["findings"][index].update(action="relabel", to="Coat")
    (tmp_path / "review.json").write_text(json.dumps(document))
    page.set_input_files("#load", tmp_path / "review.json")
    expect(page.locator("#findings [role=status]")).to_contain_text("1 to relabel, 1 to drop")
    expect(
        page.locator("#label .finding").first.get_by_label("relabel", exact=True)
    ).to_be_checked()
    expect(page.locator("#label .finding").first.get_by_role("combobox")).to_have_value("Coat")
    document["digests"] = {"train": "other"}
    (tmp_path / "other.json").write_text(json.dumps(document))
    page.set_input_files("#load", tmp_path / "other.json")
    expect(page.locator("#findings [role=status]")).to_contain_text(
        "other.json cannot be loaded: it is a review of a different dataset"
    )


def test_more_can_be_shown_and_nothing_sticks_out(watched: Watched, doctored: Path) -> None:
    watched.page.set_viewport_size({"width": 390, "height": 800})
    page = opened(watched, doctored)
    expect(page.locator("#label .finding")).to_have_count(40)
    page.locator("#label").get_by_role("button", name="Show").click()
    expect(page.locator("#label .finding")).to_have_count(50)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert np.isfinite(page.evaluate("document.documentElement.scrollHeight"))


def test_ids_that_two_splits_share_are_two_pictures(watched: Watched, tmp_path: Path) -> None:
    """Class folders number the pictures of each split anew."""
    bright, dark = (np.full((60, 28, 28, 1), value, np.uint8) for value in (250, 20))
    ids, labels = np.array([f"{i}" for i in range(60)]), np.arange(60) % 2
    data = DatasetSplits(
        "two", Dataset(bright, labels, ids, ("a", "b")), test=Dataset(dark, labels, ids, ("a", "b"))
    )
    finding = Finding(
        id="3",
        split="test",
        kind="duplicate",
        label="b",
        score=1.0,
        reason="nearly 3 in train",
        other="3",
        other_split="train",
    )
    review = Review("two", "", {name: d.digest for name, d in data}, (finding,))
    write_diagnosis(tmp_path / "d.html", Diagnosis(review, (), {}), data)
    page = opened(watched, tmp_path / "d.html")
    page.wait_for_timeout(300)
    middle = "all => all.map(c => c.getContext('2d').getImageData(14, 14, 1, 1).data[0])"
    assert page.locator("#duplicate canvas").evaluate_all(middle) == [20, 250]
