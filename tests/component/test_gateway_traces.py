"""Traces over sockets: the Trace RPC, `trace` on requests, and what is kept of them."""

from __future__ import annotations

import asyncio
import csv
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from ensemble.v1 import gateway_service_pb2 as pb
from ensemble.v1 import telemetry_service_pb2 as tp
from google.protobuf.duration_pb2 import Duration
from google.rpc.code_pb2 import Code

from tests.fakes.gateways import failure, request
from tests.fakes.script import Failure, Script
from tests.fakes.served import TIMEOUT_S, events_of
from tests.fakes.taught import trailer
from tests.fakes.traced import CANCELLED, FAILED, OK, Traced, kinds, names

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
PARENT = (("traceparent", f"00-{TRACE_ID}-b7ad6b7169203331-01"),)
TOPICS = {"builtin_topics": True}
SECRET = "hunter2zz"


@pytest.fixture
async def served() -> AsyncIterator[Traced]:
    async with Traced(learning=TOPICS) as gateway:
        yield gateway


# --- the Trace RPC ---


async def test_each_stage_of_a_full_request_is_there(served: Traced) -> None:
    """V-02, V-15, and T-05 ✗: total and calls stayed 0, for nothing was ever recorded."""
    traced = await served.trace(n=2)
    trace = traced.trace
    assert kinds(trace) == {
        "admit", "spec_analysis", "route", "match", "cascade", "attempt", "try", "validate",
        "score", "aggregate",
    }  # fmt: skip
    assert {"match[keyword]", "match[similarity]", "attempt[0]", "attempt[1]"} <= set(names(trace))
    assert trace.trace_version == 1
    assert trace.parallel
    parents = {stage.id: stage.parent for stage in trace.stages}
    by_name = {stage.name: stage for stage in trace.stages}
    assert parents[by_name["match[keyword]"].id] == by_name["route"].id
    assert parents[by_name["validate"].id] in {
        by_name["attempt[0]"].id, by_name["attempt[1]"].id
    }  # fmt: skip
    assert all(stage.elapsed.ToNanoseconds() > 0 for stage in trace.stages if stage.name == "try")
    total = trace.elapsed.ToNanoseconds()
    top = [stage for stage in trace.stages if stage.parent == 0]
    assert 0 < sum(stage.self_time.ToNanoseconds() for stage in top) <= total
    assert trace.matchers_longest.ToNanoseconds() <= trace.matchers_total.ToNanoseconds() <= total


async def test_the_result_of_trace_is_that_of_generate() -> None:
    """V-16: the same message through the same code, so the same answer for the same seed."""
    async with Traced(Script(("return 1",)), Script(("return 2",))) as served:
        bypass = pb.CACHE_POLICY_BYPASS
        fields = {
            "sampling": {"seed": 7},
            "return_candidates": True,
            "n": 1,
            "cache_policy": bypass,
        }
        plain = await served.generate(**fields)
        traced = (await served.trace(**fields)).response
        for answer in (plain, traced):
            for name in ("request_id", "decision_id", "trace_id", "job_id", "elapsed"):
                answer.ClearField(name)
            for timed in (*answer.attempts, *answer.candidates):
                timed.ClearField("elapsed")
            for candidate in answer.candidates:
                candidate.ClearField("check_time")
        assert traced == plain


async def test_a_failing_stage_is_there_and_the_failure_is_typed() -> None:
    """V-05 ✗: the failing stage was missing, and success=false came with a good status."""
    broken = Script(failure=Failure.UNAVAILABLE)
    async with Traced(broken, broken) as served:
        traced = await served.trace()
        assert traced.failure.code == Code.UNAVAILABLE
        assert traced.failure.detail.reason == "ALL_ENDPOINTS_FAILED"
        assert not traced.HasField("response")
        failed = [stage.name for stage in traced.trace.stages if stage.status == FAILED]
        assert failed == ["attempt[0]", "try", "attempt[1]", "try", "aggregate"]
        assert traced.trace.failure.reason == "ALL_ENDPOINTS_FAILED"
        assert [one.endpoint for one in traced.failure.detail.attempts] == ["a", "b"]


async def test_a_failed_request_names_its_partial_trace() -> None:
    """V-05: the status is the real one, and its details lead to the trace."""
    broken = Script(failure=Failure.UNAVAILABLE)
    async with Traced(broken, broken) as served:
        failed = await failure(served.generate(trace=True))
        assert failed.code is grpc.StatusCode.UNAVAILABLE
        trace = await served.get(failed.details["FailureDetail"].trace_id)
        assert trace.status == FAILED
        assert "attempt[1]" in names(trace)


