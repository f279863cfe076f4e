"""How the projector is looked at: its link, the wheel and fingers."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Watched
from tests.browser.test_projector import opened


def test_a_link_opens_the_same_view(watched: Watched, tested: Path) -> None:
    page = opened(watched, tested)
    projection = page.get_by_label("Projection", exact=True)
    assert projection.input_value() == "tsne"
    best, pca = (
        text.split("recall ")[1] for text in projection.locator("option").all_inner_texts()[:2]
    )
    assert float(best.removesuffix(" %)")) > float(pca.removesuffix(" %)"))
    page.get_by_label("Colour by", exact=True).select_option("error")
    page.get_by_label("Find a class or an id").fill("shirt")
    page.get_by_label("Find a class or an id").press("Enter")
    expect(page.locator("#projector .status").first).to_contain_text("Not selected: T-shirt/top")
    shirts = page.evaluate(
        "dressform.projector.selection.map((i) => dressform.page.classes[dressform.page.labels[i]])"
    )
    assert set(shirts) == {"Shirt"}
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_role("button", name="Zoom in").click()
    page.get_by_label("Show", exact=True).select_option("correct")
    page.locator("canvas.points").press("ArrowLeft")
    page.wait_for_timeout(600)
    state = page.evaluate("dressform.projector.link.state()")
    address = page.url
    assert all(name in address for name in ("colour=error", "show=correct", "selected=", "view="))
    assert "projection=" not in address  # what a page shows by itself is not in its address
    page.goto("about:blank")
    watched.asked.clear()
    page = opened(watched, tested, "#" + address.partition("#")[2])
    assert page.evaluate("dressform.projector.link.state()") == state
    expect(page.locator("#projector h3")).to_have_text(f"“shirt” ({len(shirts)})")
    page.evaluate("location.hash = 'projection=pca&components=2_0_-1&colour=none'")
    expect(page.locator("#projector .status").first).to_have_text("This page has no colour none.")
    assert page.evaluate("dressform.projector.components") == [2, 0, -1]
    assert page.evaluate("dressform.projector.selection") is None
    page.get_by_role("button", name="Reset").click()


def test_two_fingers_zoom_and_one_scrolls(browser: Browser, tested: Path) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True)
    page = context.new_page()
    page.goto(tested.as_uri())
    page.wait_for_selector("html[data-ready]")
    page.locator(".stage").scroll_into_view_if_needed()
    box = page.locator(".stage").bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    fingers = context.new_cdp_session(page)

    def touch(kind: str, *distances: int) -> None:
        points = [{"x": middle[0] + d, "y": middle[1], "id": i} for i, d in enumerate(distances)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", -40)
    touch("touchStart", -40, 40)
    for spread in range(50, 130, 10):
        touch("touchMove", -spread, spread)
    touch("touchEnd")
    assert page.evaluate("dressform.projector.view.zoom") == pytest.approx(0.92 * 3, rel=0.05)
    before = page.evaluate("JSON.stringify(dressform.projector.view)")
    touch("touchStart", 0)
    touch("touchMove", 30)
    touch("touchMove", 60)
    touch("touchEnd")
    assert page.evaluate("JSON.stringify(dressform.projector.view)") == before
    context.close()
