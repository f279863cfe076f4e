"""The projector in a real Chromium."""

import threading
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

import dressform
from dressform.core.errors import ConfigError, DataError
from dressform.exploration.label_issues import find_label_issues
from dressform.predictions import save_predictions
from dressform.reporting.exploration import ProjectionOptions, write_exploration
from dressform.reporting.inspection import ReportOptions
from dressform.reporting.local import local_server
from dressform.runs.run import Run
from tests.browser.conftest import Watched
from tests.exploration.test_doctor import confident_predictions


@pytest.fixture(scope="session")
def everything(named_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """200 test pictures and 600 training pictures."""
    return write_exploration(
        named_run.path,
        ReportOptions(split="all"),
        ProjectionOptions(methods=["tsne"]),
        out=tmp_path_factory.mktemp("page") / "all.html",
    )


def opened(watched: Watched, path: Path, how: str = "") -> Page:
    watched.page.goto(path.as_uri() + how)
    watched.page.wait_for_selector("html[data-ready]")
    watched.page.locator(".stage").scroll_into_view_if_needed()
    watched.page.wait_for_timeout(300)
    return watched.page


def colours(page: Page, places: list[tuple[float, float]]) -> list[tuple[int, ...]]:
    """What the projector's canvas shows at some pixels of the window."""
    box = page.locator(".stage").bounding_box()
    assert box is not None
    script = """(places) => {
        const p = dressform.projector, w = p.canvas.width;
        p.frame();
        const all = p.renderer.pixels();
        const at = (x, y) => 4 * (w * y + x);
        return places.map(([x, y]) => Array.from(all.subarray(at(x, y), at(x, y) + 3)));
    }"""
    return [
        tuple(c)
        for c in page.evaluate(script, [(int(x - box["x"]), int(y - box["y"])) for x, y in places])
    ]


def place(page: Page, index: int) -> tuple[float, float]:
    """Where a picture's point is, in pixels of the window."""
    box = page.locator(".stage").bounding_box()
    assert box is not None
    script = """(i) => {
        const p = dressform.projector;
        return p.view.toPixels(p.canvas.width, p.canvas.height)(...p.positionOf(i));
    }"""
    x, y = page.evaluate(script, index)
    return box["x"] + x, box["y"] + y


@pytest.mark.parametrize("how", ["#draw=webgl", "#draw=plain"])
def test_every_picture_is_drawn_where_it_is(watched: Watched, tested: Path, how: str) -> None:
    page = opened(watched, tested, how)
    expect(page.locator("#projector .status").first).to_have_text("200 of 200 points")
    box = page.locator(".stage").bounding_box()
    assert box is not None
    background, *shown = colours(
        page, [(box["x"], box["y"]), *(place(page, index) for index in range(0, 200, 7))]
    )
    assert all(colour != background for colour in shown)
    assert ("plain JavaScript" in page.evaluate("dressform.projector.renderer.rasteriser")) == (
        how == "#draw=plain"
    )


def test_plain_points_look_like_those_of_webgl(browser: Browser, tested: Path) -> None:
    """The same shares of the stage in the same colours, to the few pixels that rounding moves at
    the rims.
    """
    script = """() => {
        const p = dressform.projector;
        p.select("some", p.visible.slice(0, 40));
        p.frame();
        const all = p.renderer.pixels(), found = {};
        for (let i = 0; i < all.length; i += 4) {
            const key = [all[i], all[i + 1], all[i + 2]].map((v) => v >> 5).join();
            found[key] = (found[key] ?? 0) + 4 / all.length;
        }
        return found;
    }"""
    drawn = []
    for how in ("#draw=webgl", "#draw=plain"):
        page = browser.new_page()
        page.goto(tested.as_uri() + how)
        page.wait_for_selector("html[data-ready]")
        drawn.append(page.evaluate(script))
        page.close()
    common = {colour for found in drawn for colour, share in found.items() if share > 0.0003}
    assert len(common) > 5
    for colour in common:
        assert drawn[1].get(colour, 0) == pytest.approx(
            drawn[0].get(colour, 0), rel=0.25, abs=0.0003
        )


def test_a_click_on_a_point_opens_its_picture(
    watched: Watched, tested: Path, named_run: Run
) -> None:
    page = opened(watched, tested)
    page.mouse.move(*place(page, 11))
    expect(page.locator(".hint")).to_be_visible()
    page.mouse.click(*place(page, 11))
    expect(page.locator("#detail h2")).to_have_text(str(named_run.predictions().ids[11]))
    expect(page.locator("#detail .neighbours li")).to_have_count(10)


def test_neighbours_by_both_metrics_and_their_selection(watched: Watched, tested: Path) -> None:
    page = opened(watched, tested)
    page.locator("#images .tile").first.click()
    distances = page.locator("#detail .neighbours small")
    first = distances.all_inner_texts()
    assert [float(text) for text in first] == sorted(float(text) for text in first)
    page.select_option("#detail select", "euclidean")
    second = [float(text) for text in page.locator("#detail .neighbours small").all_inner_texts()]
    assert second == sorted(second)
    assert second != [float(text) for text in first]
    page.get_by_role("button", name="Select in the projector").click()
    expect(page.locator("#projector h3")).to_contain_text("nearest to")
    expect(page.locator("#projector h3")).to_contain_text("(11)")


def test_lasso_selects_what_is_inside(watched: Watched, tested: Path) -> None:
    page = opened(watched, tested)
    box = page.locator(".stage").bounding_box()
    assert box is not None
    # Before: the selection takes a part of the stage's place.
    inside = sum(place(page, i)[0] < box["x"] + 0.5 * box["width"] for i in range(200))
    assert 0 < inside < 200
    page.get_by_role("button", name="Lasso").click()
    corners = [(0.01, 0.01), (0.5, 0.01), (0.5, 0.99), (0.01, 0.99)]
    for i, (x, y) in enumerate(corners):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=3)
        if i == 0:
            page.mouse.down()
    page.mouse.up()
    expect(page.locator("#projector h3")).to_have_text(f"inside the lasso ({inside})")
    expect(page.locator("#projector .tile").first).to_be_visible()


