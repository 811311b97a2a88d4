"""What a request asks of the router: options of the commands that send one."""

from __future__ import annotations

from typing import Annotated

import typer
from ensemble.v1 import gateway_service_pb2 as pb

from gateway.core import hole

Objective = Annotated[
    hole.Objective | None,
    typer.Option("--objective", help="What the choice among the allowed endpoints optimises."),
]
Mode = Annotated[
    hole.RoutingMode | None,
    typer.Option("--mode", help="Who decides: the configuration, the rules, or what was learned."),
]
Task = Annotated[str, typer.Option("--task", help="Kind of task, by which routing learns.")]
Cache = Annotated[
    hole.CachePolicy | None,
    typer.Option("--cache", help="What the gateway's cache of answers may do for the request."),
]


def steer(
    request: pb.GenerateRequest,
    objective: hole.Objective | None,
    mode: hole.RoutingMode | None,
    task: str,
    cache: hole.CachePolicy | None = None,
) -> None:
    """Set what was given over what the request has."""
    from ensemble.v1 import decision_pb2, gateway_service_pb2

    from gateway.wire.enums import to_wire

    if objective is not None:
        objectives = to_wire(hole.Objective, decision_pb2.Objective, "OBJECTIVE")
        request.objective = objectives[objective]
    if mode is not None:
        modes = to_wire(hole.RoutingMode, decision_pb2.RoutingMode, "ROUTING_MODE")
        request.routing_mode = modes[mode]
    if cache is not None:
        policies = to_wire(hole.CachePolicy, gateway_service_pb2.CachePolicy, "CACHE_POLICY")
        request.cache_policy = policies[cache]
    if task:
        request.labels["task"] = task
