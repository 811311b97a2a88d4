"""Turns outcomes into what the router reads, on a tick, beside the requests."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from math import inf
from typing import Protocol

from gateway.core.experience import Head, Observation
from gateway.core.experiments import Experiment
from gateway.core.feedback import OutcomeReport, Reviewed, RoutingEvent
from gateway.core.matching import ThresholdSet
from gateway.core.stores import Document, DocumentEntry, OutcomeStore, StoreError
from gateway.core.value import value
from gateway.ensemble.choosing.setup import Knowledge
from gateway.ensemble.feedback.lessons import observation_of
from gateway.learning.bandit import AdaptiveSettings, learned
from gateway.learning.experience import learn
from gateway.learning.guardrail import (
    ExperimentCounts,
    Verdict,
    nothing_counted,
    verdicts,
    with_exposures,
    with_outcomes,
)
from gateway.learning.rewards import reward_of
from gateway.learning.settings import DEFAULT_LEARNING, LearningSettings

STOPPED = "experiment_stopped"
"""Kind of document: the experiment as actor, why as words, its salt as body."""

IDLE_PER_BUSY = 20
"""Seconds without learning for each second of it, so that it takes a twentieth of one core."""

log = logging.getLogger(__name__)


class Records(Protocol):
    """Takes reports about decisions, of which some may still wait to be written."""

    async def report(self, report: OutcomeReport) -> Reviewed | None:
        """Keep a report; return the decision as it now stands, None when none is known."""
        ...

    async def flush(self) -> bool:
        """Have everything written that was recorded before; say whether it was."""
        ...


@value
class TeachingSettings:
    """How outcomes are learned from. `adaptive` is None while that policy is off."""

    tick_s: float = 2.0
    learning: LearningSettings = DEFAULT_LEARNING
    adaptive: AdaptiveSettings | None = None
    experiments: tuple[Experiment, ...] = ()


class Teacher:
    """Learns from outcomes and publishes what it learned. It owns a task: `start` and `close`.

    It belongs to one event loop. `endpoints` names what may be chosen, `wall` tells unix seconds.
    """

    def __init__(
        self,
        knowledge: Knowledge,
        settings: TeachingSettings,
        endpoints: Callable[[], Iterable[str]],
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.knowledge = knowledge
        self._settings = settings
        self._endpoints = endpoints
        self._wall = wall
        self._observations: OrderedDict[str, Observation] = OrderedDict()
        # The endpoints of each decision whose outcome was handed on.
        self._counted: OrderedDict[str, frozenset[str]] = OrderedDict()
        self._fresh = deque[Reviewed](maxlen=settings.learning.max_observations)
        self._counts = {one.name: nothing_counted(one) for one in settings.experiments}
        self._stopped: dict[str, str] = {}
        self._unsaved: set[str] = set()
        self._dirty = False
        self._head: Head | None = None
        self._store: OutcomeStore | None = None
        self._records: Records | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def observations(self) -> Sequence[Observation]:
        """What the layers learn from, oldest first."""
        return tuple(self._observations.values())

    @property
    def counts(self) -> tuple[ExperimentCounts, ...]:
        """What is known of each experiment, as configured."""
        return tuple(self._counts[one.name] for one in self._settings.experiments)

    def why_stopped(self, experiment: str) -> str:
        """Say why an experiment was stopped; empty when it was not."""
        return self._stopped.get(experiment, "")

    async def load(
        self,
        store: OutcomeStore,
        records: Records,
        thresholds: ThresholdSet,
        head: Head | None,
    ) -> None:
        """Learn from what is kept, before the first request. Raises StoreError."""
        self._store, self._records = store, records
        limit = self._settings.learning.max_observations
        await self._remember(store)
        # A clock may have been set back since.
        rows = await store.reviewed(0.0, inf, limit, labelled=True)
        if self._settings.experiments:
            events = await store.reviewed(0.0, inf, limit, labelled=False)
            self._expose([row.event for row in events])
        for row in reversed(rows):
            self.take(row)
        self.put_in_force(thresholds, head)
        await self.tick()

    def take(self, row: Reviewed) -> None:
        """Take in a decision with what is known about it; it may come again with more."""
        decision_id = row.event.decision_id
        observation = observation_of(row)
        if observation is not None:
            self._observations[decision_id] = observation
            while len(self._observations) > self._settings.learning.max_observations:
                self._observations.popitem(last=False)
            self._dirty = True
        # Evidence is multiplied up: what comes a second time must not count again.
        counted = self._counted.get(decision_id, frozenset())
        fresh = {
            endpoint: report
            for endpoint, report in row.reports.items()
            if endpoint not in counted and reward_of(report) is not None
        }
        if fresh:
            self._counted[decision_id] = counted.union(fresh)
            while len(self._counted) > self._settings.learning.max_observations:
                self._counted.popitem(last=False)
            self._fresh.append(Reviewed(row.event, fresh))

    def put_in_force(self, thresholds: ThresholdSet, head: Head | None) -> None:
        """Have the next request decided by these."""
        self._head = head
        knowledge = self.knowledge
        experience = replace(knowledge.state.experience, head=head)
        knowledge.state = replace(knowledge.state, thresholds=thresholds, experience=experience)

    def start(self) -> None:
        """Begin to learn in the background."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """End the task."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def tick(self) -> float:
        """Learn from what is new; return the seconds that it took."""
        began = time.monotonic()
        self._count()
        await self._take_own()
        fresh = [self._fresh.popleft() for _ in range(len(self._fresh))]
        state = self.knowledge.state
        adaptive = self._settings.adaptive
        if adaptive is not None:
            bandit = learned(
                state.bandit,
                fresh,
                now=self._wall(),
                endpoints=frozenset(self._endpoints()),
                settings=adaptive,
            )
            self.knowledge.state = replace(self.knowledge.state, bandit=bandit)
        self._judge(fresh)
        await self._keep_stopped()
        if self._dirty:
            self._dirty = False
            version = state.experience.version + 1
            experience = await asyncio.to_thread(
                learn,
                self.observations,
                self._settings.learning,
                head=self._head,
                version=version,
            )
            experience = replace(experience, head=self._head)
            self.knowledge.state = replace(self.knowledge.state, experience=experience)
        return time.monotonic() - began

    async def _take_own(self) -> None:
        """Take in what the gateway itself found out, as if a caller had reported it."""
        own = self.knowledge.own
        while own and self._records is not None:
            row = await self._records.report(own.popleft())
            if row is not None:
                self.take(row)

    def _count(self) -> None:
        exposed = self.knowledge.exposed
        self._expose([exposed.popleft() for _ in range(len(exposed))])

    def _expose(self, events: Sequence[RoutingEvent]) -> None:
        for name, counts in self._counts.items():
            self._counts[name] = with_exposures(counts, events)

    def _judge(self, fresh: Sequence[Reviewed]) -> None:
        """Hold the arms against their control, and let those experiments run that do no harm."""
        for name in self._counts:
            counts = self._counts[name] = with_outcomes(self._counts[name], fresh)
            harm = [one for one in verdicts(counts) if one.verdict is Verdict.STOP_HARM]
            if harm and name not in self._stopped:
                self._stopped[name] = "; ".join(one.words for one in harm)
                self._unsaved.add(name)
                log.warning(
                    "experiment stopped: an arm does harm",
                    extra={"experiment": name, "arms": [one.arm for one in harm]},
                )
        running = tuple(
            one
            for one in self._settings.experiments
            if one.enabled and one.name not in self._stopped
        )
        self.knowledge.state = replace(self.knowledge.state, experiments=running)

    async def _keep_stopped(self) -> None:
        """Keep that they were stopped: what is counted after a restart may not show it again."""
        if self._store is None:
            return
        for name in sorted(self._unsaved):
            entry = DocumentEntry(STOPPED, 0, self._wall(), name, self._stopped[name])
            salt = self._counts[name].experiment.salt
            try:
                await self._store.put_document(Document(entry, salt.encode()))
            except StoreError as error:
                log.warning("a stopped experiment is not kept yet", extra={"error": str(error)})
                return
            self._unsaved.discard(name)

    async def _remember(self, store: OutcomeStore) -> None:
        """Keep those stopped that were so in an earlier run and were not drawn anew since."""
        salts = {one.name: one.salt.encode() for one in self._settings.experiments}
        for entry in await store.documents(STOPPED) if salts else ():
            found = await store.document(STOPPED, entry.version)
            if found is not None and salts.get(entry.actor) == found.body:
                self._stopped[entry.actor] = entry.words

    async def _run(self) -> None:
        while True:
            try:
                spent = await self.tick()
            except Exception as error:
                log.exception("learning failed", extra={"error": type(error).__name__})
                spent = 0.0
            await asyncio.sleep(max(self._settings.tick_s, IDLE_PER_BUSY * spent))
