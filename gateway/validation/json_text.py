"""JSON as its standard has it: no NaN, no infinity, and an error that quotes nothing."""

from __future__ import annotations

import json
from typing import NoReturn


class JsonTextError(Exception):
    """The text is not JSON; the message says where and quotes nothing."""


def _refuse(constant: str) -> NoReturn:
    raise JsonTextError(f"{constant} is no JSON number")


def read_json(text: str) -> object:
    """Parse a text.

    Raises JsonTextError when it is not JSON, ValueError for an integer of more digits than Python
    converts, and RecursionError when it is nested too deeply.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise JsonTextError(f"{error.msg} (line {error.lineno}, column {error.colno})") from None


def canonical(value: object) -> str:
    """One spelling for equal values: names sorted, no spaces, ASCII only."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
