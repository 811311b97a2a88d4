"""Both clients trace, list, read and export over real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from ensemble.v1 import trace_pb2
from ensemble_client import (
    AsyncClient,
    Client,
    EnsembleError,
    InvalidRequest,
    NotFound,
)

from tests.fakes.script import Failure, Script
from tests.fakes.traced import Traced


@pytest.fixture
async def served() -> AsyncIterator[Traced]:
    async with Traced() as gateway:
        yield gateway


class Asking:
    """One of the two clients, asked from a test on a loop."""

    def __init__(self, kind: str) -> None:
        self._kind = kind

    async def ask(self, served: Traced, method: str, *arguments: Any, **more: Any) -> Any:
        target = f"127.0.0.1:{served.door.port}"
        if self._kind == "async":
            async with AsyncClient(target) as client:
                result = getattr(client, method)(*arguments, **more)
                if method == "export_traces":
                    return [part async for part in result]
                return await result

        def blocking() -> Any:
            with Client(target) as client:
                result = getattr(client, method)(*arguments, **more)
                return list(result) if method == "export_traces" else result

        return await asyncio.to_thread(blocking)


@pytest.fixture(params=["sync", "async"])
def asking(request: pytest.FixtureRequest) -> Asking:
    return Asking(request.param)


async def test_a_request_is_traced_listed_and_read(served: Traced, asking: Asking) -> None:
    answer = await asking.ask(served, "trace", "x = ", max_tokens=8)
    assert answer.response.text
    name = answer.trace.trace_id
    assert await asking.ask(served, "get_trace", name) == answer.trace
    (listed,) = await asking.ask(served, "traces", {"status": "ok", "slower_than": 0.000001})
    assert listed.trace_id == name
    assert await asking.ask(served, "traces", {"count": 5, "status": "failed"}) == []
    lines = "".join(await asking.ask(served, "export_traces")).splitlines()
    assert json.loads(lines[0])["trace_id"] == name
    rows = "".join(await asking.ask(served, "export_traces", "csv")).splitlines()
    assert rows[1].startswith(name)
    assert (await asking.ask(served, "telemetry")).requests == 1
    assert await asking.ask(served, "clear_traces") == 1
    assert await asking.ask(served, "traces") == []


async def test_a_dry_run_calls_nobody(served: Traced, asking: Asking) -> None:
    answer = await asking.ask(served, "trace", "x = ", dry_run=True)
    assert answer.trace.dry_run
    assert served.asked() == [0, 0]


async def test_a_failed_fill_is_no_error_of_trace_and_one_of_generate(asking: Asking) -> None:
    broken = Script(failure=Failure.UNAVAILABLE)
    async with Traced(broken, broken) as served:
        answer = await asking.ask(served, "trace", "x = ")
        assert answer.failure.detail.reason == "ALL_ENDPOINTS_FAILED"
        with pytest.raises(EnsembleError) as caught:
            await asking.ask(served, "generate", "x = ", trace=True)
        found = await asking.ask(served, "get_trace", caught.value.trace_id)
        assert found.status == trace_pb2.STAGE_STATUS_FAILED
        assert f"trace {found.trace_id}" in str(caught.value)


async def test_an_unknown_trace_is_not_found(served: Traced, asking: Asking) -> None:
    with pytest.raises(NotFound) as caught:
        await asking.ask(served, "get_trace", "nobody")
    assert caught.value.reason == "UNKNOWN_TRACE"


@pytest.mark.parametrize(
    ("method", "argument", "field"),
    [
        ("traces", {"status": "great"}, "status"),
        ("traces", {"slower_than": "soon"}, "slower_than"),
        ("traces", {"count": "x"}, "count"),
        ("export_traces", "xml", "format"),
        ("get_trace", 5, "id"),
    ],
)
async def test_what_cannot_be_sent_is_refused_here(
    served: Traced, asking: Asking, method: str, argument: object, field: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await asking.ask(served, method, argument)
    assert caught.value.violations[0].field == field
