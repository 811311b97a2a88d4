"""Stages are recorded while a request runs, however they end."""

from __future__ import annotations

import asyncio

import pytest

from gateway.core.candidate import AttemptStatus
from gateway.core.faults import Fault, Reason
from gateway.core.policy import not_called
from gateway.core.trace import Stage, StageStatus
from gateway.core.tracing import (
    MAX_STAGE_BYTES,
    MAX_STAGES,
    OMITTED,
    TraceRecorder,
)
from tests.fakes.values import make_invocation, unavailable
from tests.fakes.virtual import VirtualClock


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def trace(clock: VirtualClock) -> TraceRecorder:
    return TraceRecorder("f" * 32, clock)


def closed(trace: TraceRecorder) -> dict[str, Stage]:
    stages, _ = trace.close(trace.clock())
    return {stage.name: stage for stage in stages}


async def test_a_stage_stands_around_work_that_was_made_ready(trace: TraceRecorder) -> None:
    """V-11 ✗: the fast path had a copy of each body. Here the very same work is awaited."""

    async def work() -> int:
        with trace.stage("inner"):
            return 7

    def about(result: int) -> dict[str, object]:
        return {"found": result}

    assert await work() == await trace.around("route", work(), about, told={"asked": 1}) == 7
    first, route, inner = trace.close(trace.clock())[0]
    assert (first.name, first.parent) == ("inner", 0)
    assert (route.attributes, inner.parent) == ((("asked", 1), ("found", 7)), route.id)


async def test_work_that_fails_inside_its_stage_leaves_it_with_what_was_known(
    trace: TraceRecorder,
) -> None:
    async def work() -> None:
        raise unavailable()

    with pytest.raises(Fault):
        await trace.around(trace.next_attempt(), work(), told={"endpoint": "a"})
    stage = closed(trace)["attempt[0]"]
    assert (stage.status, stage.told("endpoint")) == (StageStatus.FAILED, "a")


def test_stages_are_a_tree_with_self_times(trace: TraceRecorder, clock: VirtualClock) -> None:
    """V-04 ✗: a map by name lost repeated stages, and nested ones were counted twice."""
    with trace.stage("route"):
        clock.now += 1
        with trace.stage("match"):
            clock.now += 2
        with trace.stage("match"):
            clock.now += 3
    clock.now += 1
    stages, size = trace.close(clock())
    assert [(one.id, one.parent, one.name) for one in stages] == [
        (1, 0, "route"), (2, 1, "match"), (3, 1, "match"),
    ]  # fmt: skip
    assert [one.elapsed_s for one in stages] == [6, 2, 3]
    assert [one.self_s for one in stages] == [1, 2, 3]
    assert [one.started_s for one in stages] == [0, 1, 3]
    assert size > 0


def test_stages_side_by_side_leave_no_negative_self_time(
    trace: TraceRecorder, clock: VirtualClock
) -> None:
    with trace.stage("attempt"):
        trace.record("try", clock(), 4)
        trace.record("try", clock() + 1, 4)
        clock.now += 5
    stages, _ = trace.close(clock())
    assert stages[0].self_s == 0


@pytest.mark.parametrize(
    ("error", "status", "told"),
    [
        (unavailable(), StageStatus.FAILED, "UPSTREAM_UNAVAILABLE"),
        (ValueError("quotes a prompt"), StageStatus.FAILED, "ValueError"),
        (asyncio.CancelledError(), StageStatus.CANCELLED, "CancelledError"),
    ],
)
def test_a_stage_that_fails_is_there_and_says_so(
    trace: TraceRecorder, error: BaseException, status: StageStatus, told: str
) -> None:
    """V-05 ✗: what failed raised before it was recorded, so the failing stage was missing."""
    with pytest.raises(type(error)), trace.stage("validate"):
        raise error
    stage = closed(trace)["validate"]
    assert (stage.status, stage.told("error")) == (status, told)
    assert "quotes" not in str(stage)


def test_a_stage_that_still_runs_is_unfinished(trace: TraceRecorder, clock: VirtualClock) -> None:
    trace.stage("attempt")
    clock.now += 2
    stage = closed(trace)["attempt"]
    assert (stage.status, stage.elapsed_s) == (StageStatus.UNFINISHED, 2)


