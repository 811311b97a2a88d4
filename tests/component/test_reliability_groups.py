"""Replicas of one model: one endpoint to the router, several servers to call."""

from __future__ import annotations

from typing import Any

import pytest
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble.v1.telemetry_service_pb2 import GetMetricsRequest

from tests.fakes.gateways import failure
from tests.fakes.script import Failure, Script
from tests.fakes.served import UNCHECKED, Served, events_of, kinds, shown, text_of

WITH_RETRIES: dict[str, Any] = {}
TWINS = (
    {"name": "a1", "group": "a", "priority": 0, **UNCHECKED},
    {"name": "a2", "group": "a", "priority": 0, **UNCHECKED},
    {"name": "b", **UNCHECKED},
)


def twins(*scripts: Script, **settings: Any) -> Served:
    """A group `a` of two replicas, and a fallback `b`."""
    own = (*scripts, *(Script(model=f"model-{place}") for place in range(len(scripts), 3)))
    return Served(*own, endpoint=TWINS, retry=WITH_RETRIES, **settings)


async def answers(served: Served, number: int, **fields: Any) -> list[pb.GenerateResponse]:
    return [await served.generate(f"x{place} = ", **fields) for place in range(number)]


async def test_an_answer_names_the_replica_and_its_decision_the_group() -> None:
    async with twins() as served:
        given = await answers(served, 20)
        counted = await served.counters()
        assert served.asked()[2] == 0
    assert {answer.endpoint for answer in given} == {"a1", "a2"}
    assert {answer.decision.primary for answer in given} == {"a"}
    assert {tuple(answer.decision.fallbacks) for answer in given} == {("b",)}
    for answer in given:
        assert shown(answer.attempts) == [(answer.endpoint, "OK")]
        assert answer.model == {"a1": "model-0", "a2": "model-1"}[answer.endpoint]
    assert (counted.attempts, counted.fallback_used) == (20, 0)


async def test_a_stream_names_the_replica_that_wrote_it() -> None:
    async with twins() as served:
        events = await events_of(served.stream())
    done = events[-1].done
    assert done.endpoint in {"a1", "a2"}
    assert {e.delta.endpoint for e in events if e.HasField("delta")} == {done.endpoint}


async def test_each_replica_has_counters_and_the_group_has_none() -> None:
    async with twins() as served:
        await answers(served, 10)
        asked = await served.door.telemetry.GetMetrics(GetMetricsRequest(), timeout=10)
        calls = {one.endpoint: one.lifetime.attempts for one in asked.endpoints}
        assert [calls["a1"], calls["a2"], calls["b"]] == served.asked()
    assert calls["a1"] + calls["a2"] == 10


async def test_a_replica_that_is_stopped_costs_at_most_one_more_attempt_and_no_answer() -> None:
    async with twins() as served:
        await answers(served, 6)
        await served.models[0].stop()
        given = await answers(served, 40)
        counted = await served.counters()
        assert served.asked()[2] == 0
    assert {answer.endpoint for answer in given} == {"a2"}
    for answer in given:
        assert shown(answer.attempts)[-1] == ("a2", "OK")
        assert len(answer.attempts) <= 2
    assert (counted.succeeded, counted.fallback_used) == (46, 0)


async def test_a_retry_goes_to_the_other_replica() -> None:
    async with twins(Script(failure=Failure.UNAVAILABLE)) as served:
        # A replica that was never called is called by the second request at the latest.
        given = await answers(served, 2)
        counted = await served.counters()
        assert served.asked()[0] == 1
    tried = [shown(answer.attempts) for answer in given]
    assert [("a1", "UPSTREAM_UNAVAILABLE"), ("a2", "OK")] in tried
    retried = next(answer for answer in given if len(answer.attempts) > 1)
    assert [one.try_number for one in retried.attempts] == [1, 2]
    assert (counted.retries, counted.fallback_used) == (1, 0)


async def test_the_fallback_comes_after_every_replica() -> None:
    broken = Script(failure=Failure.BROKEN)
    unready = Script(failure=Failure.UNAVAILABLE)
    async with twins(broken, broken) as served:
        answer = await served.generate()
        counted = await served.counters()
    assert (answer.endpoint, len(answer.attempts)) == ("b", 2)
    assert counted.fallback_used == 1
    async with twins(unready, unready) as served:
        answer = await served.generate()
        names = [name for name, _ in shown(answer.attempts)]
    assert (set(names[:2]), names[-1], len(names)) == ({"a1", "a2"}, "b", 4)


async def test_a_caller_fault_is_not_carried_from_replica_to_replica() -> None:
    invalid = Script(failure=Failure.INVALID)
    async with twins(invalid, invalid, invalid) as served:
        failed = await failure(served.generate())
        assert sum(served.asked()[:2]) == 1
    assert failed.code.name == "INVALID_ARGUMENT"


async def test_a_stream_falls_back_to_the_other_replica_before_its_first_text() -> None:
    async with twins(Script(failure=Failure.UNAVAILABLE)) as served:
        streams = [await events_of(served.stream()) for _ in range(2)]
    for events in streams:
        assert text_of(events) == Script().text
        assert "failover" not in kinds(events)
        assert events[-1].done.endpoint == "a2"


async def test_a_session_stays_on_one_replica() -> None:
    async with twins(balance={"by": "session"}) as served:
        homes = {}
        for number in range(16):
            given = await answers(served, 3, session_id=f"session-{number}")
            assert len({answer.endpoint for answer in given}) == 1
            homes[number] = given[0].endpoint
    assert set(homes.values()) == {"a1", "a2"}


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_session_moves_when_its_replica_dies_and_only_that(streamed: bool) -> None:
    async def home(served: Served, session: str) -> str:
        if streamed:
            return (await events_of(served.stream(session_id=session)))[-1].done.endpoint
        return (await served.generate(session_id=session)).endpoint

    async with twins(balance={"by": "session"}) as served:
        before = {f"session-{n}": await home(served, f"session-{n}") for n in range(12)}
        assert set(before.values()) == {"a1", "a2"}
        await served.models[1].stop()
        after = {session: await home(served, session) for session in before}
        counted = await served.counters()
    assert set(after.values()) == {"a1"}
    assert counted.fallback_used == 0


async def test_a_group_is_drained_replica_by_replica() -> None:
    async with twins() as served:
        await served.drain("a1")
        given = await answers(served, 10)
        assert {answer.endpoint for answer in given} == {"a2"}
        await served.drain("a2")
        answer = await served.generate()
        assert (answer.endpoint, answer.decision.primary) == ("b", "b")
        assert [one.endpoint for one in answer.decision.excluded] == ["a"]
        await served.undrain("a1")
        assert {answer.endpoint for answer in await answers(served, 10)} == {"a1"}
        assert (await served.counters()).fallback_used == 0
