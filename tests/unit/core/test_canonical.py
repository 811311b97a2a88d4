from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pytest

from gateway.core.canonical import NotCanonicalError, canonical
from gateway.core.constraint import JsonSchema, Regex
from gateway.core.endpoint import Endpoint
from gateway.core.hole import HoleKind, Objective
from gateway.core.value import value


@value
class Bare:
    """A value without fields."""


@value
class Pair:
    left: str = ""
    right: str = ""


@dataclass(slots=True)
class Open:
    """What may change, and has no hash."""

    left: str = ""


@pytest.mark.parametrize(
    "one",
    [
        None,
        True,
        0,
        -1,
        10**30,
        0.5,
        float("inf"),
        "",
        "naïve\ud800",
        b"",
        b"\0",
        (),
        (1, ("a",)),
        frozenset({"a", "b"}),
        HoleKind.BLOCK,
        Bare(),
        Pair("a"),
        Endpoint("a", tags=frozenset({"x", "y"})),
    ],
)
def test_the_same_value_has_the_same_bytes_and_no_other_has_them(one: object) -> None:
    assert canonical(one) == canonical(one)
    assert canonical(one) != canonical((one,))
    assert canonical((one, "")) != canonical((one, "", ""))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, True),
        (1, 1.0),
        (1, "1"),
        ("a", b"a"),
        (None, "None"),
        (("ab", "c"), ("a", "bc")),
        ((("a",), "b"), (("a", "b"),)),
        (Pair("a"), Pair("", "a")),
        (Pair("a", "b"), ("a", "b")),
        (JsonSchema("a"), Regex("a")),
        (HoleKind.BLOCK, "block"),
        (HoleKind.UNSPECIFIED, Objective.BALANCED),
        (frozenset({"a"}), ("a",)),
        (("1;",), (1,)),
    ],
)
def test_what_looks_alike_is_told_apart(one: object, other: object) -> None:
    assert canonical(one) != canonical(other)


def test_equal_sets_and_zeros_have_the_same_bytes() -> None:
    names = [f"tag-{number}" for number in range(50)]
    assert canonical(frozenset(names)) == canonical(frozenset(reversed(names)))
    assert canonical(-0.0) == canonical(0.0)


def test_a_default_that_is_stated_is_the_default() -> None:
    assert canonical(Pair("".join(()), "b")) == canonical(Pair(right="b"))
    assert canonical(Endpoint("a", timeout_s=float("300"))) == canonical(Endpoint("a"))


class Loud(str):
    """A text of another class, which may be written in another way."""

    __slots__ = ()


class Colour(StrEnum):
    RED = "red"


UNKNOWN: list[Any] = [[], {}, set(), object(), Open(), Loud("a"), 1j, (1, [2])]


@pytest.mark.parametrize("one", UNKNOWN)
def test_what_may_change_or_is_unknown_is_refused_and_never_turned_into_text(one: object) -> None:
    """H-03: the key was made of str() of unknown objects."""
    with pytest.raises(NotCanonicalError, match="has no canonical bytes"):
        canonical(one)


def test_not_a_number_is_refused() -> None:
    with pytest.raises(NotCanonicalError, match="NaN"):
        canonical((float("nan"),))


def test_members_of_different_enums_differ() -> None:
    assert canonical(Colour.RED) not in {canonical(member) for member in HoleKind}
