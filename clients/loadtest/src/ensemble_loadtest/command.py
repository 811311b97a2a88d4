"""The command line: `ensemble loadtest`, or `ensemble-loadtest` where only this package is."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn, cast

import typer

from ensemble_loadtest import arguments
from ensemble_loadtest.faults import PlanError, UnreachableError
from ensemble_loadtest.plan import Arrivals, Plan, Protocol
from ensemble_loadtest.prompts import Asking

NAME = "ensemble loadtest"

app = typer.Typer(
    name=NAME, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None
)


class Exit(IntEnum):
    """What the exit code means, as in all of `ensemble`."""

    FAILED = 1
    USAGE = 2
    UNREACHABLE = 4
    PARTIAL = 5
    INTERRUPTED = 130


@contextmanager
def exits() -> Generator[None]:
    """Turn what was expected to go wrong into words and an exit code."""
    try:
        yield
    except PlanError as error:
        _fail(str(error), Exit.USAGE)
    except UnreachableError as error:
        _fail(f"cannot reach {error}", Exit.UNREACHABLE)
    except KeyboardInterrupt:
        _fail("interrupted", Exit.INTERRUPTED)


def _fail(words: str, code: Exit) -> NoReturn:
    print(f"ensemble: {words}", file=sys.stderr)
    raise typer.Exit(code)


@app.callback(invoke_without_command=True)
def loadtest(
    context: typer.Context,
    target: arguments.Target = "127.0.0.1:50051",
    protocol: arguments.Speech = Protocol.NATIVE,
    stream: arguments.Stream = False,
    chat: arguments.Chat = False,
    rate: arguments.Rate = None,
    ramp: arguments.Ramp = None,
    step: arguments.Step = None,
    trace: arguments.Trace = None,
    speed: arguments.Speed = 1.0,
    workers: arguments.Workers = None,
    arrivals: arguments.Gaps = Arrivals.POISSON,
    duration: arguments.Duration = "10s",
    requests: arguments.Requests = 0,
    warmup: arguments.Warmup = "0s",
    max_in_flight: arguments.MaxInFlight = 10_000,
    processes: arguments.Processes = 1,
    connections: arguments.Connections = 1,
    seed: arguments.Seed = 0,
    timeout: arguments.Timeout = "30s",
    prompts: arguments.Prompts = None,
    prompt_chars: arguments.PromptChars = None,
    model: arguments.Model = "auto",
    max_tokens: arguments.MaxTokens = 64,
    temperature: arguments.Temperature = None,
    cache: arguments.Cache = False,
    tensor: arguments.Tensor = "prompt",
    suffix_tensor: arguments.SuffixTensor = "suffix",
    header: arguments.Header = None,
    api_key_env: arguments.ApiKeyEnv = None,
    ca: arguments.Ca = None,
    slo: arguments.Slo = "",
    fail_under: arguments.FailUnder = None,
    max_lag: arguments.MaxLag = "10ms",
    json_file: arguments.JsonFile = None,
    html_file: arguments.HtmlFile = None,
) -> None:
    """Send load and report latencies, goodput, errors and cost.

    An open loop (--rate, --ramp, --step, --trace) sends when the schedule says, and measures from
    then, whether the target keeps up or not; a closed loop (--workers) waits for answers. Ctrl-C
    ends with a report. Exits with 1 below --fail-under or without any answer, with 4 when nobody
    answers at the target, and with 5 when the harness was the bottleneck.
    """
    if context.invoked_subcommand is not None:
        return
    from ensemble_loadtest.options import Limits, Shape, Speech, plan_of

    with exits():
        limits = Limits(
            duration, warmup, timeout, max_lag, requests, max_in_flight, processes, connections
        )
        plan = plan_of(
            Speech(target, protocol, stream, prompts, prompt_chars, header or (), api_key_env, ca),
            Shape(rate, ramp, step, trace, workers, speed, arrivals, seed),
            limits,
            Asking(model, max_tokens, temperature, cache, chat, tensor, suffix_tensor),
            slo,
        )
        _run(plan, fail_under, json_file, html_file)


def _run(
    plan: Plan, fail_under: float | None, json_file: Path | None, html_file: Path | None
) -> None:
    """Run a plan, write its reports, and leave with the exit code that they call for."""
    from ensemble_loadtest.fleet import run
    from ensemble_loadtest.options import write_text
    from ensemble_loadtest.page import report_page
    from ensemble_loadtest.report import document_of
    from ensemble_loadtest.terminal import live, print_report

    with live(plan.load.seconds) as show:
        document = document_of(run(plan, show))
    if json_file is not None and str(json_file) == "-":
        print(json.dumps(document))
    else:
        print_report(document)
        if json_file is not None:
            write_text("--json", json_file, json.dumps(document))
    if html_file is not None:
        write_text("--html", html_file, report_page(document))
    if code := exit_code(document, fail_under):
        raise typer.Exit(code)


def exit_code(document: dict[str, Any], fail_under: float | None) -> int:
    """Choose the exit code: what cannot be trusted is said before what it says."""
    totals = document["totals"]
    if document["interrupted"]:
        return Exit.INTERRUPTED
    if document["warnings"]:
        return Exit.PARTIAL
    if not totals["good"] or (fail_under is not None and totals["goodput"] < fail_under):
        return Exit.FAILED
    return 0


@app.command("compare")
def compare(
    before: Annotated[Path, typer.Argument(help="A: a report of --json.")],
    after: Annotated[Path, typer.Argument(help="B: another one.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    html_file: Annotated[
        Path | None, typer.Option("--html", help="Write the comparison there as one page.")
    ] = None,
    fail_if_worse: Annotated[
        bool, typer.Option("--fail-if-worse", help="Exit with 1 when B is worse in anything.")
    ] = False,
) -> None:
    """Say what changed from one run to another, and whether it is more than noise."""
    from ensemble_loadtest.compare import compare as compared
    from ensemble_loadtest.options import write_text
    from ensemble_loadtest.page import comparison_page
    from ensemble_loadtest.terminal import print_comparison

    with exits():
        first, second = _read(before), _read(after)
        found = compared(first, second)
        if as_json:
            print(json.dumps(found.document()))
        else:
            print_comparison(found)
        if html_file is not None:
            write_text("--html", html_file, comparison_page(found, first, second))
        if fail_if_worse and found.worse:
            raise typer.Exit(Exit.FAILED)


def _read(file: Path) -> dict[str, Any]:
    from ensemble_loadtest.options import read_text

    try:
        document = json.loads(read_text("compare", file))
    except ValueError:
        raise PlanError(f"compare: {file} is no JSON; make one with --json FILE") from None
    return cast("dict[str, Any]", document) if isinstance(document, dict) else {}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, that of the process unless another one is given."""
    app(args=None if arguments is None else list(arguments), prog_name=NAME)
