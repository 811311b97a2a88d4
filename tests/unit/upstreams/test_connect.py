from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from gateway.core.endpoint import Endpoint, Protocol
from gateway.core.hole import Hole, Request
from gateway.core.ports import Upstream
from gateway.upstreams.channels import OPTIONS, target_of
from gateway.upstreams.connect import UpstreamOptions, connect
from gateway.upstreams.headers import outgoing


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("127.0.0.1:5000", ("127.0.0.1:5000", False)),
        ("grpc://host:1", ("host:1", False)),
        ("grpc://[::1]:1/", ("[::1]:1", False)),
        ("grpcs://host:1", ("host:1", True)),
    ],
)
def test_targets(url: str, target: tuple[str, bool]) -> None:
    assert target_of(url) == target


@pytest.mark.parametrize("url", ["", "http://host:1", "grpc://", "grpc://host:1/path", "host/x"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="grpc://host:port"):
        target_of(url)


@pytest.mark.parametrize("url", ["", "host:1", "grpc://host:1", "http://", "http:///v1"])
def test_openai_endpoints_need_an_http_url(url: str) -> None:
    endpoint = Endpoint("e", protocol=Protocol.OPENAI, url=url)
    with pytest.raises(ValueError, match="OpenAI-compatible"):
        connect(endpoint, UpstreamOptions(), lambda: 0.0)


@pytest.mark.parametrize(
    ("protocol", "url", "adapter"),
    [
        (Protocol.NATIVE, "grpc://127.0.0.1:1", "NativeUpstream"),
        (Protocol.NATIVE, "grpcs://127.0.0.1:1", "NativeUpstream"),
        (Protocol.OPENAI, "https://127.0.0.1:1/v1", "OpenAiUpstream"),
    ],
)
async def test_the_protocol_chooses_the_adapter(protocol: Protocol, url: str, adapter: str) -> None:
    make: Callable[..., Upstream] = connect
    upstream = make(Endpoint("e", protocol=protocol, url=url), UpstreamOptions(), lambda: 0.0)
    assert type(upstream).__name__ == adapter
    await upstream.close()


def test_aiohttp_is_not_loaded_for_native_endpoints() -> None:
    code = "import sys, gateway.upstreams.connect; sys.exit('aiohttp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_channel_leaves_retries_to_the_one_layer_that_has_them() -> None:
    options = dict(OPTIONS)
    assert options["grpc.enable_retries"] == 0
    assert options["grpc.service_config_disable_resolution"] == 1


@pytest.mark.parametrize("secret", ["", "a b", "line\nbreak", "schlüssel"])
def test_a_secret_that_no_header_can_carry_is_refused_unseen(secret: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII") as caught:
        UpstreamOptions(secret=secret)
    assert not secret or secret not in str(caught.value)


def test_options_do_not_show_their_secret() -> None:
    assert "hush" not in repr(UpstreamOptions(secret="hush"))
    assert UpstreamOptions().authorization is None


def test_only_known_headers_go_out() -> None:
    context = (
        ("traceparent", "00-1-2-01"),
        ("tracestate", "bad\nvalue"),
        ("baggage", "k=é"),
        ("authorization", "Bearer of-the-caller"),
        ("x-ensemble-tenant", "t"),
    )
    request = Request(Hole("x"), "id 1", trace_context=context)
    assert outgoing(request, None) == (("traceparent", "00-1-2-01"), ("x-request-id", "id 1"))
    assert outgoing(request, "Bearer k")[-1] == ("authorization", "Bearer k")
    assert outgoing(Request(Hole("x"), ""), None) == ()
