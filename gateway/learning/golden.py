"""Routes that somebody marked as right, and how a router does on them (B-03)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar, cast

from gateway.core.faults import Fault, invalid
from gateway.core.hole import Hole, HoleKind, HoleSpec, Objective, Request
from gateway.core.matching import Proposal
from gateway.core.value import value
from gateway.learning.calibration import brier, expected_calibration_error
from gateway.learning.intervals import Rate

Word = TypeVar("Word", bound=StrEnum)

KEYS = frozenset({
    "id", "prompt", "suffix", "language", "kind", "task", "objective", "ideal_endpoint",
    "ideal_topic", "ideal_confidence", "difficulty",
})  # fmt: skip


class Difficulty(StrEnum):
    """How hard it is to find the right route."""

    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


@value
class GoldenRoute:
    """A request and where it should go: to `ideal_endpoint`, or by `ideal_topic` without one.

    `ideal_confidence`: how sure a good router is of that, 0..1; None when nobody said.
    """

    id: str
    request: Request
    ideal_endpoint: str = ""
    ideal_topic: str = ""
    ideal_confidence: float | None = None
    difficulty: Difficulty = Difficulty.MEDIUM

    def accepts(self, proposal: Proposal) -> bool:
        """Say whether a proposal is what it should be."""
        if self.ideal_endpoint:
            return proposal.endpoint == self.ideal_endpoint
        return proposal.topic == self.ideal_topic


@value
class GoldenScore:
    """How a router did.

    `answered`: routes for which it proposed something; `accuracy`: the right ones among those.
    `brier` and `calibration_error` are of their confidences. `confidence_gap`: mean distance from
    the ideal confidence where there is one. None where there is no case.
    """

    answered: Rate
    accuracy: Rate
    brier: float | None
    calibration_error: float | None
    confidence_gap: float | None


@value
class GoldenResult:
    """Scores of all routes and of those of each difficulty that occurs."""

    overall: GoldenScore
    by_difficulty: tuple[tuple[Difficulty, GoldenScore], ...]


def score_golden(
    routes: Sequence[GoldenRoute], route: Callable[[Request], Proposal]
) -> GoldenResult:
    """Ask a router for every route. A proposal of nothing is no wrong answer, but none (L-09)."""
    found = [(golden, route(golden.request)) for golden in routes]
    groups = {level: [one for one in found if one[0].difficulty is level] for level in Difficulty}
    return GoldenResult(
        _score(found), tuple((level, _score(group)) for level, group in groups.items() if group)
    )


def _score(found: Sequence[tuple[GoldenRoute, Proposal]]) -> GoldenScore:
    answered = [(golden, said) for golden, said in found if said.endpoint or said.topic]
    outcomes = [(said.confidence, golden.accepts(said)) for golden, said in answered]
    gaps = [
        abs(said.confidence - golden.ideal_confidence)
        for golden, said in answered
        if golden.ideal_confidence is not None
    ]
    return GoldenScore(
        answered=Rate(len(answered), len(found)),
        accuracy=Rate(sum(right for _, right in outcomes), len(outcomes)),
        brier=brier(outcomes),
        calibration_error=expected_calibration_error(outcomes),
        confidence_gap=sum(gaps) / len(gaps) if gaps else None,
    )


def parse_golden(lines: Iterable[str]) -> tuple[GoldenRoute, ...]:
    """Read routes, one JSON object a line; empty lines are skipped.

    Needed are `id`, `prompt` and `ideal_endpoint` or `ideal_topic`. Raises Fault(INVALID) that
    names the first wrong line and its field.
    """
    routes: dict[str, GoldenRoute] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        golden = _golden(_Row(number, line))
        if golden.id in routes:
            raise invalid(f"line {number}: id", f"{golden.id!r} occurs twice; ids must differ")
        routes[golden.id] = golden
    return tuple(routes.values())


def _golden(row: _Row) -> GoldenRoute:
    name, task = row.text("id", needed=True), row.text("task")
    hole = Hole(
        row.text("prompt", needed=True),
        row.text("suffix"),
        HoleSpec(
            kind=row.word("kind", HoleKind.UNSPECIFIED), language=row.text("language").lower()
        ),
    )
    endpoint, topic = row.text("ideal_endpoint"), row.text("ideal_topic")
    if not endpoint and not topic:
        raise row.fault("ideal_endpoint", "give this or ideal_topic")
    return GoldenRoute(
        id=name,
        request=Request(
            hole,
            request_id=f"golden-{name}",
            labels=(("task", task),) if task else (),
            objective=row.word("objective", Objective.BALANCED),
        ),
        ideal_endpoint=endpoint,
        ideal_topic=topic,
        ideal_confidence=row.share("ideal_confidence"),
        difficulty=row.word("difficulty", Difficulty.MEDIUM),
    )


class _Row:
    """One line as an object whose fields are checked when they are read."""

    def __init__(self, number: int, line: str) -> None:
        self._number = number
        try:
            found: Any = json.loads(line)
        except ValueError as error:
            raise invalid(f"line {number}", f"is no JSON ({error})") from None
        if not isinstance(found, dict):
            raise invalid(f"line {number}", "must be a JSON object")
        self._fields = cast("Mapping[str, Any]", found)
        for key in sorted(self._fields.keys() - KEYS):
            raise self.fault(key, f"is unknown; known are {', '.join(sorted(KEYS))}")

    def fault(self, field: str, description: str) -> Fault:
        """Say what is wrong with a field of this line."""
        return invalid(f"line {self._number}: {field}", description)

    def text(self, field: str, *, needed: bool = False) -> str:
        """Read a text, "" when it is not there."""
        found = self._fields.get(field, "")
        if not isinstance(found, str):
            raise self.fault(field, "must be a text")
        if needed and not found:
            raise self.fault(field, "must be given")
        return found

    def word(self, field: str, default: Word) -> Word:
        """Read a word of the same kind as `default`."""
        found = self.text(field) or default.value
        words = {word.value: word for word in type(default)}
        if found not in words:
            raise self.fault(field, f"must be one of {', '.join(words)}")
        return words[found]

    def share(self, field: str) -> float | None:
        """Read a number within 0..1, None when it is not there."""
        found = self._fields.get(field)
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found <= 1:
            raise self.fault(field, "must be a number from 0 to 1")
        return float(found)
