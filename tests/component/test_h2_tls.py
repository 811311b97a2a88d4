"""Server and channel over TLS, with a certificate of the test's own."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from pathlib import Path

import grpc
import pytest
from grpc import aio

pytest.importorskip("hpack")


from gateway.h2.aio.channel import Channel
from gateway.h2.aio.server import ALPN, Server
from gateway.h2.grpc.status import CallError, Code
from tests.fakes.h2_raw import raw_client
from tests.fakes.h2_stage import HANDLERS, HOST, PATIENCE_S, UNARY, connections_of

BIG = bytes(range(256)) * (3 * 4096)


async def error_of(channel: Channel, path: str = UNARY) -> CallError:
    with pytest.raises(CallError) as error:
        async with asyncio.timeout(PATIENCE_S):
            await channel.unary(path, b"m")
    return error.value


async def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make a certificate for the loopback; returns the server's context and the client's."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command")
    key, cert = folder / "key.pem", folder / "cert.pem"
    made = await asyncio.create_subprocess_exec(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
        *("-nodes", "-keyout", str(key), "-out", str(cert), "-days", "2", "-subj", "/CN=localhost"),
        *("-addext", "subjectAltName=IP:127.0.0.1"),
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert await asyncio.wait_for(made.wait(), PATIENCE_S) == 0
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(cert, key)
    client = ssl.create_default_context(cafile=str(cert))
    for one in (server, client):
        one.set_alpn_protocols([ALPN])
    return server, client


async def test_tls_with_alpn(tmp_path: Path) -> None:
    of_server, of_client = await certificate(tmp_path)
    server = Server(HANDLERS.get, max_connections=2)
    port = await server.start(HOST, 0, tls=of_server)
    channel = Channel(HOST, port, tls=of_client)
    assert await channel.unary(UNARY, BIG) == BIG
    found = connections_of(channel)[0].link.transport
    assert found is not None
    assert found.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
    root = (tmp_path / "cert.pem").read_bytes()
    credentials = grpc.ssl_channel_credentials(root)
    async with aio.secure_channel(f"{HOST}:{port}", credentials) as theirs:
        assert await theirs.unary_unary(UNARY)(b"m") == b"m"
    await channel.close()
    await server.drain(0)


async def test_handshakes_that_fail_take_no_place(tmp_path: Path) -> None:
    """Their protocols never hear of an end; a server that counted them could not drain."""
    of_server, of_client = await certificate(tmp_path)
    server = Server(HANDLERS.get, max_connections=2)
    port = await server.start(HOST, 0, tls=of_server)
    for _ in range(5):
        async with raw_client(port) as peer:
            peer.send(b"this is no TLS at all\r\n\r\n")
            await peer.reads_nothing()
    channel = Channel(HOST, port, tls=of_client)
    assert await channel.unary(UNARY, b"m") == b"m"
    assert server.refused == 0
    await channel.close()
    await asyncio.wait_for(server.drain(0), PATIENCE_S)


async def test_a_certificate_that_nobody_vouches_for_is_no_connection(tmp_path: Path) -> None:
    of_server, _ = await certificate(tmp_path)
    server = Server(HANDLERS.get)
    port = await server.start(HOST, 0, tls=of_server)
    channel = Channel(HOST, port, tls=ssl.create_default_context())
    error = await error_of(channel)
    assert (error.code, error.unconnected) == (Code.UNAVAILABLE, True)
    await channel.close()
    await asyncio.wait_for(server.drain(0), PATIENCE_S)
