"""What is remembered of fields and blocks, and for how long."""

from __future__ import annotations

from gateway.h2.limits import Limits
from gateway.h2.reading import BlockReader, FieldCache
from tests.unit.h2 import wire


def stateless(cache: FieldCache) -> BlockReader:
    """Read for a peer that knows of our table of size 0."""
    reader = BlockReader(cache, Limits())
    reader.acknowledged()
    return reader


def test_a_block_whose_fields_are_known_is_remembered_as_a_whole() -> None:
    cache = FieldCache()
    reader = stateless(cache)
    raw = wire.block(wire.REQUEST)
    first = reader.read(raw)
    assert not cache.blocks
    second = reader.read(raw)
    assert cache.blocks == {raw: second}
    assert reader.read(raw) is second
    assert first == second


def test_connections_of_one_listener_share_what_is_known() -> None:
    cache = FieldCache()
    raw = wire.block(wire.REQUEST)
    stateless(cache).read(raw)
    stateless(cache).read(raw)
    assert stateless(cache).read(raw) is cache.blocks[raw]


def test_a_secret_is_not_remembered() -> None:
    """RFC 7541 §7.1.3: the peer marked it as never to be indexed."""
    cache = FieldCache()
    reader = stateless(cache)
    raw = b"\x10\x01k\x06secret\x1f\x08\x06secret"
    for _ in range(3):
        assert len(reader.read(raw).fields) == 2
    assert not cache.known
    assert not cache.blocks


def test_what_differs_from_request_to_request_is_not_remembered() -> None:
    cache = FieldCache(volatile=frozenset({b"trace"}))
    stateless(cache).read(wire.block(((b"trace", b"1"), (b"x", b"y"))))
    assert [field.pair for field in cache.known.values()] == [(b"x", b"y")]


def test_what_is_long_is_not_remembered() -> None:
    cache = FieldCache(longest=20)
    reader = stateless(cache)
    for _ in range(3):
        reader.read(wire.block(((b"x", b"y" * 20),)))
        reader.read(b"\x82" * 81)
    assert not cache.known
    assert not cache.blocks


def test_what_is_remembered_is_bounded() -> None:
    cache = FieldCache(most=16)
    reader = stateless(cache)
    for place in range(100):
        raw = wire.block(((b"x", b"%d" % place),))
        for _ in range(2):
            assert reader.read(raw).fields == ((b"x", b"%d" % place),)
        assert len(cache.known) <= 16
        assert len(cache.blocks) <= 2


def test_a_block_that_is_too_long_costs_no_more_to_remember_than_another() -> None:
    cache = FieldCache()
    reader = stateless(cache)
    assert reader.read(b"\x82" * 1000).too_long
    assert cache.blocks[b"\x82" * 1000].fields == ()


def test_a_field_cut_short_is_never_taken_for_a_known_one() -> None:
    cache = FieldCache()
    reader = stateless(cache)
    whole = wire.block(((b"x", b"yyyy"),))
    reader.read(whole)
    for end in range(1, len(whole)):
        try:
            reader.read(whole[:end])
        except Exception as error:  # noqa: BLE001 - any other would fail the match below
            assert type(error).__name__ == "PeerError"
        else:
            raise AssertionError(end)
