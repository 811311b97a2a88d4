"""A request that its caller named is worked on once, whoever asks and however often."""

from __future__ import annotations

import asyncio

import grpc
import pytest
from ensemble.v1 import gateway_service_pb2 as pb

from tests.fakes.gateways import failure, request
from tests.fakes.script import Failure, Script
from tests.fakes.served import Hold, Served, events_of, kinds, text_of, trailers_of

NAMED = {"request_id": "order-1"}
TEXT = Script().text


def cache(trailers: dict[str, str]) -> str:
    return trailers["x-ensemble-cache"]


async def test_two_at_once_make_one_upstream_call_and_get_the_same_answer() -> None:
    async with Served(Script()) as served:
        served.models[0].hold = hold = Hold()
        calls = [served.generate(**NAMED)]
        await served.models[0].witness.called(1)
        calls.append(served.generate(**NAMED))
        await served.until(lambda now: now.replayed == 1)
        hold.release()
        first, second = await asyncio.gather(*calls)
        assert [cache(await trailers_of(call)) for call in calls] == ["miss", "replay"]
        counted = await served.counters()
        assert served.asked() == [1]
    assert first.text == second.text == TEXT
    assert (counted.requests, counted.succeeded, counted.attempts) == (2, 2, 1)


async def test_a_hundred_at_once_make_one_upstream_call() -> None:
    async with Served(Script()) as served:
        given = await asyncio.gather(*(served.generate(**NAMED) for _ in range(100)))
        assert served.asked() == [1]
        assert (await served.counters()).replayed == 99
    assert {answer.text for answer in given} == {TEXT}


async def test_a_repetition_is_answered_by_the_first_answer() -> None:
    async with Served(Script()) as served:
        calls = [served.generate(**NAMED), served.generate("other")]
        first, _ = [await call for call in calls]
        served.models[0].script = Script(pieces=("something else",))
        again = served.generate(**NAMED)
        second = await again
        trailers = [await trailers_of(call) for call in (*calls, again)]
        assert [cache(one) for one in trailers] == ["miss", "miss", "replay"]
        assert served.asked() == [2]
    assert (second.text, second.endpoint) == (first.text, "a")
    assert second.request_id == trailers[2]["x-request-id"] == "order-1"


async def test_an_answer_is_forgotten_after_its_window() -> None:
    async with Served(Script(), idempotency={"window_s": 60.0}) as served:
        await served.generate(**NAMED)
        served.clock.ahead_s += 59
        await served.generate(**NAMED)
        assert served.asked() == [1]
        served.clock.ahead_s += 2
        await served.generate(**NAMED)
        assert served.asked() == [2]


async def test_a_failure_is_not_replayed() -> None:
    async with Served(Script(failure=Failure.BROKEN)) as served:
        assert (await failure(served.generate(**NAMED))).code is grpc.StatusCode.UNAVAILABLE
        served.models[0].script = Script()
        call = served.generate(**NAMED)
        assert (await call).text == TEXT
        assert cache(await trailers_of(call)) == "miss"


async def test_requests_without_a_name_are_never_joined() -> None:
    async with Served(Script()) as served:
        await asyncio.gather(*(served.generate() for _ in range(5)))
        assert served.asked() == [5]
        assert (await served.counters()).replayed == 0


@pytest.mark.parametrize("running", [False, True])
async def test_the_same_id_with_another_body_is_refused(running: bool) -> None:
    async with Served(Script()) as served:
        served.models[0].hold = hold = Hold()
        first = served.generate(**NAMED)
        await served.models[0].witness.called(1)
        if not running:
            hold.release()
            await first
        failures = [
            await failure(served.generate("another", **NAMED)),
            await failure(served.stream(**NAMED, n=1, strategy="STRATEGY_BEST_OF_N")),
        ]
        hold.release()
        assert (await first).text == TEXT
        assert served.asked() == [1]
    for failed in failures:
        assert failed.code is grpc.StatusCode.INVALID_ARGUMENT
        assert (failed.reason, failed.fields) == ("REQUEST_ID_REUSED", ["request_id"])
        violations = failed.details["BadRequest"].field_violations
        assert [one.field for one in violations] == ["request_id"]


