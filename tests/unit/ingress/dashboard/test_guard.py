"""Who may ask for the pages."""

from __future__ import annotations

import pytest

from gateway.ingress.dashboard.guard import is_stranger

LOCAL = ("127.0.0.1:8080", "127.0.0.1", "localhost:1", "LOCALHOST", "[::1]:8080", "[::1]")
STRANGE = (
    "evil.example:8080",
    "localhost.evil.example",
    "10.0.0.1:8080",
    "",
    "[::2]",
    "127.0.0.1.x",
)


@pytest.mark.parametrize("host", LOCAL)
@pytest.mark.parametrize("listening_on", ["127.0.0.1", "localhost", "[::1]"])
def test_this_machine_may_ask(host: str, listening_on: str) -> None:
    assert not is_stranger(host, listening_on)


@pytest.mark.parametrize("host", STRANGE)
def test_another_name_for_this_machine_may_not(host: str) -> None:
    assert is_stranger(host, "127.0.0.1")
    assert is_stranger(host, "localhost")


@pytest.mark.parametrize("host", STRANGE)
def test_a_listener_that_others_reach_is_asked_by_any_name(host: str) -> None:
    assert not is_stranger(host, "0.0.0.0")
    assert not is_stranger(host, "192.0.2.7")


def test_an_ipv6_listener_is_known_without_brackets() -> None:
    assert is_stranger("evil.example", "::1")
