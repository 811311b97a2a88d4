"""The pages of a whole gateway, under traffic of its own."""

from __future__ import annotations

import aiohttp

from tests.fakes.dashboard_reader import Page
from tests.fakes.gateways import Door, gateway_on_loopback, request, settings_of
from tests.fakes.model_server import FakeModelServer
from tests.fakes.script import Failure, Script
from tests.fakes.watched import get

SECRET = "sk-Planted0Secret1Value2That3Nobody4May5See6"
VIEWS = ("/", "/routing", "/fallbacks", "/traces", "/trace?id=seen-by-all")


def port_of(door: Door) -> int:
    assert door.gateway is not None
    port = door.gateway.observability.admin_port
    assert port is not None
    return port


async def read(port: int, path: str) -> str:
    """The page of a path as a browser gets it."""
    async with (
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
        session.get(path) as answer,
    ):
        assert answer.status == 200
        return await answer.text()


async def test_the_pages_show_what_the_gateway_does_and_no_secret() -> None:
    async with FakeModelServer(Script()) as server:
        settings = settings_of(server.url, admin={"port": 0}, trace={"share": 1.0})
        async with gateway_on_loopback(settings) as door:
            port = port_of(door)
            # Of another window: one look serves all pages of one for some seconds.
            before = Page(await read(port, "/?window=300")).text
            prompt = f"api_key = '{SECRET}'\n"
            await door.generate(request(prompt, request_id="seen-by-all"))
            pages = {path: await read(port, path) for path in VIEWS}
    assert "No requests in this window yet" in before
    assert "No requests in this window yet" not in pages["/"]
    assert "seen-by-all" in pages["/traces"]
    assert "validate" in Page(pages["/trace?id=seen-by-all"]).text
    assert [path for path, page in pages.items() if SECRET in page] == []


async def test_a_handover_is_shown_with_its_reason() -> None:
    broken = Script(failure=Failure.UNAVAILABLE)
    async with FakeModelServer(broken) as bad, FakeModelServer(Script()) as good:
        settings = settings_of(bad.url, good.url, admin={"port": 0}, retry={"max_tries": 1})
        async with gateway_on_loopback(settings) as door:
            await door.generate(request())
            page = Page(await read(port_of(door), "/fallbacks")).text
    assert "upstream unavailable" in page
    assert "No endpoint handed over" not in page


async def test_where_dashboards_are_off_the_root_says_so() -> None:
    async with FakeModelServer(Script()) as server:
        settings = settings_of(server.url, admin={"port": 0}, dashboard={"enabled": False})
        async with gateway_on_loopback(settings) as door:
            status, words = await get(port_of(door), "/")
    assert (status, words.count("\n")) == (404, 1)
