from __future__ import annotations

from dataclasses import FrozenInstanceError, field

import pytest

from gateway.core import value as module
from gateway.core.value import value


def test_values_are_compared_and_hashed_by_their_fields() -> None:
    @value
    class Point:
        x: int
        tags: tuple[str, ...] = field(default=())

    assert Point(1) == Point(1) != Point(2)
    assert len({Point(1), Point(1)}) == 1
    assert not hasattr(Point(1), "__dict__")


def test_development_mode_freezes_them_at_run_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FROZEN", True)

    @value
    class Point:
        x: int

    point = Point(1)
    with pytest.raises(FrozenInstanceError):
        point.x = 2  # type: ignore[misc]
