"""What a tool is: what it takes, answers and does to the world, and how it is called."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Generic

from ensemble_client import AsyncClient, EnsembleError

from gateway.cli.mcp_server.answers import Answer
from gateway.cli.mcp_server.bounds import bounded
from gateway.cli.mcp_server.exports import ExportDirectory
from gateway.cli.mcp_server.refusals import Asked, Refusal, failure_of, late, read
from gateway.core.sanitise import Json

GRACE_S = 1.0
"""What a call may take beyond the deadline of its RPC, whose error says more."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the tools work with. `timeout_s` is the deadline of a call."""

    client: AsyncClient
    timeout_s: float
    exports: ExportDirectory | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool(Generic[Asked]):
    """One tool. `reads`: it changes nothing. `outside`: it has models asked, which costs money.

    `verbatim` names texts of the answer that are not ours to redact.
    """

    name: str
    title: str
    description: str
    arguments: type[Asked]
    answer: type[Answer]
    work: Callable[[Desk, Asked], Awaitable[Answer]]
    reads: bool = True
    outside: bool = False
    verbatim: frozenset[str] = frozenset()

    async def call(self, desk: Desk, given: Mapping[str, object]) -> dict[str, Json]:
        """Check the arguments, work, and return what may leave. Raises Refusal."""
        asked = read(self.arguments, given)
        try:
            async with asyncio.timeout(desk.timeout_s + GRACE_S):
                document = (await self.work(desk, asked)).model_dump(mode="json")
        except EnsembleError as error:
            raise Refusal(failure_of(error, self.arguments)) from None
        except TimeoutError:
            raise Refusal(late()) from None
        return bounded(document) | {name: document[name] for name in self.verbatim}
