"""The ring of traces and its index."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from gateway.core.faults import Fault
from gateway.core.trace import StageStatus, Trace
from gateway.state.traces import TraceCounts, TraceFilter, TraceSettings, TraceStore
from tests.fakes.virtual import VirtualClock

TRACE = Trace("t0", "r0", 0.0, 0.05, StageStatus.OK, (), endpoint="a", size=10)


def named(number: int, **fields: object) -> Trace:
    return replace(TRACE, trace_id=f"t{number}", request_id=f"r{number}", **fields)  # type: ignore[arg-type]


def store(kept: int = 3, max_bytes: int = 1000, clock: VirtualClock | None = None) -> TraceStore:
    return TraceStore(TraceSettings(kept, max_bytes, 60.0), clock or VirtualClock())


def put(into: TraceStore, *traces: Trace) -> None:
    for trace in traces:
        into.record(into.begin(), trace)


def test_a_trace_is_found_by_its_id_and_by_its_requests() -> None:
    """T-08 ✗: get-by-id looked through the whole ring."""
    traces = store()
    put(traces, named(1), named(2))
    assert traces.get("t1") is traces.get("r1") is traces.every()[0]
    assert traces.get("t9") is None


def test_an_index_entry_goes_with_its_trace() -> None:
    traces = store(kept=2)
    put(traces, named(1), named(2), named(3))
    assert traces.get("t1") is None
    assert [one.trace_id for one in traces.every()] == ["t2", "t3"]
    assert traces.counts() == TraceCounts(3, 1, 0, 2, 20, 0)


def test_the_newest_trace_of_an_id_stays_when_an_older_one_goes() -> None:
    """One W3C trace may hold several requests."""
    traces = store(kept=2)
    put(traces, named(1), named(2), replace(named(3), trace_id="t1"))
    newest = traces.get("t1")
    assert newest is not None
    assert newest.request_id == "r3"
    assert traces.get("r1") is None


def test_memory_is_bounded_by_bytes_too() -> None:
    """Z-02 ✗: the list of operations grew without bound."""
    traces = store(kept=100, max_bytes=1000)
    put(traces, *(named(number, size=300) for number in range(10)))
    assert traces.counts().bytes <= 1000
    put(traces, named(99, size=5000))
    assert [one.trace_id for one in traces.every()] == ["t99"]


def test_recent_ones_are_newest_first_and_a_page_follows_a_page() -> None:
    traces = store(kept=9)
    put(traces, *map(named, range(5)))
    assert [one.trace_id for one in traces.recent(2)] == ["t4", "t3"]
    assert [one.trace_id for one in traces.recent(2, after=2)] == ["t2", "t1"]


@pytest.mark.parametrize("most", [0, -1, 101])
def test_a_count_is_from_1_to_100(most: int) -> None:
    """T-10 ✗: recent(0) returned everything, by a slice from minus zero."""
    traces = store()
    put(traces, named(1))
    with pytest.raises(Fault, match="count"):
        traces.recent(most)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (TraceFilter(), ["t3", "t2", "t1"]),
        (TraceFilter(StageStatus.FAILED), ["t2"]),
        (TraceFilter(endpoint="b"), ["t3"]),
        (TraceFilter(slower_s=0.1), ["t1"]),
    ],
)
def test_a_filter_leaves_the_others_out(wanted: TraceFilter, found: list[str]) -> None:
    traces = store()
    put(
        traces,
        named(1, elapsed_s=0.2),
        named(2, status=StageStatus.FAILED),
        named(3, endpoint="b"),
    )
    assert [one.trace_id for one in traces.recent(10, wanted)] == found


def test_what_nobody_closes_is_let_go_of() -> None:
    """T-10 ✗: unfinished traces leaked in the active map."""
    clock = VirtualClock()
    traces = store(clock=clock)
    late = traces.begin()
    clock.now += 30
    traces.begin()
    clock.now += 30
    counts = traces.counts()
    assert (counts.lost, counts.running) == (1, 1)
    traces.record(late, TRACE)
    assert traces.counts().recorded == 1, "one that ends after all is kept"


def test_a_trace_that_is_not_to_be_kept_is_forgotten() -> None:
    traces = store()
    traces.forget(traces.begin())
    assert traces.counts() == TraceCounts(0, 0, 0, 0, 0, 0)


@pytest.mark.parametrize("settings", [TraceSettings(kept=0), TraceSettings(max_bytes=0)])
def test_settings_that_keep_nothing_are_refused(settings: TraceSettings) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        TraceStore(settings, VirtualClock())


def test_sixteen_threads_lose_no_record() -> None:
    """Z-02 ✗: ids of milliseconds collided, and records with them."""
    traces = store(kept=1000, max_bytes=10_000_000)

    def work(thread: int) -> None:
        for number in range(10_000):
            traces.record(traces.begin(), named(thread * 10_000 + number))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(16)))
    counts = traces.counts()
    assert (counts.recorded, counts.evicted, counts.kept) == (160_000, 159_000, 1000)
    assert (counts.lost, counts.running, counts.bytes) == (0, 0, 10_000)
    assert all(traces.get(one.trace_id) is one for one in traces.every())


def test_what_is_cleared_is_gone_and_counted() -> None:
    """T-04: clear. What runs meanwhile is kept when it ends."""
    traces = store()
    put(traces, named(1), named(2))
    running = traces.begin()
    assert traces.clear() == 2
    assert (traces.get("t1"), traces.get("r2"), traces.every()) == (None, None, ())
    traces.record(running, named(3))
    assert traces.counts() == TraceCounts(3, 0, 0, 1, 10, 0, 2)
    assert traces.clear() == 1
    assert traces.clear() == 0
