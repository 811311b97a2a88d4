"""Decisions and reports as JSON texts, the same in the database and in the log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import MISSING, fields
from typing import Any, Generic, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, create_model
from pydantic_core import to_json

from gateway.core.feedback import OutcomeReport, RoutingEvent
from gateway.core.matching import LayerRecord

Record = TypeVar("Record", RoutingEvent, OutcomeReport)

_CONFIG = ConfigDict(ser_json_inf_nan="strings", extra="ignore")


class Form(Generic[Record]):
    """Writes and reads one class of records, without the fields that have their default.

    A field that a later version adds is read from earlier texts with its default, one that it
    removes is passed over.
    """

    def __init__(self, record: type[Record], *apart: str) -> None:
        self._record = record
        hints = get_type_hints(record)
        kept = [one for one in fields(record) if one.name not in apart]
        self._names = [one.name for one in kept]
        self._defaults = [(one.name, one.default) for one in kept]
        schema: dict[str, Any] = {
            one.name: (hints[one.name], ... if one.default is MISSING else one.default)
            for one in kept
        }
        self._model: type[BaseModel] = create_model(record.__name__, __config__=_CONFIG, **schema)

    def write(self, record: Record) -> str:
        """Return one line. Raises ValueError when a text in it is not one that UTF-8 can write."""
        values = _without_defaults(record, self._defaults)
        if "layers" in values:
            values["layers"] = [_without_defaults(one, _LAYER) for one in values["layers"]]
        # What is no plain value is a number of numpy's.
        return to_json(values, inf_nan_mode="strings", fallback=float).decode()

    def read(self, text: str | bytes, **apart: Any) -> Record:
        """Read what `write` wrote, with the fields it left apart.

        Raises ValueError for anything else.
        """
        model = self._model.model_validate_json(text)
        return self._record(**{name: getattr(model, name) for name in self._names}, **apart)


def _without_defaults(record: object, defaults: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found = ((name, getattr(record, name), default) for name, default in defaults)
    return {name: one for name, one, default in found if default is MISSING or one != default}


_LAYER = [(one.name, one.default) for one in fields(LayerRecord)]

EVENTS = Form(RoutingEvent, "features")
REPORTS = Form(OutcomeReport)
