"""The tools behind the official SDK, whatever the transport.

The low-level server is used: the arguments of a call are then checked here and nowhere else, and an
error says no more than what is written here.
"""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from gateway.cli.mcp_server.bounds import bounded
from gateway.cli.mcp_server.catalog import INSTRUCTIONS, TOOLS
from gateway.cli.mcp_server.refusals import Failure, Refusal
from gateway.cli.mcp_server.tool import Desk, Tool

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from mcp import types
    from mcp.server import Server, ServerRequestContext

MOST_CALLS = 32
"""Calls at once; more are refused."""

BUSY = Failure(
    code="RESOURCE_EXHAUSTED",
    reason="BUSY",
    message=f"{MOST_CALLS} calls are running, no more are taken; wait for one of them",
)
INTERNAL = Failure(
    code="INTERNAL",
    reason="INTERNAL",
    message="a bug of `ensemble mcp`; its log says where",
)

log = logging.getLogger(__name__)


def tool_server(desk: Desk, most_calls: int = MOST_CALLS) -> Server[Any]:
    """Make a server that offers the tools; needs the extra `mcp`."""
    from mcp import types
    from mcp.server import Server

    calls = Calls(desk, most_calls)
    listed = types.ListToolsResult(tools=[_described(tool) for tool in TOOLS])

    async def list_tools(
        _: ServerRequestContext[Any], __: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return listed

    async def call_tool(
        _: ServerRequestContext[Any], params: types.CallToolRequestParams
    ) -> types.CallToolResult:
        return await calls.call(params.name, params.arguments or {})

    return Server(
        "ensemble-gateway",
        title="Ensemble gateway",
        version=version("ensemble-gateway"),
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        lifespan=calls.lifespan,
    )


def _described(tool: Tool[Any]) -> types.Tool:
    from mcp import types

    return types.Tool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.arguments.model_json_schema(),
        output_schema=tool.answer.model_json_schema(mode="serialization"),
        annotations=types.ToolAnnotations(
            title=tool.title,
            read_only_hint=tool.reads,
            # Nothing here overwrites or deletes.
            destructive_hint=False,
            idempotent_hint=tool.reads,
            open_world_hint=tool.outside,
        ),
    )


class Calls:
    """Takes calls of tools; so many at once, whoever they come from."""

    def __init__(self, desk: Desk, most: int) -> None:
        self._desk = desk
        self._tools = {tool.name: tool for tool in TOOLS}
        self._most = most
        self._running: set[asyncio.Task[types.CallToolResult]] = set()

    @asynccontextmanager
    async def lifespan(self, _: Server[Any]) -> AsyncGenerator[dict[str, Any]]:
        """End with the server; calls under way are cancelled."""
        try:
            yield {}
        finally:
            for work in self._running:
                work.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def call(self, name: str, given: Mapping[str, object]) -> types.CallToolResult:
        """Answer one call; whatever goes wrong is an answer too, but for a tool not known."""
        tool = self._tools.get(name)
        if tool is None:
            from mcp import MCPError
            from mcp.types import INVALID_PARAMS

            raise MCPError(INVALID_PARAMS, f"no such tool; there are {', '.join(self._tools)}")
        if len(self._running) >= self._most:
            return _failed(BUSY)
        work = asyncio.create_task(self._answered(tool, given), name=f"tool {name}")
        self._running.add(work)
        work.add_done_callback(self._running.discard)
        try:
            # A cancelled RPC raises an error of its own. The SDK would not know it for its
            # cancellation of this call, and end the connection; so it is not awaited itself.
            await asyncio.wait((work,))
        except asyncio.CancelledError:
            work.cancel()
            raise
        return work.result()

    async def _answered(self, tool: Tool[Any], given: Mapping[str, object]) -> types.CallToolResult:
        try:
            return _told(await tool.call(self._desk, given))
        except Refusal as refusal:
            return _failed(refusal.failure)
        except Exception:
            log.exception("tool failed", extra={"tool": tool.name})
            return _failed(INTERNAL)


def _told(document: dict[str, Any]) -> types.CallToolResult:
    """Answer; clients that know no structured content read the same as text."""
    from mcp import types

    text = types.TextContent(text=json.dumps(document, ensure_ascii=False))
    return types.CallToolResult(content=[text], structured_content=document)


def _failed(failure: Failure) -> types.CallToolResult:
    """Tell a failure as text: some clients hold structured content against the tool's schema."""
    from mcp import types

    document = bounded({"error": failure.model_dump(mode="json", exclude_defaults=True)})
    text = types.TextContent(text=json.dumps(document, ensure_ascii=False))
    return types.CallToolResult(content=[text], is_error=True)
