"""`ensemble generate`: fill a hole."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.exits import Exit, exits, fail
from gateway.cli.options import DEFAULT_TARGET, DEFAULT_TIMEOUT, AsJson, Target, Timeout
from gateway.cli.output import print_json
from gateway.cli.request import Language, Prompt, RequestFile, Suffix, read_request
from gateway.cli.steering import Cache, Mode, Objective, Task, steer

if TYPE_CHECKING:
    from ensemble.v1 import gateway_service_pb2 as pb
    from ensemble_client import Client


def generate(
    prompt: Prompt = None,
    suffix: Suffix = "",
    language: Language = "",
    request: RequestFile = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="Most tokens of the fill.")] = None,
    temperature: Annotated[
        float | None, typer.Option(min=0, max=2, help="0 draws the likeliest tokens.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the draw.")] = None,
    best_of: Annotated[
        int | None, typer.Option("--best-of", "-n", min=1, max=16, help="Candidates at once.")
    ] = None,
    objective: Objective = None,
    mode: Mode = None,
    task: Task = "",
    cache: Cache = None,
    stream: Annotated[bool, typer.Option("--stream", help="Print the text as it comes.")] = False,
    target: Target = DEFAULT_TARGET,
    timeout: Timeout = DEFAULT_TIMEOUT,
    as_json: AsJson = False,
) -> None:
    """Fill one hole through a running gateway and print the fill."""
    from ensemble.v1 import gateway_service_pb2
    from ensemble_client import Client

    message = read_request(request, prompt, suffix, language)
    steer(message, objective, mode, task, cache)
    if max_tokens is not None:
        message.sampling.max_tokens = max_tokens
    if temperature is not None:
        message.sampling.temperature = temperature
    if seed is not None:
        message.sampling.seed = seed
    if best_of is not None:
        message.n = best_of
        message.strategy = gateway_service_pb2.STRATEGY_BEST_OF_N
    with exits(), Client(target) as client:
        if stream and as_json:
            fail("--stream prints text as it comes and --json one document: choose one", Exit.USAGE)
        if stream:
            _print_stream(client, message, timeout)
            return
        answer = client.generate(message, timeout=timeout)
        if as_json:
            print_json(answer)
        else:
            _print_answer(answer)


def _print_stream(client: Client, message: pb.GenerateRequest, timeout: float) -> None:
    from ensemble.v1 import gateway_service_pb2 as pb

    for event in client.stream(message, timeout=timeout):
        if isinstance(event, pb.StreamDelta):
            print(event.text, end="", flush=True)
        elif isinstance(event, pb.StreamStarted):
            _print_decision_id(event.decision_id)
        elif isinstance(event, pb.StreamFailover):
            print(f"[{event.to_endpoint} goes on]", file=sys.stderr)
    print()


def _print_answer(answer: pb.GenerateResponse) -> None:
    print(answer.text)
    from ensemble.v1 import result_pb2

    names = {
        verdict.constraint: result_pb2.VerdictStatus.Name(verdict.status)
        for verdict in answer.verdicts
    }
    verdicts = ", ".join(
        f"{name} {status.removeprefix('VERDICT_STATUS_').lower()}" for name, status in names.items()
    )
    how = f"in {len(answer.attempts)} attempts"
    if answer.cached:
        how = f"from the cache, {answer.cache_age.ToMilliseconds() / 1000:.1f} s old"
    print(
        f"{answer.endpoint} {how}, confidence "
        f"{answer.confidence:.2f} ({answer.confidence_method}); {verdicts}",
        file=sys.stderr,
    )
    _print_decision_id(answer.decision_id)


def _print_decision_id(decision_id: str) -> None:
    """Say what `ensemble outcome` takes; nothing where decisions are not recorded."""
    if decision_id:
        print(f"decision {decision_id}", file=sys.stderr)
