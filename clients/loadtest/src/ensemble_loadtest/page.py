"""A report as one page that needs nothing else: no script, no font, no address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from importlib import resources
from typing import Any

from ensemble_loadtest.compare import COLUMNS, Comparison
from ensemble_loadtest.plots import Axis, Line, highest, legend, nice_ticks, plot, tail_share
from ensemble_loadtest.report import Document
from ensemble_loadtest.spans import shown
from ensemble_loadtest.summary import TIME_COLUMNS, count_rows, facts, time_rows

NINES = (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999)


def report_page(document: Mapping[str, Any]) -> str:
    """Write the page of one run."""
    started = datetime.fromtimestamp(document["started_at"], UTC)
    body = [
        f"<h1>Load test of {escape(document['plan']['target'])}</h1>",
        f'<p class="when">{started:%Y-%m-%d %H:%M} UTC{_interrupted(document)}</p>',
        *(f'<p class="warning" role="alert">{escape(one)}</p>' for one in document["warnings"]),
        _facts(document),
        _plots(document),
        "<h2>Times</h2>",
        table(TIME_COLUMNS, time_rows(document)),
    ]
    for name in ("errors", "endpoints"):
        if document[name]:
            body += [f"<h2>{name.capitalize()}</h2>"]
            body += [table((name.rstrip("s"), "count"), count_rows(document, name))]
    body += ["<h2>Over time</h2>", _over_time(document)]
    return page(f"Load test of {document['plan']['target']}", "".join(body))


def comparison_page(comparison: Comparison, before: Document, after: Document) -> str:
    """Write the page of two runs side by side."""
    body = [
        "<h1>Comparison of two load tests</h1>",
        f'<p class="verdict">{escape(comparison.words)}</p>',
        *(f'<p class="warning">{escape(one)}</p>' for one in comparison.warnings),
        table(COLUMNS, [one.row() for one in comparison.measures]),
        '<div class="plots">',
        *_compared(before, after),
        "</div>",
        "<h2>A</h2>",
        _facts(before),
        "<h2>B</h2>",
        _facts(after),
    ]
    return page("Comparison of two load tests", "".join(body))


def _compared(before: Document, after: Document) -> list[str]:
    """Draw each kind of time that either run has, A beside B, and what was answered over time."""
    kinds = {"latency": "Latency", "ttft": "Time to first token", "gap": "Time between pieces"}
    found = [
        _curves(
            f"{title} by percentile",
            [("A", before["times"][kind], 0), ("B", after["times"][kind], 1)],
        )
        for kind, title in kinds.items()
        if before["times"][kind] or after["times"][kind]
    ]
    first, second = before["over_time"], after["over_time"]
    longest = max(first, second, key=len)
    medians = [Line("A", 0, _series(first, "p50")), Line("B", 1, _series(second, "p50"))]
    rates = [Line("A", 0, _rates(first, "good")), Line("B", 1, _rates(second, "good"))]
    return [
        *found,
        _over("Median latency over time", longest, medians, shown),
        _over("Answers over time, per second", longest, rates, "{:g}".format),
    ]


def page(title: str, body: str) -> str:
    """Put a body into a page with the style sheet in it."""
    style = resources.files("ensemble_loadtest").joinpath("page.css").read_text("utf-8")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{style}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write rows with their first cell as their heading; wide ones scroll by themselves."""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    lines = "".join(
        f'<tr><th scope="row">{escape(first)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>"
        for first, *cells in rows
    )
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="table: {escape(columns[-1])}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def _interrupted(document: Mapping[str, Any]) -> str:
    return ", interrupted" if document["interrupted"] else ""


def _facts(document: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(words)}</dd></div>"
        for name, words in facts(document)
    )
    return f"<dl>{rows}</dl>"


def _plots(document: Mapping[str, Any]) -> str:
    times, points = document["times"], document["over_time"]
    found = [
        _curves(
            "Latency by percentile",
            [("latency", times["latency"], 0), ("service time", times["service"], 1)],
        ),
        _over(
            "Latency over time",
            points,
            [Line("p50", 0, _series(points, "p50")), Line("p99", 1, _series(points, "p99"))],
            shown,
        ),
        _over(
            "Requests over time, per second",
            points,
            [
                Line("answered", 0, _rates(points, "good")),
                Line("sent", 2, _rates(points, "sent")),
                Line("failed or dropped", 3, _rates(points, "failed", "dropped")),
            ],
            "{:g}".format,
        ),
    ]
    if times["ttft"]:
        found.append(
            _curves(
                "Time to first token, and between pieces, by percentile",
                [("first token", times["ttft"], 0), ("between pieces", times["gap"], 1)],
            )
        )
    return f'<div class="plots">{"".join(found)}</div>'


def _curves(title: str, curves: Sequence[tuple[str, Mapping[str, Any] | None, int]]) -> str:
    """Draw times against the share of requests that took no longer."""
    lines = [
        Line(name, style, [(share, time) for share, time in times["curve"]])
        for name, times, style in curves
        if times
    ]
    last = max((line.points[-1][0] for line in lines if line.points), default=0.0)
    ticks = [one for one in NINES if one <= last] + [one for one in NINES if one > last][:1]
    across = Axis("percentile", ticks, lambda one: f"{one * 100:g}", tail_share)
    return _figure(title, lines, across, Axis("", nice_ticks(highest(lines)), shown))


def _over(title: str, points: Sequence[Any], lines: Sequence[Line], form: Any) -> str:
    end_s = points[-1]["at_s"] + points[-1]["seconds"] if points else 1.0
    across = Axis("seconds", nice_ticks(end_s), "{:g}".format)
    return _figure(title, lines, across, Axis("", nice_ticks(highest(lines)), form))


def _figure(title: str, lines: Sequence[Line], across: Axis, up: Axis) -> str:
    drawn = plot(title, lines, across, up)
    return f"<figure><figcaption>{escape(title)}</figcaption>{drawn}{legend(lines)}</figure>"


def _series(points: Sequence[Any], name: str) -> list[tuple[float, float | None]]:
    return [(point["at_s"] + point["seconds"] / 2, point[name]) for point in points]


def _rates(points: Sequence[Any], *names: str) -> list[tuple[float, float | None]]:
    return [
        (
            point["at_s"] + point["seconds"] / 2,
            sum(point[name] for name in names) / point["seconds"],
        )
        for point in points
    ]


def _over_time(document: Mapping[str, Any]) -> str:
    columns = ("from s", "sent", "good", "failed", "dropped", "p50", "p99", "TTFT p50")
    rows = [
        (
            f"{point['at_s']:g}",
            *(f"{point[name]:,}" for name in ("sent", "good", "failed", "dropped")),
            *(shown(point[name]) for name in ("p50", "p99", "ttft_p50")),
        )
        for point in document["over_time"]
    ]
    return f"<details><summary>{len(rows)} rows</summary>{table(columns, rows)}</details>"
