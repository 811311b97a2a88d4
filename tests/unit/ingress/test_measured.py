from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import grpc
import pytest

from gateway.ingress.measured import Measured
from tests.fakes.virtual import VirtualClock


async def answers(request: Any, _: Any) -> bytes:
    return b"answer to " + request


async def gives_up(_: Any, context: Any) -> bytes:
    raise context.error


async def counts(_: Any, __: Any):
    yield b"one"


HANDLERS = {
    "Answers": grpc.unary_unary_rpc_method_handler(answers),
    "GivesUp": grpc.unary_stream_rpc_method_handler(gives_up),
    "Counts": grpc.unary_stream_rpc_method_handler(counts),
}


def details(path: str) -> Any:
    return SimpleNamespace(method=path, invocation_metadata=())


class Rig:
    def __init__(self) -> None:
        self.told: list[tuple[str, str, float]] = []
        inner = grpc.method_handlers_generic_handler("a.Service", HANDLERS)
        self.measured = Measured(inner, lambda *what: self.told.append(what), VirtualClock())

    def handler(self, method: str) -> Any:
        return self.measured.service(details(f"/a.Service/{method}"))


async def test_an_rpc_is_told_with_its_method_and_status():
    rig = Rig()
    assert await rig.handler("Answers").unary_unary(b"x", None) == b"answer to x"
    assert rig.told == [("a.Service/Answers", "OK", 0.0)]


@pytest.mark.parametrize(
    ("error", "code", "status"),
    [
        (RuntimeError("aborted"), grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE"),
        (RuntimeError("a bug"), 0, "UNKNOWN"),
        (RuntimeError("set to OK"), grpc.StatusCode.OK, "UNKNOWN"),
        (asyncio.CancelledError(), 0, "CANCELLED"),
    ],
)
async def test_an_rpc_that_fails_is_told_with_the_status_it_was_given(error, code, status: str):
    rig = Rig()
    context = SimpleNamespace(error=error, code=lambda: code)
    with pytest.raises(type(error)):
        await rig.handler("GivesUp").unary_stream(b"", context)
    assert [told[1] for told in rig.told] == [status]


async def test_a_handler_that_is_no_coroutine_is_left_as_it_is():
    """An interceptor that awaits it breaks Health/Watch."""
    assert Rig().handler("Counts") is HANDLERS["Counts"]


async def test_what_is_not_of_the_service_is_not_found_and_a_handler_is_wrapped_once():
    rig = Rig()
    assert rig.measured.service(details("/b.Service/Answers")) is None
    assert rig.handler("Answers") is rig.handler("Answers")
