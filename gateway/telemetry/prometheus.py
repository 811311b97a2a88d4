"""The metrics in Prometheus' text form, through OpenTelemetry's SDK and its exporter.

Times are recorded as they come, into buckets that the SDK keeps. Everything else is counted where
it happens anyway, and read when somebody scrapes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.metrics import CallbackOptions, Histogram, Meter, Observation
from opentelemetry.sdk.metrics import (
    Counter,
    MeterProvider,
    ObservableCounter,
    ObservableGauge,
    ObservableUpDownCounter,
    UpDownCounter,
)
from opentelemetry.sdk.metrics import Histogram as SdkHistogram
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry, generate_latest

from gateway.telemetry.catalogue import BY_NAME, METRICS, PREFIX, Metric, MetricKind

SCRAPE_S = 10.0
"""Longest time of one scrape."""

MOST_SERIES = 10_000
"""Most label sets of one metric; the SDK adds the rest up under `otel_metric_overflow`."""

Series = Iterable[tuple[tuple[str, ...], float]]
"""Label values, in the order of the metric's labels, and the number."""

Reading = Mapping[str, Series]
"""The numbers of one moment, by the names of the catalogue."""

_INSTRUMENTS = (
    Counter,
    UpDownCounter,
    SdkHistogram,
    ObservableCounter,
    ObservableUpDownCounter,
    ObservableGauge,
)


class Exposition:
    """Holds the instruments of the catalogue; `text` is one scrape. Made once, at the start.

    `read` takes the numbers of the moment on the event loop; they are written down in a thread of
    its own, so that a scrape holds up no request. `close` ends that thread.
    """

    def __init__(self, read: Callable[[], Reading]) -> None:
        self._read = read
        self._reading: Reading = {}
        self._registry = CollectorRegistry(auto_describe=False)
        reader = PrometheusMetricReader(
            disable_target_info=True,
            prefix=PREFIX,
            scope_info_enabled=False,
            registry=self._registry,
            cardinality_limits=dict.fromkeys(_INSTRUMENTS, MOST_SERIES),
        )
        self._provider = MeterProvider(
            (reader,), resource=Resource.get_empty(), shutdown_on_exit=False
        )
        self._meter = self._provider.get_meter(PREFIX)
        for metric in METRICS:
            if metric.kind is not MetricKind.HISTOGRAM:
                _observe(self._meter, metric, self._observer(metric))
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="scrape")

    def histogram(self, name: str) -> Histogram:
        """Make the histogram of this name in the catalogue."""
        metric = BY_NAME[name]
        return self._meter.create_histogram(
            metric.name,
            metric.unit,
            metric.words,
            explicit_bucket_boundaries_advisory=metric.buckets,
        )

    async def text(self) -> bytes:
        """Write all metrics as they are now. Raises TimeoutError after SCRAPE_S."""
        reading = {name: tuple(series) for name, series in self._read().items()}
        loop = asyncio.get_running_loop()
        written = loop.run_in_executor(self._thread, self._write, reading)
        return await asyncio.wait_for(written, SCRAPE_S)

    def close(self) -> None:
        """Let go of everything; a scrape that runs is not waited for."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self._provider.shutdown()

    def _write(self, reading: Reading) -> bytes:
        self._reading = reading
        return generate_latest(self._registry)

    def _observer(self, metric: Metric) -> Callable[[CallbackOptions], Iterator[Observation]]:
        def observe(_: CallbackOptions) -> Iterator[Observation]:
            for labels, number in self._reading.get(metric.name, ()):
                yield Observation(number, dict(zip(metric.labels, labels, strict=True)))

        return observe


def _observe(
    meter: Meter, metric: Metric, observer: Callable[[CallbackOptions], Iterator[Observation]]
) -> None:
    if metric.kind is MetricKind.COUNTER:
        meter.create_observable_counter(metric.name, [observer], metric.unit, metric.words)
    else:
        meter.create_observable_gauge(metric.name, [observer], metric.unit, metric.words)
