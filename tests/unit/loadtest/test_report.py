from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
from ensemble_loadtest.compare import COLUMNS, compare
from ensemble_loadtest.faults import PlanError
from ensemble_loadtest.fleet import Result, Running
from ensemble_loadtest.histogram import Histogram
from ensemble_loadtest.page import comparison_page, report_page
from ensemble_loadtest.plots import nice_ticks
from ensemble_loadtest.report import document_of
from ensemble_loadtest.tally import Tally
from ensemble_loadtest.terminal import live, print_comparison, print_report, words_of
from ensemble_loadtest.worker import Progress

from tests.fakes.loadtest_runs import PLAN, document, result


def test_the_document_of_a_run_has_the_same_shape_always() -> None:
    found = document()
    assert list(found) == [
        "format", "started_at", "plan", "interrupted", "elapsed_s", "totals", "errors",
        "endpoints", "times", "over_time", "harness", "warnings",
    ]  # fmt: skip
    assert found["totals"] | {"requests_per_s": 0, "goodput_per_s": 0, "tokens_per_s": 0} == {
        "sent": 200, "good": 198, "failed": 2, "dropped": 0, "met": 198, "cached": 0,
        "requests_per_s": 0, "goodput_per_s": 0, "goodput": 0.99, "error_rate": 0.01,
        "pieces": 594, "prompt_tokens": 0, "completion_tokens": 594, "tokens_per_s": 0,
        "cost_micros": 990, "cost_micros_per_good": 5.0,
    }  # fmt: skip
    assert found["errors"] == {"UNAVAILABLE <down>": 2}
    assert len(found["over_time"]) == 20
    assert found["over_time"][-1] | {"p50": 0, "p99": 0, "ttft_p50": 0, "ttft_p99": 0} == {
        "at_s": 19.0, "seconds": 1.0, "sent": 10, "good": 8, "failed": 2, "dropped": 0, "met": 8,
        "p50": 0, "p99": 0, "ttft_p50": 0, "ttft_p99": 0,
    }  # fmt: skip
    latency = found["times"]["latency"]
    assert list(latency) == [
        "count", "mean", "min", "p50", "p75", "p90", "p95", "p99", "p99.9", "max", "curve",
        "buckets",
    ]  # fmt: skip
    assert latency["p50"] == pytest.approx(0.14, rel=0.02)
    assert found["warnings"] == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"cpus": [0.3, 0.95]}, "a process used 95% of a processor"),
        ({"lost_processes": 1}, "1 processes of the harness died"),
    ],
)
def test_a_harness_that_could_not_keep_up_says_so(fields: Any, words: str) -> None:
    (warning,) = document(**fields)["warnings"]
    assert words in warning


def test_lateness_what_was_dropped_and_what_had_no_end_are_said_too() -> None:
    made = result()
    for _ in range(5):
        made.tally.lag.add(0.2)
    made.tally.dropped, made.tally.abandoned = 3, 4
    late, dropped, abandoned = document_of(made)["warnings"]
    assert "were sent 200 ms late" in late
    assert "3 requests were never sent" in dropped
    assert "4 requests had no end" in abandoned


