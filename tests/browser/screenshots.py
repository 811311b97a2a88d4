"""Takes a picture of each view under demo traffic: `make screenshots`, into build/screenshots/."""

from __future__ import annotations

import asyncio
import sys

from playwright.async_api import Browser, async_playwright

from tests.browser.tools import CHROMIUM, OPTIONS
from tests.fakes.dashboards import EMPTY, DemoGateway, dashboard, some_traces
from tests.house.sources import ROOT

FOLDER = ROOT / "build" / "screenshots"
README_PICTURE = ROOT / "docs" / "images" / "dashboard.png"
WIDTHS = {1280: 800, 390: 844}
PAGES = {
    "overview": "/",
    "routing": "/routing",
    "fallbacks": "/fallbacks",
    "traces": "/traces",
    "trace": "/trace?id=req-004204",
    "trace-ok": "/trace?id=req-004202",
    "problem": "/?window=7",
}
EMPTY_PAGES = {
    f"empty-{name}": PAGES[name] for name in ("overview", "routing", "fallbacks", "traces")
}


async def pictures(browser: Browser, port: int, pages: dict[str, str]) -> None:
    """Take a picture of each page in both schemes and both widths, whole."""
    for scheme in ("light", "dark"):
        for width, height in WIDTHS.items():
            context = await browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme=scheme,  # type: ignore[arg-type]
                locale="en-US",
            )
            page = await context.new_page()
            for name, path in pages.items():
                await page.goto(f"http://127.0.0.1:{port}{path}")
                if await page.locator("#stream").count():
                    await page.locator("#stream", has_text="Live").wait_for()
                file = FOLDER / f"{name}-{width}-{scheme}.png"
                await page.screenshot(path=file, full_page=True)
            await context.close()


async def readme_picture(browser: Browser, port: int) -> None:
    """Take the picture of the README: the overview as one screen shows it."""
    context = await browser.new_context(viewport={"width": 1280, "height": 860})
    page = await context.new_page()
    await page.goto(f"http://127.0.0.1:{port}/")
    await page.locator("#stream", has_text="Live").wait_for()
    README_PICTURE.parent.mkdir(exist_ok=True)
    await page.screenshot(path=README_PICTURE)
    await context.close()


async def main(*, readme: bool) -> None:
    """Take them all; the picture of the README with `--readme` only."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    busy, idle = DemoGateway(traces=some_traces()), DemoGateway(EMPTY)
    async with async_playwright() as tool:
        browser = await tool.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
        try:
            async with dashboard(busy.sources(1.0)) as port:
                await pictures(browser, port, PAGES)
                if readme:
                    await readme_picture(browser, port)
            async with dashboard(idle.sources(1.0)) as port:
                await pictures(browser, port, EMPTY_PAGES)
        finally:
            await browser.close()
    count = len(list(FOLDER.glob("*.png")))
    sys.stdout.write(f"{count} pictures in build/screenshots\n")


if __name__ == "__main__":
    asyncio.run(main(readme="--readme" in sys.argv[1:]))
