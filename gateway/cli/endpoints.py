"""`ensemble endpoints`: list the endpoints of a running gateway, drain one or undrain it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.exits import Exit, exits, fail
from gateway.cli.options import DEFAULT_TARGET, DEFAULT_TIMEOUT, AsJson, Target, Timeout
from gateway.cli.output import print_json, print_table

if TYPE_CHECKING:
    from ensemble.v1.admin_service_pb2 import Endpoint, EndpointState

COLUMNS = (
    "endpoint",
    "protocol",
    "url",
    "model",
    "priority",
    "capabilities",
    "state",
    "in flight",
)

Name = Annotated[str, typer.Argument(help="An endpoint, or a group for all of its replicas.")]

app = typer.Typer(invoke_without_command=True)


@app.callback()
def endpoints(
    context: typer.Context,
    target: Target = DEFAULT_TARGET,
    timeout: Timeout = DEFAULT_TIMEOUT,
    as_json: AsJson = False,
) -> None:
    """List the endpoints of a running gateway, in the router's order; drain or undrain them."""
    from ensemble.v1 import admin_service_pb2
    from ensemble_client import Client

    if context.invoked_subcommand is not None:
        _refuse_options(context)
        return
    with exits(), Client(target) as client:
        listed = client.endpoints(timeout=timeout)
        if as_json:
            print_json(admin_service_pb2.ListEndpointsResponse(endpoints=listed))
            return
        print_table(f"{len(listed)} endpoints", COLUMNS, [_row(item) for item in listed])


@app.command()
def drain(
    name: Name,
    target: Target = DEFAULT_TARGET,
    timeout: Timeout = DEFAULT_TIMEOUT,
    as_json: AsJson = False,
) -> None:
    """Give an endpoint no new requests; running ones end by themselves."""
    from ensemble.v1 import admin_service_pb2
    from ensemble_client import Client

    with exits(), Client(target) as client:
        concerned = client.drain_endpoint(name, timeout=timeout)
        if as_json:
            print_json(admin_service_pb2.DrainEndpointResponse(endpoints=concerned))
        else:
            _print_states(concerned)


@app.command()
def undrain(
    name: Name,
    target: Target = DEFAULT_TARGET,
    timeout: Timeout = DEFAULT_TIMEOUT,
    as_json: AsJson = False,
) -> None:
    """Give a drained endpoint requests again."""
    from ensemble.v1 import admin_service_pb2
    from ensemble_client import Client

    with exits(), Client(target) as client:
        concerned = client.undrain_endpoint(name, timeout=timeout)
        if as_json:
            print_json(admin_service_pb2.UndrainEndpointResponse(endpoints=concerned))
        else:
            _print_states(concerned)


def _refuse_options(context: typer.Context) -> None:
    """An option before the sub-command would be lost, and another gateway changed than meant."""
    for option in context.params:
        source = context.get_parameter_source(option)
        if source is not None and source.name == "COMMANDLINE":
            fail(f"put the options after `{context.invoked_subcommand}`", Exit.USAGE)


def _print_states(concerned: list[Endpoint]) -> None:
    for endpoint in concerned:
        print(f"{endpoint.name}: {state_words(endpoint)}")


def _row(endpoint: Endpoint) -> tuple[str, ...]:
    from ensemble.v1 import decision_pb2

    marks = [f"of {endpoint.group}"] if endpoint.group else []
    marks += ["default"] if endpoint.is_default else []
    return (
        f"{endpoint.name} ({', '.join(marks)})" if marks else endpoint.name,
        endpoint.protocol,
        endpoint.url,
        endpoint.model or "-",
        str(endpoint.priority),
        ", ".join(
            _words(decision_pb2.Capability.Name(one), "CAPABILITY_")
            for one in endpoint.capabilities
        ),
        state_words(endpoint),
        in_flight_words(endpoint.state),
    )


def state_words(endpoint: Endpoint) -> str:
    """Say what keeps requests from an endpoint, or `open`."""
    return ", ".join(_closed_by(endpoint)) or "open"


def _closed_by(endpoint: Endpoint) -> Iterator[str]:
    from ensemble.v1 import admin_service_pb2 as admin

    state = endpoint.state
    if endpoint.drained:
        yield "drained"
    if state.breaker in {
        admin.BREAKER_STATE_OPEN,
        admin.BREAKER_STATE_HALF_OPEN,
        admin.BREAKER_STATE_FORCED_OPEN,
    }:
        breaker = _words(admin.BreakerState.Name(state.breaker), "BREAKER_STATE_")
        yield f"breaker {breaker.replace('_', ' ')}"
    if state.health == admin.ENDPOINT_HEALTH_NOT_SERVING:
        yield "not serving"
    if state.ejected:
        yield "ejected"
    if state.warming_up:
        yield "warming up"


def in_flight_words(state: EndpointState) -> str:
    """Say how many calls run, of how many that may, and how many wait for their turn."""
    running = str(state.in_flight)
    if state.concurrency_limit:
        running += f"/{state.concurrency_limit}"
    return f"{running}, {state.waiting} waiting" if state.waiting else running


def _words(member: str, prefix: str) -> str:
    return member.removeprefix(prefix).lower()
