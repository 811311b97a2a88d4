"""The dashboard in a real headless Chromium, under data that changes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.conftest import LIMIT_MS, OpenPage
from tests.browser.tools import AXE, what_is_missing
from tests.fakes.dashboards import (
    EMPTY,
    HOSTILE,
    DemoGateway,
    busy,
    dashboard,
    failed,
    some_traces,
)

if TYPE_CHECKING:
    from playwright.async_api import Page

if MISSING := what_is_missing():
    pytest.skip(MISSING, allow_module_level=True)

pytestmark = pytest.mark.browser

WIDE = {"width": 1280, "height": 800}
NARROW = {"width": 390, "height": 844}
INTERACTIVE_MS = 1000
PAGES = ("/", "/routing", "/fallbacks", "/traces", "/trace?id=req-004204", "/?window=7")
EMPTY_PAGES = tuple(f"{path}?window=300" for path in PAGES[:4])
"""Those that look different without data."""

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}


class Watched:
    """A gateway whose numbers a test changes, and where its pages are."""

    def __init__(self, gateway: DemoGateway, port: int) -> None:
        self.gateway = gateway
        self.port = port

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@pytest.fixture(scope="module")
async def running() -> AsyncIterator[Watched]:
    gateway = DemoGateway()
    async with dashboard(gateway.sources(0.2)) as port:
        yield Watched(gateway, port)


@pytest.fixture
def watched(running: Watched) -> Watched:
    running.gateway.shown, running.gateway.kept = busy(), some_traces()
    return running


async def live(page: Page) -> None:
    await page.locator("#stream", has_text="Live").wait_for()


async def counted(page: Page, rows: int) -> None:
    from playwright.async_api import expect

    await expect(page.locator("#live tbody tr")).to_have_count(rows, timeout=LIMIT_MS)


async def test_a_page_is_interactive_within_a_second(watched: Watched, open_page: OpenPage) -> None:
    """Up to the end of the scripts that wire it up, as the browser itself measures it."""
    page = await open_page(viewport=WIDE)
    times: list[float] = []
    for _ in range(3):  # the best of three: the machine may be busy with something else
        await page.goto(watched.url())
        await page.locator("#theme", has_text="Dark").wait_for()
        timing = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
        times.append(await page.evaluate(timing))
    assert min(times) < INTERACTIVE_MS
    assert await page.locator(".chart canvas").count() == 2


async def test_numbers_and_charts_change_while_the_page_is_open(
    watched: Watched, open_page: OpenPage
) -> None:
    watched.gateway.shown = EMPTY
    page = await open_page(viewport=WIDE)
    await page.goto(watched.url())
    await live(page)
    assert await page.locator(".chart").count() == 0
    watched.gateway.shown = busy()
    await page.get_by_text("13,736").first.wait_for()
    await page.locator(".chart canvas").nth(1).wait_for()
    assert (await page.title()).startswith("✕ decisions by similarity")
    before = await page.locator("#charts").get_attribute("data-traffic")
    changed = busy()
    newest = replace(changed.traffic[-1], requests=4321)
    watched.gateway.shown = replace(
        changed, requests=99_999, traffic=(*changed.traffic[:-1], newest), targets=()
    )
    await page.get_by_text("99,999").wait_for()
    assert await page.locator("#charts").get_attribute("data-traffic") != before
    assert await page.locator(".chart canvas").count() == 2
    assert await page.title() == "Overview · ensemble-gateway"


async def test_what_a_reader_does_is_kept_when_numbers_change(
    watched: Watched, open_page: OpenPage
) -> None:
    page = await open_page(viewport=WIDE)
    await page.goto(watched.url())
    await live(page)
    await page.get_by_text("The newest minutes as a table").click()
    link = page.get_by_role("link", name="constrained")
    await link.focus()
    watched.gateway.shown = replace(busy(), requests=77_777)
    await page.get_by_text("77,777").wait_for()
    assert await page.locator(".minutes").get_attribute("open") is not None
    assert await link.evaluate("one => one === document.activeElement")


async def test_a_chart_tells_the_minute_under_the_pointer(
    watched: Watched, open_page: OpenPage
) -> None:
    page = await open_page(viewport=WIDE)
    await page.goto(watched.url())
    await page.locator("#chart-requests .u-over").hover()
    await page.locator("#read-requests", has_text="failed").wait_for()
    assert (await page.locator("#read-requests").inner_text()).startswith("13:")


async def test_a_filter_works_while_it_is_typed_and_stays_live(
    watched: Watched, open_page: OpenPage
) -> None:
    page = await open_page(viewport=WIDE)
    await page.goto(watched.url("/traces"))
    await live(page)
    await counted(page, 50)
    await page.get_by_label("Status").select_option("failed")
    await counted(page, 8)
    await page.get_by_label("Id contains").press_sequentially("REQ-00420")
    await counted(page, 1)
    assert "status=failed" in page.url
    assert "text=REQ-00420" in page.url
    assert await page.get_by_label("Id contains").evaluate("one => one === document.activeElement")
    watched.gateway.kept += [failed(4300, request_id="req-00420-new"), failed(4301)]
    await page.get_by_role("link", name="req-00420-new").wait_for()
    await counted(page, 2)
    await page.get_by_label("At least, ms").fill("1e9")
    await page.get_by_text("None of the 66 traces that are kept fits.").wait_for()
    await page.get_by_role("link", name="Show all").click()
    await counted(page, 50)


async def test_a_mistake_in_a_filter_is_named_in_its_place(
    watched: Watched, open_page: OpenPage
) -> None:
    page = await open_page(viewport=WIDE)
    await page.goto(watched.url("/traces"))
    await live(page)
    await page.get_by_label("At least, ms").fill("1234567890123")
    await page.get_by_text("slower_ms: must be a number of milliseconds, 0 or more").wait_for()
    await page.get_by_label("At least, ms").fill("2000")
    await page.locator("#live tbody tr").first.wait_for()


async def test_a_trace_opens_as_a_waterfall(watched: Watched, open_page: OpenPage) -> None:
    page = await open_page(viewport=WIDE)
    await page.goto(watched.url("/traces"))
    await page.get_by_role("link", name="req-004204").click()
    await page.get_by_role("heading", name="req-004204").wait_for()
    stages = page.locator(".waterfall li")
    assert await stages.count() == 12
    assert await page.locator(".waterfall details[open]").count() == 2
    route = page.locator(".waterfall summary", has_text="complexity 0.62")
    told = page.locator(".waterfall dd", has_text='["replica-b", "quality-70b"]')
    assert not await told.is_visible()
    await route.click()
    assert await told.is_visible()
    box = await page.locator("svg.bars").nth(7).bounding_box()
    assert box is not None
    assert box["width"] > 150
    await page.get_by_role("link", name="Traces").first.click()
    await live(page)


async def test_everything_is_reached_with_the_keyboard(
    watched: Watched, open_page: OpenPage
) -> None:
    page = await open_page(viewport=WIDE)
    await page.goto(watched.url("/traces?text=req-00420"))
    await live(page)
    walked: list[str] = []
    name = "[document.activeElement].map(one => one.textContent.trim() || one.name)[0]"
    for _ in range(24):
        await page.keyboard.press("Tab")
        walked.append(await page.evaluate(name))
        shown = "getComputedStyle(document.activeElement).outlineStyle"
        assert await page.evaluate(shown) != "none", walked[-1]
    for wanted in ("Skip to the content", "Routing", "24 h", "Pause", "text", "req-004207"):
        assert wanted in walked
    assert walked[0] == "Skip to the content"
    await page.get_by_role("link", name="req-004204").focus()
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="req-004204").wait_for()
    await page.locator(".waterfall summary").first.focus()
    await page.keyboard.press("Enter")
    await page.get_by_text("waited").wait_for()


async def test_the_link_over_the_header_leads_to_the_content(
    watched: Watched, open_page: OpenPage
) -> None:
    page = await open_page(viewport=WIDE)
    await page.goto(watched.url())
    await page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    await skip.wait_for(state="visible")
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "main"


async def test_the_theme_is_that_of_the_system_until_it_is_chosen(
    watched: Watched, open_page: OpenPage
) -> None:
    page = await open_page(viewport=WIDE, color_scheme="dark")
    await page.goto(watched.url())
    colour = "getComputedStyle(document.body).backgroundColor"
    dark = await page.evaluate(colour)
    await page.get_by_role("button", name="Use the light theme").click()
    light = await page.evaluate(colour)
    assert light != dark
    await page.goto(watched.url("/routing"))
    assert await page.evaluate(colour) == light
    await page.get_by_role("button", name="Use the dark theme").click()
    assert await page.evaluate(colour) == dark


async def test_updates_can_be_paused(watched: Watched, open_page: OpenPage) -> None:
    page = await open_page(viewport=WIDE)
    await page.goto(watched.url())
    await live(page)
    await page.get_by_role("button", name="Pause").click()
    await page.get_by_text("Paused").wait_for()
    watched.gateway.shown = replace(busy(), requests=55_555)
    assert await page.get_by_text("55,555").count() == 0
    await page.get_by_role("button", name="Pause").click()
    await page.get_by_text("55,555").wait_for()
    await live(page)


async def test_a_stream_that_is_cut_says_so_and_resumes(open_page: OpenPage) -> None:
    gateway = DemoGateway(busy())
    page = await open_page(viewport=WIDE)
    async with dashboard(gateway.sources(0.2)) as port:
        await page.goto(f"http://127.0.0.1:{port}/")
        await live(page)
    await page.get_by_text("Updates stopped; trying again").wait_for()
    assert await page.get_by_text("13,736").first.is_visible()
    gateway.shown = replace(busy(), requests=88_888)
    async with dashboard(gateway.sources(0.2), port):
        await page.get_by_text("88,888").wait_for(timeout=2 * LIMIT_MS)
        await live(page)
        await page.goto("about:blank")


async def test_names_that_are_markup_do_nothing(watched: Watched, open_page: OpenPage) -> None:
    overview = busy()
    first = replace(overview.endpoints[0], name=HOSTILE)
    watched.gateway.shown = replace(overview, endpoints=(first,))
    watched.gateway.kept = [failed(1, request_id=HOSTILE, endpoint=HOSTILE)]
    page = await open_page(viewport=WIDE)
    await page.goto(watched.url())
    await live(page)
    await page.get_by_role("link", name=HOSTILE).click()
    await page.get_by_role("link", name=HOSTILE).click()
    await page.get_by_role("heading", name=HOSTILE).wait_for()
    # A script that was kept from running would be an error of the console.
    assert await page.locator("script:not([src])").count() == 0


async def test_no_page_is_wider_than_a_window_of_any_size(
    watched: Watched, open_page: OpenPage
) -> None:
    page = await open_page(viewport=WIDE)
    found: list[str] = []
    for path in PAGES:
        await page.goto(watched.url(path))
        for width in (320, 390, 600, 768, 900, 1024, 1101, 1280, 1920):
            await page.set_viewport_size({"width": width, "height": 800})
            if await page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                found.append(f"{path} at {width}")
    assert found == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
async def test_axe_finds_nothing_in_either_scheme(
    watched: Watched, open_page: OpenPage, size: dict[str, int]
) -> None:
    page = await open_page(viewport=size)
    found: dict[str, Any] = {}
    for path in (*PAGES, *EMPTY_PAGES):
        empty = path in EMPTY_PAGES
        watched.gateway.shown = EMPTY if empty else busy()
        watched.gateway.kept = [] if empty else some_traces(12)
        await page.goto(watched.url(path))
        if await page.locator("#stream").count():
            await live(page)
        # As a tool of the developer: the page itself lets no script of others in.
        await page.evaluate(AXE.read_text(encoding="utf-8"))
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            result = await page.evaluate("rules => axe.run(document, rules)", RULES)
            assert len(result["passes"]) > 10
            for one in result["violations"]:
                nodes = [node["html"][:120] for node in one["nodes"][:3]]
                found[f"{path} {scheme} {one['id']}"] = nodes
    assert found == {}
