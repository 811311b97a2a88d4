"""Which job a command means; each defect of the earlier resolver has its regression."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from gateway.config.jobs import JobsConfig, manifests_of, recogniser
from gateway.core.control import (
    Command,
    ControlOutcome,
    JobKind,
    Method,
    Recognised,
    Resolution,
    Wanted,
)
from gateway.core.jobs import JobState
from gateway.routing.control.resolve import resolve
from tests.fakes.ambiguous import ASK, NOBODY, PHRASES, SESSIONS, Fake, Session

MANIFESTS = manifests_of(JobsConfig())
I, P, B, M, O = JobKind  # noqa: E741


def found(
    command: Command,
    *jobs: Fake,
    kinds: tuple[JobKind, ...] = (),
    every: bool = False,
    job: str = "",
) -> Resolution:
    return resolve(Wanted(command, kinds=kinds, every=every, job=job), jobs, MANIFESTS)


def fakes(*kinds: JobKind) -> list[Fake]:
    return [Fake(f"job-{n}", kind, active_at=float(n)) for n, kind in enumerate(kinds)]


NOBODY_RUNS, NOBODY_CAN = ControlOutcome.NO_ACTIVE_JOBS, ControlOutcome.NO_CAPABLE_JOB
ASKED, DONE = ControlOutcome.CONFIRMATION_REQUIRED, ControlOutcome.DONE
RUNS, FAILED, GOES = JobState.RUNNING, JobState.FAILED, JobState.CANCELLING


@pytest.mark.parametrize(
    ("earlier", "jobs", "kinds", "outcome", "method", "confidence"),
    [
        ("no_session", (), (), NOBODY_RUNS, Method.NONE, 0.0),
        ("no_active_actions", ((I, FAILED),), (), NOBODY_RUNS, Method.NONE, 0.0),
        ("no_matching_domain", ((I, RUNS),), (B,), NOBODY_RUNS, Method.NONE, 0.0),
        ("no_actions", ((I, GOES),), (), NOBODY_CAN, Method.NONE, 0.0),
        ("domain_specific", ((I, RUNS), (B, RUNS)), (B,), DONE, Method.SINGLE, 1.0),
        ("single_action", ((B, RUNS),), (), DONE, Method.SINGLE, 0.95),
        ("multi_domain_priority", ((I, RUNS), (O, RUNS)), (), DONE, Method.PRIORITY, 0.95),
        (
            "priority_with_tiebreak",
            ((I, RUNS), (I, RUNS), (B, RUNS)),
            (),
            DONE,
            Method.PRIORITY,
            0.8,
        ),
        ("requires_confirmation", ((P, RUNS), (B, RUNS)), (), ASKED, Method.NONE, 0.5),
        ("most_recent", ((B, RUNS), (B, RUNS)), (), DONE, Method.RECENCY, 0.8),
    ],
)
def test_each_result_of_the_earlier_resolver_has_one_here(
    earlier: str,
    jobs: tuple[tuple[JobKind, JobState], ...],
    kinds: tuple[JobKind, ...],
    outcome: ControlOutcome,
    method: Method,
    confidence: float,
) -> None:
    """Q-06; its scores are not taken over (Q-07)."""
    known = [
        Fake(f"job-{n}", kind, state, active_at=float(n)) for n, (kind, state) in enumerate(jobs)
    ]
    resolution = found(Command.STOP, *known, kinds=kinds)
    assert (resolution.outcome, resolution.method) == (outcome, method), earlier
    assert resolution.confidence == pytest.approx(confidence)


def test_what_a_kind_can_do_is_what_its_manifest_says() -> None:
    """Q-10: support was inferred from the names of methods; no method is looked at here."""
    text = "\n".join(f'[{kind}]\npriority = 50\ncommands = ["cancel"]' for kind in JobKind)
    manifests = manifests_of(JobsConfig(), text)
    for command in Command:
        resolution = resolve(Wanted(command, kinds=(I,)), fakes(I), manifests)
        able = resolution.outcome is ControlOutcome.DONE
        assert able is (command is Command.CANCEL), command


def test_priority_comes_before_recency_whatever_the_age() -> None:
    """Q-07: a recency worth 50 points outweighed a priority gap of 20, and was clipped at 150."""
    old, new = Fake("job-1", I, active_at=0.0), Fake("job-2", B, active_at=1e9)
    resolution = found(Command.STOP, new, old)
    assert (resolution.targets, resolution.method) == (("job-1",), Method.PRIORITY)
    assert resolution.confidence == pytest.approx(0.8)


def test_the_newest_of_one_kind_is_meant_and_no_other() -> None:
    """Q-07, Q-09: most_recent was unreachable; two jobs of one kind were all stopped."""
    resolution = found(Command.STOP, *fakes(B, B, B))
    assert (resolution.targets, resolution.method) == (("job-2",), Method.RECENCY)


def test_equal_times_are_told_apart_by_the_id() -> None:
    """Q-07: the tie-break broke nothing."""
    one, two = Fake("job-1", B), Fake("job-2", B)
    assert found(Command.STOP, one, two) == found(Command.STOP, two, one)
    resolution = found(Command.STOP, two, one)
    assert (resolution.targets, resolution.confidence) == (("job-2",), 0.6)
    newer = replace(one, active_at=1.0)
    assert found(Command.STOP, one, two, replace(newer, id="job-3")).confidence == 0.8


def test_the_order_of_the_jobs_changes_nothing() -> None:
    """Q-07: the same state and the same command give the same result."""
    jobs = fakes(*(I, P, B, M, O) * 4)
    shuffle = random.Random(7)
    for command in Command:
        first = found(command, *jobs)
        for _ in range(5):
            shuffle.shuffle(jobs)
            assert found(command, *jobs) == first


def test_only_kinds_that_support_a_command_are_looked_at() -> None:
    """Q-08: the capability filter was applied, and then the unfiltered jobs were resolved."""
    resolution = found(Command.PAUSE, *fakes(O, B))
    assert (resolution.targets, resolution.method) == (("job-1",), Method.SINGLE)
    nobody = found(Command.NEXT, *fakes(P, M))
    assert nobody.outcome is ControlOutcome.NO_CAPABLE_JOB
    assert nobody.reason == "none of the 2 jobs can follow `next` by their kind"


def test_a_close_pair_is_asked_about_although_a_third_kind_is_far_away() -> None:
    """Q-09: the spread over all kinds hid that the two highest were close."""
    resolution = found(Command.STOP, *fakes(I, P, O))
    assert resolution.outcome is ControlOutcome.CONFIRMATION_REQUIRED
    assert [one.kind for one in resolution.choices] == [I, P, O]
    assert resolution.targets == ()


def test_a_distant_second_kind_is_not_asked_about() -> None:
    """Q-22: one rule, the gap between the two highest."""
    assert found(Command.STOP, *fakes(I, B, M)).targets == ("job-0",)


def test_what_can_be_taken_back_is_asked_about_with_more_than_two_kinds_only() -> None:
    assert found(Command.PAUSE, *fakes(P, B)).targets == ("job-0",)
    asked = found(Command.PAUSE, *fakes(P, B, M))
    assert asked.outcome is ControlOutcome.CONFIRMATION_REQUIRED
    assert found(Command.PAUSE, *fakes(I, P, B)).targets == ("job-0",), "a batch is far away"


def test_two_kinds_that_are_named_are_ambiguous_unless_all_are_meant() -> None:
    """Q-07: of several targets the first one only was used."""
    jobs = fakes(B, P, B)
    asked = found(Command.STOP, *jobs, kinds=(B, P))
    assert asked.outcome is ControlOutcome.AMBIGUOUS_TARGET
    assert asked.reason == "it names pipeline and batch: name one of them, or all"
    every = found(Command.STOP, *jobs, kinds=(B, P), every=True)
    assert (every.targets, every.method) == (("job-0", "job-1", "job-2"), Method.EVERY)
    assert found(Command.STOP, jobs[0], kinds=(B, P)).targets == ("job-0",)


def test_a_named_job_is_the_target_whatever_its_state() -> None:
    ended = Fake("job-1", I, JobState.FAILED)
    explicit = found(Command.STOP, ended, job="job-1")
    assert (explicit.targets, explicit.method, explicit.confidence) == (
        ("job-1",),
        Method.EXPLICIT,
        1.0,
    )
    assert found(Command.STOP, job="job-1").outcome is ControlOutcome.NO_ACTIVE_JOBS


def test_jobs_that_are_so_already_are_meant_only_when_no_other_can_follow() -> None:
    held, going = Fake("job-1", I, JobState.PAUSED, 2.0), Fake("job-2", I, active_at=1.0)
    assert found(Command.PAUSE, held, going).targets == ("job-2",)
    assert found(Command.RESUME, held, going).targets == ("job-1",)
    assert found(Command.PAUSE, held).targets == ("job-1",)


def test_nothing_to_steer_is_told_from_nothing_that_can() -> None:
    assert found(Command.STOP).reason == "no job is running"
    none = found(Command.STOP, *fakes(I), kinds=(B,))
    assert (none.outcome, none.reason) == (
        ControlOutcome.NO_ACTIVE_JOBS,
        "no job of kind batch is running",
    )
    unfit = found(Command.PREVIOUS, *fakes(I))
    assert unfit.reason == "none of the 1 jobs can follow `previous` in the state they are in"
    over = found(Command.PREVIOUS, Fake("job-1", I, JobState.SUCCEEDED, choices=1))
    assert over.outcome is ControlOutcome.NO_ACTIVE_JOBS


def test_a_single_job_of_a_named_kind_is_certain() -> None:
    assert found(Command.STOP, *fakes(I, B), kinds=(B,)).confidence == 1.0
    assert found(Command.STOP, *fakes(B)).confidence == 0.95


def test_an_override_of_a_priority_changes_the_choice() -> None:
    manifests = manifests_of(JobsConfig(priority={B: 100, I: 10}))
    resolution = resolve(Wanted(Command.STOP), fakes(I, B), manifests)
    assert (resolution.targets, resolution.confidence) == (("job-1",), 0.95)


@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.name)
@pytest.mark.parametrize("command", list(Command))
def test_bare_commands_mean_what_they_should(session: Session, command: Command) -> None:
    for text in PHRASES[command]:
        resolution = of_text(text, session)
        meant = session.means.get(command, session.bare)
        if meant == ASK:
            assert resolution.outcome is ControlOutcome.CONFIRMATION_REQUIRED, text
        elif meant == NOBODY:
            assert not resolution.targets, text
            assert resolution.outcome is not ControlOutcome.CONFIRMATION_REQUIRED, text
        elif meant == "any":
            assert len(resolution.targets) == 1, text
        else:
            assert resolution.targets == (meant,), text


def test_nine_of_ten_ambiguous_commands_are_resolved_without_asking() -> None:
    """Q-14: the share over all commands that some job could follow, in both languages."""
    asked = total = 0
    for session in SESSIONS:
        for command, phrases in PHRASES.items():
            if session.means.get(command, session.bare) == NOBODY:
                continue
            for text in phrases:
                total += 1
                asked += not of_text(text, session).targets
    assert total > 200
    assert 1 - asked / total >= 0.9, f"{asked} of {total} were asked about"


def of_text(text: str, session: Session) -> Resolution:
    heard = recogniser()(text)
    assert isinstance(heard, Recognised), text
    return resolve(Wanted(heard.command, heard.direction), session.jobs, MANIFESTS)
