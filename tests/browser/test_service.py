"""A new user's run in the service's page, against a real server and a real worker."""

import re
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.page_checks import opened, screen_faults
from tests.browser.service_pages import SECRET, Running, go, page_of, shop_of

TRAINING = 60_000  # milliseconds


def upload(page: Page, paths: list[Path], said: str) -> None:
    page.locator(".zone input[type=file]").first.set_input_files(paths)
    expect(page.locator(".upload-status")).to_contain_text(said)


def drop(page: Page, place: str, paths: list[Path]) -> None:
    """Drop files on an element."""
    contents = [[path.name, list(path.read_bytes())] for path in paths]
    page.locator(place).evaluate(
        """(place, contents) => {
          const dataTransfer = new DataTransfer();
          for (const [name, bytes] of contents) {
            dataTransfer.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
          }
          place.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true }));
        }""",
        contents,
    )


def wide(page: Page) -> int:
    found: int = page.evaluate("document.scrollingElement.scrollWidth")
    return found


@pytest.mark.parametrize("width", [390, 1440])
def test_a_new_user_s_run(browser: Browser, service: Running, width: int) -> None:
    photos, shop = service.photos, f"Shop {width}"
    with page_of(browser, width) as page:
        page.goto(service.link)
        page.locator("#project-name").fill(shop)
        assert SECRET not in page.url
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text(shop)

        # Upload: folders are classes, and each file that is not taken says why.
        train = page.get_by_role("button", name="Train")
        expect(train).to_be_disabled()
        folder, classes = page.locator(".zone input[webkitdirectory]"), page.locator(".class-list")
        folder.set_input_files(photos / "Trouser")
        expect(classes).to_contain_text("Trouser12")
        upload(page, [photos / "boots.zip"], "12 images added. Left out, no images: Boot/Thumbs.db")
        expect(classes).to_contain_text("Boot12")
        page.get_by_label("Class of new images").select_option(label="a new class …")
        page.get_by_label("Name of the new class").first.fill("Bag")
        few = sorted((photos / "Bag").iterdir())
        upload(page, [*few[:3], photos / "notes.png"], "3 images added")
        expect(page.get_by_role("list", name="Files that were not added")).to_contain_text(
            "notes.png is not an image"
        )
        expect(page.locator(".train-call")).to_contain_text("Bag: 7 more images")
        expect(train).to_be_disabled()
        drop(page, ".class-row:nth-child(3)", few)
        expect(page.locator(".upload-status")).to_contain_text("9 images added. Duplicates")
        page.get_by_label("Class of new images").select_option(label="unlabelled")
        upload(page, sorted((photos / "new").iterdir()), "6 images added")
        expect(classes).to_contain_text("Bag12")
        assert wide(page) == width

        # Train, with the curve as it comes.
        train.click()
        expect(page.locator("#live")).to_contain_text("epoch 2 of 4", timeout=TRAINING)
        expect(page.locator("#live .series polyline").first).to_be_visible()
        assert wide(page) == width
        result = page.locator("#result")
        expect(result).to_contain_text(
            "In 5-fold cross-validation, 91 % of images are classified correctly; the 95 % "
            "interval goes from 88 to 94 %.",
            timeout=TRAINING,
        )
        with page.context.expect_page() as report:
            result.get_by_role("link", name="Report of version 1").click()
        expect(report.value.get_by_role("heading", name="Learning curves")).to_be_visible()
        report.value.close()

        # Predict: the answer first, and what the network saw.
        result.get_by_role("link", name="Try it").click()
        upload_photos = [photos / "new" / "Bag-new-0.png", photos / "notes.png"]
        page.locator(".zone input[type=file]").first.set_input_files(upload_photos)
        answer = page.locator(".answer-card").nth(1)
        expect(answer.locator(".answer-text")).to_have_text(
            re.compile("^(Unsure, perhaps )?(Trouser|Boot|Bag)$"),
            timeout=TRAINING,  # the process of predictions starts with the first one
        )
        expect(answer.locator("tbody tr")).to_have_count(3)
        expect(answer.locator(".steps img").first).to_be_visible()
        expect(page.get_by_role("alert").filter(has_text="No prediction")).to_contain_text(
            "notes.png is not an image"
        )
        page.get_by_role("button", name="Use the camera").click()
        page.get_by_role("button", name="Take photo").click()
        expect(page.locator(".answer-card").first).to_contain_text("camera 1.png")
        page.get_by_role("button", name="Close camera").click()
        assert wide(page) == width

        # Label what came unlabelled, with suggestions, by keys.
        expect_suggestions(page)
        confirmed = page.locator(".suggestion").inner_text()
        page.keyboard.press("Enter")
        expect(page.locator("#label")).to_contain_text("1 labelled now, 5 left")
        page.keyboard.press("1")
        page.keyboard.press("ArrowRight")
        expect(page.locator("#label")).to_contain_text("2 labelled now, 4 left")
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        expect(page.locator("#label")).to_contain_text("1 labelled now, 5 left")
        page.keyboard.type("bo" if confirmed != "Boot" else "t")
        expect(page.locator("#label")).to_contain_text("2 labelled now, 4 left")
        assert wide(page) == width

        # Relabel two, and look at them under their new class.
        go(page, "Images")
        tiles = page.locator(".thumbnail")
        page.get_by_label("Show", exact=True).select_option(label="unlabelled")
        expect(tiles).to_have_count(4)
        tiles.nth(0).click()
        tiles.nth(1).click(modifiers=["Shift"])
        expect(page.get_by_role("group", name="Selected images")).to_contain_text("2 selected")
        page.get_by_label("New class of the selected images").select_option(label="Bag")
        page.get_by_role("button", name="Relabel").click()
        expect(tiles).to_have_count(2)

        # A second version; it is promoted, and rolled back.
        page.get_by_role("button", name="Train a new version").click()
        expect(page.locator("#result")).to_contain_text(
            "Version 1 still answers predictions", timeout=TRAINING
        )
        go(page, "Versions")
        badge = page.locator(".card.promoted h3")
        expect(badge).to_contain_text("Version 1")
        # Too few images are held out in both for a comparison, so none is offered.
        expect(page.get_by_role("button", name="Compare")).to_have_count(0)
        page.get_by_role("button", name="Promote version 2").click()
        expect(badge).to_contain_text("Version 2")
        page.get_by_role("button", name="Roll back to version 1").click()
        expect(badge).to_contain_text("Version 1")
        with page.expect_download() as download:
            page.get_by_role("link", name="ONNX model and model card of version 1").click()
        assert "model.onnx" in zipfile.ZipFile(download.value.path()).namelist()
        page.get_by_role("button", name="Delete version 2").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete version 2").click()
        expect(page.locator(".version").first).to_contain_text("deleted")
        assert wide(page) == width


