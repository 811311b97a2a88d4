"""A reader of the dashboard: what its pages hold, and whether they are well formed."""

from __future__ import annotations

from html.parser import HTMLParser

import aiohttp

from tests.fakes.dashboards import DemoGateway

VOID = {"meta", "link", "input", "rect", "path"}
CELLS = {"th", "td", "dt", "dd", "span"}
"""What stands apart from its neighbour without a space between."""


class Page(HTMLParser):
    """What of a page matters to a browser: its elements, text, and whether they are balanced."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self._open.pop() == tag
        if tag in CELLS:
            self.text += " "

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def links(self) -> set[str]:
        named = ("href", "src", "action", "hx-get", "data-events")
        found = {attributes.get(name) for _, attributes in self.elements for name in named}
        return {one for one in found if one is not None}


class Site:
    """A dashboard and who reads it."""

    def __init__(self, port: int, gateway: DemoGateway, session: aiohttp.ClientSession) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.port = port
        self.gateway = gateway
        self._session = session

    async def get(self, path: str, status: int = 200) -> tuple[Page, aiohttp.ClientResponse]:
        async with self._session.get(self.url + path) as response:
            text = await response.text()
            assert response.status == status, text
        return Page(text), response

    async def status(self, path: str) -> int:
        """Ask, and read no more than the answer's beginning: a stream has no end."""
        async with self._session.get(self.url + path) as response:
            return response.status

    async def words(self, path: str, status: int = 200) -> str:
        return " ".join((await self.get(path, status))[0].text.split())
