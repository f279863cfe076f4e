"""What a screen of the service's page does when things come in another order than usual."""

import json
import re

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy import select

from dressform.service.database.tables import Model
from tests.browser.service_pages import Running, go, page_of, shop_of

SENDING = re.compile(r"/images\?name=")


def open_project(page: Page, service: Running, project: str, screen: str) -> None:
    page.goto(service.link)
    expect(page.get_by_role("heading", level=1)).to_have_text("Projects")
    page.evaluate("(hash) => { location.hash = hash }", f"#/project/{project}{screen}")
    expect(page.get_by_role("navigation", name="Project")).to_be_visible()


def create(page: Page, service: Running, name: str) -> None:
    page.goto(service.link)
    page.locator("#project-name").fill(name)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


class Gate:
    """Holds a page's requests of an address until it is opened."""

    def __init__(self, page: Page, address: re.Pattern[str]) -> None:
        self.held: list[Route] = []
        self.opened = False
        page.route(address, self.take)

    def take(self, route: Route) -> None:
        if self.opened:
            route.continue_()
        else:
            self.held.append(route)

    def open(self) -> None:
        self.opened = True
        for route in self.held:
            route.continue_()


def until(page: Page, true: str) -> None:
    """Wait for an expression; the page's own policy forbids wait_for_function."""
    for _ in range(400):
        if page.evaluate(true):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"not after 20 s: {true}")


def begin_upload(page: Page, service: Running, gate: Gate) -> None:
    page.locator(".zone input[webkitdirectory]").set_input_files(service.photos / "Trouser")
    expect(page.locator(".upload-status")).to_contain_text("Uploading: 0 of 12 files")
    while len(gate.held) < 4:
        page.wait_for_timeout(20)


def leaving_warns(page: Page) -> bool:
    return not page.evaluate("dispatchEvent(new Event('beforeunload', { cancelable: true }))")


def test_an_upload_goes_on_while_another_screen_is_shown(
    browser: Browser, service: Running
) -> None:
    with page_of(browser, 1440) as page:
        create(page, service, "Goes on")
        gate, call = Gate(page, SENDING), page.locator(".train-call")
        begin_upload(page, service, gate)
        expect(call).to_contain_text("Images are being uploaded")
        go(page, "Training")
        expect(call).to_contain_text("Images are being uploaded")
        expect(call.get_by_role("button", name="Train")).to_be_disabled()
        assert leaving_warns(page)
        go(page, "Images")
        expect(page.locator(".upload-status")).to_contain_text("Uploading: 0 of 12 files")
        go(page, "Training")
        gate.open()
        expect(call).not_to_contain_text("being uploaded")
        assert not leaving_warns(page)
        go(page, "Images")
        expect(page.locator(".upload-status")).to_contain_text("12 images added.")
        expect(page.locator(".thumbnail")).to_have_count(12)


def test_an_upload_can_be_cancelled_while_files_arrive(browser: Browser, service: Running) -> None:
    with page_of(browser, 390) as page:
        create(page, service, "Cancelled")
        gate, status = Gate(page, SENDING), page.locator(".upload-status")
        begin_upload(page, service, gate)
        cancel = page.get_by_role("button", name="Cancel upload")
        cancel.hover()
        page.mouse.down()
        gate.held[0].continue_()
        expect(status).to_contain_text("Uploading: 1 of 12 files")
        expect(cancel).to_be_focused()
        page.mouse.up()
        expect(status).to_contain_text("1 image added.")
        expect(status.locator("p")).to_be_focused()


def test_a_late_answer_to_another_filter_is_not_shown(browser: Browser, service: Running) -> None:
    project = shop_of(service, "Filters")
    with page_of(browser, 1440) as page:
        open_project(page, service, project, "")
        expect(page.locator(".thumbnail")).to_have_count(42)
        late = Gate(page, re.compile("label=Trouser"))
        shown = page.get_by_label("Show", exact=True)
        shown.select_option(label="Trouser")
        shown.select_option(label="Boot")
        tiles = page.locator(".thumbnail")
        expect(tiles).to_have_count(12)
        with page.expect_response(re.compile("label=Trouser")):
            late.open()
        page.wait_for_timeout(100)
        assert set(tiles.locator(".caption").all_inner_texts()) == {"Boot"}


