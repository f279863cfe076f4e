"""The data doctor's page in a real Chromium: decide, save, go on, apply."""

import json
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect

import dressform
from dressform.data.dataset import Dataset, DatasetSplits
from dressform.data.review import Finding, Review, apply_review
from dressform.exploration.doctor import Diagnosis
from dressform.reporting.doctor import write_diagnosis
from tests.browser.conftest import Watched


def opened(watched: Watched, path: Path) -> Page:
    watched.page.goto(path.as_uri())
    watched.page.wait_for_selector("html[data-ready]")
    return watched.page


def test_decide_save_and_apply(
    watched: Watched, doctored: Path, faulty: DatasetSplits, tmp_path: Path
) -> None:
    page = opened(watched, doctored)
    expect(page.locator("#findings")).to_contain_text("50 suspect labels in test")
    label = page.locator("#label .finding")
    label.first.get_by_role("button", name="Relabel").click()
    label.nth(1).get_by_role("button", name="Drop").click()
    label.nth(2).get_by_role("combobox").select_option("Bag")
    page.locator("#duplicate").get_by_role("button", name="drop", exact=True).click()
    page.locator("#duplicate .finding").first.get_by_role("button", name="Keep").click()
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
    expect(page.locator(".review-bar [role=status]")).to_contain_text("2 to relabel")
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
    expect(page.locator(".review-bar [role=status]")).to_contain_text("1 to relabel, 1 to drop")
    expect(page.locator("#label .finding").first).to_have_attribute("data-decision", "relabel")
    expect(page.locator("#label .finding").first.get_by_role("combobox")).to_have_value("Coat")
    document["digests"] = {"train": "other"}
    (tmp_path / "other.json").write_text(json.dumps(document))
    page.set_input_files("#load", tmp_path / "other.json")
    expect(page.locator(".review-bar [role=status]")).to_contain_text(
        "other.json cannot be loaded: it is a review of a different dataset"
    )


def test_keys_decide_and_undo(watched: Watched, doctored: Path) -> None:
    page = opened(watched, doctored)
    expect(page.locator(".review-bar .keys")).to_contain_text("K keep D drop R relabel")
    cards, status = page.locator("#label .finding"), page.locator(".review-bar [role=status]")
    cards.nth(0).scroll_into_view_if_needed()
    expect(cards.nth(0)).to_have_class("finding first")  # what the first key is about
    page.keyboard.press("k")
    expect(cards.nth(1)).to_be_focused()
    for key in ("d", "r"):
        page.keyboard.press(key)
    expect(cards.nth(3)).to_be_focused()
    assert cards.evaluate_all("all => all.slice(0, 4).map((c) => c.dataset.decision ?? '')") == [
        "keep",
        "drop",
        "relabel",
        "",
    ]
    expect(status).to_contain_text("1 kept, 1 to relabel, 1 to drop")
    page.keyboard.press("u")
    expect(cards.nth(2)).to_be_focused()
    expect(status).to_contain_text("1 kept, 0 to relabel, 1 to drop")
    page.keyboard.press("Enter")
    dialog = page.locator("dialog.enlarged")
    expect(dialog).to_contain_text("3 of ")
    assert dialog.locator("canvas").first.evaluate("c => c.clientWidth") >= 256
    page.keyboard.press("d")
    expect(dialog).to_contain_text("4 of ")
    page.keyboard.press("ArrowLeft")
    expect(dialog.get_by_role("button", name="Drop")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Escape")
    expect(cards.nth(2)).to_be_focused()
    for _ in range(38):  # past the 40 that are shown at first
        page.keyboard.press("ArrowRight")
    expect(cards.nth(40)).to_be_focused()
    page.get_by_label("Show", exact=True).select_option("decided")
    expect(cards).to_have_count(3)
    expect(page.locator("#label h2")).to_have_text("Suspect labels (3 of 50)")
    page.get_by_label("Show", exact=True).select_option("all")
    page.get_by_label("Class", exact=True).select_option("Bag")
    for text in cards.locator("h3").all_inner_texts():
        assert "Bag" in text
    page.reload()
    watched.asked.clear()
    expect(status).to_contain_text("1 kept, 0 to relabel, 2 to drop")
    twins = page.locator("#duplicate .finding")
    twins.first.focus()
    page.keyboard.press("r")  # no class is suggested, so one is chosen
    expect(twins.first.get_by_role("combobox")).to_be_focused()
    before = twins.first.get_by_role("combobox").input_value()
    last = page.locator("#duplicate select").first.locator("option").last.inner_text()
    page.keyboard.press("ArrowUp" if before == last else "ArrowDown")
    expect(status).to_contain_text("0 to relabel")  # not yet
    page.keyboard.press("Enter")
    expect(status).to_contain_text("1 to relabel")
    expect(twins.nth(1)).to_be_focused()


def test_photos_are_large_and_named_by_their_files(watched: Watched, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for number in range(24):
        pixels = random.integers(0, 255, (4, 6, 3), np.uint8)
        folder = tmp_path / "photos" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        photo = Image.fromarray(pixels).resize((480, 320))
        photo.save(folder / f"photo {number}.png")
        if number == 5:
            photo.save(folder / "again.png")
    diagnosed = dressform.diagnose(tmp_path / "photos", out=tmp_path / "doctor.html")
    page = opened(watched, diagnosed.page)
    expect(page.locator("#duplicate figcaption").first).to_contain_text(".png")
    page.locator("#duplicate .twins").first.click()
    canvas = page.locator("dialog canvas").first
    expect(canvas).to_have_attribute("width", "320")
    expect(canvas).to_have_attribute("height", "213")
    expect(page.locator("dialog code").first).to_contain_text("b/")


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
