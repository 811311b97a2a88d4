from __future__ import annotations

import asyncio
import inspect
import threading
from itertools import pairwise

import pytest
from prometheus_client import REGISTRY, Metric
from prometheus_client.openmetrics import parser as openmetrics

from gateway.core.telemetry import MetricsPage
from gateway.telemetry import prometheus
from gateway.telemetry.catalogue import BY_NAME, METRICS, MetricKind
from gateway.telemetry.prometheus import Exposition, Reading
from tests.fakes.watched import families


def page_of(reading: Reading, *times: float) -> str:
    """One scrape of these numbers, after requests that took so long."""
    exposition = Exposition(lambda: reading)
    requests = exposition.histogram("request.duration")
    for seconds in times:
        requests.record(seconds, {"status_code": "OK"})
    try:
        return asyncio.run(exposition.page()).text.decode()
    finally:
        exposition.close()


def buckets(family: Metric) -> dict[float, float]:
    return {
        float(one.labels["le"]): one.value for one in family.samples if one.name.endswith("_bucket")
    }


def test_times_fall_into_fixed_buckets_that_do_not_grow_with_traffic():
    """G-02: an earlier registry kept every observation and counted it again at each scrape."""
    few, many = page_of({}, 0.03, 7.0), page_of({}, *([0.03, 7.0] * 2000))
    assert len(few.splitlines()) == len(many.splitlines())
    counts = buckets(families(many)["gateway_request_duration_seconds"])
    assert counts[0.02] == 0
    assert counts[0.04] == 2000
    assert counts[float("inf")] == 4000


def test_values_are_escaped_and_kept_apart():
    """G-03: unescaped values, colliding keys, no HELP, no newline at the end."""
    odd = ('a,to="b', 'x\\y"z\nnew line', "r")
    page = page_of({"fallbacks": [(odd, 2.0), (("a", 'b,to="x', "r"), 3.0)]})
    family = families(page)["gateway_fallbacks"]
    assert [(one.labels["from"], one.labels["to"], one.value) for one in family.samples] == [
        (odd[0], odd[1], 2.0),
        ("a", 'b,to="x', 3.0),
    ]
    assert family.documentation == BY_NAME["fallbacks"].words
    assert page.endswith("\n")


def test_a_metric_keeps_no_more_series_than_it_may(monkeypatch: pytest.MonkeyPatch):
    """G-03: a cap for each metric, with an overflow series."""
    monkeypatch.setattr(prometheus, "MOST_SERIES", 10)
    page = page_of({"tokens": [((f"endpoint {n}", "input"), 1.0) for n in range(100)]})
    samples = families(page)["gateway_tokens"].samples
    assert len(samples) == 11
    (overflow,) = [one for one in samples if one.labels.get("otel_metric_overflow") == "true"]
    assert overflow.labels["endpoint"] == ""


def test_histograms_are_in_seconds_and_reach_as_far_as_a_generation_may_take():
    """G-04: one set of buckets in milliseconds for everything."""
    histograms = [metric for metric in METRICS if metric.kind is MetricKind.HISTOGRAM]
    assert {metric.unit for metric in histograms} == {"s"}
    assert len({metric.buckets for metric in histograms}) > 1
    for metric in histograms:
        assert all(low < high for low, high in pairwise(metric.buckets))
        if metric.name != "routing.duration":
            assert metric.buckets[-1] == 300.0
    assert max(BY_NAME["routing.duration"].buckets) == 5.0
    page = page_of({}, 290.0)
    counts = buckets(families(page)["gateway_request_duration_seconds"])
    assert (counts[180.0], counts[300.0]) == (0, 1)


def scraped(accept: str) -> MetricsPage:
    """A scrape after two requests, the second with a span that is sampled."""
    exposition = Exposition(dict, lambda: 1_790_000_000.0)
    requests = exposition.histogram("request.duration")
    requests.record(0.03, {"status_code": "OK"})
    requests.record(7.0, {"status_code": "OK"}, "0af7651916cd43dd8448eb211c80319c")
    try:
        return asyncio.run(exposition.page(accept))
    finally:
        exposition.close()


def test_a_time_of_a_sampled_span_leads_to_its_trace():
    page = scraped("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.3")
    assert page.content_type.startswith("application/openmetrics-text; version=1.0.0")
    (family,) = openmetrics.text_string_to_metric_families(page.text.decode())
    found = {one.labels["le"]: one.exemplar for one in family.samples if one.exemplar}
    assert list(found) == ["10.24"]
    assert found["10.24"].labels == {"trace_id": "0af7651916cd43dd8448eb211c80319c"}
    assert (found["10.24"].value, float(found["10.24"].timestamp)) == (7.0, 1_790_000_000.0)


@pytest.mark.parametrize("accept", ["", "text/plain;version=0.0.4", "*/*"])
def test_a_scraper_that_asks_for_nothing_else_gets_the_plain_form(accept: str):
    page = scraped(accept)
    assert page.content_type.startswith("text/plain")
    assert b"trace_id" not in page.text
    assert buckets(families(page.text.decode())["gateway_request_duration_seconds"])[10.24] == 2


def test_instruments_are_made_at_the_start_and_handed_on():
    """G-05: an earlier global one was made by whoever came first, in two threads at once."""
    before = {family.name for family in REGISTRY.collect()}
    one, two = Exposition(dict), Exposition(dict)
    one.histogram("request.duration").record(1.0, {"status_code": "OK"})
    assert b"request" not in asyncio.run(two.page()).text
    assert {family.name for family in REGISTRY.collect()} == before
    assert "global" not in inspect.getsource(prometheus)
    one.close()
    two.close()


def test_a_gauge_goes_down_too():
    """G-07: a load gauge that only rose."""
    running = [3.0, 5.0, 0.0]
    exposition = Exposition(lambda: {"requests.in_flight": (((), running.pop(0)),)})

    async def scrapes() -> list[float]:
        seen = []
        while running:
            page = (await exposition.page()).text.decode()
            seen.append(families(page)["gateway_requests_in_flight"].samples[0].value)
        return seen

    assert asyncio.run(scrapes()) == [3.0, 5.0, 0.0]
    exposition.close()


def test_numbers_are_taken_on_the_loop_and_written_down_beside_it():
    where: dict[str, threading.Thread] = {}

    def read() -> Reading:
        where["read"] = threading.current_thread()

        def series():
            where["taken"] = threading.current_thread()
            yield (), 1.0

        return {"requests.queued": series()}

    exposition = Exposition(read)
    assert b"gateway_requests_queued 1.0" in asyncio.run(exposition.page()).text
    exposition.close()
    assert where == dict.fromkeys(("read", "taken"), threading.main_thread())


def test_names_are_different_and_say_their_kind():
    assert len(BY_NAME) == len(METRICS)
    for metric in METRICS:
        assert metric.words.endswith(".")
        assert "|" not in metric.words
        assert bool(metric.buckets) is (metric.kind is MetricKind.HISTOGRAM)
        assert len(set(metric.labels)) == len(metric.labels)
