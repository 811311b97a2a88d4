"""`ensemble replay`: run a traced request again and say what came out differently."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.exits import Exit, exits, fail
from gateway.cli.options import DEFAULT_TARGET, DEFAULT_TIMEOUT, AsJson, Target, Timeout
from gateway.cli.output import print_document, print_table
from gateway.cli.recorded_trace import read_recorded

if TYPE_CHECKING:
    from ensemble.v1 import gateway_service_pb2 as pb
    from ensemble.v1 import result_pb2


def replay(
    file: Annotated[Path, typer.Argument(help="Written by `ensemble trace --save`.")],
    target: Target = DEFAULT_TARGET,
    timeout: Timeout = DEFAULT_TIMEOUT,
    as_json: AsJson = False,
) -> None:
    """Run the request of a trace again and compare decision, attempts, text and verdicts.

    Endpoints that were called then have to be there. Exits with 1 when something differs. The
    request goes out without its id, or the gateway would give the old answer again.
    """
    from ensemble_client import Client

    request, before = read_recorded(file)
    request.ClearField("request_id")
    with exits(), Client(target) as client:
        known = {endpoint.name for endpoint in client.endpoints(timeout=timeout)}
        missing = sorted({one.endpoint for one in _attempts(before)} - known)
        if missing:
            fail(f"the gateway has no endpoint {', '.join(missing)} any more", Exit.FAILED)
        after = client.trace(request, dry_run=before.trace.dry_run, timeout=timeout)
    compared = differences(before, after)
    if as_json:
        print_document({name: {"before": old, "after": new} for name, old, new in compared})
    else:
        print_table(
            f"trace {before.trace.trace_id} again as {after.trace.trace_id}",
            ("what", "before", "after", "same"),
            [(name, old, new, "yes" if old == new else "no") for name, old, new in compared],
        )
    if any(old != new for _, old, new in compared):
        raise typer.Exit(Exit.FAILED)


def differences(
    before: pb.TraceResponse, after: pb.TraceResponse
) -> Sequence[tuple[str, str, str]]:
    """Set side by side what two runs decided and got; times are left out, they always differ."""
    old, new = _facts(before), _facts(after)
    return tuple((name, old[name], new[name]) for name in old)


def _facts(result: pb.TraceResponse) -> dict[str, str]:
    route = next((one for one in result.trace.stages if one.name == "route"), None)
    response = result.response
    return {
        "ended": result.trace.failure.reason or "ok",
        "decided by": result.trace.decided_by,
        "rule": result.trace.rule,
        "chain": "" if route is None else route.attributes.get("chain", ""),
        "attempts": "; ".join(
            f"{one.endpoint} try {one.try_number} {_status(one)}" for one in _attempts(result)
        ),
        "text": sha256(response.text.encode()).hexdigest()[:16] if response.text else "",
        "finish": str(response.finish_reason),
        "verdicts": _verdicts(response.verdicts),
    }


def _attempts(result: pb.TraceResponse) -> Sequence[result_pb2.Attempt]:
    if result.HasField("failure"):
        return result.failure.detail.attempts
    return result.response.attempts


def _status(attempt: result_pb2.Attempt) -> str:
    from ensemble.v1 import result_pb2

    word = result_pb2.AttemptStatus.Name(attempt.status).removeprefix("ATTEMPT_STATUS_").lower()
    return f"{word} {attempt.reason}".rstrip()


def _verdicts(verdicts: Iterable[result_pb2.Verdict]) -> str:
    from ensemble.v1 import result_pb2

    names = (
        (one.constraint, result_pb2.VerdictStatus.Name(one.status).removeprefix("VERDICT_STATUS_"))
        for one in verdicts
    )
    return ", ".join(f"{name} {word.lower()}" for name, word in names)
