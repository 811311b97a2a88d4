"""Shows the constrained fill, the refinement and the pipeline to people."""

from __future__ import annotations

from collections.abc import Iterable

from ensemble.v1.gateway_service_pb2 import HoleStatus, StepKind, StepStatus
from ensemble.v1.result_pb2 import Verdict, VerdictStatus

from gateway.cli.demonstration.works import (
    AFTER,
    BEFORE,
    DRAFT_AFTER,
    DRAFT_BEFORE,
    PIPELINE,
    Works,
)
from gateway.cli.output import print_table

WIDEST = 48


def show_works(works: Works) -> None:
    """Print what came of the three."""
    _show_constrained(works)
    _show_refined(works)
    _show_run(works)


def _show_constrained(works: Works) -> None:
    answer = works.constrained.answer
    line = BEFORE.rpartition("\n")[2].strip()
    if answer is None:
        print(f"\nA hole with constraints, {line}...: refused. {works.constrained.refused}")
        return
    print(
        f"\nA hole with constraints: {line}[{answer.text}]{AFTER.strip()} "
        f"({answer.endpoint}, confidence {answer.confidence:.2f} by {answer.confidence_method}); "
        f"{len(answer.candidates)} candidates came"
    )
    print_table(
        "",
        ("candidate", "endpoint", *(item.constraint for item in answer.verdicts), "confidence"),
        [
            (
                f"{_line(one.text)}{' (chosen)' if one.text == answer.text else ''}",
                one.endpoint,
                *(_status(item) for item in one.verdicts),
                f"{one.confidence:.2f}",
            )
            for one in answer.candidates
        ],
    )
    for one in answer.candidates:
        for item in one.verdicts:
            if item.status == VerdictStatus.VERDICT_STATUS_FAILED:
                print(f"  {_line(one.text)}: {item.constraint}: {item.reason}")


def _show_refined(works: Works) -> None:
    refined = works.refined
    print(
        f"\nA file with {len(works.cut)} holes, {works.cut[0].module}, filled in the order of "
        f"their dependencies: {refined.filled} filled in {refined.iterations} rounds, "
        f"{'complete' if refined.complete else 'not complete'}; the whole file: "
        f"{_verdicts(refined.verdicts)}"
    )
    print_table(
        "",
        ("hole", "status", "tries", "endpoint", "confidence", "cut out", "filled in"),
        [
            (
                cut.name,
                HoleStatus.Name(hole.status).removeprefix("HOLE_STATUS_").lower(),
                str(hole.tries),
                hole.endpoint or "-",
                f"{hole.confidence:.2f}",
                _line(cut.original),
                _line(hole.fill) or hole.reason or "-",
            )
            for cut, hole in zip(works.cut, refined.holes, strict=False)
        ],
    )


def _show_run(works: Works) -> None:
    run = works.run
    print(
        f"\nThe pipeline {PIPELINE}: {DRAFT_BEFORE.rpartition(chr(10))[2].strip()}"
        f"[{_line(run.response.text)}]{DRAFT_AFTER.strip()} after {run.completed} steps and "
        f"{len(run.response.attempts)} calls: {_verdicts(run.response.verdicts)}"
    )
    print_table(
        "",
        ("step", "round", "does", "status", "endpoint", "found", "text"),
        [
            (
                node.step,
                str(node.round),
                StepKind.Name(node.kind).removeprefix("STEP_KIND_").lower(),
                StepStatus.Name(node.status).removeprefix("STEP_STATUS_").lower(),
                node.endpoint or "-",
                "; ".join(node.issues) or node.error or _verdicts(node.verdicts) or "-",
                _line(node.text) or "-",
            )
            for node in run.steps
        ],
    )


def _status(verdict: Verdict) -> str:
    return VerdictStatus.Name(verdict.status).removeprefix("VERDICT_STATUS_").lower()


def _verdicts(verdicts: Iterable[Verdict]) -> str:
    return ", ".join(f"{item.constraint} {_status(item)}" for item in verdicts)


def _line(text: str) -> str:
    line = " / ".join(part.strip() for part in text.strip().splitlines() if part.strip())
    return line if len(line) <= WIDEST else line[: WIDEST - 1] + "…"
