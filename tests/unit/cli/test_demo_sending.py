"""Every question gets exactly one answer, an error or an entry as lost; one server is killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import grpc
import pytest
from ensemble.v1.decision_pb2 import RoutingDecision, RoutingReason
from ensemble.v1.gateway_service_pb2 import FailureDetail, GenerateResponse, StreamDelta
from ensemble.v1.result_pb2 import Attempt, AttemptStatus, Verdict, VerdictStatus
from ensemble_client import AsyncClient, EnsembleError
from ensemble_client.errors import error_for

from gateway.cli.demonstration import sending
from gateway.cli.demonstration.answers import Answer, Tried
from gateway.cli.demonstration.asking import Mode, Question
from gateway.cli.demonstration.holes import Cut, CutHole
from gateway.cli.demonstration.sending import Sender

SOURCE = "def f():\n    return 1\n"
HOLE = CutHole("sample", "f", Cut.LINE, SOURCE, 13, 21, 0, len(SOURCE), (2,))
RESPONSE = GenerateResponse(
    text="return 1",
    endpoint="fast",
    decision=RoutingDecision(reason=RoutingReason.ROUTING_REASON_FAST_MATCH),
    attempts=[Attempt(endpoint="fast", status=AttemptStatus.ATTEMPT_STATUS_OK)],
    verdicts=[Verdict(constraint="syntax", status=VerdictStatus.VERDICT_STATUS_PASSED)],
)
FAILURE = FailureDetail(
    reason="ALL_ENDPOINTS_FAILED",
    attempts=[Attempt(endpoint="fast", status=AttemptStatus.ATTEMPT_STATUS_FAILED)],
    decision=RESPONSE.decision,
)


class FakeStream:
    def __init__(self, *, whole: bool) -> None:
        self.text = ""
        self._whole = whole

    async def __aenter__(self) -> FakeStream:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def __aiter__(self) -> AsyncIterator[Any]:
        self.text = "return 1"
        yield StreamDelta(text=self.text)
        if self._whole:
            done = GenerateResponse()
            done.CopyFrom(RESPONSE)
            done.text = ""
            yield done


class FakeClient:
    def __init__(self, outcome: BaseException | None = None, *, whole: bool = True) -> None:
        self._outcome = outcome
        self._whole = whole
        self.calls = 0

    async def generate(self, prompt: str, **fields: Any) -> GenerateResponse:
        self.calls += 1
        assert prompt == "def f():\n    "
        assert fields["suffix"] == "\n"
        if self._outcome is not None:
            raise self._outcome
        return RESPONSE

    def stream(self, prompt: str, **fields: Any) -> FakeStream:
        self.calls += 1
        return FakeStream(whole=self._whole)


class Kill:
    def __init__(self) -> None:
        self.told: list[Answer] = []
        self.at: list[int] = []

    async def __call__(self) -> None:
        self.at.append(len(self.told))


async def send(client: FakeClient, count: int, mode: Mode) -> tuple[list[Answer], Kill]:
    kill = Kill()
    sender = Sender(cast("AsyncClient", client), kill, kill.told.append)
    return await sender.send([Question(n, HOLE, mode, 0) for n in range(count)]), kill


def failed(detail: FailureDetail | None) -> EnsembleError:
    return error_for(grpc.StatusCode.UNAVAILABLE, "nobody answered", detail)


@pytest.mark.parametrize("mode", list(Mode))
async def test_every_answer_is_kept_with_its_route(mode: Mode) -> None:
    client = FakeClient()
    answers, kill = await send(client, 10, mode)
    assert client.calls == len(answers) == 10
    assert {answer.question.number for answer in answers} == set(range(10))
    assert kill.told == answers
    assert kill.at == [5]
    assert [answer.after_kill for answer in answers] == [False] * 5 + [True] * 5
    first = answers[0]
    assert (first.text, first.endpoint, first.routed) == ("return 1", "fast", "fast_match")
    assert first.attempts == (Tried("fast", "ok", ""),)
    assert first.verdicts == (("syntax", "passed"),)
    assert first.exact


async def test_a_typed_error_with_its_chain_is_no_loss() -> None:
    answers, _ = await send(FakeClient(failed(FAILURE)), 2, Mode.SEQUENTIAL)
    assert [(one.error, one.lost, one.routed) for one in answers] == [
        ("ALL_ENDPOINTS_FAILED", False, "fast_match")
    ] * 2
    assert answers[0].attempts == (Tried("fast", "failed", ""),)


@pytest.mark.parametrize(
    ("outcome", "seen"),
    [
        (failed(None), "UNAVAILABLE"),
        (failed(FailureDetail(reason="ALL_ENDPOINTS_FAILED")), "ALL_ENDPOINTS_FAILED"),
        (ConnectionError("gone"), "ConnectionError"),
        (TimeoutError(), "TimeoutError"),
    ],
)
async def test_what_explains_nothing_is_lost(outcome: BaseException, seen: str) -> None:
    answers, _ = await send(FakeClient(outcome), 3, Mode.SEQUENTIAL)
    assert [(one.error, one.lost) for one in answers] == [(seen, True)] * 3


async def test_a_stream_without_its_last_event_is_lost() -> None:
    answers, _ = await send(FakeClient(whole=False), 2, Mode.STREAM)
    assert [one.error for one in answers] == ["EOFError"] * 2


async def test_a_call_that_never_ends_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(FakeClient):
        async def generate(self, prompt: str, **fields: Any) -> GenerateResponse:
            await asyncio.Event().wait()
            raise AssertionError

    monkeypatch.setattr(sending, "DEADLINE_S", 0.0)
    monkeypatch.setattr(sending, "GRACE_S", 0.0)
    answers, _ = await send(Silent(), 2, Mode.SEQUENTIAL)
    assert [one.error for one in answers] == ["TimeoutError"] * 2