def test_classes_can_be_left_out_and_only_errors_shown(
    watched: Watched, tested: Path, named_run: Run
) -> None:
    page, predictions = opened(watched, tested), named_run.predictions()
    page.locator("#projector .classes button").first.click()
    left = int((predictions.labels != 0).sum())
    status = page.locator("#projector .status").first
    expect(status).to_have_text(f"{left} of 200 points")
    page.get_by_label("Show", exact=True).select_option("errors")
    wrong = int(((predictions.labels != predictions.predicted) & (predictions.labels != 0)).sum())
    expect(status).to_have_text(f"{wrong} of 200 points")


@pytest.mark.parametrize("colour", ["label", "prediction", "error", "loss", "suspect"])
def test_every_colouring_draws(watched: Watched, tested: Path, colour: str) -> None:
    page = opened(watched, tested)
    page.get_by_label("Colour by", exact=True).select_option(colour)
    page.wait_for_timeout(200)
    assert len(set(colours(page, [place(page, index) for index in range(0, 200, 3)]))) > 1
    assert page.locator("#projector .classes button").count() >= 2


def test_thumbnails_appear_and_stay_right_after_filtering(
    watched: Watched, tested: Path, named_run: Run
) -> None:
    page = opened(watched, tested)
    assert page.evaluate("dressform.projector.thumbnails") == 0
    box = page.locator(".stage").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.wheel(0, 40)  # scrolls
    expect(page.locator(".gesture")).to_have_text("Use Ctrl and the wheel to zoom")
    assert page.evaluate("dressform.projector.view.zoom") == 0.92
    page.keyboard.down("Control")
    for _ in range(4):
        page.mouse.wheel(0, -200)
        page.wait_for_timeout(100)
    page.keyboard.up("Control")
    page.wait_for_timeout(400)
    assert page.evaluate("dressform.projector.thumbnails") > 0
    page.locator("#projector .classes button").nth(3).click()
    page.wait_for_timeout(300)
    # The picture that is drawn for a visible point is its own: compare what lies under it with its
    # sprite.
    script = """async () => { const p = dressform.projector; const drawn = [];
        const drawImage = (b, sx, sy, sw, sh) => drawn.push([sx, sy]);
        const context = { clearRect() {}, strokeRect() {}, drawImage };
        const { inView, drawThumbnail } = await import("dressform/overlay.js");
        const found = inView(p);
        for (const [i, ...centre] of found) drawThumbnail(p, context, i, centre, 20);
        return found.map(([i], n) => [i, p.page.labels[i], ...drawn[n]]); }"""
    found = page.evaluate(script)
    assert found
    sheet = page.evaluate("dressform.page.sheets[0]")
    for index, label, x, y in found:
        assert label != 3
        assert (x, y) == (
            (index % sheet["columns"]) * sheet["width"],
            index // sheet["columns"] * sheet["height"],
        )


def test_search_and_custom_axes(watched: Watched, tested: Path, named_run: Run) -> None:
    page, predictions = opened(watched, tested), named_run.predictions()
    names, search = predictions.class_names, page.get_by_label("Find a class or an id")
    page.get_by_label("Projection", exact=True).select_option("custom")
    for name, button in ((names[1], "A"), (names[9], "B")):
        search.fill(name)
        search.press("Enter")
        expect(page.locator("#projector h3")).to_have_text(
            f"“{name}” ({int((predictions.labels == names.index(name)).sum())})"
        )
        page.get_by_role("button", name=f"Use selection as {button}").click()
    page.wait_for_timeout(300)
    across = [place(page, i)[0] for i in range(200)]
    middle = [
        np.mean([x for x, label in zip(across, predictions.labels, strict=True) if label == c])
        for c in (1, 9)
    ]
    assert middle[0] < middle[1] - 100


def test_components_and_three_dimensions(watched: Watched, tested: Path) -> None:
    page = opened(watched, tested)
    page.get_by_label("Projection", exact=True).select_option("pca")
    before = [place(page, i) for i in range(5)]
    page.get_by_label("Component on x").select_option("4")
    page.wait_for_timeout(200)
    assert [place(page, i) for i in range(5)] != before
    page.get_by_label("Projection", exact=True).select_option("tsne-3d")
    page.wait_for_timeout(300)
    flat = [place(page, i) for i in range(5)]
    page.locator("canvas.points").focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(200)
    assert [place(page, i) for i in range(5)] != flat


