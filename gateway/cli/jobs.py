"""`ensemble jobs` and `ensemble control`: what runs at a gateway, and how it is steered."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from gateway.cli.exits import Exit, exits, fail
from gateway.cli.options import DEFAULT_TARGET, DEFAULT_TIMEOUT, AsJson, Target, Timeout
from gateway.cli.output import document_of, print_document, print_json, print_table

if TYPE_CHECKING:
    from ensemble.v1.job_service_pb2 import ControlResponse, Job
    from ensemble_client import Client

COLUMNS = ("job", "kind", "state", "done", "running", "attempts", "cost", "session", "request")
WATCH_TIMEOUT = 3600.0

Session = Annotated[str, typer.Option("--session", "-s", help="Only jobs of this session.")]


def jobs(
    job: Annotated[str, typer.Argument(help="One job, with its candidates; else all.")] = "",
    session: Session = "",
    live: Annotated[bool, typer.Option("--live", help="Only those that run.")] = False,
    watch: Annotated[
        bool,
        typer.Option("--watch", "-w", help="Go on, a line for each change, also of new jobs."),
    ] = False,
    every_s: Annotated[
        float, typer.Option("--every", min=0.1, help="Seconds between two looks at all jobs.")
    ] = 1.0,
    target: Target = DEFAULT_TARGET,
    timeout: Timeout = WATCH_TIMEOUT,
    as_json: AsJson = False,
) -> None:
    """List the jobs of a running gateway, the newest first, or follow them.

    One job is followed to its end; all of them until you interrupt it, or --timeout is over.
    """
    from ensemble_client import Client

    with exits(), Client(target, timeout=timeout) as client:
        if job:
            (_follow if watch else _show)(client, job, as_json=as_json)
            return
        if watch:
            _follow_all(client, session, every_s, timeout, as_json=as_json)
        found = client.jobs({"session_id": session, "live": live})
        if as_json:
            print_document({"jobs": [document_of(one) for one in found]})
        else:
            print_table(f"{len(found)} jobs, newest first", COLUMNS, [_row(one) for one in found])


def control(
    text: Annotated[str, typer.Argument(help='What to do, such as "stop the batch".')] = "",
    session: Session = "",
    job: Annotated[str, typer.Option("--job", help="The job that is meant.")] = "",
    token: Annotated[str, typer.Option("--token", help="Of the question to answer.")] = "",
    choice: Annotated[
        str, typer.Option("--choice", help="The answer: a job or a kind that was offered, or all.")
    ] = "",
    target: Target = DEFAULT_TARGET,
    timeout: Timeout = DEFAULT_TIMEOUT,
    as_json: AsJson = False,
) -> None:
    """Give a command to a job: stop, cancel, pause, resume, next, previous, louder, quieter."""
    from ensemble_client import Client

    if bool(text) == bool(token) or bool(token) != bool(choice):
        fail("give a text, or --token with --choice", Exit.USAGE)
    with exits(), Client(target, timeout=timeout) as client:
        if token:
            result = client.confirm_control(token, choice)
        else:
            result = client.control(text, session_id=session, job_id=job)
    if as_json:
        print_json(result)
    else:
        _say(result)
    if not result.affected:
        raise typer.Exit(Exit.FAILED)


def _show(client: Client, job_id: str, *, as_json: bool) -> None:
    found = client.job(job_id)
    if as_json:
        print_json(found)
        return
    print_table("1 job", COLUMNS, [_row(found.job)])
    if found.job.failure.reason:
        print(f"{found.job.failure.reason}: {found.job.failure.message}")
    for place, candidate in enumerate(found.candidates):
        chosen = "*" if place == found.job.selected else " "
        print(f"{chosen} {place} {candidate.endpoint} {candidate.confidence:.2f}")
        print(candidate.text)


def _follow(client: Client, job_id: str, *, as_json: bool) -> None:
    """Print each change of one job, to its end."""
    for job in client.watch_job(job_id):
        _print(job, as_json=as_json)


def _follow_all(
    client: Client, session: str, every_s: float, timeout: float, *, as_json: bool
) -> NoReturn:
    """Print what changes of all jobs, of those too that begin meanwhile."""
    import time

    from gateway.cli.live_jobs import LiveJobs

    LiveJobs(
        lambda left: client.jobs({"session_id": session}, timeout=left),
        lambda job: _print(job, as_json=as_json),
        every_s,
        clock=time.monotonic,
        sleep=time.sleep,
    ).run(timeout)


def _print(job: Job, *, as_json: bool) -> None:
    if as_json:
        print_json(job)
    else:
        print("  ".join(cell for cell in _row(job) if cell))
    sys.stdout.flush()


def _say(result: ControlResponse) -> None:
    from ensemble.v1.job_service_pb2 import ControlOutcome

    outcome = ControlOutcome.Name(result.outcome).removeprefix("CONTROL_OUTCOME_").lower()
    print(outcome.replace("_", " ") + (f": {result.reason}" if result.reason else ""))
    for effect in result.affected:
        print(f"  {effect.job_id} ({_kind(effect.kind)}) is {_state(effect.state)}")
    for choice in result.choices if result.token or not result.affected else ():
        print(f"  {_kind(choice.kind)}: {choice.job_id}, one of {choice.jobs}")
    if result.token:
        print(f"answer with: ensemble control --token {result.token} --choice KIND")


def _row(job: Job) -> tuple[str, ...]:
    progress = job.progress
    return (
        job.id,
        _kind(job.kind),
        _state(job.state),
        f"{progress.done}/{progress.total}" if progress.total else "-",
        ", ".join(progress.running) or progress.step,
        str(progress.attempts),
        f"{progress.cost_micros / 1e6:.6f}",
        job.session_id,
        job.request_id,
    )


def _kind(number: int) -> str:
    from ensemble.v1.job_service_pb2 import JobKind

    return JobKind.Name(JobKind.ValueType(number)).removeprefix("JOB_KIND_").lower()


def _state(number: int) -> str:
    from ensemble.v1.job_service_pb2 import JobState

    return JobState.Name(JobState.ValueType(number)).removeprefix("JOB_STATE_").lower()