def test_the_saved_time_limit_is_the_one_that_is_shown(browser: Browser, service: Running) -> None:
    project = shop_of(service, "Limits")
    with page_of(browser, 1440) as page:
        open_project(page, service, project, "/settings")
        minutes, general = page.locator("#settings-budget"), page.locator("#general")

        def save(value: str) -> float:
            minutes.fill(value)
            address = re.compile(f"projects/{project}$")
            with page.expect_request(address) as sent:
                general.get_by_role("button", name="Save").click()
            expect(general).to_contain_text("Saved")
            budget: float = json.loads(sent.value.post_data or "")["budget"]
            return budget

        first = minutes.input_value()
        assert save("20") == 1200
        page.get_by_label("Name of Boot").fill("Boots")
        page.get_by_role("button", name="Rename Boot").press("Enter")
        expect(page.get_by_role("button", name="Rename Boots")).to_be_visible()
        assert save(first) == 60 * float(first)


def test_focus_and_questions_stay_where_they_belong(browser: Browser, service: Running) -> None:
    project = shop_of(service, "Focus")
    with page_of(browser, 1440) as page:
        open_project(page, service, project, "")
        go(page, "Settings")
        page.get_by_label("Name of Boot").fill("Boots")
        page.get_by_role("button", name="Rename Boot").press("Enter")
        expect(page.get_by_role("button", name="Rename Boots")).to_be_focused()
        page.get_by_role("button", name="Delete Bag").click()
        page.get_by_role("dialog").get_by_role("button", name="Delete class").click()
        expect(page.get_by_role("region", name="Classes")).to_be_focused()

        # A question about one screen is not asked on another.
        page.get_by_role("button", name="Delete this project").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        page.go_back()
        expect(page).to_have_title(re.compile("^Images – "))
        expect(page.get_by_role("dialog")).to_be_hidden()
        expect(page.get_by_role("heading", level=1)).to_be_focused()


def test_a_camera_that_is_allowed_too_late_stays_off(browser: Browser, service: Running) -> None:
    with page_of(browser, 1440) as page:
        create(page, service, "Camera")
        page.evaluate(
            """() => {
              const { mediaDevices } = navigator;
              const ask = mediaDevices.getUserMedia.bind(mediaDevices);
              mediaDevices.getUserMedia = async (wish) => {
                await new Promise((resolve) => { window.allow = resolve; });
                window.stream = await ask(wish);
                return window.stream;
              };
            }"""
        )
        page.get_by_role("button", name="Use the camera").click()
        go(page, "Settings")
        page.evaluate("allow()")
        until(page, "window.stream?.getTracks().every((track) => track.readyState === 'ended')")


def test_a_deleted_version_offers_nothing(browser: Browser, service: Running) -> None:
    project = shop_of(service, "Deleted")
    with service.database.transaction() as session:
        newest = select(Model).where(Model.project_id == project, Model.version == 3)
        session.scalars(newest).one().state = "deleted"
    with page_of(browser, 1440) as page:
        open_project(page, service, project, "/training")
        expect(page.locator("#result")).to_contain_text(
            "Version 3 was trained; it has been deleted"
        )
        expect(page.locator("#result").get_by_role("link")).to_have_count(0)


def test_photos_that_are_shown_are_not_held_in_memory(browser: Browser, service: Running) -> None:
    project = shop_of(service, "Photos")
    answer = {
        "name": "x",
        "label": "Bag",
        "probability": 0.9,
        "top": [{"label": "Bag", "probability": 0.9}],
        "abstain": False,
        "reason": None,
        "warnings": [],
        "steps": [],
    }
    with page_of(browser, 1440) as page:
        open_project(page, service, project, "/try")
        page.route(
            re.compile("/predict"),
            lambda route: route.fulfill(json={"model": {"version": 1}, "predictions": [answer]}),
        )
        page.evaluate(
            """() => {
              window.held = new Set();
              const [make, free] = [URL.createObjectURL, URL.revokeObjectURL];
              URL.createObjectURL = (blob) => {
                const url = make(blob);
                held.add(url);
                return url;
              };
              URL.revokeObjectURL = (url) => { held.delete(url); free(url); };
            }"""
        )
        page.locator(".zone input[type=file]").first.set_input_files(
            service.photos / "Bag" / "Bag-0.png"
        )
        photo = page.locator(".answer-card .photo")
        expect(photo).to_have_js_property("naturalWidth", 28)
        until(page, "held.size === 0")
