"""A call to a group: which replica gets it, and what follows when that one refuses or fails."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import fields, replace

import pytest

from gateway.core.candidate import Attempt, AttemptStatus, Completion
from gateway.core.endpoint import Endpoint
from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.hole import Sampling
from gateway.core.outcome import Outcome
from gateway.core.policy import Call, Invocation, not_called
from gateway.core.ports import Draft, Operation, Task
from gateway.core.snapshot import Snapshot
from gateway.policies.balance import REFUSALS, balance
from gateway.policies.retry import RetrySettings, retry
from gateway.state.load import Load, LoadSettings
from tests.fakes.values import make_invocation, make_request, unavailable
from tests.fakes.virtual import VirtualClock, run_virtual

REPLICAS = tuple(Endpoint(name, group="g", url=f"grpc://{name}:1") for name in "abc")
GROUP = Snapshot.of(REPLICAS).by_name["g"]


class FirstOf:
    """Takes the first candidate; remembers candidates and calls."""

    def __init__(self) -> None:
        self.offered: list[tuple[str, ...]] = []
        self.sessions: list[str] = []
        self.running: list[str] = []
        self.done: list[tuple[str, Outcome, float]] = []

    def pick(self, candidates: Sequence[str], session_id: str = "") -> str:
        self.offered.append(tuple(candidates))
        self.sessions.append(session_id)
        return candidates[0]

    def started(self, name: str) -> None:
        self.running.append(name)

    def ended(self, name: str, outcome: Outcome, elapsed_s: float) -> None:
        self.running.remove(name)
        self.done.append((name, outcome, elapsed_s))


class OpenThrottle:
    """Allows every retry."""

    def succeeded(self) -> None: ...

    def failed(self, fault: Fault) -> None: ...

    def allows(self) -> bool:
        return True

    def retried(self) -> None: ...


def retried(group: Group, settings: RetrySettings) -> Call:
    throttle = OpenThrottle()
    policy = retry(settings, group.clock, lambda: 0.5, throttle)
    return policy(group.call)


class Group:
    """Three replicas that answer with their name unless told to fail."""

    def __init__(self, chooser=None) -> None:
        self.clock = VirtualClock()
        self.chooser = chooser or FirstOf()
        self.faults: dict[str, Fault | BaseException | Reason] = {}
        self.closed: set[str] = set()
        self.busy: set[str] = set()
        self.new: set[str] = set()
        self.called: list[str] = []
        self.endpoints: list[Endpoint] = []
        self.call: Call = balance(
            {replica.name: self._replica(replica.name) for replica in REPLICAS},
            REPLICAS,
            self.chooser,
            self.clock,
            is_open=lambda name: name not in self.closed,
            ready=lambda name: name not in self.busy,
            able=self._able,
        )

    def _able(self, name: str, *, last: bool) -> bool:
        return name not in self.busy and (last or name not in self.new)

    def _replica(self, name: str) -> Call:
        async def call(invocation: Invocation) -> Completion:
            self.called.append(name)
            self.endpoints.append(invocation.task.endpoint)
            fault = self.faults.get(name)
            if isinstance(fault, Reason):
                raise not_called(invocation, fault, f"endpoint {name!r}: no")
            self.clock.now += 0.5
            if fault is not None:
                raise fault
            return Completion(name)

        return call

    def run(self, invocation: Invocation | None = None) -> str | BaseException:
        try:
            return run_virtual(self.clock, self.call(invocation or make_invocation(GROUP))).text
        except (Fault, RuntimeError, asyncio.CancelledError) as error:
            return error


def test_the_replica_is_asked_with_its_own_endpoint_and_the_task_is_given_back() -> None:
    group, invocation = Group(), make_invocation(GROUP)
    plain = invocation.task
    sampling = Sampling(max_tokens=3)
    task = replace(
        plain,
        sampling=sampling,
        candidate=2,
        partial="x",
        tries_before=1,
        operation=Operation.REPAIR,
        draft=Draft("y"),
    )
    same = {one.name for one in fields(Task) if getattr(task, one.name) == getattr(plain, one.name)}
    assert same == {"request", "endpoint"}
    invocation.task = task
    seen: list[object] = []

    async def look(asked: Invocation) -> Completion:
        seen.append(asked.task)
        return Completion("")

    call = balance(
        dict.fromkeys("abc", look),
        REPLICAS,
        group.chooser,
        group.clock,
        is_open=lambda _: True,
        ready=lambda _: True,
        able=group._able,
    )
    run_virtual(group.clock, call(invocation))
    assert seen == [replace(task, endpoint=REPLICAS[0])]
    assert invocation.task is task
    assert invocation.tried == ["a"]


def test_the_session_is_told_to_the_chooser() -> None:
    group, invocation = Group(), make_invocation(GROUP)
    invocation.task = replace(invocation.task, request=make_request(session_id="s1"))
    group.run(invocation)
    assert group.chooser.sessions == ["s1"]


def test_drained_and_unready_replicas_are_no_candidates() -> None:
    group = Group()
    group.closed, group.busy = {"a"}, {"b"}
    assert group.run() == "c"
    assert group.chooser.offered == [("c",)]


def test_when_none_is_ready_those_open_are_called_all_the_same() -> None:
    group, invocation = Group(), make_invocation(GROUP)
    group.closed, group.busy = {"a"}, {"b", "c"}
    group.faults = {"b": Reason.BREAKER_OPEN, "c": Reason.ENDPOINT_SATURATED}
    fault = group.run(invocation)
    assert isinstance(fault, Fault)
    assert fault.reason is Reason.ENDPOINT_SATURATED
    assert [(one.endpoint, one.status, one.reason) for one in invocation.attempts] == [
        ("b", AttemptStatus.SKIPPED, Reason.BREAKER_OPEN),
        ("c", AttemptStatus.SKIPPED, Reason.ENDPOINT_SATURATED),
    ]


def test_a_request_routed_before_all_were_drained_is_still_served() -> None:
    group = Group()
    group.closed = set("abc")
    assert group.run() == "a"


@pytest.mark.parametrize("reason", sorted(REFUSALS))
def test_a_replica_that_refuses_is_left_at_once_without_a_retry(reason: Reason) -> None:
    group, invocation = Group(), make_invocation(GROUP)
    group.faults = {"a": reason}
    assert group.run(invocation) == "b"
    assert invocation.try_number == 1
    assert [one.endpoint for one in invocation.attempts] == ["a"]


@pytest.mark.parametrize(
    "fault",
    [
        unavailable(),
        Fault(Kind.UNAVAILABLE, Origin.US, Reason.TOO_LITTLE_TIME, "no time"),
        Fault(Kind.UNAVAILABLE, Origin.UPSTREAM, Reason.ENDPOINT_UNHEALTHY, "theirs"),
    ],
)
def test_every_other_fault_is_raised_to_the_retry(fault: Fault) -> None:
    group = Group()
    group.faults = {"a": fault}
    assert group.run() is fault
    assert group.called == ["a"]


def test_a_second_call_goes_elsewhere_and_a_fourth_begins_anew() -> None:
    group, invocation = Group(), make_invocation(GROUP)
    assert [group.run(invocation) for _ in range(5)] == ["a", "b", "c", "a", "b"]
    assert invocation.tried == ["a", "b", "c", "a", "b"]


def test_a_hedge_that_shares_the_record_goes_to_another_replica() -> None:
    """The copy is made while the first call runs, so it may hold the task of that replica."""
    group, invocation = Group(), make_invocation(GROUP)
    group.run(invocation)
    hedge = replace(invocation, task=replace(invocation.task, endpoint=REPLICAS[0]))
    assert group.run(hedge) == "b"
    assert group.endpoints == [REPLICAS[0], REPLICAS[1]]
    assert invocation.tried == ["a", "b"]


def test_a_replica_tried_before_is_called_again_when_the_others_refuse() -> None:
    group, invocation = Group(), make_invocation(GROUP)
    group.run(invocation)
    group.faults = dict.fromkeys("bc", Reason.BREAKER_OPEN)
    assert group.run(invocation) == "a"


def test_a_fault_tells_whether_a_replica_not_called_yet_may_be() -> None:
    group, invocation = Group(), make_invocation(GROUP)
    group.faults = dict.fromkeys("abc", unavailable())
    told: list[bool] = []
    for _ in range(4):
        group.run(invocation)
        told.append(invocation.elsewhere)
    assert told == [True, True, False, False]


@pytest.mark.parametrize("state", ["closed", "busy", "refusing"])
def test_siblings_that_may_not_be_called_are_no_other_replicas(state: str) -> None:
    group, invocation = Group(), make_invocation(GROUP)
    group.faults = {"c": unavailable()}
    if state == "refusing":
        group.faults |= dict.fromkeys("ab", Reason.BREAKER_OPEN)
    else:
        setattr(group, state, {"a", "b"})
    group.run(invocation)
    assert group.called[-1] == "c"
    assert not invocation.elsewhere


@pytest.mark.parametrize("last", [True, False])
def test_a_new_sibling_is_another_replica_only_when_no_other_endpoint_is_left(last: bool) -> None:
    group, invocation = Group(), make_invocation(GROUP)
    group.new, group.faults, invocation.last = {"b", "c"}, {"a": unavailable()}, last
    group.run(invocation)
    assert invocation.elsewhere is last


@pytest.mark.parametrize(
    ("ends", "outcome"),
    [
        (None, Outcome.SUCCESS),
        (unavailable(), Outcome.FAILURE),
        (Fault(Kind.INVALID, Origin.CALLER, Reason.INVALID_FIELD, "bad"), Outcome.NOT_COUNTED),
        (asyncio.CancelledError(), Outcome.NOT_COUNTED),
        (RuntimeError("bug"), Outcome.NOT_COUNTED),
    ],
)
def test_the_chooser_hears_of_each_call_once_however_it_ends(
    ends: BaseException | None, outcome: Outcome
) -> None:
    group, invocation = Group(), make_invocation(GROUP)
    task = invocation.task
    if ends is not None:
        group.faults = {"a": ends}
    group.run(invocation)
    assert group.chooser.done == [("a", outcome, 0.5)]
    assert group.chooser.running == []
    assert invocation.task is task


def test_a_refusal_counts_neither_way_for_the_load() -> None:
    group = Group()
    group.faults = {"a": Reason.BREAKER_OPEN}
    group.run()
    assert group.chooser.done == [
        ("a", Outcome.NOT_COUNTED, 0.0),
        ("b", Outcome.SUCCESS, 0.5),
    ]


def test_nemo_rl_3613_a_session_whose_replica_is_dead_is_served_by_another() -> None:
    """NeMo-RL PR #3613: cache affinity picked the dead worker for each of 5 tries; all failed."""
    clock = VirtualClock()
    load = Load(REPLICAS, LoadSettings(by_session=True), clock, lambda: 0.5)
    dead = load.pick(["a", "b", "c"], "s1")

    def defective(tries: int) -> set[str]:
        return {load.pick(["a", "b", "c"], "s1") for _ in range(tries)}

    assert defective(5) == {dead}
    group = Group(load)
    group.faults = {dead: unavailable()}
    invocation = make_invocation(GROUP)
    invocation.task = replace(invocation.task, request=make_request(session_id="s1"))
    group.call = retried(group, RetrySettings())
    assert group.run(invocation) in set("abc") - {dead}
    assert len(group.called) == 2
    assert invocation.tried[0] == dead
    assert group.clock.now == clock.now + 1.0  # no wait before the other replica


def test_the_pair_retry_and_balance_tries_each_replica_once() -> None:
    group, invocation = Group(), make_invocation(GROUP)
    group.faults = dict.fromkeys("abc", unavailable())
    group.call = retried(group, RetrySettings(max_tries=3))
    assert isinstance(group.run(invocation), Fault)
    assert group.called == ["a", "b", "c"]
    assert invocation.attempts == list[Attempt]()
