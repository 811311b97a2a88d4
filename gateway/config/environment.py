"""The layer of environment variables: what cannot be read is a mistake with a name."""

from __future__ import annotations

import os
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource

from gateway.config.problems import Problem
from gateway.config.schema import Settings

PREFIX = "ENSEMBLE_"


class Environment(EnvSettingsSource):
    """Reads the variables; one that is not JSON where it must be is noted and left out."""

    def __init__(self, schema: type[BaseSettings], unreadable: list[Problem]) -> None:
        """Note in `unreadable` what cannot be read."""
        super().__init__(schema)
        self._unreadable = unreadable

    def prepare_field_value(
        self,
        field_name: str,
        field: FieldInfo,
        value: Any,
        value_is_complex: bool,  # noqa: FBT001 - pydantic-settings calls it so
    ) -> Any:
        """Read the variable of one section; its text is never repeated, it might be secret."""
        try:
            return super().prepare_field_value(field_name, field, value, value_is_complex)
        except (ValueError, RecursionError):
            variable = f"{PREFIX}{field_name}".upper()
            kind = "an array of tables" if field_name in {"endpoint", "pipeline"} else "a table"
            self._unreadable.append(
                Problem(variable, "is not JSON", f"write {kind} as JSON, or unset the variable")
            )
            return None


def unknown_variables() -> list[Problem]:
    """Find variables that look like settings and are none, so that a typo is not ignored."""
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    return [
        Problem(name, "no such section", "correct the variable's name or unset it")
        for name in sorted(os.environ)
        if name.startswith(PREFIX) and "__" in name and name.split("__")[0] not in known
    ]