async def test_a_dry_run_stops_before_the_first_call(served: Traced) -> None:
    """V-12 ✗: traces had side effects."""
    traced = await served.trace(dry_run=True)
    assert served.asked() == [0, 0]
    assert traced.WhichOneof("result") is None
    assert traced.trace.dry_run
    assert {"spec_analysis", "route", "match"} <= kinds(traced.trace)
    assert "attempt" not in kinds(traced.trace)


async def test_a_dry_run_that_cannot_be_routed_says_why(served: Traced) -> None:
    traced = await served.trace(dry_run=True, endpoint_filter={"required_tags": ["gpu"]})
    assert traced.failure.detail.reason == "NO_ELIGIBLE_ENDPOINT"
    assert [stage.name for stage in traced.trace.stages if stage.status == FAILED] == ["route"]


async def test_a_broken_request_is_refused_and_not_traced(served: Traced) -> None:
    asked = pb.TraceRequest(generate=request("", n=99))
    refused = await failure(served.ask_trace(asked, timeout=TIMEOUT_S))
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT
    assert await served.listed() == []


async def test_the_state_before_and_after_is_compared() -> None:
    """V-06 ✗: the diff was a stub. V-03: breakers and versions are part of the state."""
    broken = Script(failure=Failure.UNAVAILABLE)
    async with Traced(broken, Script(), breaker={"minimum_calls": 1}) as served:
        trace = (await served.trace()).trace
        changed = {one.name: (one.before, one.after) for one in trace.changes}
        assert changed["endpoint.a.breaker"] == ("closed", "open")
        assert "endpoint.b.breaker" not in changed
        again = (await served.trace()).trace
        assert "endpoint.a.breaker" not in {one.name for one in again.changes}
        skipped = next(stage for stage in again.stages if stage.name == "try")
        assert skipped.attributes["reason"] == "BREAKER_OPEN"


async def test_what_a_tenant_has_spent_is_part_of_the_state() -> None:
    async with Traced(tenant_budget={"max_attempts": 100}) as served:
        changed = {one.name: one.after for one in (await served.trace()).trace.changes}
        assert changed["budget.attempts"] == "1"


# --- trace = true ---


async def test_a_traced_answer_names_its_trace(served: Traced) -> None:
    call = served.generate(trace=True)
    answer = await call
    assert len(answer.trace_id) == 32
    assert await trailer(call, "x-ensemble-trace") == answer.trace_id
    trace = await served.get(answer.trace_id)
    assert (trace.request_id, trace.decision_id) == (answer.request_id, answer.decision_id)
    assert await served.get(answer.request_id) == trace


async def test_the_id_is_that_of_the_callers_trace(served: Traced) -> None:
    """T-09 ✗: eight hex digits of its own, and the word "disabled" for one."""
    asked = request(trace=True)
    answer = await served.door.generate(asked, timeout=TIMEOUT_S, metadata=PARENT)
    assert answer.trace_id == TRACE_ID
    assert (await served.get(TRACE_ID)).status == OK


async def test_nothing_is_kept_of_what_nobody_asked_to_trace(served: Traced) -> None:
    assert (await served.generate()).trace_id == ""
    assert await served.listed() == []


async def test_streams_batches_routes_and_pipelines_are_traced_too(served: Traced) -> None:
    events = await events_of(served.stream(trace=True))
    streamed = await served.get(events[-1].done.trace_id)
    assert {"attempt", "try", "validate"} <= kinds(streamed)
    batch = served.door.batch(timeout=TIMEOUT_S)
    await batch.write(pb.BatchGenerateRequest(index=1, request=request(trace=True)))
    await batch.done_writing()
    (answer,) = [one async for one in batch]
    assert (await served.get(answer.response.trace_id)).status == OK
    await served.route(trace=True)
    (routed,) = await served.listed(count=1)
    assert routed.dry_run
    piped = await served.generate(strategy=3, pipeline="draft_validate", trace=True)
    assert any(name.startswith("step[") for name in names(await served.get(piped.trace_id)))


async def test_each_try_is_a_stage(served: Traced) -> None:
    traced = await served.trace()
    (tried,) = [stage for stage in traced.trace.stages if stage.name == "try"]
    assert tried.attributes["endpoint"] == "a"
    assert tried.attributes["outcome"] == "ok"


async def test_a_repeated_request_is_the_same_with_and_without_its_trace(served: Traced) -> None:
    first = await served.generate(request_id="once")
    again = await served.generate(request_id="once", trace=True)
    assert again.text == first.text
    assert served.asked() == [1, 0]
    assert "attempt" not in kinds(await served.get("once"))


