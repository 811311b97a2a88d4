"""What a fault server is told to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Act(StrEnum):
    """How a call is treated, once `after` pieces of its text were written.

    ANSWER: to the end. HANG: silence. HOLD: silence until the harness says `release`, then to the
    end. STATUS: the protocol's error. CUT: the connection ends in the middle of a frame. RESET:
    RST_STREAM, or RST of the connection where there are no streams. GOAWAY: the connection is
    given up. DRAIN: GOAWAY as of a server that ends in order; the call goes on to its end.
    MALFORMED: bytes that are no message. BAD_FRAME: bytes that are no frame. WRONG_TYPE: HTML.
    END: a clean end without the end marker.
    """

    ANSWER = "answer"
    HANG = "hang"
    HOLD = "hold"
    STATUS = "status"
    CUT = "cut"
    RESET = "reset"
    GOAWAY = "goaway"
    DRAIN = "drain"
    MALFORMED = "malformed"
    BAD_FRAME = "bad_frame"
    WRONG_TYPE = "wrong_type"
    END = "end"


@dataclass(frozen=True, slots=True)
class Rule:
    """How some calls are treated.

    `times` calls are, 0 = all that follow. `delay_s` passes before anything is sent, `gap_s`
    between two pieces. `status` is a gRPC code's name whatever the protocol. `retry_after_s` goes
    with it as the protocol has it.
    """

    act: Act = Act.ANSWER
    after: int = 0
    times: int = 0
    delay_s: float = 0.0
    gap_s: float = 0.0
    status: str = "UNAVAILABLE"
    retry_after_s: float | None = None

    @classmethod
    def failing(cls, status: str) -> Rule:
        """Return the rule that answers every call with a status."""
        return cls(Act.STATUS, status=status)


HEALTHY = Rule()


@dataclass(frozen=True, slots=True)
class Script:
    """Rules for one after the other of the calls; `cycle` begins again after the last one.

    `delays_s` are taken in turn, one a call, on top of the rule's delay.
    """

    rules: tuple[Rule, ...] = (HEALTHY,)
    cycle: bool = False
    delays_s: tuple[float, ...] = ()

    def rule(self, number: int) -> Rule:
        """Return the rule of the call with this 0-based number."""
        if self.cycle:
            number %= sum(max(1, rule.times) for rule in self.rules)
        for rule in self.rules:
            if rule.times == 0 and not self.cycle:
                return rule
            number -= max(1, rule.times)
            if number < 0:
                return rule
        return HEALTHY

    def delay_s(self, number: int) -> float:
        """Return the extra delay of the call with this number."""
        return self.delays_s[number % len(self.delays_s)] if self.delays_s else 0.0


def to_json(script: Script) -> dict[str, Any]:
    """Write a script for the control channel."""
    return asdict(script)


def from_json(document: dict[str, Any]) -> Script:
    """Read a script from the control channel."""
    rules = tuple(Rule(Act(rule.pop("act")), **rule) for rule in document["rules"])
    return Script(rules, document["cycle"], tuple(document["delays_s"]))
