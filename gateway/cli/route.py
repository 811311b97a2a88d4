"""`ensemble route`: explain where a hole would go."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.exits import Exit, exits, fail
from gateway.cli.explaining import print_explanation
from gateway.cli.options import DEFAULT_TARGET, DEFAULT_TIMEOUT, AsJson, ConfigFile, Target, Timeout
from gateway.cli.output import document_of, print_document, print_table
from gateway.cli.request import Language, Prompt, RequestFile, Suffix, read_request
from gateway.cli.steering import Mode, Objective, Task, steer

if TYPE_CHECKING:
    from pathlib import Path

    from ensemble.v1 import decision_pb2
    from ensemble.v1 import gateway_service_pb2 as pb

LEARNING = {"learning", "topic", "adaptive", "experiment"}
"""Sections of a configuration that only a running gateway goes by."""


def route(
    prompt: Prompt = None,
    suffix: Suffix = "",
    language: Language = "",
    request: RequestFile = None,
    objective: Objective = None,
    mode: Mode = None,
    task: Task = "",
    explain: Annotated[
        bool, typer.Option("--explain", help="Show everything that the router went by.")
    ] = False,
    config: ConfigFile = None,
    target: Target = DEFAULT_TARGET,
    timeout: Timeout = DEFAULT_TIMEOUT,
    as_json: AsJson = False,
) -> None:
    """Explain where a hole would go, without calling any endpoint.

    With --config the decision is made here, from the file and by its rules only, after the same
    checks of the request; else a running gateway is asked.
    """
    message = read_request(request, prompt, suffix, language)
    steer(message, objective, mode, task)
    with exits():
        if config is not None:
            answer = _route_here(message, config)
        else:
            from ensemble_client import Client

            with Client(target) as client:
                answer = client.route(message, timeout=timeout)
    if as_json:
        print_document({**document_of(answer.decision), **_beside(answer)})
        return
    _print_decision(answer)
    if explain:
        print_explanation(answer)


def _beside(answer: pb.RouteResponse) -> dict[str, object]:
    """What the answer holds beside the decision; the clarification only when there is one."""
    document = document_of(answer)
    return {name: value for name, value in document.items() if name != "decision"}


def _route_here(message: pb.GenerateRequest, config: Path) -> pb.RouteResponse:
    """Decide as a gateway with this file would. Raises Fault as it does, and ConfigError."""
    from ensemble.v1 import decision_pb2
    from ensemble.v1 import gateway_service_pb2 as pb

    from gateway.config.load import load
    from gateway.config.values import snapshot_of
    from gateway.ingress.messages import Reader
    from gateway.routing.router import ModelRouter
    from gateway.validation.compile import compile_checks
    from gateway.wire.request import request_from_wire
    from gateway.wire.result import decision_to_wire

    if message.routing_mode == decision_pb2.ROUTING_MODE_LEARNED:
        words = "--config decides by the rules only; ask a running gateway what was learned"
        fail(words, Exit.USAGE)
    settings = load(config)
    if settings.learning.enabled and LEARNING & settings.model_fields_set:
        print("the rules only: what the file says about learning plays no part", file=sys.stderr)
    router = ModelRouter(snapshot_of(settings))
    checked = Reader(pb.GenerateRequest)(message.SerializeToString())
    request = request_from_wire(checked, request_id="cli")
    compile_checks(request.hole)
    return pb.RouteResponse(decision=decision_to_wire(router.route(request)))


def _print_decision(answer: pb.RouteResponse) -> None:
    from ensemble.v1 import decision_pb2 as pb

    decision = answer.decision
    recorded = f"\ndecision {answer.decision_id}" if answer.decision_id else ""
    print_table(
        f"{decision.primary}: {decision.detail}{recorded}",
        ("place", "endpoint", "why"),
        [
            ("primary", decision.primary, pb.RoutingReason.Name(decision.reason)),
            *(
                (f"fallback {place}", name, pb.ChainPolicy.Name(decision.chain_policy))
                for place, name in enumerate(decision.fallbacks, 1)
            ),
            *(("excluded", item.endpoint, item.detail) for item in decision.excluded),
        ],
    )
    if answer.HasField("clarification"):
        _print_questions(answer.clarification)


def _print_questions(clarification: decision_pb2.Clarification) -> None:
    print("\nthe router cannot tell, so that Generate would be refused; say one of these:")
    for question in clarification.questions:
        print(f"  {question}")
    print(f"endpoints in question: {', '.join(clarification.candidates) or 'none'}")