def expect_suggestions(page: Page) -> None:
    """The labelling screen once the worker has made its suggestions."""
    for _ in range(20):
        go(page, "Label")
        expect(page.locator("#label")).to_contain_text("0 labelled now, 6 left")
        if page.locator(".suggestion").count():
            return
        go(page, "Versions")
        page.wait_for_timeout(500)
    pytest.fail("there were no suggestions after 10 s")


def test_everybody_can_use_every_screen(browser: Browser, service: Running) -> None:
    project = f"#/project/{shop_of(service)}"
    tab = opened(browser, service.url)
    tab.wait_for_selector("#key")
    found = {"sign in": list(screen_faults(tab))}
    tab.evaluate("(hash) => { location.hash = hash }", f"#signin={SECRET}")
    tab.wait_for_selector(".card")
    screens = {
        "#/": ".card",
        project: ".thumbnail",
        f"{project}/label": ".suggestion",
        f"{project}/training": "#result .headline",
        f"{project}/try": ".zone",
        f"{project}/versions": ".version",
        f"{project}/settings": "#settings-budget",
        "#/keys": "#snippets pre",
        "#/service": "#audit tbody tr",
        "#/nothing": "main a",
    }
    for address, shows in screens.items():
        tab.evaluate("(hash) => { location.hash = hash }", address)
        tab.wait_for_function(
            "(hash) => document.documentElement.dataset.ready === hash", arg=address
        )
        tab.wait_for_selector(shows)
        assert tab.evaluate("document.activeElement.localName") == "h1", address
        found[address] = list(screen_faults(tab))
    tab.context.close()
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_what_fails_is_told_where_it_happened(browser: Browser, service: Running) -> None:
    with page_of(browser, 390) as page:
        page.goto(f"{service.url}/#/keys")
        page.get_by_label("API key").fill("df_wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("not valid any more")
        page.goto(service.link)
        page.locator("#project-name").fill("Twice")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("Twice")
        page.get_by_role("link", name="dressform").click()
        page.locator("#project-name").fill("Twice")
        page.keyboard.press("Enter")
        expect(page.locator("#new-project").get_by_role("alert")).to_contain_text("already")
        # Out of reach: an upload is told so and can be tried again; then it arrives.
        page.get_by_role("link", name="Twice").click()
        zone = page.locator(".zone input[type=file]").first
        expect(zone).to_be_attached()  # the page has all it needs
        page.clock.install()
        page.context.set_offline(True)
        zone.set_input_files(service.photos / "Bag" / "Bag-0.png")
        again = page.get_by_role("button", name="Try the failed ones again")
        for _ in range(20):
            page.clock.run_for(3000)
            page.wait_for_timeout(50)
            if again.is_visible():
                break
        expect(page.locator(".problems")).to_contain_text("Bag-0.png The service does not answer")
        page.context.set_offline(False)
        again.click()
        page.clock.run_for(1000)
        expect(page.locator(".thumbnail")).to_have_count(1)

        # The key is revoked: the page leads to signing in, and says nothing of the project.
        page.context.clear_cookies()
        page.get_by_label("New class", exact=True).fill("Bag")
        page.get_by_role("button", name="Add class").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
