"""The report in a real Chromium: every path that a click or a key can take."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

import dressform
from dressform.evaluation.metrics import METRICS
from dressform.predictions import Predictions
from dressform.reporting.report import write_report
from dressform.runs.run import Run
from tests.browser.conftest import Watched
from tests.conftest import TINY


def opened(watched: Watched, path: Path) -> Page:
    watched.page.goto(path.as_uri())
    watched.page.wait_for_selector("html[data-ready]")
    return watched.page


def painted(page: Page, selector: str) -> bool:
    """Whether a canvas has anything on it."""
    pixels = "canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data"
    return bool(
        page.locator(selector).first.evaluate(
            f"(canvas) => {pixels}.some((v, i) => i % 4 < 3 && v > 0)"
        )
    )


def wrong_cell(predictions: Predictions) -> tuple[int, int, np.ndarray]:
    """The fullest cell off the diagonal, and the positions of its examples."""
    wrong = predictions.labels != predictions.predicted
    pairs = list(
        zip(predictions.labels[wrong].tolist(), predictions.predicted[wrong].tolist(), strict=True)
    )
    i, j = max(sorted(set(pairs)), key=pairs.count)
    return i, j, np.flatnonzero((predictions.labels == i) & (predictions.predicted == j))


def test_the_page_says_what_evaluate_says(watched: Watched, one: Path, named_run: Run) -> None:
    page = opened(watched, one)
    found = json.loads(named_run.layout.report_json.read_text())
    expect(page.locator(".headline strong")).to_have_text(f"{100 * found['accuracy']:.2f} %")
    assert [
        [int(text) for text in row.locator("td").all_inner_texts()]
        for row in page.locator(".confusion tbody tr").all()
    ] == found["confusion"]
    assert page.title() == named_run.name
    assert page.locator("nav a").all_inner_texts() == [
        "Results",
        "Confusion matrix",
        "Images",
        "Per-class metrics",
        "Precision-recall and ROC curves",
        "Selective classification",
        "Calibration",
        "Learning curves",
        "Citation",
    ]
    expect(page.locator("section")).to_have_count(9)
    for name, estimate in found["estimates"].items():
        row = page.locator("#summary tbody tr").filter(has_text=METRICS[name].title).first
        form = "{:.2f}" if METRICS[name].percent else "{:.4f}"
        factor = 100 if METRICS[name].percent else 1
        low, high = (form.format(factor * estimate[end]) for end in ("low", "high"))
        expect(row).to_contain_text(form.format(factor * estimate["value"]))
        expect(row).to_contain_text(f"{low} to {high}")
        expect(row).to_contain_text(estimate["method"])


def test_from_a_cell_to_its_images_to_one_image(
    watched: Watched, one: Path, named_run: Run
) -> None:
    page, predictions = opened(watched, one), named_run.predictions()
    i, j, positions = wrong_cell(predictions)
    page.click(f".confusion td[data-i='{i}'][data-j='{j}']")
    gallery = page.locator("#images .gallery")
    expect(gallery.locator("h3")).to_have_text(
        f"{predictions.class_names[i]} predicted as {predictions.class_names[j]} ({len(positions)})"
    )
    page.select_option("#images .gallery select", "most_confident")
    sure = predictions.probabilities[positions].max(axis=1)
    shown = [int(tile.get_attribute("data-index") or -1) for tile in gallery.locator(".tile").all()]
    assert shown == positions[np.argsort(-np.round(sure * 65535), kind="stable")].tolist()[:60]
    page.select_option("#images .gallery select", "least_confident")
    assert (
        int(gallery.locator(".tile").first.get_attribute("data-index") or -1)
        == positions[np.argmin(np.round(sure * 65535))]
    )

    page.locator("#images .tile").first.scroll_into_view_if_needed()
    page.wait_for_timeout(200)
    assert painted(page, "#images .tile canvas")
    gallery.locator(".tile").first.click()
    dialog = page.locator("#detail")
    expect(dialog).to_be_visible()
    where = int(positions[np.argmin(np.round(sure * 65535))])
    expect(dialog.locator("h2")).to_have_text(str(predictions.ids[where]))
    expect(dialog).to_contain_text(f"True class {predictions.class_names[i]}")
    expect(dialog.locator(".bad")).to_have_text(f"✗ {predictions.class_names[j]}")
    probabilities = dialog.locator(".probabilities tr td").all_inner_texts()
    assert probabilities[0].strip() == f"{100 * predictions.probabilities[where].max():.1f} %"
    expect(dialog.locator(".neighbours li")).to_have_count(5)
    page.wait_for_timeout(200)
    assert painted(page, "#detail .big")
    assert painted(page, "#detail .neighbours canvas")
    expect(dialog.locator(".saliency")).to_be_hidden()
    dialog.get_by_label("Saliency map (HiResCAM)").check()
    expect(dialog.locator(".saliency")).to_be_visible()
    assert painted(page, "#detail .saliency")
    assert f"&image={str(predictions.ids[where]).replace('/', '%2F')}" in page.url
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_by_keyboard_alone(watched: Watched, one: Path, named_run: Run) -> None:
    page, names = opened(watched, one), named_run.predictions().class_names
    page.locator(".confusion td[data-i='0'][data-j='0']").focus()
    for key in ("ArrowRight", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(page.locator("#images h3")).to_contain_text(f"{names[1]}, correct")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(page.locator("#images h3")).to_contain_text(f"{names[1]} predicted as {names[9]}")
    page.get_by_role("button", name="Top losses").press("Enter")
    page.locator("#images .tile").first.focus()
    page.keyboard.press("Enter")
    first = page.locator("#detail h2").inner_text()
    page.keyboard.press("ArrowRight")
    assert page.locator("#detail h2").inner_text() != first
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#detail h2")).to_have_text(first)
    page.keyboard.press("ArrowLeft")  # there is none before the first
    expect(page.locator("#detail h2")).to_have_text(first)


def test_highest_loss_comes_first(watched: Watched, one: Path, named_run: Run) -> None:
    page, predictions = opened(watched, one), named_run.predictions()
    loss = -np.log(predictions.probabilities[np.arange(len(predictions)), predictions.labels])
    shown = [
        int(tile.get_attribute("data-index") or -1) for tile in page.locator("#images .tile").all()
    ]
    assert shown[:10] == np.argsort(-loss, kind="stable")[:10].tolist()


def test_tables_sort_and_open_errors(watched: Watched, one: Path, named_run: Run) -> None:
    page, found = opened(watched, one), json.loads(named_run.layout.report_json.read_text())
    table = page.locator("#per-class table").first
    table.get_by_role("button", name="recall").click()
    recall = [
        float(row.locator("td").nth(1).inner_text().partition(" %")[0])
        for row in table.locator("tbody tr").all()
    ]
    assert recall == sorted(recall, reverse=True)
    expect(table.locator("th[aria-sort=descending]")).to_have_count(1)
    table.get_by_role("button", name="recall").click()
    expect(table.locator("th[aria-sort=ascending]")).to_have_count(1)
    name, matrix = found["per_class"][0]["label"], np.array(found["confusion"])
    table.get_by_role("button", name=name, exact=True).click()
    errors = matrix[0].sum() - matrix[0, 0]
    expect(page.locator("#images h3")).to_have_text(f"Errors, true class {name} ({errors})")
    page.locator("#per-class table").nth(1).locator("button.link").first.click()
    expect(page.locator("#images h3")).to_contain_text("predicted as")


def test_an_image_has_an_address(watched: Watched, one: Path, named_run: Run) -> None:
    page, name = watched.page, str(named_run.predictions().ids[7])
    page.goto(f"{one.as_uri()}#image={name}")
    page.wait_for_selector("html[data-ready]")
    expect(page.locator("#detail h2")).to_have_text(name)


def test_figures_can_be_saved(watched: Watched, one: Path, tmp_path: Path) -> None:
    page = opened(watched, one)
    heads = {"SVG": b"<svg", "PNG": b"\x89PNG", "CSV": b"series,"}
    for kind, head in heads.items():
        with page.expect_download() as download:
            page.locator("#calibration figure").first.get_by_role("button", name=kind).click()
        download.value.save_as(tmp_path / f"x.{kind}")
        content = (tmp_path / f"x.{kind}").read_bytes()
        assert content.startswith(head)
        assert len(content) > 100
    with page.expect_download() as download:
        page.locator("#confusion").get_by_role("button", name="CSV").click()
    download.value.save_as(tmp_path / "confusion.csv")
    assert len((tmp_path / "confusion.csv").read_text().splitlines()) == 11


def test_two_runs_are_compared_and_either_is_shown(
    watched: Watched, two: Path, named_run: Run
) -> None:
    page = opened(watched, two)
    expect(page.locator("#comparison .comparison")).to_have_count(1)
    expect(page.locator("#comparison")).to_contain_text("95 % interval")
    first = page.locator(".headline strong").inner_text()
    page.select_option("#top select", "1")
    assert page.locator(".headline strong").inner_text() != first
    page.locator("#images .tile").first.click()
    expect(page.locator("#detail")).to_be_visible()


def test_runs_of_other_training_images(watched: Watched, named_run: Run, tmp_path: Path) -> None:
    """The second run's neighbours are positions in a training set that the page does not show:
    better none than wrong ones.
    """
    arrays = dict(np.load(named_run.manifest.dataset.source))
    arrays |= {name: arrays[name][:400] for name in ("train_images", "train_labels")}
    np.savez(tmp_path / "less.npz", **arrays)
    other = dressform.train("fast", tmp_path / "less.npz", settings=TINY, out=tmp_path)
    page = opened(watched, write_report([named_run.path, other.path], out=tmp_path / "r.html"))
    page.select_option("#top select", "1")
    expect(page.locator("#summary .note")).to_contain_text("this model was trained on other images")
    page.locator("#images .tile").first.click()
    expect(page.locator("#detail")).to_be_visible()
    expect(page.locator("#detail .neighbours li")).to_have_count(0)


def test_the_theme_can_be_chosen(watched: Watched, one: Path) -> None:
    page = opened(watched, one)
    colour = "getComputedStyle(document.body).backgroundColor"
    seen = [page.evaluate(colour)]
    for _ in range(2):
        page.get_by_role("button", name="Theme").click()
        seen.append(page.evaluate(colour))
    assert seen[0] == seen[1] != seen[2]


@pytest.mark.parametrize("width", [390, 1440])
def test_nothing_sticks_out(watched: Watched, two: Path, width: int) -> None:
    watched.page.set_viewport_size({"width": width, "height": 800})
    page = opened(watched, two)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    scores = page.get_by_role("group", name="Metrics with 95 % intervals")
    assert scores.evaluate("(box) => box.scrollWidth <= box.clientWidth")
    page.locator("#images .tile").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(
        "document.getElementById('detail').scrollWidth <= "
        "document.getElementById('detail').clientWidth"
    )


def test_on_paper_the_page_is_light_and_whole(watched: Watched, one: Path, tmp_path: Path) -> None:
    page = opened(watched, one)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for selector in ("nav", ".filters", ".controls", ".readout >> nth=0"):
        expect(page.locator(selector)).to_be_hidden()
    assert (
        page.locator("figure").first.evaluate("(f) => getComputedStyle(f).breakInside") == "avoid"
    )
    paper = page.pdf(path=tmp_path / "page.pdf", format="A4")
    assert 3 <= paper.count(b"/Type /Page\n") <= 9


def made(classes: int, n: int) -> Predictions:
    random = np.random.default_rng(classes)
    labels = random.integers(0, classes, n)
    logits = random.normal(size=(n, classes)).astype(np.float32)
    logits[np.arange(n), labels] += 3
    names = tuple(f"<b>class & {i}</b>" for i in range(classes))
    return Predictions(np.array([f"</script><i>{i}" for i in range(n)]), labels, logits, names)


@pytest.mark.parametrize(("classes", "n"), [(2, 10), (2, 400), (200, 2000)])
def test_predictions_from_elsewhere(watched: Watched, tmp_path: Path, classes: int, n: int) -> None:
    predictions = made(classes, n)
    predictions.save(tmp_path / "p.npz")
    page = opened(watched, write_report([tmp_path / "p.npz"], out=tmp_path / "r.html"))
    missing = page.locator("#summary .note")
    expect(missing).to_contain_text("only a run directory has the network they need")
    expect(missing).to_contain_text("give its data, too")
    assert ("calibration" in missing.inner_text()) == (n < 20)
    expect(page.locator(".confusion tbody tr")).to_have_count(min(classes, 150))
    page.locator("#images .tile").first.click()
    expect(page.locator("#detail h2")).to_contain_text("</script><i>")
    expect(page.locator("#detail")).to_contain_text("<b>class & ")


def test_a_matrix_of_many_classes_has_the_most_confused(watched: Watched, one: Path) -> None:
    """Of class k, k images are taken for class 999."""
    found = opened(watched, one).evaluate(
        """async () => {
          const { ConfusionMatrix } = await import("dressform/confusion.js");
          const classes = Array.from({ length: 1000 }, (_, i) => `class ${i}`);
          const counts = classes.map((_, i) => classes.map((_, j) => (i === j ? 9 : 0)));
          counts.forEach((row, i) => { if (i < 999) row[999] = i; });
          const start = performance.now();
          const matrix = new ConfusionMatrix(classes, counts, () => {});
          const seconds = (performance.now() - start) / 1000;
          const rows = [...matrix.table.querySelectorAll("tbody th")];
          matrix.mark([0, 999]);
          return {
            seconds,
            rows: rows.map((row) => row.textContent),
            about: matrix.node.querySelector("figcaption").textContent,
            readout: matrix.readout.textContent,
          };
        }"""
    )
    assert found["rows"] == [f"class {i}" for i in range(850, 1000)]
    assert (
        "150 classes with the most errors are shown; the other 850 are left out" in found["about"]
    )
    assert found["readout"].startswith(
        "class 0 predicted as class 999: 0 of 9 (0.0 %), and of 498,"
    )
    assert found["seconds"] < 5  # half a second on two cores that others use


def test_tables_that_are_saved_run_in_no_spreadsheet(watched: Watched, one: Path) -> None:
    watched.page.goto(one.as_uri())
    rows = [
        ["=1+1", "-x", -5, "+1.5", "@a", "plain", 'q"=', "a\\nb"],
        ["", None, 0, "-5", "=", "\t=", "a,b", "'"],
    ]
    text = watched.page.evaluate(
        "rows => import('dressform/html.js').then((module) => module.csv(rows))", rows
    )
    assert next(csv.reader(io.StringIO(text))) == [
        "'=1+1",
        "'-x",
        "-5",
        "+1.5",
        "'@a",
        "plain",
        'q"=',
        "a\\nb",
    ]
    assert text.splitlines()[-1].startswith(",,0,-5,'=,'\t=,")
