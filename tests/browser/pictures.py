"""Takes the README's pictures of the page again, from the travel demo: `python -m tests.browser.pictures`."""

import shutil
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.sites import Site

PICTURES = Path(__file__).parents[2] / ".github" / "pictures"
DESK, PHONE = {"width": 1280, "height": 1000}, {"width": 390, "height": 844}
TRAVEL = "pipelines.travel_escape:travel_escape"
FAILURE = Path("pipelines/travel_escape/fixtures/failures/openweather-invalid-key.json")
WISH = "somewhere hot tomorrow, 3 hours at most"


def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        with Site(TRAVEL, options=["--replay", "valencia"]) as demo:
            done(browser, demo)
            working(browser, demo)
        with Site(TRAVEL, options=["--replay", "valencia", "--replay", str(FAILURE)]) as demo:
            failed(browser, demo)


def done(browser: Browser, demo: Site) -> None:
    page = asked(browser, demo, DESK, "light")
    page.locator("narrate-run[state=finished]").wait_for()
    taken(page, "done-light")


def working(browser: Browser, demo: Site) -> None:
    page = asked(browser, demo, PHONE, "dark")
    page.locator("[data-step=weather][data-state=working]").wait_for()
    page.locator("header.head").evaluate("head => head.scrollIntoView()")
    taken(page, "working-phone-dark")


def failed(browser: Browser, demo: Site) -> None:
    page = asked(browser, demo, {"width": 820, "height": 900}, "light")
    page.locator("narrate-run[state=failed]").wait_for()
    taken(page, "failed-light")


def asked(browser: Browser, demo: Site, viewport: dict[str, int], scheme: str) -> Page:
    page = browser.new_page(viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
    page.goto(demo.url)
    page.get_by_role("textbox").first.fill(WISH)
    page.get_by_role("button", name="Begin").click()
    return page


def taken(page: Page, name: str) -> None:
    page.screenshot(path=PICTURES / f"{name}.png")
    page.close()


if __name__ == "__main__":
    main()
