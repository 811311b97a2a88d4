"""Which steps of a pipeline may start: derived from what they refer to, decided without I/O."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.core.composition import PipelineDefinition, StepDefinition

LOOP = ""
"""Stands for the whole loop among the ids of steps, of which none is empty."""


class Schedule:
    """The steps of one run that have not begun, and the round of its loop.

    A step may start when all that it, or its fallback, refers to has ended; a loop, when that is so
    of all its steps, and what refers to one of those waits for the end of the loop. Steps without
    references to each other start together. Steps that stand in for others are not scheduled.
    """

    def __init__(self, definition: PipelineDefinition, rounds: int) -> None:
        loop = frozenset[str]() if definition.loop is None else frozenset(definition.loop.steps)
        stand_ins = {step.fallback for step in definition.steps}
        scheduled = tuple(step for step in definition.steps if step.id not in stand_ins)
        by_id = {step.id: step for step in definition.steps}
        self.steps = scheduled
        self._needs = {step.id: _needs(step, by_id, loop) for step in scheduled}
        self._loop = tuple(step for step in scheduled if step.id in loop)
        self._loop_needs = frozenset[str]().union(*(self._needs[one.id] for one in self._loop))
        self._waiting = [step for step in scheduled if step.id not in loop]
        self._ended: set[str] = set()
        self._rounds = rounds
        self._round = 0

    @property
    def loop(self) -> tuple[str, ...]:
        """The steps that are repeated."""
        return tuple(step.id for step in self._loop)

    def ready(self) -> list[tuple[StepDefinition, int]]:
        """Take the steps that may start now, with the 1-based round of each."""
        if self._loop and self._round == 0 and self._loop_needs - {*self.loop} <= self._ended:
            self._begin_round()
        ready = [step for step in self._waiting if self._needs[step.id] <= self._ended]
        self._waiting = [step for step in self._waiting if step not in ready]
        return [(step, self._round if step in self._loop else 1) for step in ready]

    def end(self, step: str) -> None:
        """Note that a step has ended, however it did."""
        self._ended.add(step)

    @property
    def round_over(self) -> bool:
        """True when every step of the loop has ended in this round, and the loop goes on."""
        return self._round > 0 and LOOP not in self._ended and self._ended.issuperset(self.loop)

    def again(self) -> bool:
        """Begin the next round; False when no round is left."""
        if self._round >= self._rounds:
            return False
        self._ended.difference_update(self.loop)
        self._begin_round()
        return True

    def leave(self) -> None:
        """End the loop, so that what refers to it may start."""
        self._ended.add(LOOP)

    def _begin_round(self) -> None:
        self._round += 1
        self._waiting.extend(self._loop)


def _needs(
    step: StepDefinition, by_id: Mapping[str, StepDefinition], loop: frozenset[str]
) -> frozenset[str]:
    """Name what must have ended before a step begins; from outside, the loop counts as one."""
    needs = {one.step for one in step.references() if not one.earlier}
    if step.fallback:
        needs.update(one.step for one in by_id[step.fallback].references() if not one.earlier)
    if step.id in loop:
        return frozenset(needs)
    return frozenset(LOOP if one in loop else one for one in needs)
