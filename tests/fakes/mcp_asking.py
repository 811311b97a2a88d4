"""The SDK's own client of the MCP server, over memory or over another transport."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from ensemble_client import AsyncClient
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult

from gateway.cli.mcp_server.exports import ExportDirectory
from gateway.cli.mcp_server.server import MOST_CALLS, tool_server
from gateway.cli.mcp_server.tool import Desk

TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Asker:
    """Asks tools; the SDK's client holds each answer against the tool's output schema."""

    client: Client

    async def raw(self, tool: str, **given: Any) -> CallToolResult:
        return await self.client.call_tool(tool, given)

    async def answer(self, tool: str, **given: Any) -> dict[str, Any]:
        """Call a tool that must answer; text and structured content are the same."""
        result = await self.raw(tool, **given)
        assert not result.is_error, text_of(result)
        assert json.loads(text_of(result)) == result.structured_content
        return result.structured_content

    async def error(self, tool: str, **given: Any) -> dict[str, Any]:
        """Call a tool that must fail."""
        result = await self.raw(tool, **given)
        assert result.is_error, text_of(result)
        assert result.structured_content is None
        return json.loads(text_of(result))["error"]


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert content.type == "text"
    return content.text


@asynccontextmanager
async def asking(
    target: str,
    exports: ExportDirectory | None = None,
    *,
    timeout_s: float = TIMEOUT_S,
    most_calls: int = MOST_CALLS,
    mode: str = "legacy",
) -> AsyncIterator[Asker]:
    """Ask a server in this process, over streams in memory (`legacy`) or directly (`auto`)."""
    async with AsyncClient(target) as gateway:
        desk = Desk(gateway, timeout_s, exports)
        async with Client(tool_server(desk, most_calls), mode=mode) as client:
            yield Asker(client)


@asynccontextmanager
async def asking_at(server: str | StdioServerParameters | Any) -> AsyncIterator[Asker]:
    """Ask a server by its URL, as a process to start, or over a transport."""
    async with Client(server, read_timeout_seconds=TIMEOUT_S) as client:
        yield Asker(client)
