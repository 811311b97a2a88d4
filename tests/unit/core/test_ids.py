from __future__ import annotations

import random
import uuid

import pytest

from gateway.core.ids import RANDOM_BITS, decision_id

MOST_MS = (1 << 48) - 1


def test_an_id_is_a_uuid_of_version_7_that_tells_its_milliseconds() -> None:
    text = decision_id(1_764_200_000_123, random.Random(7).getrandbits(RANDOM_BITS))
    parsed = uuid.UUID(text)
    assert str(parsed) == text
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
    assert parsed.int >> 80 == 1_764_200_000_123


def test_the_example_of_the_standard_comes_out() -> None:
    """RFC 9562, appendix A.6."""
    random_bits = 0xCC3 << 62 | 0x18C4DC0C0C07398F
    assert decision_id(0x017F22E279B0, random_bits) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"


def test_ids_sort_by_their_time() -> None:
    draw = random.Random(1)
    times = sorted(draw.randrange(MOST_MS) for _ in range(200))
    ids = [decision_id(at, draw.getrandbits(RANDOM_BITS)) for at in times]
    assert ids == sorted(ids)


def test_ids_of_one_millisecond_differ_in_every_random_bit() -> None:
    """A-05: ids of one second must not collide."""
    ids = {decision_id(1, 1 << bit) for bit in range(RANDOM_BITS)}
    assert len(ids | {decision_id(1, 0)}) == RANDOM_BITS + 1


@pytest.mark.parametrize(
    ("at", "bits"), [(MOST_MS + 1, 0), (-1, 0), (0, 1 << RANDOM_BITS), (0, -1)]
)
def test_numbers_that_do_not_fit_are_refused(at, bits) -> None:
    with pytest.raises(ValueError, match="unsigned"):
        decision_id(at, bits)


def test_the_largest_numbers_fit() -> None:
    text = decision_id(MOST_MS, (1 << RANDOM_BITS) - 1)
    assert text == "ffffffff-ffff-7fff-bfff-ffffffffffff"
