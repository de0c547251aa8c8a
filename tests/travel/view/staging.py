"""The view on its stage: a page of the real server's origin, where runs that it really told are told again."""

import json
import mimetypes
from pathlib import Path
from typing import Any

import httpx
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, Route

from narrate.server.pages import POLICY
from tests.browser.sites import Site

Event = dict[str, Any]

STAGE = Path(__file__).with_name("stage")

HOT_TOMORROW = "somewhere hot tomorrow, 3 hours at most"
SNOW_ON_SATURDAY = "snow on saturday, up to five hours"
NOWHERE_IS_COLD = "a cold place on thursday, two hours"


def record(site: Site, question: str) -> list[Event]:
    """The record of a real run. Its large details are to be had from the site."""
    answer = httpx.post(f"{site.url}/assist", json={"q": question}, headers={"Accept": "application/x-ndjson"})
    return [event for line in answer.text.splitlines() if "n" in (event := json.loads(line))]


def up_to(events: list[Event], title: str) -> list[Event]:
    """The record as far as the detail of this title."""
    return events[: 1 + next(n for n, event in enumerate(events) if event.get("title") == title)]


def run_over(departure: str, *places: str) -> list[Event]:
    """The end of a run from one place to others, each as `IATA City latitude longitude`."""
    home, *others = (_place(*place.split()) for place in (departure, *places))
    told = {"km": 2000, "flight_minutes": 200, "scheduled": True, "high": 25.0, "sky": "clear sky", "flights": []}
    escapes = [{**place, **told} for place in others]
    result = {"departure": home, "day": "2026-10-14", "weather": "hot", "hours": 24.0, "escapes": escapes}
    return [{"type": "run.finished", "result": result, "seconds": 1, "n": 1, "t": 1}]


def _place(iata: str, city: str, lat: str, lon: str) -> dict[str, Any]:
    return {"iata": iata, "city": city, "country": "NZ", "lat": float(lat), "lon": float(lon)}


class Stage:
    """The view in a tab, so many pixels wide. Nothing has been told to it."""

    def __init__(self, page: Page, site: Site, width: int = 900) -> None:
        self.page = page
        page.set_viewport_size({"width": width, "height": 1200})
        page.route(f"{site.url}/stage/*", _staged)
        page.goto(f"{site.url}/stage/index.html")
        page.locator("view-stage[ready]").wait_for()
        page.evaluate("() => { window.stage = document.querySelector('view-stage'); }")

    def tell(self, events: list[Event]) -> "Stage":
        """Tell these at once, as after a reload, and wait until they have been drawn."""
        self.page.evaluate("(events) => stage.tell(events)", events)
        return self

    def tell_slowly(self, events: list[Event]) -> "Stage":
        """Tell each of these after the one before has been drawn."""
        for event in events:
            self.tell([event])
        return self

    def hold(self) -> "Stage":
        """Keep back from now on what details are asked for."""
        self.page.evaluate("() => { stage.holding = true; }")
        return self

    def release(self, *titles: str) -> None:
        """Let the data of these details come, one after the other."""
        self.page.evaluate("(titles) => stage.release(titles)", titles)

    def refuse(self, *titles: str) -> None:
        """Let these details be such as cannot be had."""
        self.page.evaluate("(titles) => stage.refuse(titles)", titles)

    @property
    def map(self) -> Locator:
        return self.page.get_by_role("img")

    @property
    def cards(self) -> Locator:
        return self.page.locator("ol.cards > li")

    @property
    def skeletons(self) -> Locator:
        return self.page.locator(".skeleton")

    def arc(self, iata: str) -> Locator:
        return self.page.locator(f'.arc[data-iata="{iata}"]')

    def tally(self) -> list[str]:
        """The three numbers, each with its words."""
        rows = self.page.locator(".tally > div").all()
        return [f"{row.locator('dd').inner_text()} {row.locator('dt').inner_text()}" for row in rows]

    def fates(self) -> dict[str, str]:
        """What has become of each place that has an arc."""
        pairs = self.page.locator(".arc").evaluate_all("arcs => arcs.map(({dataset}) => [dataset.iata, dataset.fate])")
        return dict(pairs)

    def path(self, part: str) -> str:
        """What is drawn of a part of the map: `land`, `borders` or `grid`."""
        return self.page.locator(f".ground .{part}").get_attribute("d") or ""

    def half_way(self, iata: str) -> bool:
        """Whether there is land in the middle of an arc."""
        on_land = """(arc) => stage.root.querySelector(".land").isPointInFill(
            arc.getPointAtLength(arc.getTotalLength() / 2))"""
        return bool(self.arc(iata).evaluate(on_land))

    def home(self) -> str | None:
        """Where the airport is on the map; None before it is known."""
        return self.page.locator("g.home").get_attribute("transform")

    def lit(self) -> list[str]:
        """What stands out: parts of the map, and cards, each with the place it is of."""
        words = "all => all.map((one) => `${one.localName === 'li' ? 'card' : one.classList[0]} ${one.dataset.iata}`)"
        return list(self.page.locator(".lit[data-iata]").evaluate_all(words))

    def skies(self) -> list[str]:
        """The drawing on each card that has one."""
        return list(self.cards.locator(".sky").evaluate_all("all => all.map(({dataset}) => dataset.sky)"))

    def opacity(self, iata: str) -> float:
        """How much of an arc is to be seen."""
        return float(self.arc(iata).evaluate("arc => getComputedStyle(arc).opacity"))

    def animations(self) -> list[str]:
        """What moves: the kind of element, and the name of its animation or the property that changes."""
        moving = """() => stage.root.getAnimations().map(({effect, animationName, transitionProperty}) =>
            `${effect.target.classList[0]} ${animationName ?? transitionProperty}`)"""
        return list(self.page.evaluate(moving))

    def settle(self) -> None:
        """Let what moves be at its end, but for what moves for ever."""
        self.page.evaluate("""() => stage.root.getAnimations()
            .filter(({effect}) => effect.getTiming().iterations !== Infinity)
            .forEach((moving) => moving.finish())""")

    def top_of_what_is_below(self) -> float:
        return float(self.page.locator("#below").evaluate("below => below.getBoundingClientRect().top"))

    def shifted(self) -> float:
        """The sum of all layout shifts, as browsers reckon them."""
        return float(self.page.evaluate("() => stage.shifted"))

    def violations(self) -> str:
        """What axe finds wrong, in words; empty if nothing is."""
        found = Axe().run(self.page)
        return found.generate_report() if found.violations_count else ""


def _staged(route: Route) -> None:
    path = STAGE / route.request.url.rpartition("/")[2]
    kind = mimetypes.guess_type(path.name)[0] or ""
    route.fulfill(body=path.read_text(), content_type=f"{kind}; charset=utf-8", headers=dict(POLICY))
