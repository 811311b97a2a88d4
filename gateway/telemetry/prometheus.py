"""The metrics in the text forms of Prometheus, through OpenTelemetry's SDK and its exporter.

Everything is counted where it happens, and read when somebody scrapes. Times are written beside
the exporter: a histogram of the SDK costs a request 8 µs for each time, most of it for looking at
labels that are known, and the exporter leaves the exemplars of a data point out
(`_populate_histogram_family` of opentelemetry/exporter/prometheus/__init__.py, 0.66b2).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Meter, Observation
from opentelemetry.sdk.metrics import MeterProvider, ObservableCounter, ObservableGauge
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

from gateway.core.ports import Clock
from gateway.core.telemetry import MetricsPage
from gateway.state.tally import TimeSeries, TimeTally
from gateway.telemetry.catalogue import METRICS, PREFIX, Metric, MetricKind

SCRAPE_S = 10.0
"""Longest time of one scrape."""

MOST_SERIES = 10_000
"""Most label sets of one metric; the SDK adds the rest up under `otel_metric_overflow`."""

Series = Iterable[tuple[tuple[str, ...], float]]
"""Label values, in the order of the metric's labels, and the number."""

Reading = Mapping[str, Series]
"""The numbers of one moment, by the names of the catalogue."""


class Times:
    """The times of one metric, by its labels."""

    def __init__(self, metric: Metric, wall: Clock) -> None:
        self.metric = metric
        self.tally = TimeTally(metric.buckets, wall, MOST_SERIES)

    def record(self, amount: float, attributes: Mapping[str, str], trace_id: str = "") -> None:
        """Count one time in seconds; `trace_id` is that of a sampled span in which it passed."""
        labels = tuple([attributes[name] for name in self.metric.labels])
        self.tally.add(labels, amount, trace_id)


class Exposition:
    """Holds what is counted of the catalogue; `page` is one scrape. Made once, at the start.

    `read` takes the numbers of the moment on the event loop; they are written down in a thread of
    its own, so that a scrape holds up no request. `close` ends that thread. `wall` tells unix
    seconds.
    """

    def __init__(self, read: Callable[[], Reading], wall: Clock = time.time) -> None:
        self._read = read
        self._reading: Reading = {}
        self._times = {
            metric.name: Times(metric, wall)
            for metric in METRICS
            if metric.kind is MetricKind.HISTOGRAM
        }
        self._registry = CollectorRegistry(auto_describe=False)
        reader = PrometheusMetricReader(
            disable_target_info=True,
            prefix=PREFIX,
            scope_info_enabled=False,
            registry=self._registry,
            cardinality_limits=dict.fromkeys((ObservableCounter, ObservableGauge), MOST_SERIES),
        )
        self._registry.register(_Histograms(self._times.values()))
        self._provider = MeterProvider(
            (reader,), resource=Resource.get_empty(), shutdown_on_exit=False
        )
        self._meter = self._provider.get_meter(PREFIX)
        for metric in METRICS:
            if metric.kind is not MetricKind.HISTOGRAM:
                _observe(self._meter, metric, self._observer(metric))
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="scrape")

    def histogram(self, name: str) -> Times:
        """Return what counts the times of this name in the catalogue."""
        return self._times[name]

    async def page(self, accept: str = "") -> MetricsPage:
        """Write all metrics as they are now, in the form that the Accept header asks for.

        Exemplars are in that of OpenMetrics, for the other has no room for them. Raises
        TimeoutError after SCRAPE_S.
        """
        reading = {name: tuple(series) for name, series in self._read().items()}
        loop = asyncio.get_running_loop()
        written = loop.run_in_executor(self._thread, self._write, reading, accept)
        return await asyncio.wait_for(written, SCRAPE_S)

    def close(self) -> None:
        """Let go of everything; a scrape that runs is not waited for."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._provider.shutdown()

    def _write(self, reading: Reading, accept: str) -> MetricsPage:
        self._reading = reading
        encode, content_type = choose_encoder(accept)
        return MetricsPage(encode(self._registry), content_type)

    def _observer(self, metric: Metric) -> Callable[[CallbackOptions], Iterator[Observation]]:
        def observe(_: CallbackOptions) -> Iterator[Observation]:
            for labels, number in self._reading.get(metric.name, ()):
                yield Observation(number, dict(zip(metric.labels, labels, strict=True)))

        return observe


class _Histograms(Collector):
    """Writes times as the exporter would, and their exemplars, of which it writes none."""

    def __init__(self, times: Iterable[Times]) -> None:
        self._times = tuple(times)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Write each metric that has times."""
        for times in self._times:
            metric, found = times.metric, times.tally.read()
            if found:
                name = f"{PREFIX}_{metric.name.replace('.', '_')}"
                labels, ends = metric.labels, (*map(str, metric.buckets), "+Inf")
                family = HistogramMetricFamily(name, metric.words, labels=labels, unit="seconds")
                for series in found:
                    family.add_metric(series.labels, [*_buckets(ends, series)], series.total_s)
                yield family


Bucket = tuple[str, float] | tuple[str, float, Exemplar]


def _buckets(ends: tuple[str, ...], series: TimeSeries) -> Iterator[Bucket]:
    found = dict(series.exemplars)
    for place, count in enumerate(accumulate(series.counts)):
        one = found.get(place)
        if one is None:
            yield ends[place], count
        else:
            yield ends[place], count, Exemplar({"trace_id": one.trace_id}, one.seconds, one.at)


def _observe(
    meter: Meter, metric: Metric, observer: Callable[[CallbackOptions], Iterator[Observation]]
) -> None:
    if metric.kind is MetricKind.COUNTER:
        meter.create_observable_counter(metric.name, [observer], metric.unit, metric.words)
    else:
        meter.create_observable_gauge(metric.name, [observer], metric.unit, metric.words)
