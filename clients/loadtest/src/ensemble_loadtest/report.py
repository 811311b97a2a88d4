"""What a run came to, as one document: that of `--json`, of the page, and of a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ensemble_loadtest.fleet import Result
from ensemble_loadtest.histogram import Histogram
from ensemble_loadtest.spans import shown
from ensemble_loadtest.tally import Cell, Tally

FORMAT = "ensemble-loadtest/1"
SHARES = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
CURVE = (
    *(step / 100 for step in range(100)),
    0.99,
    0.992,
    0.995,
    0.997,
    0.998,
    0.999,
    0.9995,
    0.9999,
)
BUSY = 0.9
TIMES = ("latency", "service", "ttft", "tpot", "gap", "lag", "failed_latency")

Document = dict[str, Any]


def document_of(result: Result) -> Document:
    """Write a result as a document of plain values; times are in seconds."""
    plan, tally = result.plan, result.tally
    elapsed_s = max(1e-9, result.elapsed_s - plan.warmup_s)
    return {
        "format": FORMAT,
        "started_at": result.started_at,
        "plan": plan.described(),
        "interrupted": result.interrupted,
        "elapsed_s": elapsed_s,
        "totals": _totals(tally, elapsed_s),
        "errors": dict(tally.reasons.most_common()),
        "endpoints": dict(tally.endpoints.most_common()),
        "times": {name: _times(getattr(tally, name)) for name in TIMES},
        "over_time": [
            _point(number, tally, tally.cells.get(number, Cell()))
            for number in range(max(tally.cells, default=-1) + 1)
        ],
        "harness": {
            "cpus": [round(cpu, 3) for cpu in result.cpus],
            "lost_processes": result.lost_processes,
            "abandoned": tally.abandoned,
        },
        "warnings": warnings_of(result),
    }


def _totals(tally: Tally, elapsed_s: float) -> Document:
    asked = max(1, tally.asked)
    return {
        "sent": tally.sent,
        "good": tally.good,
        "failed": tally.failed,
        "dropped": tally.dropped,
        "met": tally.met,
        "cached": tally.cached,
        "requests_per_s": tally.good / elapsed_s,
        "goodput_per_s": tally.met / elapsed_s,
        "goodput": tally.met / asked,
        "error_rate": (tally.failed + tally.dropped) / asked,
        "pieces": tally.pieces,
        "prompt_tokens": tally.prompt_tokens,
        "completion_tokens": tally.completion_tokens,
        "tokens_per_s": tally.completion_tokens / elapsed_s,
        "cost_micros": tally.cost_micros,
        "cost_micros_per_good": tally.cost_micros / max(1, tally.good),
    }


def _times(histogram: Histogram) -> Document | None:
    """Write a histogram; None when it is empty."""
    if not histogram.count:
        return None
    quantiles = dict(zip(map(_name, SHARES), histogram.quantiles(SHARES), strict=True))
    curve = zip(CURVE, histogram.quantiles(CURVE), strict=True)
    enough = 1 - 1 / histogram.count
    return {
        "count": histogram.count,
        "mean": histogram.mean,
        "min": histogram.least,
        **quantiles,
        "max": histogram.most,
        "curve": [[share, time] for share, time in curve if share <= enough],
        "buckets": histogram.buckets(),
    }


def _name(share: float) -> str:
    return f"p{share * 100:g}"


def _point(number: int, tally: Tally, cell: Cell) -> Document:
    p50, p99 = cell.latency.quantiles((0.5, 0.99))
    ttft50, ttft99 = cell.ttft.quantiles((0.5, 0.99))
    return {
        "at_s": number * tally.cell_s,
        "seconds": tally.cell_s,
        "sent": cell.sent,
        "good": cell.good,
        "failed": cell.failed,
        "dropped": cell.dropped,
        "met": cell.met,
        "p50": p50,
        "p99": p99,
        "ttft_p50": ttft50,
        "ttft_p99": ttft99,
    }


def warnings_of(result: Result) -> list[str]:
    """Say what makes the numbers those of the harness rather than of the target."""
    plan, tally = result.plan, result.tally
    found: list[str] = []
    busiest = max(result.cpus, default=0.0)
    if busiest > BUSY:
        found.append(
            f"The harness is the bottleneck: a process used {busiest:.0%} of a processor. "
            "Use more --processes, or another machine."
        )
    lag_s = tally.lag.quantile(0.99)
    if lag_s is not None and lag_s > plan.max_lag_s:
        found.append(
            f"The harness is the bottleneck: 1% of the requests were sent {shown(lag_s)} late or "
            f"later (--max-lag {shown(plan.max_lag_s)}). Use more --processes, or another machine."
        )
    if tally.dropped:
        found.append(
            f"{tally.dropped} requests were never sent: {plan.load.max_in_flight} were under way "
            "(--max-in-flight). They count as not answered."
        )
    if tally.abandoned:
        found.append(
            f"{tally.abandoned} requests had no end when the run ended; they do not count."
        )
    if result.lost_processes:
        found.append(
            f"{result.lost_processes} processes of the harness died; their part is missing."
        )
    return found


def is_partial(document: Mapping[str, Any]) -> bool:
    """Say whether the numbers are not what was asked for."""
    return bool(document["warnings"])


def times_of(document: Mapping[str, Any]) -> Sequence[tuple[str, Mapping[str, Any]]]:
    """Return the times that were measured, with what they are called."""
    return [(TITLES[name], times) for name, times in document["times"].items() if times]


TITLES = {
    "latency": "Latency, from the intended send",
    "service": "Service time, from the actual send",
    "ttft": "Time to first token",
    "tpot": "Mean time per further piece",
    "gap": "Between two pieces",
    "lag": "Lateness of the harness",
    "failed_latency": "Latency of failures",
}
