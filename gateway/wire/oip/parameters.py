"""Values in maps of parameters, and the two that need a form of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping, MutableMapping
from typing import cast

from gateway.wire.oip.inference import InferParameter

Value = bool | int | float | str

FINAL = "triton_final_response"
"""On a stream: whether an answer is the last one to its request."""
EMPTY_FINAL = "triton_enable_empty_final_response"
"""On a stream: whether the last answer may be one without outputs. Without it, none says `last`."""
CODE = "code"
"""Of a request that failed on a stream of ours: the name of the gRPC status that it would have."""

_INT64 = 2**63


def value_of(parameter: InferParameter) -> Value | None:
    """Read a value; None when none is set, or in a form that this version does not know."""
    form = parameter.WhichOneof("parameter_choice")
    return None if form is None else cast("Value", getattr(parameter, form))


def values_of(parameters: Mapping[str, InferParameter]) -> dict[str, Value]:
    """Read every value that is set."""
    read = {name: value_of(parameter) for name, parameter in parameters.items()}
    return {name: value for name, value in read.items() if value is not None}


def set_values(
    parameters: MutableMapping[str, InferParameter],
    values: Mapping[str, Value | None],
    *,
    decimals: bool = True,
) -> None:
    """Write the values that are not None.

    A number with decimals becomes a text unless `decimals`: older definitions of the protocol know
    no other form for it. Raises ValueError for a number beyond 64 bits, UnicodeEncodeError for half
    a surrogate pair.
    """
    for name, value in values.items():
        if value is not None:
            _set(parameters[name], value, decimals=decimals)


def _set(parameter: InferParameter, value: Value, *, decimals: bool) -> None:
    if isinstance(value, bool):
        parameter.bool_param = value
    elif isinstance(value, int):
        if value >= _INT64:
            parameter.uint64_param = value
        else:
            parameter.int64_param = value
    elif isinstance(value, float) and decimals:
        parameter.double_param = value
    else:
        parameter.string_param = str(value)


def stops_to_text(stops: tuple[str, ...]) -> str | None:
    """Write texts to stop at in the one value that a parameter has; None for none.

    One stands as it is, several as a JSON array; so does one that could be taken for an array.
    """
    if not stops:
        return None
    if len(stops) == 1 and not stops[0].startswith("["):
        return stops[0]
    return json.dumps(stops, ensure_ascii=False)


def stops_from_text(text: str) -> tuple[str, ...]:
    """Read what `stops_to_text` wrote; a text that is no array of texts is one to stop at."""
    if not text.startswith("["):
        return (text,)
    try:
        found = cast("list[object]", json.loads(text))
    except (ValueError, RecursionError):
        return (text,)
    words = tuple(stop for stop in found if isinstance(stop, str))
    return words if len(words) == len(found) else (text,)
