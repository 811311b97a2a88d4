"""`ensemble refine`: fill the holes of a file."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.exits import Exit, exits, fail
from gateway.cli.options import DEFAULT_TARGET, AsJson, Target, Timeout
from gateway.cli.output import print_json
from gateway.cli.request import Language
from gateway.cli.source import request_for, request_in
from gateway.core.refinement import FailureStrategy

if TYPE_CHECKING:
    from ensemble.v1 import gateway_service_pb2 as pb
    from ensemble_client import RefineStream

DEFAULT_TIMEOUT = 300.0


def refine(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="Source with holes such as <<name>> or <<name:block>>; - reads standard input."
        ),
    ] = None,
    request: Annotated[
        Path | None, typer.Option("--request", help="RefineRequest as JSON, instead of a source.")
    ] = None,
    language: Language = "",
    depends: Annotated[
        list[str] | None,
        typer.Option("--depends", help="hole=other,other: fill the others first. May be repeated."),
    ] = None,
    on_failure: Annotated[
        FailureStrategy | None,
        typer.Option("--on-failure", help="What to do with a hole without a good fill."),
    ] = None,
    min_confidence: Annotated[
        float | None, typer.Option("--min-confidence", min=0, max=1, help="Least of a fill.")
    ] = None,
    rounds: Annotated[
        int | None, typer.Option("--rounds", min=1, max=100, help="Most rounds over the holes.")
    ] = None,
    best_of: Annotated[
        int | None, typer.Option("--best-of", "-n", min=1, max=128, help="Candidates of a hole.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the text to this file.")
    ] = None,
    target: Target = DEFAULT_TARGET,
    timeout: Timeout = DEFAULT_TIMEOUT,
    as_json: AsJson = False,
) -> None:
    """Fill the holes of a source in the order of their dependencies and print the text.

    Ends with exit code 5 when a hole is left open, or when the whole text fails a required check;
    standard error says why.
    """
    from ensemble.v1 import gateway_service_pb2 as pb
    from ensemble_client import Client

    from gateway.wire.enums import to_wire

    if (file is None) == (request is None):
        fail("give either a source or --request FILE", Exit.USAGE)
    message = request_for(file, depends or ()) if file is not None else _whole(request, depends)
    if language:
        message.request.hole.language = language
    if on_failure is not None:
        strategies = to_wire(FailureStrategy, pb.FailureStrategy, "FAILURE_STRATEGY")
        message.options.on_failure = strategies[on_failure]
    if min_confidence is not None:
        message.options.min_confidence = min_confidence
    if rounds is not None:
        message.options.max_iterations = rounds
    if best_of is not None:
        message.request.n, message.request.strategy = best_of, pb.STRATEGY_BEST_OF_N
    with exits(), Client(target) as client, client.refine(message, timeout=timeout) as refinement:
        result = _followed(refinement)
    _hand_out(result, output, as_json=as_json)
    if not result.complete:
        raise typer.Exit(Exit.PARTIAL)


def _whole(request: Path | None, depends: list[str] | None) -> pb.RefineRequest:
    if depends or request is None:
        fail("--depends is for a source; set `depends_on` in the request", Exit.USAGE)
    return request_in(request)


def _followed(refinement: RefineStream) -> pb.RefineResult:
    """Show the progress on a terminal, none in a pipe."""
    from ensemble.v1 import gateway_service_pb2 as pb
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    progress = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
        transient=True,
    )
    with progress:
        bar = progress.add_task("", total=None)
        for event in refinement:
            if isinstance(event, pb.HoleProgress):
                words = f"round {event.iteration}: {event.hole.id} {status_of(event.hole)}"
                progress.update(bar, description=words, completed=event.filled, total=event.total)
    return refinement.finish()


def _hand_out(result: pb.RefineResult, output: Path | None, *, as_json: bool) -> None:
    if output is not None:
        try:
            with output.open("w", encoding="utf-8", newline="") as written:
                written.write(result.text)
        except OSError as error:
            fail(f"{output} cannot be written: {error}", Exit.FAILED)
    if as_json:
        print_json(result)
    elif output is None:
        sys.stdout.write(result.text)
    for line in told(result):
        print(line, file=sys.stderr)


def status_of(hole: pb.RefinedHole) -> str:
    """The status in words."""
    from ensemble.v1 import gateway_service_pb2 as pb

    name = pb.HoleStatus.Name(hole.status)
    return name.removeprefix("HOLE_STATUS_").replace("_", " ").lower()


def told(result: pb.RefineResult) -> Iterable[str]:
    """Sum up: the counts, each hole that is open and why, the checks that the whole text failed."""
    from ensemble.v1 import gateway_service_pb2 as pb
    from ensemble.v1 import result_pb2

    yield (
        f"{result.filled} of {len(result.holes)} holes filled; rounds: {result.iterations}, "
        f"calls: {len(result.attempts)}, mean confidence: {result.mean_confidence:.2f}"
    )
    for hole in result.holes:
        if hole.status != pb.HOLE_STATUS_FILLED:
            yield f"{hole.id}: {status_of(hole)}: {hole.reason}"
    for verdict in result.verdicts:
        if verdict.status == result_pb2.VERDICT_STATUS_FAILED:
            yield f"the whole text: {verdict.constraint} failed: {verdict.reason}"
