"""Versions of thresholds: proposed, put in force, taken back, and kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.core.faults import Fault, Kind, Reason
from gateway.core.head import Head
from gateway.core.matching import DEFAULT_THRESHOLDS, LayerName, ThresholdSet
from gateway.core.stores import MAX_VERSIONS, Document, DocumentEntry
from gateway.ensemble.feedback.desk import DeskSettings, Proposed
from gateway.ensemble.feedback.versions import HEAD, SHOWN, Change, Version, Versions
from gateway.learning.head import train_head
from gateway.learning.settings import LearningSettings
from gateway.learning.thresholds import TunerSettings
from tests.fakes.cascades import ran
from tests.fakes.choosing import lessons
from tests.fakes.desks import BUSY, Office, office

KEYWORD = LayerName.KEYWORD
EASY_TO_MOVE = DeskSettings(tuner=TunerSettings(min_samples=10, min_near=1))
ME = "me"


async def feed(desk: Office, number: int = 200) -> None:
    """Have the keyword layer always right, below its threshold too."""
    for at in range(number):
        confidence = 0.70 + 0.25 * at / number
        layers = (ran(KEYWORD, confidence, "weak", threshold=0.85),)
        await desk.reported(desk.decided(layers=layers), quality=1.0)


async def proposed(desk: Office, **fields: object) -> Proposed:
    known = {"window_s": None, "step": None, "train_head": False, "actor": ME}
    return await desk.desk.propose(**{**known, **fields})  # type: ignore[arg-type]


async def apply(desk: Office, number: int, **fields: bool) -> tuple[int, int]:
    both = await desk.desk.apply(number, actor=ME, **{"validate_only": False, **fields})
    return both[0].thresholds.version, both[1].thresholds.version


async def rollback(desk: Office, **fields: bool) -> tuple[int, int]:
    both = await desk.desk.rollback(actor=ME, **{"validate_only": False, **fields})
    return both[0].thresholds.version, both[1].thresholds.version


async def added(desk: Office, at: float) -> int:
    """Keep a version of the keyword layer's threshold, whatever it rests on."""
    thresholds = ThresholdSet(0, ((KEYWORD, at),))
    kept = await Versions(desk.store).add(Version(thresholds, at=desk.wall.now), ME)
    return kept.thresholds.version


async def test_without_outcomes_nothing_is_proposed() -> None:
    async with office() as desk:
        found = await proposed(desk)
        assert (found.changed, found.head) == (False, "")
        assert found.version.thresholds == DEFAULT_THRESHOLDS
        assert await desk.desk.history() == ((await desk.desk.in_force(),), ())


async def test_a_proposal_changes_nothing_until_it_is_applied() -> None:
    """U-05 (e), (f)."""
    async with office(settings=EASY_TO_MOVE) as desk:
        await feed(desk)
        found = await proposed(desk)
        assert found.changed
        version = found.version.thresholds
        assert (version.version, version.of(KEYWORD)) == (2, pytest.approx(0.80))
        assert "keyword 0.85 to 0.80" in found.version.note
        assert desk.state.thresholds == DEFAULT_THRESHOLDS
        assert await apply(desk, 2, validate_only=True) == (1, 2)
        assert desk.state.thresholds == DEFAULT_THRESHOLDS
        assert await apply(desk, 2) == (1, 2)
        assert desk.state.thresholds == version
        assert (await desk.desk.in_force()).thresholds == version
        _, changes = await desk.desk.history()
        assert [(one.action, one.version, one.actor) for one in changes] == [
            ("apply", 2, ME),
            ("propose", 2, ME),
        ]


async def test_a_proposal_takes_the_step_that_is_asked_for() -> None:
    async with office(settings=EASY_TO_MOVE) as desk:
        await feed(desk)
        found = await proposed(desk, step=0.02)
        assert found.version.thresholds.of(KEYWORD) == pytest.approx(0.83)
        desk.wall.move(3600)
        assert not (await proposed(desk, window_s=60.0)).changed