async def test_a_cancelled_request_has_its_trace() -> None:
    async with Traced(Script(hang=True), Script()) as served:
        call = served.generate(request_id="left", trace=True)
        await served.models[0].witness.started.wait()
        call.cancel()
        while not (found := await served.listed()):
            pass
        trace = await served.get("left")
        assert found[0].status == trace.status == CANCELLED
        assert trace.failure.reason == "CALLER_CANCELLED"
        attempt = next(stage for stage in trace.stages if stage.name == "attempt[0]")
        assert attempt.status == CANCELLED


async def test_where_traces_are_off_asking_for_one_is_refused_by_name() -> None:
    """V-13: a switch, and what is refused says how to change it."""
    async with Traced(trace={"enabled": False}) as served:
        for call in (
            served.generate(trace=True),
            served.ask_trace(pb.TraceRequest(generate=request()), timeout=TIMEOUT_S),
            served.door.telemetry.ListTraces(tp.ListTracesRequest(), timeout=TIMEOUT_S),
        ):
            refused = await failure(call)
            assert refused.code is grpc.StatusCode.FAILED_PRECONDITION
            assert refused.details["FailureDetail"].reason == "TRACING_OFF"
        assert (await served.generate()).text


async def test_a_tenant_that_may_not_ask_for_traces_gets_none_and_its_answers_as_ever() -> None:
    """V-12: where only some may ask, a refusal names the field and how to mend it."""
    async with Traced(trace={"tenants": ["ops"]}) as served:
        for tenant, allowed in (("ops", True), ("other", False), ("", False)):
            sent: dict[str, Any] = {
                "metadata": (("x-ensemble-tenant", tenant),), "timeout": TIMEOUT_S,
            }  # fmt: skip
            assert (await served.door.generate(request(), **sent)).text
            call = served.ask_trace(pb.TraceRequest(generate=request()), **sent)
            if allowed:
                assert (await call).trace.stages
                continue
            for refused in (call, served.door.generate(request(trace=True), **sent)):
                found = await failure(refused)
                assert found.code is grpc.StatusCode.PERMISSION_DENIED
                assert found.reason == "TRACING_DENIED"
                assert "trace.tenants" in found.message


async def test_traces_are_limited_for_each_tenant_and_those_of_the_gateway_are_not() -> None:
    """V-12 ✗: whoever found the flag could have everything traced."""
    async with Traced(trace={"per_s": 0.001, "burst": 2, "share": 1.0}) as served:
        await served.generate(trace=True)
        await served.trace(dry_run=True)
        refused = await failure(served.generate(trace=True))
        assert refused.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert refused.reason == "TRACING_LIMITED"
        assert refused.details["RetryInfo"].retry_delay.seconds > 900
        assert "trace.per_s" in refused.message
        assert (await served.generate()).trace_id


async def test_a_dry_run_is_counted_as_no_request_and_no_attempt(served: Traced) -> None:
    """V-12 ✗: what was only tried out stood in every counter."""
    await served.trace(dry_run=True)
    counted = await served.counters()
    assert (counted.requests, counted.attempts) == (0, 0)
    await served.trace()
    counted = await served.counters()
    assert (counted.requests, counted.attempts) == (1, 1)


async def test_a_share_is_traced_without_being_asked() -> None:
    async with Traced(trace={"share": 1.0}) as served:
        answer = await served.generate()
        assert (await served.get(answer.trace_id)).status == OK


# --- privacy ---


@pytest.mark.parametrize("policy", ["none", "hash", "first", "full"])
async def test_no_secret_of_prompt_or_answer_is_kept(policy: str) -> None:
    """T-12 ✗: the full prompt was stored. V-08: secrets are redacted under every policy."""
    prompt = f"connect(password='{SECRET}')\n# " + "words " * 50 + "end of the prompt"
    async with Traced(Script((f"token = '{SECRET}'",)), Script(), trace={"text": policy}) as served:
        traced = await served.trace(prompt)
        assert SECRET in traced.response.text
        kept = traced.trace.prompt
        assert kept.policy == policy
        assert bool(kept.sha256) is (policy != "none")
        assert ("end of the prompt" in kept.text) is (policy == "full")
        everything = f"{traced.trace}" + await served.exported(tp.TRACE_FORMAT_JSON)
        assert SECRET not in everything
        assert SECRET not in await served.exported(tp.TRACE_FORMAT_CSV)


# --- reading them ---