async def test_another_tenant_means_another_request_by_the_same_id() -> None:
    async with Served(Script()) as served:
        calls = [
            served.generate(**NAMED),
            served.generate(**NAMED, tenant="blue"),
            served.generate("another", **NAMED, tenant="green"),
        ]
        await asyncio.gather(*calls)
        again = served.generate(**NAMED, tenant="blue")
        await again
        found = [cache(await trailers_of(call)) for call in (*calls, again)]
        assert found == ["miss", "miss", "miss", "replay"]
        assert served.asked() == [3]


async def test_the_first_caller_may_leave_while_a_second_waits() -> None:
    async with Served(Script()) as served:
        model = served.models[0]
        model.hold = hold = Hold()
        first = served.generate(**NAMED)
        await model.witness.called(1)
        second = served.generate(**NAMED)
        await served.until(lambda now: now.replayed == 1)
        first.cancel()
        await served.until(lambda now: now.requests == 1)
        hold.release()
        assert (await second).text == TEXT
        counted = await served.counters()
        assert served.asked() == [1]
        assert not model.witness.left.is_set()
    assert (counted.succeeded, counted.failed, counted.attempts) == (1, 1, 1)


@pytest.mark.parametrize("streamed", [False, True])
async def test_the_only_caller_leaving_cancels_the_upstream_call(streamed: bool) -> None:
    async with Served(Script(hang=True)) as served:
        model = served.models[0]
        call = served.stream(**NAMED) if streamed else served.generate(**NAMED)
        await model.witness.called(1)
        call.cancel()
        await model.witness.left.wait()
        counted = await served.until(lambda now: now.requests == 1)
        # Nobody is at it any more: whoever comes now begins anew.
        model.script = Script()
        assert (await served.generate(**NAMED)).text == TEXT
        assert served.asked() == [2]
    assert (counted.failed, counted.attempts) == (1, 1)


async def test_a_unary_call_joins_a_stream() -> None:
    async with Served(Script()) as served:
        served.models[0].hold = hold = Hold()
        stream = asyncio.create_task(events_of(served.stream(**NAMED)))
        await served.models[0].witness.called(1)
        call = served.generate(**NAMED)
        await served.until(lambda now: now.replayed == 1)
        hold.release()
        assert (await call).text == text_of(await stream) == TEXT
        assert served.asked() == [1]


async def test_a_stream_joins_a_unary_call() -> None:
    async with Served(Script()) as served:
        served.models[0].hold = hold = Hold()
        call = served.generate(**NAMED)
        await served.models[0].witness.called(1)
        stream = served.stream(**NAMED)
        read = asyncio.create_task(events_of(stream))
        await served.until(lambda now: now.replayed == 1)
        hold.release()
        events = await read
        assert (await call).text == text_of(events) == TEXT
        assert cache(await trailers_of(stream)) == "replay"
        assert served.asked() == [1]
    assert [kinds(events)[0], kinds(events)[-1]] == ["started", "done"]
    assert [event.sequence for event in events] == list(range(len(events)))
    assert (events[0].started.request_id, events[-1].done.endpoint) == ("order-1", "a")


async def test_a_stream_is_replayed_with_all_its_events() -> None:
    async with Served(Script()) as served:
        first = await events_of(served.stream(**NAMED))
        second = await events_of(served.stream(**NAMED))
        assert served.asked() == [1]
    assert text_of(first) == text_of(second) == TEXT
    assert kinds(second)[0] == "started"
    assert kinds(second)[-2:] == ["verdict", "done"]


async def test_a_hole_of_a_batch_is_replayed_too() -> None:
    async with Served(Script()) as served:
        await served.generate(**NAMED)
        asked = pb.BatchGenerateRequest(index=7, request=request(**NAMED))
        answers = [one async for one in served.door.batch(iter([asked]), timeout=10)]
        assert served.asked() == [1]
    assert [(one.index, one.response.text) for one in answers] == [(7, TEXT)]
