"""Shows a batch that was steered, and a request that was repeated, to people."""

from __future__ import annotations

from ensemble.v1.cache_service_pb2 import GetCacheStatsResponse
from ensemble.v1.job_service_pb2 import (
    Command,
    ControlOutcome,
    JobKind,
    JobState,
    ResolutionMethod,
)

from gateway.cli.demonstration.answers import word
from gateway.cli.demonstration.repeating import CALLERS, Repeated, Round
from gateway.cli.demonstration.steering import PAUSE, QUIET_S, Said, Steered
from gateway.cli.output import print_table

COUNTERS = ("entries", "stored", "hits", "misses", "coalesced", "uncacheable")


def show_steered(steered: Steered) -> None:
    """Print each command, what was understood, and where the batch stood then."""
    print_table(
        f"\nA batch of {steered.sent} small holes, steered in words while it ran:",
        ("command", "understood", "outcome", "state", "done of total"),
        [_row(one) for one in steered.said],
        {"understood": 50, "outcome": 50},
    )
    paused = next((one.job for one in steered.said if one.text == PAUSE), None)
    if paused is not None and steered.rested is not None:
        rested = steered.rested
        print(
            f"\nPaused, it was looked at twice, {QUIET_S:g} s apart: {paused.progress.done} holes "
            f"done and {paused.progress.attempts} calls made, then {rested.progress.done} and "
            f"{rested.progress.attempts}."
        )
    others = len(steered.results) - steered.filled - steered.stopped
    print(
        f"Of {steered.sent} holes {steered.filled} were filled, {steered.stopped} were left when "
        f"it was stopped (they count as done), {others} ended in another error; "
        f"{steered.skipped} went on to the next endpoint by command."
    )
    for words in steered.missing:
        print(f"FAILED: {words}")


def show_repeated(repeated: Repeated) -> None:
    """Print how many calls were made, and what the cache counted."""
    counted: list[tuple[str, GetCacheStatsResponse]] = []
    if repeated.before is not None:
        counted.append(("before", repeated.before))
    if repeated.at_once is not None:
        print(f"\n{CALLERS} identical requests at once: {_calls(repeated.at_once)}.")
        counted.append((f"{CALLERS} at once", repeated.at_once.counted))
    if repeated.later is not None:
        answer = repeated.later.answers[0]
        age = answer.cache_age.ToNanoseconds() / 1e6
        source = f"from the cache, {age:.1f} ms old" if answer.cached else "not from the cache"
        print(f"Once more: {_calls(repeated.later)}: {source}.")
        counted.append(("once more", repeated.later.counted))
    print_table(
        "\nThe cache's counters:",
        ("after", *COUNTERS),
        [(when, *(str(getattr(one, name)) for name in COUNTERS)) for when, one in counted],
    )
    for words in repeated.missing:
        print(f"FAILED: {words}")


def _calls(one: Round) -> str:
    texts = {answer.text for answer in one.answers}
    shared = sum(answer.cached for answer in one.answers)
    return (
        f"upstream calls {one.calls}, answers {len(one.answers)}, different texts {len(texts)}, "
        f"marked as cached {shared}"
    )


def _row(said: Said) -> tuple[str, ...]:
    result, resolution = said.result, said.result.resolution
    meant = [*result.affected, *result.skipped]
    kinds = dict.fromkeys(word(JobKind.Name(one.kind), "JOB_KIND_") for one in meant)
    command = word(Command.Name(resolution.command), "COMMAND_")
    method = word(ResolutionMethod.Name(resolution.method), "RESOLUTION_METHOD_")
    outcome = word(ControlOutcome.Name(result.outcome), "CONTROL_OUTCOME_").replace("_", " ")
    progress = said.job.progress
    understood = f"{command} {', '.join(kinds) or '-'}"
    return (
        said.text,
        f"{understood} (words {resolution.recognised_by or '-'}, target {method})",
        f"{outcome}: {result.reason}" if result.reason else outcome,
        word(JobState.Name(said.job.state), "JOB_STATE_"),
        f"{progress.done} of {progress.total}",
    )
