"""The registry of jobs against a plain model of it, for any order of commands and ends."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from gateway.core.control import JobKind
from gateway.core.jobs import TERMINAL, TRANSITIONS, JobCandidate, JobEvent, JobState
from gateway.state.jobs import Job, JobLimits, JobRegistry
from tests.fakes.values import make_request
from tests.fakes.virtual import VirtualClock

LIVE, RECENT, FAILED, KEPT_S, KEPT_BYTES = 5, 3, 2, 20.0, 1000
TABLE = {(line.source, line.event): line.target for line in TRANSITIONS}
TENANTS = st.sampled_from(["red", "blue"])
EVENTS = st.sampled_from(list(JobEvent))


class JobsMachine(RuleBasedStateMachine):
    """Jobs as a list of their states; what is remembered of them is worked out anew each time."""

    jobs = Bundle("jobs")

    def __init__(self) -> None:
        super().__init__()
        self.clock = VirtualClock()
        limits = JobLimits(LIVE, RECENT, FAILED, KEPT_S, KEPT_BYTES, detached=2)
        self.registry = JobRegistry(limits, self.clock, lambda: 0.0, "x")
        self.states: dict[str, str] = {}
        self.ended: list[tuple[float, Job]] = []

    @rule(target=jobs, tenant=TENANTS, kind=st.sampled_from(list(JobKind)), detached=st.booleans())
    def begin(self, tenant: str, kind: JobKind, detached: bool) -> Job | None:
        live = len([one for one in self.states.values() if one not in TERMINAL])
        request = make_request(tenant=tenant)
        job = self.registry.begin(kind, request, self.clock.now + 60, detached=detached)
        if job is None:
            assert live >= LIVE or detached
            return None
        assert live < LIVE
        self.states[job.id] = JobState.RUNNING
        return job

    @rule(job=jobs, event=EVENTS, letters=st.integers(0, 200))
    def step(self, job: Job | None, event: JobEvent, letters: int) -> None:
        if job is None:
            return
        before = self.states[job.id]
        target = TABLE.get((before, event))
        if target in TERMINAL and event is JobEvent.FINISH:
            job.candidates = (JobCandidate(0, "a", "x" * letters, 0.5),)
        assert self.registry.step(job, event) is (target is not None)
        if target is not None:
            self.states[job.id] = target
            if target in TERMINAL:
                self.ended.append((self.clock.now, job))

    @rule(seconds=st.floats(0.5, 15))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @invariant()
    def every_job_is_in_the_state_that_the_table_says(self) -> None:
        for tenant in ("red", "blue"):
            for job in self.registry.of(tenant):
                assert job.tenant == tenant
                assert job.state == self.states[job.id]
                assert self.registry.view(job).ended is (job.state in TERMINAL)

    @invariant()
    def what_is_known_is_what_runs_and_the_newest_that_ended(self) -> None:
        known = {job.id for tenant in ("red", "blue") for job in self.registry.of(tenant)}
        live = {name for name, state in self.states.items() if state not in TERMINAL}
        since = self.clock.now - KEPT_S
        recent = [job.id for at, job in self.ended if at > since and not _failed(job)]
        failed = [job.id for at, job in self.ended if at > since and _failed(job)]
        assert known == live | set(recent[-RECENT:]) | set(failed[-FAILED:])
        assert len(self.registry) == len(live) <= LIVE

    @invariant()
    def texts_stay_under_their_bound(self) -> None:
        assert 0 <= self.registry.kept_bytes <= KEPT_BYTES


def _failed(job: Job) -> bool:
    return job.state is JobState.FAILED


JobsMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestJobs = JobsMachine.TestCase
