"""Everything that can be wrong with a refinement is found before any endpoint is called."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from gateway.core.decision import RoutingDecision
from gateway.core.faults import Fault, FieldViolation, Kind, Origin, Reason
from gateway.core.hole import Hole, Request, Strategy
from gateway.core.refinement import FEWEST_ROUNDS, RefineHole, Refinement
from gateway.core.value import value
from gateway.ensemble.filler import Filler, check_request
from gateway.ensemble.refine.graph import mistakes_in_graph, waves
from gateway.ensemble.refine.source import Slot, Source, cut, find_slots
from gateway.ensemble.refine.splitting import in_source
from gateway.ensemble.refine.state import Holes
from gateway.routing.traits import traits_of

OF_SOURCE = "request."
MUCH_TO_SEARCH = 1_000_000
"""Characters times holes from which a worker thread had better find the markers."""

MOST_TOLD = 64
"""Violations that one fault names; the message counts the rest."""


@value
class Plan:
    """A refinement that can begin. `decision` is about the source as a whole."""

    source: Source
    holes: Holes
    waves: tuple[tuple[str, ...], ...]
    rounds: int
    decision: RoutingDecision


async def plan(filler: Filler, request: Request, refinement: Refinement) -> Plan:
    """Check a refinement and cut its source at the markers.

    Raises Fault(INVALID) with a violation for each mistake in the source, in a hole, and between
    holes; Fault(INFEASIBLE) for requirements that nothing can meet; and what the router raises when
    no endpoint may be called for the source, or for one of its holes.
    """
    source = request.hole
    secure = bool(traits_of(source).security)
    holes = tuple(in_source(hole, source, security=secure) for hole in refinement.holes)
    slots, misplaced = await _find_slots(source.prompt, holes)
    mistakes = _Mistakes()
    mistakes.add(mistakes_in_graph(holes, refinement.options))
    mistakes.add(misplaced)
    mistakes.add(_in_source(request))
    with mistakes.under(OF_SOURCE):
        check_request(request)
    with mistakes.under(OF_SOURCE):
        filler.ensemble.checks(replace(source, prompt=""))
    for place, hole in enumerate(holes):
        with mistakes.under(f"holes[{place}]."):
            filler.ensemble.checks(_alone(hole))
    mistakes.refuse()
    with mistakes.under(OF_SOURCE):
        decision = filler.router.route(request)
    for place, hole in enumerate(holes):
        with mistakes.under(f"holes[{place}]."):
            filler.router.route(replace(request, hole=_alone(hole)))
    mistakes.refuse()
    order = waves(holes)
    return Plan(
        cut(source.prompt, holes, slots),
        Holes.of(replace(refinement, holes=holes)),
        order,
        refinement.options.max_iterations or max(FEWEST_ROUNDS, len(order)),
        decision,
    )


async def _find_slots(
    text: str, holes: tuple[RefineHole, ...]
) -> tuple[tuple[Slot, ...], tuple[FieldViolation, ...]]:
    if len(text) * len(holes) > MUCH_TO_SEARCH:
        return await asyncio.to_thread(find_slots, text, holes)
    return find_slots(text, holes)


def _alone(hole: RefineHole) -> Hole:
    """A hole without its source, which has been looked at already."""
    return Hole("", "", hole.spec, hole.constraints)


def _in_source(request: Request) -> Iterator[FieldViolation]:
    if request.hole.suffix:
        yield FieldViolation("request.suffix", "must be empty: `prompt` is the whole source")
    if request.strategy is Strategy.PIPELINE:
        yield FieldViolation(
            "request.strategy", "PIPELINE fills one hole at a time; take BEST_OF_N or leave it out"
        )


def under(path: str, violations: Iterable[FieldViolation]) -> Iterator[FieldViolation]:
    """Put violations about one part of a request under its path."""
    return (FieldViolation(f"{path}{item.field}", item.description) for item in violations)


@dataclass(slots=True)
class _Mistakes:
    """What is wrong with a request, each violation under the path of what it is about."""

    found: dict[Kind, list[FieldViolation]] = field(
        default_factory=lambda: {Kind.INVALID: [], Kind.INFEASIBLE: []}
    )
    reasons: dict[Kind, set[Reason]] = field(
        default_factory=lambda: {Kind.INVALID: set(), Kind.INFEASIBLE: set()}
    )

    def add(self, violations: Iterable[FieldViolation]) -> None:
        """Note fields that break a rule."""
        for violation in violations:
            self.found[Kind.INVALID].append(violation)
            self.reasons[Kind.INVALID].add(Reason.INVALID_FIELD)

    @contextmanager
    def under(self, path: str) -> Generator[None]:
        """Note what a check of one part finds; raise what is none of the caller's doing."""
        try:
            yield
        except Fault as fault:
            if fault.origin is not Origin.CALLER or fault.kind not in self.found:
                raise _about(path, fault) from None
            self.found[fault.kind].extend(under(path, fault.violations))
            self.reasons[fault.kind].add(fault.reason)

    def refuse(self) -> None:
        """Raise Fault for everything noted: first what is malformed, then what nothing can meet."""
        for kind, violations in self.found.items():
            if violations:
                reasons = self.reasons[kind]
                reason = next(iter(reasons)) if len(reasons) == 1 else Reason.INVALID_FIELD
                raise _fault(kind, reason, violations)


def _fault(kind: Kind, reason: Reason, violations: list[FieldViolation]) -> Fault:
    first = violations[:3]
    words = "; ".join(f"{item.field}: {item.description}" for item in first)
    more = len(violations) - len(first)
    message = f"{words}; and {more} more" if more else words
    told = tuple(violations[:MOST_TOLD])
    return Fault(kind, Origin.CALLER, reason, message, violations=told)


def _about(path: str, fault: Fault) -> Fault:
    """Say of which part a fault is that is none of the caller's doing."""
    return Fault(
        fault.kind,
        fault.origin,
        fault.reason,
        f"{path.rstrip('.')}: {fault.message}",
        violations=fault.violations,
        retry_after_s=fault.retry_after_s,
    )
