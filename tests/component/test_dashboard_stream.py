"""The stream of the dashboard over the real admin listener."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import aiohttp

from gateway.ingress.admin_http import AdminListener, Pages
from gateway.ingress.dashboard.stream import MAX_STREAMS
from tests.fakes.dashboards import EMPTY, HOSTILE, DemoGateway, busy, dashboard, some_traces
from tests.fakes.watched import no_task_left

LONG_S = 600.0
"""A refresh that no test waits for."""


async def event(stream: aiohttp.ClientResponse) -> tuple[str, str]:
    """The name and the data of the next event."""
    raw = await asyncio.wait_for(stream.content.readuntil(b"\n\n"), 5)
    name, *lines = raw.decode().strip().split("\n")
    return name.removeprefix("event: "), "\n".join(line.removeprefix("data: ") for line in lines)


async def test_a_page_is_told_what_changed() -> None:
    gateway = DemoGateway(EMPTY)
    async with dashboard(gateway.sources(0.01)) as port, aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{port}/events?view=overview"
        async with session.get(url) as stream:
            assert stream.headers["Content-Type"] == "text/event-stream; charset=utf-8"
            name, text = await event(stream)
            assert name == "view"
            assert text.startswith('<div id="live" data-title="Overview"')
            assert "No requests in this window yet" in text
            gateway.shown = busy()
            while "13,736" not in text:
                _, text = await event(stream)
            assert "✕ decisions by similarity" in text


async def test_a_stream_of_traces_has_their_filter() -> None:
    gateway = DemoGateway(EMPTY, some_traces(8))
    async with dashboard(gateway.sources(0.01)) as port, aiohttp.ClientSession() as session:
        url = f"http://127.0.0.1:{port}/events?view=traces&text=req-004203"
        async with session.get(url) as stream:
            _, text = await event(stream)
            assert "req-004203" in text
            assert "req-004204" not in text
            gateway.kept.append(replace(gateway.kept[0], request_id=f"req-004203{HOSTILE}"))
            while "script" not in text:
                _, text = await event(stream)
            assert "<script" not in text


async def test_many_pages_are_one_look() -> None:
    gateway = DemoGateway()
    async with (
        dashboard(gateway.sources(LONG_S)) as port,
        aiohttp.ClientSession() as session,
        AsyncExitStack() as stack,
    ):
        for view in ("overview", "routing", "fallbacks", "traces", "overview"):
            url = f"http://127.0.0.1:{port}/events?view={view}"
            assert (await event(await stack.enter_async_context(session.get(url))))[0] == "view"
    assert gateway.asked == [3600.0]


async def test_one_page_too_many_is_told_so_and_probes_get_in() -> None:
    gateway = DemoGateway(EMPTY)
    async with (
        dashboard(gateway.sources(LONG_S)) as port,
        aiohttp.ClientSession() as session,
        AsyncExitStack() as stack,
    ):
        url = f"http://127.0.0.1:{port}"
        for _ in range(MAX_STREAMS):
            await event(await stack.enter_async_context(session.get(f"{url}/events")))
        async with session.get(f"{url}/events") as refused:
            assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
            assert "too many pages" in await refused.text()
        for path in ("/healthz", "/"):
            async with session.get(url + path) as other:
                assert other.status == 200


async def test_closing_ends_open_streams_and_leaves_no_task() -> None:
    gateway = DemoGateway(EMPTY)
    async with aiohttp.ClientSession() as session, AsyncExitStack() as stack, no_task_left():
        listener = AdminListener("127.0.0.1", 0, Pages(None, tuple, gateway.sources(LONG_S)))
        url = f"http://127.0.0.1:{await listener.start()}/events"
        streams = [await stack.enter_async_context(session.get(url)) for _ in range(3)]
        for stream in streams:
            await event(stream)
        await asyncio.wait_for(listener.close(), 5)
        for stream in streams:
            assert await asyncio.wait_for(stream.content.read(), 5) == b""
        await stack.aclose()
        await session.close()


async def test_a_listener_that_was_never_started_closes() -> None:
    await AdminListener("127.0.0.1", 0, Pages(None, tuple, DemoGateway().sources())).close()
