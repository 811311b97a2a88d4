"""`ensemble pipeline`: list the pipelines of a running gateway, show one, run one on a hole."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.exits import Exit, exits, fail
from gateway.cli.options import DEFAULT_TARGET, DEFAULT_TIMEOUT, AsJson, Target, Timeout
from gateway.cli.output import print_json, print_table
from gateway.cli.request import Language, Prompt, RequestFile, Suffix, read_request

if TYPE_CHECKING:
    from ensemble.v1 import gateway_service_pb2 as pb

Name = Annotated[str, typer.Argument(help="A pipeline that `ensemble pipeline list` names.")]

app = typer.Typer(no_args_is_help=True, help="List, show and run pipelines.")


@app.command("list")
def list_pipelines(
    target: Target = DEFAULT_TARGET, timeout: Timeout = DEFAULT_TIMEOUT, as_json: AsJson = False
) -> None:
    """List the pipelines that can be run."""
    from ensemble.v1 import gateway_service_pb2
    from ensemble_client import Client

    with exits(), Client(target) as client:
        pipelines = client.pipelines(timeout=timeout)
        if as_json:
            print_json(gateway_service_pb2.ListPipelinesResponse(pipelines=pipelines))
            return
        rows = [
            (one.name, " ".join(step.id for step in one.steps), _defaults(one), one.description)
            for one in pipelines
        ]
        print_table(f"{len(pipelines)} pipelines", ("pipeline", "steps", "parameters", "for"), rows)


@app.command()
def show(
    name: Name,
    target: Target = DEFAULT_TARGET,
    timeout: Timeout = DEFAULT_TIMEOUT,
    as_json: AsJson = False,
) -> None:
    """Show the steps of a pipeline and where each takes its inputs from."""
    from ensemble_client import Client

    with exits(), Client(target) as client:
        pipelines = {one.name: one for one in client.pipelines(timeout=timeout)}
    found = pipelines.get(name)
    if found is None:
        fail(f"there is no pipeline {name!r}; use one of: {', '.join(pipelines)}", Exit.FAILED)
    if as_json:
        print_json(found)
        return
    parameters = _defaults(found)
    title = f"{name}: {found.description}\noutput: {found.output}"
    print_table(
        f"{title}\nparameters: {parameters}" if found.parameters else title,
        ("step", "does", "takes", "when it fails"),
        [
            (
                step.id,
                _kind(step.kind),
                "; ".join(f"{one} {words}" for one, words in sorted(step.inputs.items())) or "-",
                step.on_error,
            )
            for step in found.steps
        ],
    )


@app.command()
def run(
    name: Name,
    prompt: Prompt = None,
    suffix: Suffix = "",
    language: Language = "",
    request: RequestFile = None,
    param: Annotated[
        list[str] | None, typer.Option("--param", help="name=value; may be repeated.")
    ] = None,
    target: Target = DEFAULT_TARGET,
    timeout: Timeout = DEFAULT_TIMEOUT,
    as_json: AsJson = False,
) -> None:
    """Run a pipeline on one hole: the text on standard output, each step on standard error."""
    from ensemble.v1 import gateway_service_pb2 as pb
    from ensemble_client import Client

    message = read_request(request, prompt, suffix, language)
    parameters = dict(map(_parameter, param or ()))
    with (
        exits(),
        Client(target) as client,
        client.run_pipeline(name, message, parameters=parameters, timeout=timeout) as steps,
    ):
        for event in steps:
            if isinstance(event, pb.StepNode):
                print("\n".join(told(event)), file=sys.stderr, flush=True)
        result = steps.finish()
    if as_json:
        print_json(result)
        return
    print(result.response.text)
    answer = result.response
    print(
        f"{result.completed} of {len(result.steps)} steps, {len(answer.attempts)} calls, "
        f"confidence {answer.confidence:.2f} ({answer.confidence_method})",
        file=sys.stderr,
    )


def _parameter(words: str) -> tuple[str, str]:
    name, equals, value = words.partition("=")
    if not (name and equals):
        fail(f"--param {words}: write name=value", Exit.USAGE)
    return name, value


def told(node: pb.StepNode) -> Iterable[str]:
    """Say how a step ended, why, and a line for each thing that it found wrong."""
    from ensemble.v1 import gateway_service_pb2 as pb

    status = pb.StepStatus.Name(node.status).removeprefix("STEP_STATUS_")
    round_ = f" round {node.round}" if node.round > 1 else ""
    by = f" by {node.endpoint}" if node.endpoint else ""
    calls = f", {len(node.attempts)} calls" if node.attempts else ""
    why = f": {node.error}" if node.error else ""
    milliseconds = node.elapsed.ToNanoseconds() / 1e6
    yield (
        f"{node.step}{round_} ({_kind(node.kind)}{by}): "
        f"{status.replace('_', ' ').lower()} in {milliseconds:.0f} ms{calls}{why}"
    )
    for issue in node.issues:
        yield f"  {issue}"


def _kind(kind: pb.StepKind) -> str:
    from ensemble.v1 import gateway_service_pb2 as pb

    return pb.StepKind.Name(kind).removeprefix("STEP_KIND_").lower()


def _defaults(pipeline: pb.Pipeline) -> str:
    return ", ".join(f"{one}={value}" for one, value in sorted(pipeline.parameters.items())) or "-"
