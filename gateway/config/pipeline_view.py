"""What the checks of a pipeline's table ask of it again and again."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.config.pipeline_tables import PipelineTable, StepTable
from gateway.core.pipeline import StepKind

PASSES_NOTHING_ON = frozenset({StepKind.DRAFT, StepKind.CRITIQUE})
"""Steps that give nothing when they are not needed; a repair gives on its text."""


class View:
    """A table and its place in the file; of steps with one id it has the first.

    `owners` says which step each fallback is for, `looped` holds the steps of the loop.
    """

    def __init__(self, path: str, table: PipelineTable) -> None:
        self.path = path
        self.table = table
        self.steps: dict[str, StepTable] = {}
        self.owners: dict[str, str] = {}
        for step in table.step:
            self.steps.setdefault(step.id, step)
            if step.fallback is not None and step.fallback.step:
                self.owners.setdefault(step.fallback.step, step.id)
        self.looped = frozenset(() if table.loop is None else table.loop.steps)

    def at(self, step: StepTable) -> str:
        """Write where a step stands."""
        return (
            f"{self.path}.step[{next(i for i, one in enumerate(self.table.step) if one is step)}]"
        )

    def may_give_nothing(self, step: str) -> bool:
        """Say whether a step gives nothing when it is not needed."""
        table = self.steps[step]
        return bool(table.when) and table.do in PASSES_NOTHING_ON


def one_of(names: Iterable[str]) -> str:
    """Name what may be written instead."""
    return f"use one of: {', '.join(names)}"
