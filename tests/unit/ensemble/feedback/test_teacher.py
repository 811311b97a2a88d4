"""What the router learns from outcomes, and that nothing which comes in can end it."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from math import nan
from pathlib import Path

import numpy as np
import pytest

from gateway.core.experience import Experience
from gateway.core.experiments import GuardRail
from gateway.core.feedback import OutcomeReport, Reviewed
from gateway.core.matching import ThresholdSet
from gateway.core.stores import StoreError
from gateway.ensemble.choosing.setup import Knowledge
from gateway.ensemble.feedback import teacher as teacher_module
from gateway.ensemble.feedback.lessons import observation_of
from gateway.ensemble.feedback.teacher import Teacher
from gateway.learning.bandit import AdaptiveSettings, Evidence
from gateway.learning.settings import LearningSettings
from tests.fakes.desks import BUSY, HARMFUL, Office, office, teaching
from tests.fakes.logged import reported

ADAPTIVE = AdaptiveSettings()
FEW = LearningSettings(max_observations=100)
TRIAL = (HARMFUL,)


async def outcome(desk: Office, quality: float, arm: str = "") -> str:
    arms = (("trial", arm),) if arm else ()
    made = desk.decided(arms=arms)
    await desk.reported(made, quality=quality)
    return made


def labelled(desk: Office) -> dict[str, int]:
    (counts,) = desk.teacher.counts
    return {name: count.labelled for name, count in counts.arms.items()}


def evidence(desk: Office) -> dict[str, Evidence]:
    return dict(desk.state.bandit.classes.get("task write", {}))


async def test_outcomes_are_learned_on_the_next_tick() -> None:
    async with office() as desk:
        await outcome(desk, 1.0)
        await outcome(desk, 0.0)
        assert desk.state.experience.observations == 0
        await desk.teacher.tick()
        experience = desk.state.experience
        assert (experience.observations, experience.endpoints) == (2, ("weak",))
        await desk.teacher.tick()
        assert desk.state.experience is experience, "nothing was new"


async def test_a_report_that_comes_twice_counts_once() -> None:
    """O-04: evidence is multiplied up, so that a repetition would count as another outcome."""
    async with office(adaptive=ADAPTIVE, experiments=TRIAL) as desk:
        made = await outcome(desk, 1.0, "new")
        await desk.reported(made, quality=1.0)
        await desk.teacher.tick()
        await desk.reported(made, quality=0.5)
        await desk.teacher.tick()
        assert labelled(desk) == {"control": 0, "new": 1}
        assert evidence(desk) == {"weak": Evidence(1.0, 0.0)}
        assert desk.state.experience.observations == 1
        assert desk.teacher.observations[0].scores == (("weak", 0.5),), "the later one is believed"


async def test_what_is_told_first_about_another_answer_hides_nothing_about_the_chosen_one() -> None:
    async with office(adaptive=ADAPTIVE, experiments=TRIAL) as desk:
        made = desk.decided(arms=(("trial", "new"),))
        await desk.reported(made, "strong", quality=1.0)
        await desk.teacher.tick()
        assert labelled(desk) == {"control": 0, "new": 0}
        await desk.reported(made, quality=0.0)
        await desk.teacher.tick()
        assert labelled(desk) == {"control": 0, "new": 1}
        assert evidence(desk) == {"strong": Evidence(1.0, 0.0), "weak": Evidence(0.0, 1.0)}


async def test_no_more_outcomes_are_kept_than_are_allowed() -> None:
    async with office(learning=FEW, adaptive=ADAPTIVE) as desk:
        for number in range(130):
            await outcome(desk, float(number >= 30))
        assert len(desk.teacher.observations) == 100
        assert {dict(one.scores)["weak"] for one in desk.teacher.observations} == {1.0}
        assert len(desk.teacher._counted) == 100
        assert len(desk.teacher._fresh) == 100
        await desk.teacher.tick()
        assert desk.state.experience.observations == 100


async def test_what_is_impossible_teaches_nothing_and_breaks_nothing() -> None:
    """A-04: one bad row never ends the learning."""
    async with office(adaptive=ADAPTIVE, experiments=TRIAL) as desk:
        for quality in (nan, 7.0, -1.0):
            event = desk.event(decision_id=f"bad {quality}", arms=(("trial", "new"),))
            report = OutcomeReport(event.decision_id, "weak", quality=quality)
            desk.teacher.take(Reviewed(event, {"weak": report}))
        await outcome(desk, 1.0, "new")
        await desk.teacher.tick()
        assert evidence(desk) == {"weak": Evidence(1.0, 0.0)}
        assert desk.state.bandit.skipped == 3
        assert labelled(desk) == {"control": 0, "new": 1}
        assert desk.teacher.counts[0].skipped == 3
        assert desk.state.experience.observations == 1
        assert np.isfinite(desk.state.experience.means).all()


async def test_a_correction_teaches_about_both_endpoints() -> None:
    features = (await _event()).features
    row = reported({"weak": nan}, features=features)
    row = Reviewed(row.event, {"weak": OutcomeReport("d", "weak", corrected_endpoint="strong")})
    found = observation_of(row)
    assert found is not None
    assert dict(found.scores) == {"strong": 1.0, "weak": 0.0}
    told = OutcomeReport("d", "weak", quality=0.7, corrected_endpoint="strong")
    found = observation_of(Reviewed(row.event, {"weak": told}))
    assert found is not None
    assert dict(found.scores) == {"strong": 1.0, "weak": 0.7}


async def test_nothing_is_learned_without_features_or_outcomes_or_from_a_question() -> None:
    """L-09: a request for clarification chose nothing."""
    event = await _event()
    known = {"weak": OutcomeReport("d", "weak", quality=1.0)}
    assert observation_of(Reviewed(event, known)) is not None
    assert observation_of(Reviewed(event)) is None
    assert observation_of(Reviewed(replace(event, features=None), known)) is None
    assert observation_of(Reviewed(replace(event, clarification=True), known)) is None


async def _event() -> object:
    async with office() as desk:
        return desk.event()


async def test_exposures_are_counted_once_each() -> None:
    async with office(experiments=TRIAL) as desk:
        exposed = desk.teacher.knowledge.exposed
        exposed.extend(desk.event(arms=(("trial", "new"),)) for _ in range(3))
        await desk.teacher.tick()
        await desk.teacher.tick()
        assert {name: one.exposures for name, one in desk.teacher.counts[0].arms.items()} == {
            "control": 0,
            "new": 3,
        }


async def test_only_experiments_that_are_enabled_run() -> None:
    off = replace(HARMFUL, name="off", salt="off", enabled=False)
    async with office(experiments=(HARMFUL, off)) as desk:
        assert desk.state.experiments == TRIAL
        assert [one.experiment.name for one in desk.teacher.counts] == ["trial", "off"]


async def do_harm(desk: Office) -> None:
    for _ in range(60):
        await outcome(desk, 1.0, "control")
        await outcome(desk, 0.0, "new")
    await desk.teacher.tick()


async def test_an_arm_that_does_harm_is_stopped_on_a_tick_and_stays_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """B-01: the guard rail."""
    path = str(tmp_path / "store.sqlite")
    async with office(path, experiments=TRIAL) as desk:
        assert desk.state.experiments == TRIAL
        with caplog.at_level(logging.WARNING):
            await do_harm(desk)
            await desk.teacher.tick()
        assert desk.state.experiments == ()
        why = desk.teacher.why_stopped("trial")
        assert why.startswith("its quality is lower by more than 0.02")
        assert [record.message for record in caplog.records] == [
            "experiment stopped: an arm does harm"
        ]
    # Even where the outcomes of then would no longer show it.
    blind = replace(HARMFUL, guard_rail=GuardRail(margin=1.0, failure_margin=1.0))
    async with office(path, experiments=(blind,)) as desk:
        assert desk.state.experiments == ()
        assert desk.teacher.why_stopped("trial") == why
    anew = replace(blind, salt="another")
    async with office(path, experiments=(anew,)) as desk:
        assert desk.state.experiments == (anew,), "units that are drawn anew are a new experiment"
        assert desk.teacher.why_stopped("trial") == ""


async def test_a_stop_that_could_not_be_kept_is_kept_on_a_later_tick(tmp_path: Path) -> None:
    path = str(tmp_path / "store.sqlite")
    blind = replace(HARMFUL, guard_rail=GuardRail(margin=1.0, failure_margin=1.0))
    async with office(path, experiments=TRIAL) as desk:
        desk.store.trouble["put_document"] = [BUSY, BUSY]
        await do_harm(desk)
        assert desk.state.experiments == ()
        assert desk.state.experience.observations == 120, "the rest is learned nevertheless"
        await desk.teacher.tick()
        await desk.teacher.tick()
    async with office(path, experiments=(blind,)) as desk:
        assert desk.state.experiments == ()


async def test_what_is_kept_is_learned_before_the_first_request(tmp_path: Path) -> None:
    path = str(tmp_path / "store.sqlite")
    async with office(path, experiments=TRIAL) as desk:
        await outcome(desk, 1.0, "new")
        desk.decided(arms=(("trial", "control"),))
        await desk.recorder.flush()
    async with office(path, experiments=TRIAL, adaptive=ADAPTIVE) as desk:
        assert desk.state.experience.observations == 1
        assert labelled(desk) == {"control": 0, "new": 1}
        (counts,) = desk.teacher.counts
        assert {name: one.exposures for name, one in counts.arms.items()} == {
            "control": 1,
            "new": 1,
        }
        assert evidence(desk) == {"weak": Evidence(1.0, 0.0)}


async def test_a_change_while_the_teacher_learns_is_not_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    learn = teacher_module.learn

    def slow(*args: object, **fields: object) -> Experience:
        begun.set()
        go_on.wait(10)
        return learn(*args, **fields)  # type: ignore[arg-type]

    monkeypatch.setattr(teacher_module, "learn", slow)
    async with office() as desk:
        await outcome(desk, 1.0)
        tick = asyncio.create_task(desk.teacher.tick())
        await asyncio.to_thread(begun.wait, 10)
        applied = ThresholdSet(7)
        desk.teacher.put_in_force(applied, None)
        assert desk.state.thresholds == applied
        go_on.set()
        await tick
        assert desk.state.thresholds == applied
        assert desk.state.experience.observations == 1


async def rounds(desk: Office, fail: Callable[[int], bool]) -> int:
    """Let the task run until it ticked well after failing; return how often it ticked."""
    ticks = 0
    well = asyncio.Event()
    tick = desk.teacher.tick

    async def counted() -> float:
        nonlocal ticks
        ticks += 1
        if fail(ticks):
            raise KeyError("a bug")
        spent = await tick()
        well.set()
        return spent

    desk.teacher.tick = counted  # type: ignore[method-assign]
    desk.teacher.start()
    await asyncio.wait_for(well.wait(), 10)
    return ticks


async def test_a_bug_ends_neither_the_task_nor_the_learning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with office(tick_s=0.001) as desk:
        await outcome(desk, 1.0)
        with caplog.at_level(logging.ERROR):
            assert await rounds(desk, lambda number: number < 3) == 3
        assert [record.message for record in caplog.records] == ["learning failed"] * 2
        assert desk.state.experience.observations == 1


async def test_closing_ends_and_awaits_the_task() -> None:
    async with office(tick_s=0.001) as desk:
        await rounds(desk, lambda _: False)
        task = desk.teacher._task
        assert task is not None
        await desk.teacher.close()
        assert task.cancelled()
        await desk.teacher.close()


async def test_a_teacher_without_a_store_stops_experiments_too() -> None:
    knowledge = Knowledge()
    teacher = Teacher(knowledge, teaching(experiments=TRIAL), lambda: ("weak",), lambda: 0.0)
    async with office() as desk:
        for number in range(60):
            for arm, quality in (("control", 1.0), ("new", 0.0)):
                event = desk.event(decision_id=f"{arm}{number}", arms=(("trial", arm),))
                known = {"weak": OutcomeReport(event.decision_id, "weak", quality=quality)}
                teacher.take(Reviewed(event, known))
    await teacher.tick()
    assert knowledge.state.experiments == ()


async def test_what_the_gateway_found_out_itself_is_taken_in_on_a_tick() -> None:
    async with office() as desk:
        made = desk.decided()
        own = desk.teacher.knowledge.own
        own.append(OutcomeReport(made, "strong", 0.0, tests_passed=1, tests_total=2))
        own.append(OutcomeReport("pruned", "strong", 0.0, tests_passed=1, tests_total=2))
        await desk.teacher.tick()
        assert desk.teacher.observations[0].scores == (("strong", 0.5),)
        assert not own


@pytest.mark.parametrize("error", [BUSY, StoreError("damaged"), KeyError("a bug")])
async def test_a_store_that_fails_at_the_beginning_is_told(error: Exception) -> None:
    async with office() as desk:
        desk.store.trouble["reviewed"] = [error]
        with pytest.raises(type(error)):
            await desk.desk.open()