async def test_going_back_takes_one_change_back_at_a_time() -> None:
    async with office() as desk:
        two, three = await added(desk, 0.6), await added(desk, 0.7)
        assert (two, three) == (2, 3)
        await apply(desk, two)
        await apply(desk, three)
        assert await apply(desk, three) == (three, three), "once more is no change"
        assert await rollback(desk, validate_only=True) == (three, two)
        assert await rollback(desk) == (three, two)
        assert desk.state.thresholds.of(KEYWORD) == 0.6
        assert await rollback(desk) == (two, 1)
        assert desk.state.thresholds == DEFAULT_THRESHOLDS
        with pytest.raises(Fault) as caught:
            await rollback(desk)
        assert (caught.value.kind, caught.value.reason) == (Kind.NOT_FOUND, Reason.UNKNOWN_VERSION)
        assert "no version was in force before 1" in caught.value.message


@pytest.mark.parametrize("number", [2, 99, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
async def test_a_version_that_is_not_kept_is_not_found(number: int) -> None:
    async with office() as desk:
        with pytest.raises(Fault) as caught:
            await apply(desk, number)
        assert (caught.value.kind, caught.value.reason) == (Kind.NOT_FOUND, Reason.UNKNOWN_VERSION)
        assert desk.state.thresholds == DEFAULT_THRESHOLDS


async def test_the_latest_versions_are_listed_with_the_defaults_last() -> None:
    async with office() as desk:
        await added(desk, 0.6)
        versions, _ = await desk.desk.history()
        assert [one.thresholds.version for one in versions] == [2, 1]
        assert versions[-1].thresholds == DEFAULT_THRESHOLDS
        for _ in range(SHOWN + 5):
            await added(desk, 0.7)
        versions, _ = await desk.desk.history()
        assert len(versions) == SHOWN
        assert versions[0].thresholds.version == SHOWN + 7


async def test_proposals_never_push_out_what_is_in_force() -> None:
    """U-05 (f): the change in force is found again, however much was proposed since."""
    async with office() as desk:
        await apply(desk, await added(desk, 0.6))
        versions = Versions(desk.store)
        for _ in range(MAX_VERSIONS + 1):
            await versions.changed(Change("propose", 2, desk.wall.now, ME))
        assert await versions.applied() == (1, 2)
        assert len(await versions.changes()) == SHOWN


async def test_the_defaults_are_never_taken_back() -> None:
    async with office() as desk:
        versions = Versions(desk.store)
        await versions.changed(Change("rollback", 1, desk.wall.now, ME))
        assert await versions.applied() == (1,)
        await apply(desk, await added(desk, 0.6))
        assert await versions.applied() == (1, 2)


async def test_what_is_in_force_survives_a_restart(tmp_path: Path) -> None:
    path = str(tmp_path / "store.sqlite")
    async with office(path) as desk:
        await apply(desk, await added(desk, 0.6))
        await apply(desk, await added(desk, 0.7))
        await rollback(desk)
    async with office(path) as desk:
        assert desk.state.thresholds == ThresholdSet(2, ((KEYWORD, 0.6),))
        assert await rollback(desk) == (2, 1)
    async with office(path) as desk:
        assert desk.state.thresholds == DEFAULT_THRESHOLDS


async def test_a_store_that_fails_leaves_in_force_what_is() -> None:
    async with office() as desk:
        number = await added(desk, 0.6)
        desk.store.trouble["put_document"] = [BUSY]
        with pytest.raises(Fault):
            await apply(desk, number)
        assert desk.state.thresholds == DEFAULT_THRESHOLDS
        assert await apply(desk, number) == (1, number)


def small_head() -> Head:
    return train_head(lessons("hard", weak=0.1, strong=0.9), LearningSettings())


async def test_a_version_has_the_head_that_it_was_proposed_with() -> None:
    async with office() as desk:
        versions = Versions(desk.store)
        number = await versions.add_head(small_head(), desk.wall.now, ME)
        kept = await versions.add(Version(DEFAULT_THRESHOLDS, number, 200), ME)
        assert kept.thresholds.version == 2
        assert kept != await desk.desk.in_force()
        await apply(desk, 2)
        head = desk.state.experience.head
        assert head is not None
        assert head.observations == 200
        await rollback(desk)
        assert desk.state.experience.head is None


async def test_a_head_that_cannot_be_read_is_none() -> None:
    async with office() as desk:
        entry = DocumentEntry(HEAD, 0, 0.0)
        number = await desk.store.put_document(Document(entry, b"no head"))
        versions = Versions(desk.store)
        assert await versions.head(number) is None
        assert await versions.head(0) is None
        assert await versions.head(7) is None
