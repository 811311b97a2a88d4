"""What callers report about decisions, and what they are told."""

from __future__ import annotations

import logging

import pytest

from gateway.core.faults import Fault, Kind, Origin, Reason
from gateway.core.stores import StoreError
from gateway.ensemble.feedback.desk import Reported
from gateway.learning.policies import AlwaysPolicy
from tests.fakes.desks import BUSY, Office, office

DAMAGED = StoreError("the file is damaged")


async def refused(office: Office, *args: str, **fields: object) -> Fault:
    with pytest.raises(Fault) as caught:
        await office.reported(*args, **fields)
    return caught.value


async def test_a_report_about_a_decision_says_how_good_its_answer_was() -> None:
    async with office() as desk:
        made = desk.decided()
        assert await desk.reported(made, accepted=True) == Reported("weak", 1.0)
        assert await desk.reported(made, "strong", quality=0.25) == Reported("strong", 0.25)


async def test_what_nobody_told_stays_unknown() -> None:
    """O-06."""
    async with office() as desk:
        made = desk.decided()
        assert await desk.reported(made, compiled=True) == Reported("weak", None)
        await desk.teacher.tick()
        assert desk.state.experience.observations == 0


async def test_a_decision_that_was_answered_just_now_is_known() -> None:
    """O-05: though it waits to be written."""
    async with office() as desk:
        for _ in range(20):
            assert (await desk.reported(desk.decided(), quality=0.5)).quality == 0.5


async def test_a_later_report_adds_to_an_earlier_one() -> None:
    async with office() as desk:
        made = desk.decided()
        await desk.reported(made, accepted=True)
        late = await desk.reported(made, tests_passed=1, tests_total=4)
        assert late.quality == 0.25
        assert (await desk.reported(made)).quality == 0.25
        row = await desk.store.event(made)
        assert row is not None
        assert row.reports["weak"].accepted is True


async def test_a_report_that_comes_very_late_is_taken() -> None:
    """O-05: however many decisions came after it."""
    async with office() as desk:
        made = desk.decided(at=desk.wall.now - 86_400)
        for _ in range(300):
            desk.decided()
        assert (await desk.reported(made, reverted=True)).quality == 0.0


async def test_an_unknown_decision_is_not_found() -> None:
    """O-05."""
    async with office() as desk:
        desk.decided()
        fault = await refused(desk, "nobody", quality=1.0)
        assert (fault.kind, fault.origin) == (Kind.NOT_FOUND, Origin.CALLER)
        assert fault.reason is Reason.UNKNOWN_DECISION
        assert "'nobody'" in fault.message


@pytest.mark.parametrize(
    ("fields", "field"),
    [({"endpoint": "wek"}, "endpoint"), ({"corrected_endpoint": "x"}, "corrected_endpoint")],
)
async def test_an_endpoint_that_is_not_configured_is_named_with_those_that_are(
    fields: dict[str, str], field: str
) -> None:
    async with office() as desk:
        made = desk.decided()
        fault = await refused(desk, made, fields.pop("endpoint", ""), quality=1.0, **fields)
        assert fault.kind is Kind.INVALID
        assert [one.field for one in fault.violations] == [field]
        assert "weak, strong" in fault.message
        row = await desk.store.event(made)
        assert row is None or not row.reports


async def test_a_report_about_a_replica_is_one_about_its_group() -> None:
    """The answer names the replica; what was chosen, and is learned about, is the group."""
    async with office(groups={"weak-1": "weak", "weak-2": "weak"}) as desk:
        made = desk.decided()
        assert await desk.reported(made, "weak-2", quality=0.5) == Reported("weak", 0.5)
        found = await desk.reported(made, quality=0.0, corrected_endpoint="weak-1")
        assert found == Reported("weak", 0.0)
        row = await desk.store.event(made)
        assert row is not None
        assert row.reports["weak"].corrected_endpoint == "weak"


@pytest.mark.parametrize(("error", "retry"), [(BUSY, 1.0), (DAMAGED, None)])
@pytest.mark.parametrize(
    ("method", "ask"),
    [
        ("report", lambda one: one.reported("d", quality=1.0)),
        ("documents", lambda one: one.desk.in_force()),
        ("document", lambda one: one.desk.version(1)),
        ("documents", lambda one: one.desk.history()),
        ("reviewed", lambda one: one.desk.analyze(None)),
        ("reviewed", lambda one: one.desk.evaluate(AlwaysPolicy("weak"), 60.0)),
        ("documents", lambda one: one.desk.apply(1, validate_only=False, actor="")),
        ("documents", lambda one: one.desk.rollback(validate_only=False, actor="")),
    ],
)
async def test_a_store_that_fails_makes_the_desk_unavailable(
    error: StoreError,
    retry: float | None,
    method: str,
    ask: object,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with office() as desk:
        desk.store.trouble[method] = [error]
        with pytest.raises(Fault) as caught, caplog.at_level(logging.ERROR):
            await ask(desk)  # type: ignore[operator]
        fault = caught.value
        assert (fault.kind, fault.origin) == (Kind.UNAVAILABLE, Origin.US)
        assert fault.reason is Reason.STORE_UNAVAILABLE
        assert fault.retry_after_s == retry
        assert str(error) in str([vars(record) for record in caplog.records])


async def test_an_error_that_is_no_trouble_of_the_store_is_passed_on() -> None:
    async with office() as desk:
        desk.store.trouble["report"] = [KeyError("a bug")]
        with pytest.raises(KeyError):
            await desk.reported("d", quality=1.0)


async def test_what_was_decided_in_this_moment_is_analysed_too() -> None:
    async with office() as desk:
        await desk.reported(desk.decided(), quality=1.0)
        desk.decided("strong", clarification=True)
        found = await desk.desk.analyze(None)
        assert found.decisions == 2
        assert (found.shares.accuracy.count, found.shares.accuracy.of) == (1, 1), "L-09"
        assert found.shares.clarified.count == 1
        assert (await desk.desk.analyze(1e-6)).decisions == 2
        desk.wall.move(3600)
        assert (await desk.desk.analyze(60.0)).decisions == 0


async def test_a_log_that_never_tried_an_endpoint_supports_no_answer_about_it() -> None:
    async with office() as desk:
        for _ in range(30):
            made = desk.decided(propensities=(("weak", 1.0),))
            await desk.reported(made, quality=0.5)
        found = await desk.desk.evaluate(AlwaysPolicy("strong"), None)
        assert not found.supported
        assert found.verdict.startswith("the log cannot support an answer: all of its 30")
        assert "deterministic" in found.verdict
        same = await desk.desk.evaluate(AlwaysPolicy("weak"), None)
        assert same.decisions == 30
