"""The registry of jobs: one store, bounded in every direction, told by copies."""

from __future__ import annotations

import asyncio
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest

from gateway.core.control import JobKind
from gateway.core.jobs import JobCandidate, JobEvent, JobFailure, JobState, Progress
from gateway.state.jobs import Job, JobLimits, JobRegistry
from tests.fakes.values import make_request
from tests.fakes.virtual import VirtualClock, run_virtual

I = JobKind.INTERACTIVE  # noqa: E741


class Working:
    """The work of a job, as far as it is."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def progress(self) -> Progress:
        return self._progress


class Rig:
    """A registry whose time is set by hand."""

    def __init__(self, **limits: Any) -> None:
        self.clock = VirtualClock()
        self.registry = JobRegistry(JobLimits(**limits), self.clock, lambda: 5000.0, "ab")

    def begin(self, **fields: Any) -> Job:
        detached = fields.pop("detached", False)
        job = self.registry.begin(I, make_request(**fields), self.clock.now + 60, detached=detached)
        assert job is not None
        return job

    def end(self, job: Job, event: JobEvent = JobEvent.FINISH) -> None:
        assert self.registry.step(job, event)


def text_of(length: int) -> tuple[JobCandidate, ...]:
    return (JobCandidate(0, "a", "x" * length, 0.5), JobCandidate(1, "b", "y" * length, 0.4))


def test_a_job_is_found_by_its_tenant_while_it_runs_and_after_it() -> None:
    rig = Rig()
    job = rig.begin(tenant="red", session_id="s", labels=(("k", "v"),))
    assert job.id == "job-ab-00000001"
    assert rig.registry.find("red", job.id) is job
    assert rig.registry.find("blue", job.id) is None
    rig.end(job)
    assert rig.registry.find("red", job.id) is job
    assert rig.registry.find("red", "job-ab-9") is None
    assert (len(rig.registry), rig.registry.ended) == (0, 1)


def test_jobs_are_listed_by_session_the_oldest_first_ended_ones_too() -> None:
    rig = Rig()
    one, two, three = (
        rig.begin(session_id="s"),
        rig.begin(session_id="t"),
        rig.begin(session_id="s"),
    )
    rig.end(three)
    rig.end(one, JobEvent.FAIL)
    assert [job.id for job in rig.registry.of("", "s")] == [one.id, three.id]
    assert [job.id for job in rig.registry.of("")] == [one.id, three.id, two.id]
    assert rig.registry.of("other") == []


def test_a_terminal_state_is_entered_once() -> None:
    """Q-11: terminal states once."""
    rig = Rig()
    job = rig.begin()
    rig.end(job)
    assert not rig.registry.step(job, JobEvent.FAIL)
    assert not rig.registry.step(job, JobEvent.CANCEL)
    assert job.state is JobState.SUCCEEDED
    assert rig.registry.ended == 1


def test_a_job_without_room_is_not_tracked_and_detached_ones_have_a_room_of_their_own() -> None:
    rig = Rig(live=2, detached=1)
    rig.begin(detached=True)
    assert rig.registry.begin(I, make_request(), 0.0, detached=True) is None
    other = rig.begin()
    assert rig.registry.begin(I, make_request(), 0.0) is None
    assert rig.registry.untracked == 2
    rig.end(other)
    assert rig.begin().detached is False


def test_a_detached_job_that_ended_gives_its_room_back() -> None:
    rig = Rig(detached=1)
    for _ in range(3):
        rig.end(rig.begin(detached=True))


def test_failed_jobs_are_kept_apart_from_the_others() -> None:
    """Q-17: active, recent and failed are told apart, and none crowds another out."""
    rig = Rig(recent=2, failed=1)
    broken = rig.begin()
    broken.failure = JobFailure("WHY", "because")
    rig.end(broken, JobEvent.FAIL)
    for _ in range(5):
        rig.end(rig.begin())
    assert [job.id[-1] for job in rig.registry.of("")] == ["1", "5", "6"]
    assert rig.registry.view(broken).failure == JobFailure("WHY", "because")
    rig.end(rig.begin(), JobEvent.FAIL)
    assert rig.registry.find("", broken.id) is None


def test_an_ended_job_is_forgotten_after_its_time() -> None:
    rig = Rig(kept_s=10.0)
    job = rig.begin()
    rig.clock.now += 5
    rig.end(job)
    assert rig.registry.view(job).lease_s == 10
    rig.clock.now += 9
    assert rig.registry.find("", job.id) is job
    rig.clock.now += 1
    assert rig.registry.find("", job.id) is None
    assert rig.registry.of("") == []


def test_no_history_is_kept_where_none_is_wanted() -> None:
    rig = Rig(recent=0)
    job = rig.begin()
    job.candidates = text_of(10)
    rig.end(job)
    assert (rig.registry.ended, rig.registry.kept_bytes) == (0, 0)


def test_the_oldest_texts_are_let_go_of_first_and_their_jobs_stay() -> None:
    rig = Rig(kept_bytes=500)
    jobs = [rig.begin() for _ in range(3)]
    for job in jobs:
        job.candidates, job.selected = text_of(50), 1
        rig.end(job)
    assert [job.choices for job in jobs] == [0, 2, 2]
    assert [job.selected for job in jobs] == [0, 1, 1]
    assert 0 < rig.registry.kept_bytes <= 500
    assert rig.registry.ended == 3


def test_a_forgotten_job_takes_its_texts_with_it() -> None:
    rig = Rig(recent=1)
    for _ in range(4):
        job = rig.begin()
        job.candidates = text_of(50)
        rig.end(job)
    alone = Rig()
    job = alone.begin()
    job.candidates = text_of(50)
    alone.end(job)
    assert rig.registry.kept_bytes == alone.registry.kept_bytes


def test_a_view_is_a_copy_with_times_and_progress() -> None:
    """Q-13: what was handed out was a shallow copy, and changed when it was read."""
    rig = Rig()
    job = rig.begin()
    job.live = Working(Progress(1, 3, ("a",), "two", 4, 70))
    rig.clock.now += 2
    rig.registry.touch(job)
    rig.clock.now += 1
    view = rig.registry.view(job)
    assert (view.age_s, view.idle_s, view.lease_s) == (3, 1, 57)
    assert (view.created_at, view.active_at) == (4997.0, 4999.0)
    assert (view.progress.done, view.progress.cost_micros, view.ended) == (1, 70, False)
    before = replace(view)
    rig.end(job)
    assert view == before
    job.done, job.total, job.step, job.attempts, job.cost_micros = 2, 3, "two", 5, 90
    ended = rig.registry.view(job)
    assert ended.progress == Progress(2, 3, (), "two", 5, 90)
    assert (ended.ended, job.live) == (True, None)
    assert ended.revision > view.revision


def test_a_negative_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="recent must not be negative"):
        JobLimits(recent=-1)


def test_a_watcher_gets_every_state_when_it_is_quick_and_the_newest_when_it_is_slow() -> None:
    rig = Rig()

    async def main() -> None:
        job = rig.begin()
        watch = rig.registry.watch(job)
        assert watch is not None
        first = await watch.next()
        assert first is not None
        assert first.state is JobState.RUNNING
        waiting = asyncio.create_task(watch.next())
        await asyncio.sleep(0)
        for event in (JobEvent.PAUSE, JobEvent.RESUME, JobEvent.STOP):
            rig.registry.step(job, event)
        newest = await waiting
        assert newest is not None
        assert newest.state is JobState.STOPPING
        rig.end(job)
        last = await watch.next()
        assert last is not None
        assert last.state is JobState.STOPPED
        assert await watch.next() is None
        watch.close()

    run_virtual(rig.clock, main())


def test_a_job_may_change_after_its_end_without_its_stream_going_on() -> None:
    rig = Rig()

    async def main() -> None:
        job = rig.begin()
        rig.end(job)
        watch = rig.registry.watch(job)
        assert watch is not None
        assert await watch.next() is not None
        rig.registry.touch(job)
        assert await watch.next() is not None
        assert await watch.next() is None
        watch.close()

    run_virtual(rig.clock, main())


def test_watchers_are_bounded_over_all_jobs() -> None:
    rig = Rig(watchers=2)
    one, two = rig.begin(), rig.begin()
    first, second = rig.registry.watch(one), rig.registry.watch(one)
    assert first is not None
    assert second is not None
    assert rig.registry.watch(two) is None
    second.close()
    third = rig.registry.watch(two)
    assert third is not None
    third.close()
    first.close()


def test_a_thousand_idle_jobs_take_less_than_a_mebibyte() -> None:
    """Q-14: < 1 MiB, with their records; the bench counts their handles too."""
    rig = Rig()
    requests = [make_request(session_id="s") for _ in range(1000)]
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for wanted in requests:
            rig.registry.begin(I, wanted, 0.0)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 1024 * 1024
