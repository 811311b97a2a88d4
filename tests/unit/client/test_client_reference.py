"""The reference of the SDK's page is what the client says, and the client says something of all."""

from __future__ import annotations

import importlib.util
import inspect
from pathlib import Path
from types import ModuleType

import ensemble_client
import pytest
from ensemble_client import AsyncClient, Client, testing

ROOT = Path(__file__).resolve().parents[3]
PUBLIC = [(module, name) for module in (ensemble_client, testing) for name in module.__all__]
METHODS = sorted(
    {name for kind in (Client, AsyncClient) for name in dir(kind) if not name.startswith("_")}
)


@pytest.fixture(scope="module")
def rendered() -> str:
    path = ROOT / "clients" / "python" / "reference.py"
    spec = importlib.util.spec_from_file_location("reference", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.render()


def test_the_page_is_up_to_date(rendered: str) -> None:
    page = (ROOT / "docs" / "sdk.md").read_text(encoding="utf-8")
    assert page == rendered, "run `python clients/python/reference.py`"


@pytest.mark.parametrize(("module", "name"), PUBLIC, ids=[name for _, name in PUBLIC])
def test_a_public_name_says_what_it_is_for(module: ModuleType, name: str, rendered: str) -> None:
    """Of a class its own docstring, of a message the comment in the protos, else words below it."""
    _, _, after = rendered.partition(f"\n### {name}\n\n*")
    _, _, words = after.partition("*\n\n")
    assert words.split("\n")[0].endswith((".", ":")) or len(words.split("\n")[0]) > 60
    found = getattr(module, name)
    if isinstance(found, type) and not hasattr(found, "DESCRIPTOR"):
        assert found.__dict__.get("__doc__")


@pytest.mark.parametrize("method", METHODS)
def test_both_clients_have_the_method_with_the_same_arguments_and_words(method: str) -> None:
    blocking, asynchronous = getattr(Client, method), getattr(AsyncClient, method)
    assert inspect.getdoc(blocking)
    if method != "batch":  # an asynchronous iterable of requests is for one of them only
        assert inspect.getdoc(blocking) == inspect.getdoc(asynchronous)
    assert [
        (one.name, one.kind, one.default) for one in inspect.signature(blocking).parameters.values()
    ] == [
        (one.name, one.kind, one.default)
        for one in inspect.signature(asynchronous).parameters.values()
    ]


def test_a_type_that_is_no_message_has_members_in_the_reference(rendered: str) -> None:
    assert "- `release() -> None`: " in rendered
