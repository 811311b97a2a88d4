"""Where all holes of a refinement stand. Nothing here waits: the refinement asks and tells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gateway.core.candidate import Candidate
from gateway.core.constraint import Verdict
from gateway.core.ports import Draft
from gateway.core.refinement import (
    FailureStrategy,
    HoleProgress,
    HoleStatus,
    RefinedHole,
    RefineHole,
    Refinement,
)
from gateway.ensemble.refine.splitting import parts_of, strategy_of
from gateway.ensemble.refine.statuses import INITIAL, next_status, unfilled

JOINED = "mean_of_parts"
"""How the confidence in a joined fill is computed (P-07)."""


@dataclass(slots=True)
class HoleState:
    """One hole (P-04). `root` is the hole of the request that it is, or is a part of.

    `unmet` counts the holes that must be filled before it. `fill` is the accepted text, or of a
    hole left to a person the best that was rejected; `candidate` is the one that came of the last
    try. `failed` names the endpoints to be left out of the next try, `draft` is what it repairs.
    """

    hole: RefineHole
    strategy: FailureStrategy
    root: str
    parent: str = ""
    children: tuple[str, ...] = ()
    status: HoleStatus = INITIAL
    unmet: int = 0
    fill: str = ""
    tries: int = 0
    temperature: float | None = None
    candidate: Candidate | None = None
    confidence: float = 0.0
    method: str = ""
    verdicts: tuple[Verdict, ...] = ()
    failed: frozenset[str] = frozenset()
    draft: Draft | None = None
    reason: str = ""

    def judged(self, candidate: Candidate | None) -> None:
        """Keep what is known of the last try's text, if it gave one."""
        self.candidate = candidate
        self.confidence, self.method, self.verdicts = 0.0, "", ()
        if candidate is not None:
            self.confidence, self.method = candidate.confidence, candidate.method
            self.verdicts = candidate.verdicts

    def joined(self, parts: Sequence[HoleState], verdicts: tuple[Verdict, ...]) -> None:
        """Keep what is known of the joined fill of its parts; no endpoint wrote it as it is."""
        self.candidate = None
        self.confidence = sum(part.confidence for part in parts) / len(parts)
        self.method = JOINED
        self.verdicts = verdicts

    def leave_out(self, endpoints: frozenset[str]) -> None:
        """Leave those that failed out of the next try, beside the earlier ones (P-06).

        Only earlier ones fail again when no other is left to be asked: then all may be again.
        """
        self.failed = endpoints if endpoints <= self.failed else self.failed | endpoints

    def view(self) -> RefinedHole:
        """Write down what its caller may see."""
        candidate = self.candidate
        return RefinedHole(
            self.hole.id,
            self.status,
            self.fill,
            self.confidence,
            self.method,
            "" if candidate is None else candidate.endpoint,
            "" if candidate is None else candidate.completion.model,
            self.tries,
            self.temperature,
            self.verdicts,
            self.reason,
            self.parent,
            self.children,
        )


@dataclass(slots=True)
class Holes:
    """All holes of a source, those made by splitting included.

    `states` are by id, `iteration` is the running round, and `news` holds what the caller has not
    been told yet.
    """

    states: dict[str, HoleState] = field(default_factory=dict[str, HoleState])
    iteration: int = 0
    filled: int = 0
    news: list[HoleProgress] = field(default_factory=list[HoleProgress])
    _dependents: defaultdict[str, list[HoleState]] = field(
        default_factory=lambda: defaultdict[str, list[HoleState]](list)
    )
    _lost: list[HoleState] = field(default_factory=list[HoleState])

    @classmethod
    def of(cls, refinement: Refinement) -> Holes:
        """Begin."""
        holes = cls()
        for hole in refinement.holes:
            holes._add(HoleState(hole, strategy_of(hole, refinement.options), hole.id))
        return holes

    def _add(self, state: HoleState) -> None:
        before = frozenset(state.hole.depends_on)
        state.unmet = len(before)
        self.states[state.hole.id] = state
        for other in before:
            self._dependents[other].append(state)

    def ordered(self) -> Iterator[HoleState]:
        """Every hole in the order of the request, children after their parents."""
        for state in self.states.values():
            if not state.parent:
                yield from self._family(state)

    def _family(self, state: HoleState) -> Iterator[HoleState]:
        yield state
        for part in self.parts(state):
            yield from self._family(part)

    def parts(self, state: HoleState) -> Sequence[HoleState]:
        """The holes that it was split into."""
        return [self.states[child] for child in state.children]

    def ready(self) -> Sequence[HoleState]:
        """The holes that can be tried now, in the order of the report (P-05)."""
        return [
            state
            for state in self.ordered()
            if state.status is HoleStatus.PENDING and state.unmet == 0
        ]

    def enter(self, state: HoleState, event: str, reason: str = "") -> None:
        """Move a hole on and note it for the caller. Raises KeyError for what cannot happen."""
        state.status = next_status(state.status, event)
        state.reason = reason
        if state.status is HoleStatus.FILLED:
            self.filled += 1
            for dependent in self._dependents[state.hole.id]:
                dependent.unmet -= 1
        elif unfilled(state.status):
            self._lost.append(state)
        self._tell(state)

    def _tell(self, state: HoleState) -> None:
        progress = HoleProgress(state.view(), self.filled, len(self.states), self.iteration)
        self.news.append(progress)

    def accept(self, state: HoleState, fill: str) -> None:
        """Put a fill in the hole's place."""
        state.fill = fill
        self.enter(state, "accept")

    def split(self, state: HoleState, reason: str) -> None:
        """Put smaller holes in its place (P-07), or fail it when it is of the smallest kind."""
        parts = parts_of(state.hole)
        if not parts:
            self.enter(state, "fail", f"an expression cannot be split: {reason}")
            return
        made = [HoleState(part, state.strategy, state.root, state.hole.id) for part in parts]
        for part in made:
            self._add(part)
        state.children = tuple(part.id for part in parts)
        self.enter(state, "split", reason)
        for part in made:
            self._tell(part)

    def propagate(self) -> None:
        """Block what depends on a hole that ended without a fill, and fail what it is a part of."""
        while self._lost:
            lost = self._lost.pop()
            ended = f"{lost.hole.id!r} ended as {lost.status}"
            for dependent in self._dependents[lost.hole.id]:
                if dependent.status is HoleStatus.PENDING:
                    self.enter(dependent, "block", f"depends on a hole without a fill: {ended}")
            if lost.parent and self.states[lost.parent].status is HoleStatus.PENDING_CHILDREN:
                self.enter(self.states[lost.parent], "fail", f"a part has no fill: {ended}")

    def give_up(self, reason: str) -> None:
        """Fail every hole that would be tried in another round."""
        for state in self.ready():
            last = f"; the last try: {state.reason}" if state.reason else ""
            self.enter(state, "give_up", reason + last)

    def to_join(self) -> HoleState | None:
        """A split hole all of whose parts are filled, if there is one."""
        for state in self.states.values():
            if state.status is HoleStatus.PENDING_CHILDREN and all(
                part.status is HoleStatus.FILLED for part in self.parts(state)
            ):
                return state
        return None

    def only_open(self, state: HoleState) -> bool:
        """Say whether every hole is filled but this one and those that it is a part of."""
        family = {state.hole.id}
        while state.parent:
            state = self.states[state.parent]
            family.add(state.hole.id)
        return len(self.states) - self.filled == len(family)
