"""The report in a real Chromium: filters, links, charts, the citation, photos."""

import json
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect

import dressform
from dressform.predictions import Predictions
from dressform.reporting.inspection import ReportOptions
from dressform.reporting.report import write_report
from dressform.runs.run import Run
from tests.browser.conftest import Watched
from tests.browser.test_report import opened


def test_filters_stand_in_the_link(watched: Watched, two: Path, named_run: Run) -> None:
    """The images that only one model gets right, as many as the models' predictions have."""
    page = opened(watched, two)
    names = named_run.predictions().class_names
    runs = page.evaluate(
        """() => dressform.page.predictions.map((p) =>
            Array.from({ length: dressform.page.examples }, (_, i) => p.predicted(i)))"""
    )
    first, second = (np.array(run) == named_run.predictions().labels for run in runs)
    rows = page.locator("#comparison .table tbody tr")
    expected = [first & ~second, second & ~first, ~first & ~second, first & second]
    assert [int(row.locator("td").first.inner_text()) for row in rows.all()] == [
        only.sum() for only in expected
    ]
    rows.nth(1).locator("button").click()
    heading = page.locator("#images h3")
    expect(heading).to_contain_text(f"is correct ({expected[1].sum()})")
    page.get_by_label("True class").select_option(label=names[6])
    page.get_by_label("Lowest confidence in percent").fill("15")
    page.get_by_label("Lowest confidence in percent").press("Enter")
    page.select_option("#images .gallery select", "dataset")
    page.get_by_label("Model of the images").select_option("1")
    said, link = heading.inner_text(), page.url
    assert f"true class {names[6]}, confidence 15 to 100 %, only" in said
    for part in ("class=Shirt", "confidence=15-100", "correct=only-1", "order=dataset", "model=2"):
        assert part in link
    shown = page.locator("#images .tile").count()
    watched.asked.clear()
    page.goto("about:blank")
    page.goto(link)
    page.wait_for_selector("html[data-ready]")
    assert heading.inner_text() == said
    assert page.locator("#images .tile").count() == shown
    expect(page.locator("#top select")).to_have_value("1")
    expect(page.locator("#images h2")).to_be_in_viewport()
    page.get_by_label("True class").select_option(label=names[1])
    page.get_by_label("Predicted class").select_option(label=names[2])
    page.get_by_label("Result", exact=True).select_option("correct")
    expect(page.locator("#images .none")).to_have_text("No images.")
    box = page.locator("#images .none").bounding_box()
    assert box is not None
    assert box["height"] < 30  # one line


@pytest.mark.parametrize("width", [390, 1280])
def test_a_link_to_a_section_arrives(watched: Watched, one: Path, width: int) -> None:
    page = watched.page
    page.set_viewport_size({"width": width, "height": 800})
    for name in ("learning-curves", "confusion"):
        watched.asked.clear()
        page.goto("about:blank")
        page.goto(f"{one.as_uri()}#{name}")
        page.wait_for_selector("html[data-ready]")
        page.wait_for_timeout(300)
        top = page.locator(f"#{name} h2").evaluate("(node) => node.getBoundingClientRect().top")
        below = page.locator("nav").evaluate("(node) => node.getBoundingClientRect().bottom")
        room = page.evaluate("document.documentElement.scrollHeight - innerHeight - scrollY")
        assert below <= top
        assert top < below + 120 or room < 2


