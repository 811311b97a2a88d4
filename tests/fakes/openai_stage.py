"""`python -m tests.fakes.openai_stage`: gateways that clients of the OpenAI API are tried on.

One knows a model for each behaviour, the other takes one request at a time. Their base URLs are
printed in this order, behind "listening on".
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from gateway.app import Gateway
from gateway.config.load import build
from tests.fakes.model_server import FakeModelServer
from tests.fakes.openai_server import FakeOpenAiServer
from tests.fakes.script import Failure, Script

CALL = {
    "id": "c-1",
    "type": "function",
    "function": {"name": "weather", "arguments": '{"city":"Rome"}'},
}
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
SLOW_PIECE = "tick " * 2000


class ToolServer(FakeOpenAiServer):
    """Calls a tool until a message answers the call."""

    def _saw(self, body: Any, headers: dict[str, str], *, chat: bool) -> None:
        super()._saw(body, headers, chat=chat)
        message: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": [CALL]}
        if body["messages"][-1]["role"] == "tool":
            message = {"role": "assistant", "content": f"It is {body['messages'][-1]['content']}."}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        raw = json.dumps({"model": "m", "choices": [choice]}).encode()
        self.raw = HEAD % len(raw) + raw


def models() -> dict[str, FakeOpenAiServer | FakeModelServer]:
    """Make a server for each behaviour, by the name of its model."""
    return {
        "plain": FakeOpenAiServer(Script()),
        "tools": ToolServer(Script()),
        "json": FakeOpenAiServer(
            Script(pieces=('{"city": "Rome",', ' "degrees": 21}'), logprobs=())
        ),
        "slow": FakeOpenAiServer(Script(pieces=(SLOW_PIECE,), endless=True)),
        "silent": FakeOpenAiServer(Script(hang=True)),
        "breaks": FakeOpenAiServer(Script(failure=Failure.BROKEN, failure_after=2)),
        "fim": FakeModelServer(Script()),
    }


@asynccontextmanager
async def stage() -> AsyncIterator[tuple[str, str]]:
    """Run the gateways; yield their base URLs."""
    async with AsyncExitStack() as stack:
        endpoints: list[dict[str, Any]] = []
        for place, (name, server) in enumerate(models().items()):
            await stack.enter_async_context(server)
            native = isinstance(server, FakeModelServer)
            kind = {} if native else {"protocol": "openai", "model": name}
            about = {"name": name, "url": server.url, "priority": place, "health": "none"}
            endpoints.append({**about, **kind})
        endpoints.append({"name": "down", "url": "127.0.0.1:1", "priority": 9, "health": "none"})
        base = {"endpoint": endpoints, "server": {"port": 0}, "openai": {"port": 0}}
        # As fast as a caller's own retries, which are what is looked at.
        base["retry"] = {"max_tries": 1}
        base["breaker"] = {"open_s": 0.01}
        tight = {**base, "admission": {"max_running": 1, "max_queued": 0}}
        urls: list[str] = []
        for document in (base, tight):
            gateway = await stack.enter_async_context(Gateway(build(document, "stage")))
            await gateway.start()
            urls.append(f"http://127.0.0.1:{gateway.doors.openai_port}/v1")
        yield urls[0], urls[1]


async def main() -> None:
    """Run until ended from outside."""
    async with stage() as urls:
        print("listening on", *urls, flush=True)  # noqa: T201 - what its caller waits for
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
