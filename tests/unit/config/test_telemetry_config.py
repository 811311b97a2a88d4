from __future__ import annotations

import json
import subprocess
import sys

import pytest

from gateway.config.load import build
from gateway.config.problems import ConfigError
from gateway.config.telemetry import Traces

ENDPOINT = {"name": "a", "url": "127.0.0.1:1"}


def settings_of(**tables):
    return build({"endpoint": [ENDPOINT], **tables}, "test")


def test_everything_is_off_by_default():
    settings = settings_of()
    assert (settings.telemetry.traces, settings.admin.port) == (Traces.OFF, None)
    assert settings.admin.host == "127.0.0.1"


@pytest.mark.parametrize("address", ["", "http://collector:4317", "https://collector.test:4317"])
def test_an_address_of_a_collector_is_taken(address: str):
    settings = settings_of(telemetry={"traces": "otlp", "otlp_endpoint": address})
    assert settings.telemetry.otlp_endpoint == address


@pytest.mark.parametrize("address", ["collector:4317", "grpc://collector", "http://me:secret@here"])
def test_what_is_no_address_of_a_collector_is_a_mistake_and_not_repeated(address: str):
    with pytest.raises(ConfigError) as caught:
        settings_of(telemetry={"otlp_endpoint": address})
    (problem,) = caught.value.problems
    assert problem.path == "telemetry.otlp_endpoint"
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("tables", "path"),
    [
        ({"telemetry": {"traces": "zipkin"}}, "telemetry.traces"),
        ({"telemetry": {"sample_ratio": 1.5}}, "telemetry.sample_ratio"),
        ({"admin": {"port": 70_000}}, "admin.port"),
        ({"admin": {"prot": 1}}, "admin.prot"),
    ],
)
def test_a_mistake_is_named_by_its_place(tables, path: str):
    with pytest.raises(ConfigError) as caught:
        settings_of(**tables)
    assert [problem.path for problem in caught.value.problems] == [path]


def test_what_is_off_is_not_even_loaded():
    """An idle gateway has a budget of memory; the SDK alone takes a tenth of it."""
    program = f"""
import json, sys
from gateway.app import Gateway
from gateway.config.load import build
Gateway(build({{"endpoint": [{ENDPOINT!r}]}}, "test"))
heavy = ("opentelemetry", "prometheus_client", "starlette", "uvicorn")
print(json.dumps([name for name in heavy if name in sys.modules]))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=True
    )
    assert json.loads(done.stdout) == []
