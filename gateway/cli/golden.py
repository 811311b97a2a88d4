"""`ensemble analyze --golden`: routes that somebody marked as right, asked of a running gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.cli.exits import Exit, exits, fail
from gateway.cli.output import print_document, print_table
from gateway.cli.waiting import waiting

if TYPE_CHECKING:
    from ensemble.v1 import gateway_service_pb2 as pb
    from ensemble_client import Client

    from gateway.core.hole import Request
    from gateway.core.matching import Proposal
    from gateway.learning.golden import GoldenResult, GoldenScore


def judge_golden(text: str, target: str, timeout: float, *, as_json: bool) -> None:
    """Ask Route for each golden route in JSON lines, and print how often it was right."""
    from ensemble_client import Client

    from gateway.core.faults import Fault
    from gateway.learning.golden import parse_golden, score_golden

    try:
        routes = parse_golden(text.splitlines())
    except Fault as fault:
        fail(fault.message, Exit.USAGE)
    if not routes:
        fail("the file has no golden route: one JSON object a line", Exit.USAGE)
    with exits(), Client(target) as client, waiting("routing"):
        result = score_golden(routes, lambda request: _proposed(client, request, timeout))
    if as_json:
        print_document({name: _fields(score) for name, score in _named(result)})
        return
    print_table(
        f"{len(routes)} golden routes",
        ("difficulty", "answered", "right", "Brier", "calibration error", "confidence off by"),
        [(name, *map(str, _fields(score).values())) for name, score in _named(result)],
    )


def _proposed(client: Client, request: Request, timeout: float) -> Proposal:
    """Return where a gateway would send a request, and how sure it is."""
    from gateway.core.matching import Proposal

    decision = client.route(_message(request), timeout=timeout).decision
    learned = decision.learned
    topics = {layer.endpoint: layer.topic for layer in learned.layers if layer.topic}
    return Proposal(
        learned.decided_by or "rules",
        decision.primary,
        learned.confidence,
        topics.get(decision.primary, ""),
    )


def _message(request: Request) -> pb.GenerateRequest:
    from ensemble.v1 import gateway_service_pb2 as pb

    from gateway.cli.steering import steer
    from gateway.wire.enums import HOLE_KIND

    hole = request.hole
    message = pb.GenerateRequest(prompt=hole.prompt, suffix=hole.suffix)
    message.hole.language = hole.spec.language
    message.hole.kind = HOLE_KIND[hole.spec.kind]
    steer(message, request.objective, None, dict(request.labels).get("task", ""))
    return message


def _named(result: GoldenResult) -> list[tuple[str, GoldenScore]]:
    return [*result.by_difficulty, ("all", result.overall)]


def _fields(score: GoldenScore) -> dict[str, str]:
    return {
        "answered": str(score.answered),
        "right": str(score.accuracy),
        "brier": _number(score.brier),
        "calibration_error": _number(score.calibration_error),
        "confidence_gap": _number(score.confidence_gap),
    }


def _number(found: float | None) -> str:
    return "-" if found is None else f"{found:.3f}"