async def test_traces_are_listed_newest_first_and_filtered(served: Traced) -> None:
    for number in range(3):
        await served.generate(request_id=f"r{number}", trace=True)
    assert [one.request_id for one in await served.listed()] == ["r2", "r1", "r0"]
    assert [one.request_id for one in await served.listed(count=1, skip=1)] == ["r1"]
    assert await served.listed(status=FAILED) == []
    assert await served.listed(endpoint="b") == []
    assert await served.listed(slower_than=Duration(seconds=60)) == []
    assert all(not one.stages for one in await served.listed())


@pytest.mark.parametrize("count", [0, 101])
async def test_a_count_out_of_bounds_is_refused(served: Traced, count: int) -> None:
    """T-10 ✗: recent(0) returned everything."""
    asked = tp.ListTracesRequest(count=count)
    refused = await failure(served.door.telemetry.ListTraces(asked, timeout=TIMEOUT_S))
    assert refused.code is grpc.StatusCode.INVALID_ARGUMENT


async def test_an_unknown_id_is_not_found(served: Traced) -> None:
    """Z-02 ✗: an unknown id was ignored silently."""
    asked = tp.GetTraceRequest(id="nobody")
    refused = await failure(served.door.telemetry.GetTrace(asked, timeout=TIMEOUT_S))
    assert refused.code is grpc.StatusCode.NOT_FOUND
    assert refused.details["FailureDetail"].reason == "UNKNOWN_TRACE"


async def test_telemetry_is_zero_before_the_first_trace_and_counts_after_it(served: Traced) -> None:
    """T-15; T-05 and T-07 ✗: not zero afterwards, and all of one window."""
    before = await served.telemetry()
    assert (before.requests, before.recorded) == (0, 0)
    assert not before.HasField("since")
    await served.trace()
    after = await served.telemetry()
    found = {(one.subject, one.name): one for one in after.measures}
    matcher = found[tp.SUBJECT_MATCHER, "keyword"]
    assert matcher.calls == 1
    assert matcher.latency.p99.ToNanoseconds() > 0
    model = found[tp.SUBJECT_MODEL, "a"]
    assert model.calls == 1
    assert model.completion_tokens > 0
    assert found[tp.SUBJECT_OPERATION, "request"].latency.count == 1
    assert after.window == "the last 1 traced requests"


async def test_an_operator_clears_the_traces_and_the_log_says_so(
    served: Traced, caplog: pytest.LogCaptureFixture
) -> None:
    """T-04: clear; what was recorded stays counted."""
    caplog.set_level(logging.INFO)
    answer = await served.generate(trace=True)
    await served.trace()
    clear = served.door.telemetry.ClearTraces
    assert (await clear(tp.ClearTracesRequest(), timeout=TIMEOUT_S)).cleared == 2
    assert await served.listed() == []
    asked = tp.GetTraceRequest(id=answer.trace_id)
    gone = await failure(served.door.telemetry.GetTrace(asked, timeout=TIMEOUT_S))
    assert gone.reason == "UNKNOWN_TRACE"
    counted = await served.telemetry()
    assert (counted.requests, counted.recorded, counted.cleared) == (0, 2, 2)
    (line,) = [one for one in caplog.records if one.message == "traces cleared"]
    assert line.__dict__["traces"] == 2


async def test_traces_are_exported_whole(served: Traced) -> None:
    answers = [await served.generate(f"x{number} = ", trace=True) for number in range(45)]
    lines = (await served.exported(tp.TRACE_FORMAT_JSON)).splitlines()
    documents = [json.loads(line) for line in lines]
    assert [one["trace_id"] for one in documents] == [one.trace_id for one in answers]
    assert all(one["stages"] for one in documents)


async def test_the_csv_holds_no_formula(served: Traced) -> None:
    """Z-02 ✗: cells were not escaped."""
    await served.generate("=cmd|' /C calc'!A0\n, \"quoted\"", trace=True)
    text = await served.exported(tp.TRACE_FORMAT_CSV)
    head, row = csv.reader(text.splitlines(keepends=True))
    assert head[:4] == ["id", "time", "prompt", "ms"]
    assert row[2] == "'=cmd|' /C calc'!A0\n, \"quoted\""


async def test_many_traced_at_once_keep_apart(served: Traced) -> None:
    answers = await asyncio.gather(
        *(served.generate(request_id=f"r{number}", trace=True, n=2) for number in range(30))
    )
    for answer in answers:
        trace = await served.get(answer.trace_id)
        assert trace.request_id == answer.request_id
        assert len([name for name in names(trace) if name == "aggregate"]) == 1
        known = {0, *(stage.id for stage in trace.stages)}
        assert {stage.parent for stage in trace.stages} <= known
        assert len(answer.attempts) == len([name for name in names(trace) if name == "try"])
