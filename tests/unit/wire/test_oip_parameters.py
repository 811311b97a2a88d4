"""Values in parameters, in whatever form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.wire.oip.inference import InferParameter, ModelInferRequest
from gateway.wire.oip.parameters import (
    set_values,
    stops_from_text,
    stops_to_text,
    value_of,
    values_of,
)

TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]))
VALUE = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False),
    TEXT,
)


@given(values=st.dictionaries(TEXT, VALUE, max_size=5))
def test_values_come_back_as_they_were(values: dict[str, bool | int | float | str]) -> None:
    request = ModelInferRequest()
    set_values(request.parameters, values)
    copy = ModelInferRequest.FromString(request.SerializeToString())
    back = values_of(copy.parameters)
    assert back == values
    assert {name: type(value) for name, value in back.items()} == {
        name: type(value) for name, value in values.items()
    }


def test_what_is_not_said_is_not_sent() -> None:
    request = ModelInferRequest()
    set_values(request.parameters, {"seed": None, "n": 1})
    assert list(request.parameters) == ["n"]
    assert value_of(InferParameter()) is None


def test_older_servers_get_decimals_as_text() -> None:
    request = ModelInferRequest()
    set_values(request.parameters, {"temperature": 0.25, "top_k": 4}, decimals=False)
    assert request.parameters["temperature"].string_param == "0.25"
    assert request.parameters["top_k"].int64_param == 4


@given(stops=st.lists(TEXT, max_size=4))
def test_stops_survive_their_one_value(stops: list[str]) -> None:
    text = stops_to_text(tuple(stops))
    assert (() if text is None else stops_from_text(text)) == tuple(stops)


@pytest.mark.parametrize(
    ("text", "stops"),
    [
        ("\n\n", ("\n\n",)),
        ("[", ("[",)),
        ("[1]", ("[1]",)),
        ('["a", "b"]', ("a", "b")),
        ("[" * 100_000, ("[" * 100_000,)),
    ],
    ids=["plain", "no-json", "no-texts", "array", "deep"],
)
def test_stops_as_others_write_them(text: str, stops: tuple[str, ...]) -> None:
    assert stops_from_text(text) == stops
