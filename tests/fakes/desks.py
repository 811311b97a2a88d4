"""A desk of outcomes over a store in memory, with the recorder and the teacher of a gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.core.experiments import Arm, Experiment
from gateway.core.feedback import OutcomeReport, RoutingEvent
from gateway.core.stores import StoreError
from gateway.ensemble.choosing.setup import Knowledge, LearnedState
from gateway.ensemble.feedback.desk import DeskSettings, FeedbackDesk
from gateway.ensemble.feedback.teacher import Teacher, TeachingSettings
from gateway.features.lexical import lexical_features
from gateway.state.intake import Intake
from gateway.stores.recorder import Recorder
from gateway.stores.sqlite import SqliteSettings, SqliteStore
from tests.fakes.choosing import WALL, asked
from tests.fakes.logged import event
from tests.fakes.ticks import Ticks

NAMES = ("weak", "strong")
HARMFUL = Experiment("trial", "salt", (Arm("control", control=True), Arm("new")), share=1.0)
BUSY = StoreError("the store is busy", retryable=True)


class Breakable:
    """A store of which single methods may be made to fail, each call with the next error."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store
        self.trouble: dict[str, list[Exception]] = {}

    def __getattr__(self, name: str) -> Any:
        errors = self.trouble.get(name)
        if not errors:
            return getattr(self._store, name)

        async def fails(*_: object, **__: object) -> None:
            raise errors.pop(0)

        return fails


@dataclass
class Office:
    """The desk and all behind it. The teacher learns when a test says `tick`."""

    store: Breakable
    recorder: Recorder
    teacher: Teacher
    desk: FeedbackDesk
    wall: Ticks
    numbers: Any = field(default_factory=lambda: iter(range(1_000_000)))

    @property
    def state(self) -> LearnedState:
        return self.teacher.knowledge.state

    def decided(self, chosen: str = "weak", **fields: Any) -> str:
        """Record a decision, as the chooser does; return its id."""
        made = fields.pop("decision_id", f"d{next(self.numbers)}")
        self.recorder.record(self.event(chosen, decision_id=made, **fields))
        return made

    def event(self, chosen: str = "weak", **fields: Any) -> RoutingEvent:
        features = lexical_features(asked("some words of code"))
        return event(chosen, **{"at": self.wall.now, "features": features, **fields})

    async def reported(self, decision_id: str, endpoint: str = "", **fields: Any) -> Any:
        report = OutcomeReport(decision_id, endpoint, self.wall.now, **fields)
        return await self.desk.record(report)


def teaching(**fields: Any) -> TeachingSettings:
    return replace(TeachingSettings(), **fields)


@asynccontextmanager
async def office(
    path: str = ":memory:",
    *,
    settings: DeskSettings | None = None,
    groups: Mapping[str, str] | None = None,
    **fields: Any,
) -> AsyncIterator[Office]:
    """Open a desk; `fields` are those of TeachingSettings."""
    wall = Ticks(WALL)
    store = Breakable(await SqliteStore.open(SqliteSettings(path)))
    recorder = Recorder(store, Intake(1000), None, None, wall)
    teacher = Teacher(Knowledge(), teaching(**fields), lambda: NAMES, wall)
    desk = FeedbackDesk(
        store, recorder, teacher, settings or DeskSettings(), lambda: NAMES, wall, groups or {}
    )
    await desk.open()
    recorder.start()
    try:
        yield Office(store, recorder, teacher, desk, wall)
    finally:
        await teacher.close()
        await recorder.close()
        store.trouble.clear()
        await store.close()
