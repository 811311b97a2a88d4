"""How each hole is asked for: the way it is sent, and what is required of its fill."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ensemble.v1.hole_pb2 import Constraint, FillConstraint, ForbiddenText, HoleOrigin, HoleSpec
from ensemble_client import RequestFields
from ensemble_client.requests import KindName

from gateway.cli.demonstration.holes import Cut, CutHole

MAX_TOKENS = 96
CANDIDATES = 3


class Mode(StrEnum):
    """The way a hole is sent."""

    SEQUENTIAL = "sequential"
    BEST_OF_N = "best-of-3"
    STREAM = "stream"


MODES = (Mode.SEQUENTIAL, Mode.BEST_OF_N, Mode.SEQUENTIAL, Mode.STREAM)

KINDS: dict[Cut, KindName] = {Cut.LINE: "statement", Cut.LINES: "block", Cut.SPAN: "expression"}

BANNED = (
    "eval(", "exec(", "compile(", "__import__(", "globals()", "os.system(", "breakpoint()",
    "import *", "print(", "\t", "TODO", "FIXME",
)  # fmt: skip
"""House rules that a project could have; each one is a constraint that the gateway checks."""

SECURE = -1
"""Stands for a hole that is marked as security-relevant."""

REQUIREMENTS = (0, 5, 0, 9, 0, len(BANNED), SECURE)
"""Numbers of constraints, taken in turn: they fall into the router's bands fast, default, quality
and constrained. The length has no factor in common with those of cuts and modes, so all mix."""


@dataclass(frozen=True, slots=True)
class Question:
    """One hole, the way it is sent and the number of its constraints (or SECURE)."""

    number: int
    hole: CutHole
    mode: Mode
    requirement: int

    @classmethod
    def of(cls, number: int, hole: CutHole) -> Question:
        """Deal modes and requirements out in turn; `number` is 0-based."""
        mode = MODES[number // len(KINDS) % len(MODES)]
        return cls(number, hole, mode, REQUIREMENTS[number % len(REQUIREMENTS)])

    def fields(self) -> RequestFields:
        """The request beside its prompt.

        A single candidate is asked for with the likeliest tokens; those of best-of-N get the
        gateway's own spread of temperatures.
        """
        origin = HoleOrigin(file=self.hole.module, line=self.hole.lines[0])
        spec = HoleSpec(hole_id=self.number, origin=origin)
        if self.requirement == SECURE:
            spec.fill_constraints.append(
                FillConstraint(kind="security", value="the code handles input of strangers")
            )
        fields: RequestFields = {
            "suffix": self.hole.suffix,
            "hole": spec,
            "language": "python",
            "kind": KINDS[self.hole.cut],
            "max_tokens": MAX_TOKENS,
            "seed": self.number,
            # What was learned before must not spare the server that is killed.
            "routing_mode": "rules",
            "constraints": [
                Constraint(name=f"rule-{place}", forbidden_text=ForbiddenText(texts=[text]))
                for place, text in enumerate(BANNED[: max(0, self.requirement)], 1)
            ],
        }
        if self.mode is Mode.BEST_OF_N:
            return {**fields, "strategy": "best_of_n", "n": CANDIDATES}
        return {**fields, "strategy": "sequential", "temperature": 0.0}
