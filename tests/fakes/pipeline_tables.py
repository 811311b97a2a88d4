"""Tables of pipelines as a configuration has them, and what is wrong with them."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.config.load import build
from gateway.config.problems import ConfigError, Problem

ENDPOINT = {
    "name": "a",
    "url": "127.0.0.1:9000",
    "capabilities": ["fast_inference"],
    "tags": ["eu"],
}
DRAFT = {"id": "draft", "do": "draft"}
LOOK = {"id": "look", "do": "critique", "text": "$draft.text"}
MEND = {"id": "mend", "do": "repair", "text": "$draft.text", "issues": "$look.issues"}
CHECK = {"id": "check", "do": "validate", "text": "$draft.text"}


def document(*pipelines: dict[str, Any]) -> dict[str, Any]:
    return {"endpoint": [ENDPOINT], "pipeline": list(pipelines)}


def table(*steps: dict[str, Any], output: str = "mend", **fields: Any) -> dict[str, Any]:
    return {"name": "own", "output": output, "step": list(steps), **fields}


def problems(*pipelines: dict[str, Any]) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        build(document(*pipelines), "gateway.toml")
    return list(caught.value.problems)


def only(*pipelines: dict[str, Any]) -> tuple[str, str, str]:
    (problem,) = problems(*pipelines)
    return problem.path, problem.why, problem.mend


OTHER = {**MEND, "id": "other"}


def fallback_of(**fields: Any) -> dict[str, Any]:
    return {**MEND, "on_error": "fallback", "fallback": "other", **fields}
