"""Texts that no endpoint wrote as they are, a joined fill or the whole source, are checked too."""

from __future__ import annotations

from dataclasses import replace

from gateway.core.constraint import Constraint, UnitTests, Verdict, VerdictStatus
from gateway.core.hole import Hole
from gateway.ensemble.filler import Ensemble, Filler
from gateway.validation.checks import SYNTAX, Checks
from gateway.validation.examples import example_cases

EXAMPLES = "examples"
"""Name of the verdict about the examples in the final text, unless a constraint has it."""


def whole_checks(ensemble: Ensemble, source: Hole, text: str) -> Checks:
    """Compile what the request requires of the final text, which stands by itself.

    Its own examples, where examples are run, are an advisory check more.
    """
    constraints, tools = source.constraints, ensemble.tools
    if (
        tools.executor is not None
        and tools.examples
        and all(constraint.name != EXAMPLES for constraint in constraints)
    ):
        cases = example_cases(text)
        if cases:
            examples = Constraint(EXAMPLES, UnitTests(cases=cases), required=False)
            constraints = (*constraints, examples)
    return ensemble.checks(Hole("", "", source.spec, constraints))


def holds(verdicts: tuple[Verdict, ...]) -> bool:
    """Say whether the text parses, as far as is known, and no required check failed."""
    return not any(
        verdict.refuses or (verdict.constraint == SYNTAX and verdict.status is VerdictStatus.FAILED)
        for verdict in verdicts
    )


def without_examples(filler: Filler) -> Filler:
    """Run no examples around a hole: while other holes are open, they say nothing about it."""
    tools = replace(filler.ensemble.tools, examples=False)
    return replace(filler, ensemble=replace(filler.ensemble, tools=tools))