class Tags(HTMLParser):
    """Every tag must be closed in order; notes what could load something."""

    ALONE = frozenset({"meta", "path"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loads: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.seen.append(tag)
        self.loads += [value for name, value in attrs if name in {"src", "href"}]
        if tag not in self.ALONE:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.seen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def read(page: str) -> Tags:
    tags = Tags()
    tags.feed(page)
    tags.close()
    assert tags.open == []
    assert tags.loads == []
    assert not re.search(r"https?:|url\(|@import|<script", page)
    return tags


def test_the_page_of_a_run_is_whole_and_loads_nothing() -> None:
    page = report_page(document())
    tags = read(page)
    assert tags.seen.count("figure") == 4
    assert "&lt;gateway&gt;:1" in page
    assert "UNAVAILABLE &lt;down&gt;" in page
    assert "fast &amp; good" in page
    assert "NaN" not in page


def test_a_run_without_any_answer_has_a_page_too() -> None:
    empty = Result(PLAN, Tally(), 0.0, 0.0, [0.1], interrupted=True)
    page = report_page(json.loads(json.dumps(document_of(empty))))
    read(page)
    assert "interrupted" in page


def test_warnings_stand_on_the_page() -> None:
    assert 'role="alert"' in report_page(document(cpus=[1.0]))


def test_the_page_of_a_comparison_is_whole_and_loads_nothing() -> None:
    before, after = document(), document(1.5)
    tags = read(comparison_page(compare(before, after), before, after))
    assert tags.seen.count("figure") == 5


def test_a_slower_run_is_worse_and_a_faster_one_better() -> None:
    worse = compare(document(), document(1.5))
    verdicts = {one.name: str(one.verdict) for one in worse.measures}
    assert verdicts["latency p50"] == verdicts["latency p99"] == verdicts["TTFT p50"] == "worse"
    assert worse.worse
    assert worse.words.startswith("B is worse: ")
    better = compare(document(1.5), document())
    assert not better.worse
    assert better.words.startswith("B is better: ")


def test_the_same_run_again_is_no_change() -> None:
    same = compare(document(), document(1.005))
    assert same.words == "No change beyond noise."
    assert {str(one.verdict) for one in same.measures} == {"same"}


def test_noise_within_the_runs_hides_a_change() -> None:
    before, after = document(), document(1.1)
    assert compare(before, after).worse
    for run in (before, after):
        for place, point in enumerate(run["over_time"]):
            for name in ("p50", "p99", "ttft_p50", "ttft_p99"):
                point[name] *= 0.3 if place % 2 else 2.5
    assert not compare(before, after).worse


def test_errors_that_were_not_there_before_are_worse() -> None:
    found = compare(document(1.0, 0), document(1.0, 2))
    assert [one.row()[-1] for one in found.measures if one.name == "error rate"] == ["worse"]
    assert compare(document(1.0, 2), document(1.5, 0)).words.startswith("Mixed")


def test_runs_that_are_too_short_say_so() -> None:
    before, after = document(), document(2.0)
    for run in (before, after):
        run["over_time"] = run["over_time"][:3]
        run["totals"]["cost_micros_per_good"] = 0
    assert compare(before, after).words.startswith("Too short")


def test_runs_of_different_plans_are_compared_with_a_warning() -> None:
    before, after = document(), document(cpus=[1.0])
    after["plan"]["load"] = "closed loop of 3"
    assert [warning[:20] for warning in compare(before, after).warnings] == [
        "The runs differ in l", "B: The harness is th",
    ]  # fmt: skip


def test_a_time_that_one_run_has_not_cannot_be_judged() -> None:
    before, after = document(), document()
    after["times"]["ttft"] = None
    found = compare(before, after)
    assert ("TTFT p50", "-", "too short to tell") in {
        (row[0], row[2], row[5]) for row in (one.row() for one in found.measures)
    }
    json.dumps(found.document())
    assert len(found.measures[0].row()) == len(COLUMNS)


def test_what_is_no_report_cannot_be_compared() -> None:
    with pytest.raises(PlanError, match="B is no report"):
        compare(document(), {})


def test_the_tables_of_a_pipe_have_whole_rows_without_blanks_at_their_ends(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_report(document(cpus=[1.0]))
    print_comparison(compare(document(), document(1.5)))
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line != line.rstrip()] == []
    assert any(line.startswith("throughput ") for line in lines)
    assert any(line.split()[:2] == ["latency", "p50"] and "worse" in line for line in lines)
    assert any(line.startswith("WARNING: The harness is the bottleneck") for line in lines)


def test_nothing_is_shown_live_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    with live(1.0) as show:
        show(Running(PLAN))
    assert capsys.readouterr().err.strip() == ""


def test_a_running_test_is_told_in_one_line() -> None:
    latency = Histogram()
    latency.add(0.1)
    told = {worker: Progress(10, 8, 1, 2, 1, latency) for worker in range(2)}
    words = words_of(Running(PLAN, 2.0, told))
    assert words == "8/s · 2 under way · p50 100 ms, p99 100 ms · 16 good · 2 failed · 4 dropped"


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (0, [0, 1]),
        (1, [0, 0.25, 0.5, 0.75, 1]),
        (7, [0, 2, 4, 6, 8]),
        (0.9, [0, 0.25, 0.5, 0.75, 1]),
    ],
)
def test_ticks_are_round_and_reach_the_highest_number(most: float, ticks: list[float]) -> None:
    assert nice_ticks(most) == pytest.approx(ticks)
