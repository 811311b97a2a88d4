"""What learns, put together: the chooser, the store of decisions, and what teaches from it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from gateway.config.learning import LearningConfig, Method, OnAbstain, OutcomesConfig
from gateway.config.policy_file import read_policy
from gateway.config.problems import ConfigError
from gateway.config.schema import Settings
from gateway.core.feedback import RoutingEvent
from gateway.core.matcher import RouteMatcher
from gateway.core.matching import LayerName, ThresholdSet
from gateway.core.ports import Clock
from gateway.core.scoring import LiveInput
from gateway.core.topics import Topic
from gateway.ensemble.choosing.chooser import Chooser
from gateway.ensemble.choosing.described import LayerDescription, LearnedDescription
from gateway.ensemble.choosing.setup import ChoosingSetup, Knowledge, Surroundings
from gateway.ensemble.feedback.desk import DeskSettings, FeedbackDesk
from gateway.ensemble.feedback.teacher import Teacher, TeachingSettings
from gateway.ensemble.feedback.watching import RoutingWatch
from gateway.ensemble.matching import MatcherExecutor, MatchingSettings
from gateway.features.embedder import load_embedder
from gateway.features.lexical import bare_features, lexical_features
from gateway.learning.policies import Policy
from gateway.learning.settings import LearningSettings
from gateway.routing.fuse import FusionSettings
from gateway.routing.matchers.keyword import KeywordMatcher
from gateway.routing.matchers.learned import LearnedMatcher
from gateway.routing.matchers.shape import ShapeMatcher
from gateway.routing.matchers.similarity import SimilarityMatcher
from gateway.routing.topics import BUILTIN_TOPICS
from gateway.state.intake import Intake
from gateway.state.minutes import Minutes
from gateway.stores.jsonl import JsonlLog
from gateway.stores.recorder import Recorder, RecorderReading, RecorderSettings
from gateway.stores.segments import SegmentSettings
from gateway.stores.sqlite import SqliteSettings, SqliteStore

HOUR_S = 3600.0

log = logging.getLogger(__name__)


class Learner:
    """Everything of a gateway that learns. Belongs to one event loop: `open`, then `close`.

    Raises ValueError for an embedder that cannot be loaded.
    """

    def __init__(
        self,
        settings: Settings,
        targets: Callable[[], Sequence[str]],
        live: Callable[[str], LiveInput],
        clock: Clock,
        wall: Clock = time.time,
        minutes: Minutes | None = None,
    ) -> None:
        """`targets` names what the router sees, `live` tells how each of that does now.

        `minutes` counts decisions and what became of them, where that is wanted.
        """
        self._settings = settings
        self._targets = targets
        self._live = live
        self._clock = clock
        self._wall = wall
        self._watch = None if minutes is None else RoutingWatch(minutes)
        self._rebuilding: asyncio.Task[int] | None = None
        self.knowledge = Knowledge()
        self.setup = _setup(settings)
        matchers = _matchers(settings.learning, self.setup.topics)
        self.executor = MatcherExecutor(_matching(settings.learning), clock, matchers)
        self._matchers = matchers
        self._teacher = Teacher(self.knowledge, _teaching(settings), targets, wall)
        self._store: SqliteStore | None = None
        self._log: JsonlLog | None = None
        self._recorder: Recorder | None = None
        self.desk: FeedbackDesk | None = None
        self._chooser: Chooser | None = None

    @property
    def teacher(self) -> Teacher:
        """What learns, and counts the arms of experiments."""
        return self._teacher

    @property
    def chooser(self) -> Chooser:
        """What asks the layers. Raises RuntimeError before it is opened."""
        if self._chooser is None:
            raise RuntimeError("open the learner first")
        return self._chooser

    async def open(self) -> None:
        """Open the store, learn what it holds, and begin to record. Raises StoreError."""
        config = self._settings.outcomes
        if config.enabled:
            await self._open_store(config)
        record: Callable[[RoutingEvent], object] | None = None
        if self._recorder is not None:
            record = self._recorder.record
        outside = Surroundings(
            lexical_features, bare_features, self._live, self._clock, self._wall, record
        )
        self._chooser = Chooser(self.setup, self._matchers, self.executor, self.knowledge, outside)

    async def close(self) -> None:
        """Write what waits and let go of everything."""
        rebuilding, self._rebuilding = self._rebuilding, None
        if rebuilding is not None:
            rebuilding.cancel()
            await asyncio.wait((rebuilding,))
        await self._teacher.close()
        await self.executor.close()
        if self._recorder is not None:
            await self._recorder.close()
        if self._log is not None:
            await self._log.close()
        if self._store is not None:
            await self._store.close()
        self._recorder = self._log = self._store = self.desk = None

    def describe(self) -> LearnedDescription:
        """Describe the layers and what they did since the start (X-24)."""
        state = self.knowledge.state
        thresholds = dict(state.thresholds.thresholds)
        ran = {one.name: one for one in self.executor.status()}
        layers = [ran[name] for name in LayerName if name in ran] if self.setup.enabled else []
        return LearnedDescription(
            tuple(
                LayerDescription(
                    one.name,
                    one.weight,
                    one.way,
                    thresholds.get(LayerName(one.name), 0.0),
                    one.calls,
                    one.errors,
                    one.late,
                    one.total_s / one.calls if one.calls else 0.0,
                )
                for one in layers
            ),
            state.thresholds.version,
            state.experience.observations,
        )

    def dropped(self) -> int:
        """Count the decisions that could not be written."""
        written = self.written()
        return 0 if written is None else written.dropped

    def written(self) -> RecorderReading | None:
        """Count the decisions that were written, and that were not; None where none are kept."""
        return None if self._recorder is None else self._recorder.read()

    def read_policy(self, text: str, thresholds: ThresholdSet) -> Policy:
        """Read a candidate policy. Raises ValueError with everything that is wrong with it."""
        try:
            return read_policy(text, "policy", endpoints=self._targets(), thresholds=thresholds)
        except ConfigError as error:
            raise ValueError("; ".join(map(str, error.problems))) from None

    async def _open_store(self, config: OutcomesConfig) -> None:
        self._store = await SqliteStore.open(
            SqliteSettings(config.path, min(1.0, config.call_s / 2), config.call_s)
        )
        if config.log_path:
            self._log = JsonlLog(
                SegmentSettings(
                    config.log_path,
                    config.log_bytes,
                    config.log_age_h * HOUR_S,
                    config.log_files,
                ),
                self._wall,
            )
        keeping = RecorderSettings(
            max_events=config.max_events, max_age_s=config.max_age_h * HOUR_S
        )
        intake: Intake[RoutingEvent] = Intake(config.queue)
        self._recorder = Recorder(self._store, intake, self._log, keeping, self._wall, self._watch)
        self.desk = FeedbackDesk(
            self._store,
            self._recorder,
            self._teacher,
            DeskSettings(
                self._settings.tuner.window_h * HOUR_S,
                self._settings.tuner.settings(),
                _learning(self._settings.learning),
            ),
            self._targets,
            self._wall,
            {one.name: one.group for one in self._settings.endpoint if one.group},
        )
        await self.desk.open()
        if self._watch is not None:
            # What was decided before; from now on the recorder tells.
            rebuild = self._watch.rebuild(self._store, self._wall())
            self._rebuilding = asyncio.create_task(rebuild, name="rebuild the day's decisions")
        self._recorder.start()
        self._teacher.start()
        if config.path == ":memory:":
            log.info("decisions and outcomes are kept in memory; set outcomes.path to keep them")


def _setup(settings: Settings) -> ChoosingSetup:
    config = settings.learning
    own = tuple(table.topic() for table in settings.topic)
    builtin = BUILTIN_TOPICS if config.builtin_topics else ()
    names = {topic.name for topic in own}
    return ChoosingSetup(
        enabled=config.enabled,
        fused=config.method is Method.FUSION,
        layers=config.layers,
        clarify=config.on_abstain is OnAbstain.CLARIFY,
        best_effort=config.best_effort,
        min_gain=config.min_gain,
        shadow_share=config.shadow_share,
        by_priority=config.by_priority,
        two_when_close=config.two_when_close,
        from_checks=config.from_checks,
        features_per_s=settings.outcomes.features_per_s,
        topics=(*own, *(topic for topic in builtin if topic.name not in names)),
        fusion=FusionSettings(
            boost=config.shape_boost,
            high=config.high,
            medium=config.medium,
            coverage=config.coverage,
            ambiguity=config.ambiguity,
            flag_ambiguity=config.two_when_close,
        ),
        adaptive=settings.adaptive.settings() if settings.adaptive.enabled else None,
    )


def _matchers(config: LearningConfig, topics: Sequence[Topic]) -> list[RouteMatcher]:
    """Make the layers; those that go by topics only where there are any."""
    learned: list[RouteMatcher] = [
        LearnedMatcher(LayerName.KNN, config.min_gain),
        LearnedMatcher(LayerName.HEAD, config.min_gain),
    ]
    by_topic: list[RouteMatcher] = []
    if topics:
        embedder = load_embedder(config.embedder) if config.embedder else None
        by_topic = [
            KeywordMatcher(topics),
            SimilarityMatcher(topics, embedder),
            ShapeMatcher(topics),
        ]
    weights = {
        LayerName.KEYWORD: config.keyword_weight,
        LayerName.SIMILARITY: config.similarity_weight,
        LayerName.SHAPE: config.shape_weight,
        LayerName.KNN: config.knn_weight,
        LayerName.HEAD: config.head_weight,
    }
    matchers = [*by_topic, *learned]
    for matcher in matchers:
        matcher.weight = weights[LayerName(matcher.name)]
    return matchers


def _matching(config: LearningConfig) -> MatchingSettings:
    return MatchingSettings(config.parallel, config.workers, config.timeout_s, config.share)


def _learning(config: LearningConfig) -> LearningSettings:
    return LearningSettings(max_observations=config.max_observations)


def _teaching(settings: Settings) -> TeachingSettings:
    return TeachingSettings(
        settings.learning.tick_s,
        _learning(settings.learning),
        settings.adaptive.settings() if settings.adaptive.enabled else None,
        tuple(table.experiment() for table in settings.experiment),
    )
