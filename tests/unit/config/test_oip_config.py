"""The settings of the Open Inference Protocol."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.config.load import build
from gateway.config.problems import ConfigError
from gateway.config.values import upstream_options
from gateway.core.endpoint import Protocol
from gateway.upstreams.oip_options import OipDecimals, OipOptions, OipStream


def endpoint(**fields: Any) -> dict[str, Any]:
    return {"endpoint": [{"name": "a", "url": "127.0.0.1:9000", "protocol": "oip", **fields}]}


def mistakes(document: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        build(document, "gateway.toml")
    return "\n".join(map(str, caught.value.problems))


def test_the_door_is_open_unless_closed() -> None:
    assert build(endpoint(model="m"), "gateway.toml").oip.enabled
    closed = {**endpoint(model="m"), "oip": {"enabled": False}}
    assert not build(closed, "gateway.toml").oip.enabled


def test_an_endpoint_has_the_tensors_of_its_model() -> None:
    table = {
        "prompt": "text_input",
        "suffix": "",
        "output": "text_output",
        "version": "2",
        "stream": "triton",
        "decimals": "string",
        "raw": True,
    }
    settings = build(endpoint(model="m", oip=table), "gateway.toml")
    (config,) = settings.endpoint
    assert config.protocol is Protocol.OIP
    assert upstream_options(config, settings).oip == OipOptions(
        "text_input", "", "text_output", "2", OipStream.TRITON, OipDecimals.STRING, raw=True
    )


def test_without_a_table_it_has_the_names_of_our_own_door() -> None:
    settings = build(endpoint(model="m"), "gateway.toml")
    assert upstream_options(settings.endpoint[0], settings).oip == OipOptions()


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "needs model"),
        ({"model": "m", "url": "http://h:1"}, "no address for the oip protocol"),
        ({"model": "m", "url": "grpc://h"}, "with host and port"),
        ({"model": "m", "health": "watch"}, 'needs protocol = "native"'),
        ({"model": "m", "oip": {"prompt": ""}}, "prompt"),
        ({"model": "m", "oip": {"stream": "both"}}, "mlserver"),
        ({"protocol": "native", "oip": {"raw": True}}, 'applies to protocol = "oip" only'),
    ],
    ids=["model", "scheme", "port", "watch", "prompt", "stream", "other"],
)
def test_what_cannot_be_is_said_with_its_mend(fields: dict[str, Any], words: str) -> None:
    assert words in mistakes(endpoint(**fields))
