"""The numbers of a report in rows of words, for the terminal and the page alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ensemble_loadtest.report import times_of
from ensemble_loadtest.spans import shown

Document = Mapping[str, Any]
QUANTILES = ("p50", "p90", "p95", "p99", "p99.9", "max", "mean")
TIME_COLUMNS = ("time", *QUANTILES, "count")


def facts(document: Document) -> list[tuple[str, str]]:
    """Return what was run and what came of it, by name."""
    plan, totals = document["plan"], document["totals"]
    rows = [
        ("target", f"{plan['target']}, {plan['protocol']}{', streams' if plan['stream'] else ''}"),
        ("load", f"{plan['load']}, {plan['seconds']:g} s, {_processes(plan['processes'])}"),
        ("prompts", str(plan["prompts"])),
        (
            "answered",
            f"{totals['good']} of {totals['good'] + totals['failed'] + totals['dropped']}",
        ),
        ("throughput", f"{totals['requests_per_s']:,.1f} requests/s"),
        (
            "goodput",
            f"{totals['goodput']:.2%} met {plan['slo']}: {totals['goodput_per_s']:,.1f}/s",
        ),
    ]
    if written := totals["completion_tokens"]:
        each = totals["tokens_per_s"]
        rows.append(
            (
                "tokens",
                f"{totals['prompt_tokens']:,} read, {written:,} written, {each:,.1f}/s",
            )
        )
    if totals["cost_micros"]:
        each = totals["cost_micros_per_good"]
        rows.append(("cost", f"{totals['cost_micros']:,} micros, {each:,.1f} an answer"))
    if totals["cached"]:
        rows.append(("from a cache", f"{totals['cached']:,}"))
    cpus = document["harness"]["cpus"]
    rows.append(("harness", f"{max(cpus, default=0.0):.0%} of a processor at most"))
    return rows


def _processes(number: int) -> str:
    return "one process" if number == 1 else f"{number} processes"


def time_rows(document: Document) -> list[tuple[str, ...]]:
    """Return one row for each kind of time, under TIME_COLUMNS."""
    return [
        (title, *(shown(times[name]) for name in QUANTILES), f"{times['count']:,}")
        for title, times in times_of(document)
    ]


def count_rows(document: Document, name: str) -> list[tuple[str, str]]:
    """Return the errors, or the endpoints, and how many there were of each."""
    return [(word, f"{number:,}") for word, number in document[name].items()]
