"""The seeds of the fuzzer hold, without the fuzzer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.h2_checks import checked, read_alike

SEEDS = Path(__file__).parents[1] / "fuzz" / "seeds"


@pytest.mark.parametrize("seed", sorted(SEEDS.glob("h2_*/*")), ids=lambda seed: seed.name)
def test_a_seed_of_the_fuzzer_holds(seed: Path) -> None:
    data = seed.read_bytes()
    if seed.parent.name == "h2_hpack":
        read_alike(data)
    else:
        checked(data, client=seed.parent.name == "h2_client")