def test_the_matrix_is_normalised_sorted_and_without_its_diagonal(
    watched: Watched, one: Path, named_run: Run
) -> None:
    page = opened(watched, one)
    matrix = np.array(json.loads(named_run.layout.report_json.read_text())["confusion"])

    def shown() -> list[list[str]]:
        return [
            row.locator("td").all_inner_texts() for row in page.locator(".confusion tbody tr").all()
        ]

    for by, axis in (("rows", 1), ("columns", 0)):
        page.get_by_label("Normalise").select_option(by)
        totals = np.broadcast_to(matrix.sum(axis=axis, keepdims=True), matrix.shape)
        for cells, row, total in zip(shown(), matrix, totals, strict=True):
            for cell, value, n in zip(cells, row, total, strict=True):
                assert cell == "–" if n == 0 else abs(float(cell) - 100 * value / n) < 0.051
    page.get_by_label("Normalise").select_option("counts")
    page.get_by_label("Hide the diagonal").check()
    assert [row[i] for i, row in enumerate(shown())] == [""] * 10
    page.get_by_label("Sort").select_option("errors")
    errors = matrix.sum(axis=0) + matrix.sum(axis=1) - 2 * np.diag(matrix)
    order = np.argsort(-errors, kind="stable")
    names = [named_run.predictions().class_names[i] for i in order]
    assert page.locator(".confusion tbody th").all_inner_texts() == names
    page.locator(".confusion tbody td").nth(1).focus()
    i, j = order[0], order[1]
    expect(page.locator("#confusion output")).to_contain_text(
        f"{names[0]} predicted as {names[1]}: {matrix[i, j]} of {matrix[i].sum()}"
    )
    page.get_by_label("Sort").select_option("similarity")
    assert sorted(page.locator(".confusion tbody th").all_inner_texts()) == sorted(names)


def test_charts_are_read_by_pointer_and_keyboard(
    watched: Watched, one: Path, named_run: Run
) -> None:
    page, predictions = opened(watched, one), named_run.predictions()
    assert page.locator("figure .plot").count() == 8
    chart = page.locator("#selective figure").first
    chart.locator(".plot").focus()
    page.keyboard.press("End")
    highest = predictions.probabilities.max(axis=1).max()
    expect(chart.locator("output")).to_contain_text(f"Threshold {100 * highest:.2f} %: coverage")
    expect(page.locator("#selective .said")).to_contain_text(f"confidence of {100 * highest:.2f} %")
    page.keyboard.press("Home")
    accuracy = (predictions.predicted == predictions.labels).mean()
    expect(page.locator("#selective .said")).to_contain_text(
        "100.0 % (98.1 to 100.0 %) of the images are answered automatically (coverage), and "
        f"{100 * accuracy:.1f} %"
    )
    page.get_by_label("Confidence threshold").press("ArrowRight")
    expect(page.locator("#selective .said")).not_to_contain_text("100.0 % (98.1")
    for figure in page.locator("figure:has(.plot)").all():
        figure.scroll_into_view_if_needed()
        figure.locator("svg").hover()
        expect(figure.locator("output")).not_to_contain_text("Point at the chart")
        assert any(character.isdigit() for character in figure.locator("output").inner_text())
    curves = page.locator("#curves figure").first
    lines = curves.locator(".series").count()
    curves.locator(".legend button").first.click()
    expect(curves.locator(".series")).to_have_count(lines - 1)


def test_the_page_can_be_cited(watched: Watched, one: Path, named_run: Run) -> None:
    page = opened(watched, one)
    section = page.locator("#cite")
    for digest in named_run.manifest.dataset.digests.values():
        expect(section.locator(".citation")).to_contain_text(digest[:16])
        expect(section.locator("dl")).to_contain_text(digest)
    for text in ("dressform train fast", "@misc{dressform-fast-", "dressform 0."):
        expect(section).to_contain_text(text)
    section.get_by_role("button", name="Copy BibTeX").click()
    expect(section.locator(".bar")).to_contain_text("Cop")


def test_photos_open_large(watched: Watched, tmp_path: Path) -> None:
    """Photos of 96 pixels, of which the sheets hold thumbnails; small images are enlarged."""
    random = np.random.default_rng(0)
    images, labels = random.integers(0, 256, (24, 96, 96, 3), dtype=np.uint8), np.arange(24) % 2
    np.savez(
        tmp_path / "photos.npz",
        train_images=images,
        train_labels=labels,
        test_images=images[::-1],
        test_labels=labels[::-1],
    )
    data = dressform.load_data(tmp_path / "photos.npz")
    assert data.test is not None
    logits = random.normal(size=(24, 2)).astype(np.float32)
    Predictions(data.test.ids, data.test.labels, logits, data.class_names).save(tmp_path / "p.npz")
    options = ReportOptions(data=str(tmp_path / "photos.npz"))
    page = opened(watched, write_report([tmp_path / "p.npz"], options, out=tmp_path / "r.html"))
    page.locator("#images .tile").first.click()
    canvas = page.locator("#detail .big")
    expect(canvas).to_have_attribute("width", "96")
    box = canvas.bounding_box()
    assert box is not None
    assert box["width"] >= 256
