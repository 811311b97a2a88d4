"""What came of choosing, for one request."""

from __future__ import annotations

from gateway.core.decision import RoutingDecision
from gateway.core.faults import Fault, FieldViolation, Kind, Origin, Reason
from gateway.core.value import value


@value
class Chosen:
    """A decision and the id under which it is recorded, empty when it is not."""

    decision: RoutingDecision
    decision_id: str = ""

    def refuse_unclear(self) -> None:
        """Raise Fault(INFEASIBLE) when the router could not tell where the request should go.

        The caller should answer the questions, in the fields that they name.
        """
        learned = self.decision.learned
        if learned is None or learned.clarification is None:
            return
        questions = learned.clarification.questions
        raise Fault(
            Kind.INFEASIBLE,
            Origin.CALLER,
            Reason.CLARIFICATION_NEEDED,
            f"no layer of the router is sure where this should go. {questions[0]}",
            violations=tuple(FieldViolation("routing_mode", question) for question in questions),
        )


def nothing_learns() -> Fault:
    """The request wants the learned layers where none is switched on."""
    words = "learning is switched off in this gateway; use AUTO or RULES"
    return Fault(
        Kind.INFEASIBLE,
        Origin.CALLER,
        Reason.NO_LEARNED_LAYER,
        f"routing_mode: {words}",
        violations=(FieldViolation("routing_mode", words),),
    )
