"""What came back for a hole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from ensemble.v1.decision_pb2 import RoutingDecision, RoutingReason
from ensemble.v1.gateway_service_pb2 import GenerateResponse
from ensemble.v1.result_pb2 import Attempt, AttemptStatus, VerdictStatus
from ensemble_client import EnsembleError

from gateway.cli.demonstration.asking import Mode, Question

BROKEN = frozenset({"failed", "timeout", "skipped"})
"""How a call ends that brought no text."""


@dataclass(frozen=True, slots=True)
class Tried:
    """One call to an endpoint: `status` in lower case, `reason` is empty when it went well."""

    endpoint: str
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one hole.

    `error` is the gateway's reason when there is no text. `lost` says that nothing came back that
    explains itself; `error` then names what was seen instead. `verdicts` pairs each check with its
    status. `after_kill` is true when the answer came after a model server was killed.
    """

    question: Question
    ms: float
    after_kill: bool
    text: str = ""
    endpoint: str = ""
    routed: str = ""
    attempts: tuple[Tried, ...] = ()
    verdicts: tuple[tuple[str, str], ...] = ()
    error: str = ""
    lost: bool = False

    @property
    def answered(self) -> bool:
        """True when a text came back, be it empty."""
        return not self.error

    @property
    def filled(self) -> bool:
        """True when the text has more than white space."""
        return self.answered and bool(self.text.strip())

    @property
    def exact(self) -> bool:
        """True when the text is what was cut out."""
        return self.answered and self.text == self.question.hole.original

    @property
    def rescued_from(self) -> frozenset[str]:
        """Endpoints that failed, or were known to be down, while another one answered."""
        if not self.answered:
            return frozenset()
        broken = {one.endpoint for one in self.attempts if one.status in BROKEN}
        return frozenset(broken - {self.endpoint})

    @property
    def moved_on(self) -> bool:
        """True when a failed check made the ensemble ask another endpoint."""
        return self.question.mode is not Mode.BEST_OF_N and any(
            one.status == "rejected" and one.endpoint != after.endpoint
            for one, after in pairwise(self.attempts)
        )


def of_response(
    question: Question, response: GenerateResponse, text: str, *, ms: float, after_kill: bool
) -> Answer:
    """Read an answer; `text` is given apart because a stream's last event has none."""
    return Answer(
        question,
        ms,
        after_kill,
        text=text,
        endpoint=response.endpoint,
        routed=_routed(response.decision),
        attempts=_tried(response.attempts),
        verdicts=tuple(
            (verdict.constraint, word(VerdictStatus.Name(verdict.status), "VERDICT_STATUS_"))
            for verdict in response.verdicts
        ),
    )


def of_error(question: Question, error: EnsembleError, *, ms: float, after_kill: bool) -> Answer:
    """Read an error; one without a reason and the calls that led to it explains nothing."""
    explained = bool(error.reason and error.attempts)
    return Answer(
        question,
        ms,
        after_kill,
        routed=_routed(error.decision) if error.decision is not None else "",
        attempts=_tried(error.attempts),
        error=error.reason or error.code.name,
        lost=not explained,
    )


def of_loss(question: Question, seen: BaseException, *, ms: float, after_kill: bool) -> Answer:
    """Note that neither an answer nor a typed error came."""
    return Answer(question, ms, after_kill, error=type(seen).__name__, lost=True)


def _tried(attempts: Iterable[Attempt]) -> tuple[Tried, ...]:
    return tuple(
        Tried(one.endpoint, word(AttemptStatus.Name(one.status), "ATTEMPT_STATUS_"), one.reason)
        for one in attempts
    )


def _routed(decision: RoutingDecision) -> str:
    return word(RoutingReason.Name(decision.reason), "ROUTING_REASON_")


def word(name: str, prefix: str) -> str:
    """Write the name of an enum's value as people do."""
    return name.removeprefix(prefix).lower()