def test_a_confusion_lights_up_in_the_projector(
    watched: Watched, tested: Path, named_run: Run
) -> None:
    page, predictions = opened(watched, tested), named_run.predictions()
    j = int(np.bincount(predictions.predicted[predictions.labels == 0]).argmax())
    page.locator(f".confusion td[data-i='0'][data-j='{j}']").click()
    count = int(((predictions.labels == 0) & (predictions.predicted == j)).sum())
    assert page.evaluate("dressform.projector.selection.length") == count


def test_training_images_are_there_too(watched: Watched, everything: Path, named_run: Run) -> None:
    page = opened(watched, everything)
    status = page.locator("#projector .status").first
    expect(status).to_have_text("800 of 800 points")
    expect(page.locator(".headline")).to_contain_text("accuracy on 200 test images")
    page.get_by_label("Show", exact=True).select_option("training")
    expect(status).to_have_text("600 of 800 points")
    page.get_by_label("Colour by", exact=True).select_option("split")
    page.mouse.click(*place(page, 500))
    expect(page.locator("#detail")).to_contain_text("the model was trained on it")
    expect(page.locator("#detail .neighbours li")).to_have_count(10)


def test_training_labels_are_judged_out_of_fold(
    watched: Watched, named_run: Run, tmp_path: Path
) -> None:
    """A judge that is sure that the first ten training pictures are of the next class."""
    train = dressform.load_data(named_run.manifest.dataset.source).train
    judge = confident_predictions(train.labels, list(range(10)), train.ids, train.class_names)
    save_predictions(
        judge.take(np.random.default_rng(0).permutation(len(train))), tmp_path / "judge.npz"
    )
    path = write_exploration(
        named_run.path,
        ReportOptions(split="train"),
        ProjectionOptions(methods=["pca"]),
        out_of_fold=tmp_path / "judge.npz",
        out=tmp_path / "e.html",
    )
    page = opened(watched, path)
    page.get_by_label("Show", exact=True).select_option("suspect")
    wrong = np.flatnonzero(find_label_issues(judge).suspect)
    assert 5 < len(wrong) <= 10
    expect(page.locator("#projector .status").first).to_have_text(f"{len(wrong)} of 600 points")
    assert (
        page.evaluate("dressform.projector.visible.map((i) => dressform.page.ids[i])")
        == train.ids[wrong].tolist()
    )
    page.evaluate("dressform.projector.openPoint(dressform.projector.visible[0])")
    label = int(train.labels[wrong[0]])
    given, other = train.class_names[label], train.class_names[(label + 1) % 10]
    expect(page.locator("#detail .note")).to_contain_text(
        f"an out-of-fold model gives {given} a low probability. Perhaps {other}?"
    )


def test_a_judge_of_other_images_is_refused(named_run: Run, tmp_path: Path) -> None:
    save_predictions(named_run.predictions(), tmp_path / "test.npz")
    options = {
        "projection": ProjectionOptions(methods=["pca"]),
        "out": tmp_path / "e.html",
        "out_of_fold": tmp_path / "test.npz",
    }
    with pytest.raises(
        ConfigError, match="assess the labels of training images, but the split is test"
    ):
        write_exploration(named_run.path, **options)
    with pytest.raises(DataError, match="600 of 600 ids of the training images are not in"):
        write_exploration(named_run.path, ReportOptions(split="all"), **options)
    assert not (tmp_path / "e.html").exists()


def test_the_stage_can_be_saved(watched: Watched, tested: Path, tmp_path: Path) -> None:
    page = opened(watched, tested)
    with page.expect_download() as download:
        page.locator("#projector").get_by_role("button", name="PNG").click()
    download.value.save_as(tmp_path / "p.png")
    saved = np.asarray(Image.open(tmp_path / "p.png").convert("RGB"))
    assert len(np.unique(saved.reshape(-1, 3), axis=0)) > 10
    with page.expect_download() as download:
        page.locator("#projector").get_by_role("button", name="CSV").click()
    download.value.save_as(tmp_path / "p.csv")
    rows = (tmp_path / "p.csv").read_text().splitlines()
    assert rows[0] == "id,label,predicted,x,y,z"
    assert len(rows) == 201


def test_a_page_is_served_here_and_nothing_else(tested: Path) -> None:
    with local_server(tested) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}/"
        with urllib.request.urlopen(address + "?x=1") as answer:
            assert answer.read() == tested.read_bytes()
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(
                urllib.request.Request(
                    address, headers={"Host": f"evil.example:{server.server_port}"}
                )
            )
        with urllib.request.urlopen(urllib.request.Request(address, method="HEAD")) as answer:
            assert int(answer.headers["Content-Length"]) == tested.stat().st_size
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(address + "explore.html")
        with pytest.raises(ConfigError, match=f"port {server.server_port} cannot be used"):
            local_server(tested, server.server_port)
        server.shutdown()