async def test_a_task_belongs_to_the_stage_that_began_it(trace: TraceRecorder) -> None:
    async def part(name: str) -> None:
        with trace.stage(name):
            await asyncio.sleep(0)
            with trace.stage(f"inner {name}"):
                await asyncio.sleep(0)

    with trace.stage("race"):
        await asyncio.gather(part("a"), part("b"))
    stages = closed(trace)
    assert stages["a"].parent == stages["b"].parent == stages["race"].id
    assert stages["inner a"].parent == stages["a"].id
    assert stages["inner b"].parent == stages["b"].id


async def test_requests_that_run_at_once_never_see_each_others_stages(clock: VirtualClock) -> None:
    """Q-15 ✗: the trace stood on objects that all requests share; the last one took all stages."""
    traces = [TraceRecorder(digit * 32, clock) for digit in "abc"]
    inside = asyncio.Barrier(len(traces))

    async def request(trace: TraceRecorder) -> None:
        with trace.stage("outer"):
            await inside.wait()
            # All are inside of their own stage now, and each goes on when the others have.
            with trace.stage("inner"):
                await inside.wait()
            await asyncio.gather(*(trace.around(f"part[{n}]", inside_of(trace)) for n in range(2)))

    async def inside_of(trace: TraceRecorder) -> None:
        await asyncio.sleep(0)
        with trace.stage("within"):
            await asyncio.sleep(0)

    await asyncio.gather(*map(request, traces))
    for trace in traces:
        stages, _ = trace.close(trace.clock())
        names = {stage.id: stage.name for stage in stages}
        assert [(stage.name, names.get(stage.parent, "")) for stage in stages] == [
            ("outer", ""),
            ("inner", "outer"),
            ("part[0]", "outer"),
            ("part[1]", "outer"),
            ("within", "part[0]"),
            ("within", "part[1]"),
        ]


def test_a_stage_of_another_trace_is_no_parent(trace: TraceRecorder, clock: VirtualClock) -> None:
    other = TraceRecorder("e" * 32, clock)
    with other.stage("outer"), trace.stage("own"):
        pass
    assert closed(trace)["own"].parent == 0


def test_stages_are_bounded_and_those_too_many_counted(trace: TraceRecorder) -> None:
    for _ in range(MAX_STAGES + 3):
        with trace.stage(trace.next_attempt()) as stage:
            stage.tell(a=1)
    trace.record("late", 0.0, 1.0)
    stages, _ = trace.close(trace.clock())
    assert (len(stages), trace.dropped) == (MAX_STAGES, 4)
    assert stages[-1].name == f"attempt[{MAX_STAGES - 1}]"


def test_an_oversized_stage_is_a_stub_and_later_ones_are_kept(trace: TraceRecorder) -> None:
    """V-08 ✗: recording stopped for good after one stage that was too large."""
    with trace.stage("large") as stage:
        stage.tell(**{f"a{number}": ["x " * 999] * 20 for number in range(3)})
    with trace.stage("later") as stage:
        stage.tell(words="kept")
    stages = closed(trace)
    assert stages["large"].attributes == OMITTED
    assert stages["later"].told("words") == "kept"


def test_all_stages_together_are_bounded() -> None:
    assert MAX_STAGES * MAX_STAGE_BYTES <= 10_000_000


def test_secrets_told_of_a_stage_are_redacted(trace: TraceRecorder) -> None:
    with trace.stage("try") as stage:
        stage.tell(detail="401 for token=abc123", api_key="k")
    assert "abc123" not in str(closed(trace)["try"])


def test_an_attempt_that_was_kept_from_running_is_there(
    trace: TraceRecorder, clock: VirtualClock
) -> None:
    invocation = make_invocation()
    invocation.trace = trace
    not_called(invocation, Reason.BREAKER_OPEN, "it is open")
    stage = closed(trace)["try"]
    assert (stage.status, stage.elapsed_s) == (StageStatus.SKIPPED, 0)
    assert stage.told("reason") == "BREAKER_OPEN"
    assert invocation.attempts[0].status is AttemptStatus.SKIPPED
