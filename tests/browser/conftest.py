"""One headless Chromium for all browser tests, and a page that notes every complaint."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.tools import CHROMIUM, OPTIONS

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

LIMIT_MS = 10_000
"""Longest wait for something to appear; on a slow machine everything takes long."""

OpenPage = Callable[..., Awaitable["Page"]]


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """The browser."""
    from playwright.async_api import async_playwright

    async with async_playwright() as tool:
        started = await tool.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
        yield started
        await started.close()


@pytest.fixture
async def open_page(browser: Browser) -> AsyncIterator[OpenPage]:
    """Open pages in windows of their own; at the end no console has an error.

    Takes what `Browser.new_context` takes. A page that leaves for another host is an error too.
    """
    complaints: list[str] = []

    async with AsyncExitStack() as stack:

        async def opened(**options: Any) -> Page:
            context = await browser.new_context(**{"locale": "en-US", **options})
            stack.push_async_callback(context.close)
            context.set_default_timeout(LIMIT_MS)
            page = await context.new_page()
            page.on("console", lambda one: note(one.type, one.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("request", lambda one: note_request(one.url))
            return page

        def note(kind: str, text: str) -> None:
            # Streams that are cut and addresses that are refused are what some tests are about.
            expected = "net::ERR_" in text or "status of 400" in text
            if kind in {"error", "warning"} and not expected:
                complaints.append(text)

        def note_request(url: str) -> None:
            if not url.startswith("http://127.0.0.1:"):
                complaints.append(f"asked {url}")

        yield opened
    assert complaints == []
