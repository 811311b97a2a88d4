"""A hole as a part of its source, and the smaller holes that it can be split into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from gateway.core.constraint import FillConstraint, ForbiddenText, TokenMask
from gateway.core.hole import Hole, HoleKind, HoleSpec
from gateway.core.refinement import FailureStrategy, RefineHole, RefineOptions

SMALLER: Mapping[HoleKind, tuple[HoleKind, int]] = MappingProxyType(
    {
        HoleKind.UNSPECIFIED: (HoleKind.STATEMENT, 2),
        HoleKind.STATEMENT: (HoleKind.EXPRESSION, 2),
        HoleKind.BLOCK: (HoleKind.STATEMENT, 2),
        HoleKind.FUNCTION: (HoleKind.BLOCK, 3),
        HoleKind.MODULE: (HoleKind.STATEMENT, 2),
        HoleKind.SPECIFICATION: (HoleKind.STATEMENT, 2),
    }
)
"""Into what, and how many, a hole is split (P-07); an expression is not."""

OF_EVERY_PART = (ForbiddenText, TokenMask)
"""Constraints that hold for a text only if they hold for all of its parts."""

SECURITY = FillConstraint("security", "the code around it is security-relevant")
"""Sends a hole where its security constraint would have sent it, when that does not apply to it."""


def strategy_of(hole: RefineHole, options: RefineOptions) -> FailureStrategy:
    """What to do when no fill of the hole is good enough: its own word, else that of all."""
    return hole.on_failure or options.on_failure


def splits(hole: RefineHole, options: RefineOptions) -> bool:
    """Say whether smaller holes may come to stand in its place."""
    return strategy_of(hole, options) is FailureStrategy.DECOMPOSE and hole.spec.kind in SMALLER


def in_source(hole: RefineHole, source: Hole, *, security: bool) -> RefineHole:
    """Give a hole what it has of its source: the language, unless it names one, and `security`.

    `security` says that the source is security-relevant; then all of its holes are.
    """
    spec = replace(hole.spec, language=hole.spec.language or source.spec.language)
    return replace(hole, spec=_secured(spec) if security else spec)


def _secured(spec: HoleSpec) -> HoleSpec:
    if SECURITY in spec.fill_constraints:
        return spec
    return replace(spec, fill_constraints=(*spec.fill_constraints, SECURITY))


def parts_of(hole: RefineHole) -> tuple[RefineHole, ...]:
    """Split a hole into smaller ones, each dependent on the one before it (P-07).

    They have the ids `hole.1`, `hole.2`, ..., its language, origin, rules in words and failure
    strategy. What is required of the whole fill is not required of them, but for constraints that
    every part has to keep to. Empty for a hole that cannot be split.
    """
    if hole.spec.kind not in SMALLER:
        return ()
    kind, count = SMALLER[hole.spec.kind]
    spec = replace(
        hole.spec, kind=kind, expected_type=None, json_schema=None, grammar=None, grammar_ref=None
    )
    if any(constraint.security for constraint in hole.constraints):
        spec = _secured(spec)
    constraints = tuple(one for one in hole.constraints if isinstance(one.body, OF_EVERY_PART))
    names = [f"{hole.id}.{number}" for number in range(1, count + 1)]
    return tuple(
        RefineHole(name, f"<<{name}>>", spec, constraints, (before,) if before else ())
        for before, name in zip(("", *names), names, strict=False)
    )
