"""What watches a gateway from outside: a scraper and an OTLP collector, and how to read them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as collector
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families


async def get(
    port: int, path: str = "/metrics", method: str = "GET", *, accept: str = "*/*"
) -> tuple[int, str]:
    """Ask the admin listener like a stranger: the status and the body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"Host: test\r\nAccept: {accept}\r\nConnection: close"
    writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n\r\n".encode())
    await writer.drain()
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return int(head.split()[1]), body.decode()


def families(page: str) -> dict[str, Metric]:
    """Read a page of metrics with Prometheus' own parser."""
    assert page.endswith("\n")
    found = list(text_string_to_metric_families(page))
    assert len({one.name for one in found}) == len(found)
    return {one.name: one for one in found}


def number(page: str, name: str, **labels: str) -> float:
    """The sum of all samples of a name that have these labels."""
    samples = [one for family in families(page).values() for one in family.samples]
    return sum(
        one.value for one in samples if one.name == name and labels.items() <= one.labels.items()
    )


class Collector:
    """An OTLP collector on loopback; `spans` are those that came, `raw` their bytes."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []
        self.url = ""
        self._server = grpc.aio.server()

    @property
    def spans(self) -> list[Span]:
        requests = [collector.ExportTraceServiceRequest.FromString(raw) for raw in self.raw]
        return [
            span
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    async def __aenter__(self) -> Collector:
        handlers = {"Export": grpc.unary_unary_rpc_method_handler(self._export)}
        name = "opentelemetry.proto.collector.trace.v1.TraceService"
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(name, handlers),)
        )
        self.url = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop(None)

    async def _export(self, raw: bytes, _: object) -> bytes:
        self.raw.append(raw)
        return collector.ExportTraceServiceResponse().SerializeToString()


def attributes(span: Any) -> dict[str, Any]:
    """The attributes of a span that came over OTLP."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


@asynccontextmanager
async def no_task_left() -> AsyncIterator[None]:
    """Fail when something began here and was not ended."""
    before = asyncio.all_tasks()
    yield
    left = [task for task in asyncio.all_tasks() - before if not task.done()]
    assert left == []
