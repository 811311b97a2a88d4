"""How `ensemble dashboard` looks: the parts of a picture, for a terminal or a pipe (D-01)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import UTC

from ensemble.v1 import telemetry_service_pb2 as pb
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from gateway.cli.output import known

BAR = 40
NEWEST = 5
MICROS = 1_000_000
PIPE_WIDTH = 400
FOLDED = frozenset({"state", "request", "target", "should be", "why"})
"""Columns that may take several lines where the terminal is narrow; numbers are never broken."""

STYLES = {
    pb.GRADE_GOOD: "green",
    pb.GRADE_WARN: "yellow",
    pb.GRADE_BAD: "red",
    pb.GRADE_UNKNOWN: "dim",
}
"""A number is coloured by its target, never by being high or low as such (D-02)."""

Cell = str | Text


def print_dashboard(found: pb.GetDashboardResponse) -> None:
    """Print it once; in a pipe without colours and without blanks at the end of lines."""
    console = Console(markup=False, emoji=False, highlight=False)
    picture = Group(*dashboard_parts(found))
    if console.is_terminal:
        console.print(picture)
        return
    plain = io.StringIO()
    Console(file=plain, width=PIPE_WIDTH, markup=False, emoji=False, highlight=False).print(picture)
    print("\n".join(line.rstrip() for line in plain.getvalue().rstrip().split("\n")))


def dashboard_parts(found: pb.GetDashboardResponse) -> list[RenderableType]:
    """Return everything, top to bottom."""
    return [
        *_head(found),
        *_bars(found),
        _layers(found),
        _endpoints(found),
        *_handovers(found),
        *_experiments(found),
        _targets(found),
        *_recent(found),
    ]


def seconds_in(span: Duration) -> float:
    """Write a span in seconds."""
    return span.ToNanoseconds() / 1e9


def _head(found: pb.GetDashboardResponse) -> list[Text]:
    at = found.at.ToDatetime(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    guards = ", ".join(f"{one.name} {one.value:,}" for one in found.guards if one.now or one.value)
    return [
        Text("ensemble gateway", "bold"),
        Text(
            f"last {_span(found.window)}, at {at}, up {_span(found.uptime)}",
            "dim",
        ),
        Text(
            f"{found.requests:,} requests: {found.succeeded:,} answered, {found.failed:,} failed; "
            f"{found.fallback_used:,} used a fallback; cost {found.cost_micros / MICROS:,.4f}"
        ),
        Text(f"answered in p50 {_ms(found, 'p50')}, p95 {_ms(found, 'p95')}, "
             f"p99 {_ms(found, 'p99')} ms; {found.decisions:,} decisions"),
        Text(guards, "dim"),
    ]  # fmt: skip


def _bars(found: pb.GetDashboardResponse) -> list[Text]:
    if not found.layers:
        return []
    width = max(len(one.name) for one in found.layers)
    lines = [Text()]
    for one in found.layers:
        filled = min(round(one.share * BAR), BAR)
        line = Text(f"{one.name:<{width}} ")
        line.append("█" * filled, STYLES.get(one.share_grade, ""))
        line.append("░" * (BAR - filled), "dim")
        line.append(f" {one.captured:,} {one.share:.1%}")
        lines.append(line)
    return lines


def _layers(found: pb.GetDashboardResponse) -> RenderableType:
    columns = ("layer", "attempts", "capture", "confidence", "mean ms", "accuracy", "judged")
    return _table(
        columns,
        [
            (
                one.name,
                f"{one.attempts:,}",
                _graded(f"{one.share:.1%}", one.share_grade),
                known(one, "confidence", ".2f"),
                _ms(one, "mean", 2),
                _graded(
                    f"{one.accuracy:.1%}" if one.HasField("accuracy") else "N/A",
                    one.accuracy_grade,
                ),
                f"{one.judged:,}",
            )
            for one in found.layers
        ],
    )


def _endpoints(found: pb.GetDashboardResponse) -> RenderableType:
    columns = (
        "endpoint",
        "calls",
        "failed",
        "success",
        "p50 ms",
        "p95 ms",
        "cost",
        "in flight",
        "breaker",
        "state",
    )
    return _table(
        columns,
        [
            (
                one.name,
                f"{one.attempts:,}",
                f"{one.failures:,}",
                known(one, "success_rate", ".1%"),
                _ms(one, "p50"),
                _ms(one, "p95"),
                f"{one.cost_micros / MICROS:,.4f}",
                f"{one.in_flight}/{one.limit}" if one.limit else str(one.in_flight),
                _graded(one.breaker, _breaker_grade(one.breaker)),
                _state(one),
            )
            for one in found.endpoints
        ],
    )


def _state(one: pb.DashboardEndpoint) -> str:
    words = ("drained",) * one.drained + ("ejected",) * one.ejected
    return ", ".join((*words, one.health.replace("_", " ")))


def _breaker_grade(state: str) -> pb.Grade:
    grades = {"open": pb.GRADE_BAD, "forced_open": pb.GRADE_BAD, "half_open": pb.GRADE_WARN}
    return grades.get(state, pb.GRADE_GOOD if state == "closed" else pb.GRADE_UNKNOWN)


def _handovers(found: pb.GetDashboardResponse) -> list[RenderableType]:
    if not found.handovers:
        return []
    rows = [(one.source, one.target, one.reason, f"{one.count:,}") for one in found.handovers]
    return [_table(("left", "called instead", "why", "times"), rows)]


def _experiments(found: pb.GetDashboardResponse) -> list[RenderableType]:
    rows = [
        (one.name, arm.name, f"{arm.exposures:,}", f"{arm.judged:,}", known(arm, "quality", ".3f"),
         one.stopped or "runs")
        for one in found.experiments
        for arm in one.arms
    ]  # fmt: skip
    if not rows:
        return []
    return [_table(("experiment", "arm", "decisions", "judged", "quality", "state"), rows)]


def _targets(found: pb.GetDashboardResponse) -> RenderableType:
    return _table(
        ("target", "now", "should be", "grade"),
        [
            (one.name, one.text, one.target, _graded(_word(one.grade), one.grade))
            for one in found.targets
        ],
    )


def _recent(found: pb.GetDashboardResponse) -> list[RenderableType]:
    if not found.recent:
        return []
    rows = [
        (
            one.at.ToDatetime(UTC).strftime("%H:%M:%S"),
            printable(one.request_id),
            one.endpoint or "-",
            one.layer,
            f"{one.confidence:.2f}",
            f"{seconds_in(one.elapsed) * 1000:.2f}",
        )
        for one in found.recent[:NEWEST]
    ]
    return [_table(("decided", "request", "endpoint", "layer", "confidence", "ms"), rows)]


def printable(text: str) -> str:
    """Take out of a caller's text what a terminal would obey."""
    return "".join(one if one.isprintable() else "?" for one in text)


def _table(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> RenderableType:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0))
    for column in columns:
        folded = column in FOLDED
        table.add_column(column, overflow="fold" if folded else "ellipsis", no_wrap=not folded)
    for row in rows:
        table.add_row(*row)
    return table


def _graded(words: str, grade: pb.Grade) -> Text:
    return Text(words, STYLES.get(grade, ""))


def _word(grade: pb.Grade) -> str:
    return pb.Grade.Name(grade).removeprefix("GRADE_").lower()


def _ms(message: Message, field: str, digits: int = 1) -> str:
    if not message.HasField(field):
        return "-"
    return f"{seconds_in(getattr(message, field)) * 1000:,.{digits}f}"


def _span(span: Duration) -> str:
    left, words = round(seconds_in(span)), list[str]()
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        words += [f"{count} {unit}"] if count else []
    # The two largest say enough.
    return " ".join(words[:2]) or "0 s"
