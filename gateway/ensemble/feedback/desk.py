"""What callers report and what operators ask of the router that learns."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from gateway.core.faults import Fault, Kind, Origin, Reason, invalid
from gateway.core.feedback import OutcomeReport, Reviewed, quality_of
from gateway.core.stores import OutcomeStore, StoreError
from gateway.core.value import value
from gateway.ensemble.feedback.teacher import Records, Teacher
from gateway.ensemble.feedback.training import trained
from gateway.ensemble.feedback.versions import FIRST, Change, Version, Versions
from gateway.learning.analysis import Analysis, analyze
from gateway.learning.evaluation.policy_value import PolicyValue, evaluate
from gateway.learning.policies import Policy
from gateway.learning.settings import LearningSettings
from gateway.learning.thresholds import TunerSettings, Tuning, propose

MOST_ROWS = 50_000
"""Latest decisions that an analysis, a proposal or an evaluation looks at."""

RETRY_S = 1.0

MOMENT_S = 1.0
"""What was decided in this very moment counts too."""

NO_GROUPS: Mapping[str, str] = MappingProxyType({})

log = logging.getLogger(__name__)


@value
class DeskSettings:
    """How the desk works; `window_s` is the span of time when a request names none."""

    window_s: float = 168 * 3600.0
    tuner: TunerSettings = TunerSettings()
    learning: LearningSettings = LearningSettings()


@value
class Proposed:
    """A proposal as it is kept, what it rests on, and about the head in words."""

    version: Version
    tuning: Tuning
    changed: bool
    head: str


@value
class Reported:
    """What is known of an answer now that a report was added; `quality` is None for unknown."""

    endpoint: str
    quality: float | None


class FeedbackDesk:
    """Takes outcomes in and answers operators. It belongs to one event loop.

    Every method raises Fault: NOT_FOUND for a decision or version that is not kept, UNAVAILABLE
    while the store is busy or failing.
    """

    def __init__(
        self,
        store: OutcomeStore,
        records: Records,
        teacher: Teacher,
        settings: DeskSettings,
        endpoints: Callable[[], Sequence[str]],
        wall: Callable[[], float],
        groups: Mapping[str, str] = NO_GROUPS,
    ) -> None:
        """`endpoints` names all that may be chosen, `wall` tells unix seconds.

        `groups`: the group of each replica. An answer names the replica that gave it; what is
        chosen, and learned about, is the group.
        """
        self._store = store
        self._records = records
        self._teacher = teacher
        self._settings = settings
        self._endpoints = endpoints
        self._wall = wall
        self._groups = groups
        self._versions = Versions(store)
        self._rng = np.random.default_rng()
        # One change of what is in force at a time.
        self._changing = asyncio.Lock()

    @property
    def teacher(self) -> Teacher:
        """What learns from the outcomes."""
        return self._teacher

    async def open(self) -> None:
        """Put in force what was so at the end of the last run, and learn what is kept."""
        number = (await self._versions.applied())[-1]
        try:
            version = await self._versions.get(number)
        except Fault:
            log.warning("thresholds in force are not kept", extra={"version": number})
            version = FIRST
        head = await self._versions.head(version.head_version)
        if version.head_version and head is None:
            log.warning("head in force cannot be used", extra={"version": version.head_version})
        await self._teacher.load(self._store, self._records, version.thresholds, head)

    async def record(self, report: OutcomeReport) -> Reported:
        """Take in a report about a decision."""
        report = replace(
            report,
            endpoint=self._known("endpoint", report.endpoint),
            corrected_endpoint=self._known("corrected_endpoint", report.corrected_endpoint),
        )
        with _Translated():
            row = await self._records.report(report)
        if row is None:
            raise Fault(
                Kind.NOT_FOUND,
                Origin.CALLER,
                Reason.UNKNOWN_DECISION,
                f"decision_id: {report.decision_id!r} is not kept; it comes with the answer, and "
                "is kept as long as the configuration of outcomes says",
            )
        self._teacher.take(row)
        endpoint = report.endpoint or row.event.chosen
        return Reported(endpoint, quality_of(row.reports[endpoint]))

    async def in_force(self) -> Version:
        """Return the version in force."""
        with _Translated():
            return await self._versions.get((await self._versions.applied())[-1])

    async def version(self, number: int) -> Version:
        """Return a version."""
        with _Translated():
            return await self._versions.get(number)

    async def history(self) -> tuple[tuple[Version, ...], tuple[Change, ...]]:
        """Return the latest versions and what was done with them, newest first."""
        with _Translated():
            return await self._versions.history(), await self._versions.changes()

    async def propose(
        self, *, window_s: float | None, step: float | None, train_head: bool, actor: str
    ) -> Proposed:
        """Work out better thresholds, and a head; nothing that decides changes."""
        settings = self._settings.tuner
        if step is not None:
            settings = replace(settings, step=step)
        current = await self.in_force()
        rows = await self._rows(window_s)
        tuning = await asyncio.to_thread(propose, rows, current.thresholds, settings)
        words, number, observations = "", current.head_version, current.head_observations
        if train_head:
            head = await trained(self._teacher.observations, self._settings.learning)
            if isinstance(head, str):
                words = head
            else:
                observations = head.observations
                words = f"a head was trained on {observations} observations"
                with _Translated():
                    number = await self._versions.add_head(head, self._wall(), actor)
        changed = tuning.changed or number != current.head_version
        if not changed:
            return Proposed(current, tuning, changed, words)
        note = "; ".join(one for one in (tuning.words, words) if one)
        wanted = Version(tuning.thresholds, number, observations, self._wall(), note)
        with _Translated():
            kept = await self._versions.add(wanted, actor)
            await self._done("propose", kept, actor)
        return Proposed(kept, tuning, changed, words)

    async def apply(
        self, number: int, *, validate_only: bool, actor: str
    ) -> tuple[Version, Version]:
        """Put a version in force; return the one before and this one."""
        async with self._changing:
            before, after = await self.in_force(), await self.version(number)
            if not validate_only and before != after:
                await self._put_in_force("apply", after, actor)
            return before, after

    async def rollback(self, *, validate_only: bool, actor: str) -> tuple[Version, Version]:
        """Put the version in force that was so before; return the one until now and that one."""
        async with self._changing:
            with _Translated():
                stack = await self._versions.applied()
            if len(stack) == 1:
                raise Fault(
                    Kind.NOT_FOUND,
                    Origin.CALLER,
                    Reason.UNKNOWN_VERSION,
                    f"no version was in force before {stack[-1]}, so there is none to go back to",
                )
            before, after = await self.version(stack[-1]), await self.version(stack[-2])
            if not validate_only:
                await self._put_in_force("rollback", after, actor)
            return before, after

    async def evaluate(self, policy: Policy, window_s: float | None) -> PolicyValue:
        """Estimate what another policy would have earned."""
        rows = await self._rows(window_s)
        return await asyncio.to_thread(evaluate, rows, policy, rng=self._rng)

    async def analyze(self, window_s: float | None) -> Analysis:
        """Sum up how routing did."""
        rows = await self._rows(window_s)
        current = await self.in_force()
        until = self._wall() + MOMENT_S
        since = until - MOMENT_S - (window_s or self._settings.window_s)
        return await asyncio.to_thread(
            analyze, rows, current.thresholds, self._settings.tuner, since=since, until=until
        )

    def _known(self, field: str, name: str) -> str:
        """Return what may be chosen under a name that a caller gave; empty for an empty one."""
        known, name = self._endpoints(), self._groups.get(name, name)
        if name and name not in known:
            raise invalid(field, f"{name!r} is not configured; use one of {', '.join(known)}")
        return name

    async def _rows(self, window_s: float | None) -> Sequence[Reviewed]:
        now = self._wall()
        since = now - (window_s or self._settings.window_s)
        with _Translated():
            await self._records.flush()
            return await self._store.reviewed(since, now + MOMENT_S, MOST_ROWS, labelled=False)

    async def _put_in_force(self, action: str, version: Version, actor: str) -> None:
        with _Translated():
            head = await self._versions.head(version.head_version)
            await self._done(action, version, actor)
        self._teacher.put_in_force(version.thresholds, head)

    async def _done(self, action: str, version: Version, actor: str) -> None:
        number = version.thresholds.version
        await self._versions.changed(Change(action, number, self._wall(), actor))
        log.info("thresholds", extra={"action": action, "version": number, "actor": actor})


class _Translated:
    """Turns a StoreError into the Fault that callers know."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, StoreError):
            log.error("store failed", extra={"error": str(error)})
            raise Fault(
                Kind.UNAVAILABLE,
                Origin.US,
                Reason.STORE_UNAVAILABLE,
                "the store of decisions cannot be used now; nothing was changed",
                retry_after_s=RETRY_S if error.retryable else None,
            ) from None
