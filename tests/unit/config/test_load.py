from __future__ import annotations

from pathlib import Path

import pytest

from gateway.config.load import build, default_path, load
from gateway.config.problems import ConfigError
from gateway.config.secrets import resolve

GOOD = {"endpoint": [{"name": "a", "url": "127.0.0.1:9000"}]}


def mistakes(document: dict, **overrides) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        build(document, "gateway.toml", overrides)
    return {problem.path: str(problem) for problem in caught.value.problems}


def endpoint(**fields) -> dict:
    return {"endpoint": [{"name": "a", "url": "127.0.0.1:9000", **fields}]}


def test_the_smallest_configuration_is_one_endpoint() -> None:
    settings = build(GOOD, "gateway.toml")
    assert settings.endpoint[0].name == "a"
    assert settings.ensemble.max_attempts == 3
    assert settings.ensemble.fallback_enabled
    assert settings.ensemble.best_of_n is None


def test_five_different_mistakes_are_reported_at_once_with_place_reason_and_mend() -> None:
    found = mistakes(
        {
            "server": {"port": 70000},
            "ensembel": {"max_attempts": 3},
            "retry": {"max_trys": 2},
            "endpoint": [
                {"name": "a", "url": "x:1", "capabilities": ["fastest"]},
                {"url": "x:2"},
            ],
        }
    )
    assert set(found) == {
        "server.port",
        "ensembel",
        "retry.max_trys",
        "endpoint[0].capabilities[0]",
        "endpoint[1].name",
    }
    assert "did you mean 'ensemble'" in found["ensembel"]
    assert "did you mean 'max_tries'" in found["retry.max_trys"]
    assert "65535" in found["server.port"]
    assert "add the key" in found["endpoint[1].name"]
    assert all("To mend it:" in words for words in found.values())


def test_names_are_unique() -> None:
    """R-08 ✗: duplicate names silently overwrote each other."""
    one = {"name": "a", "url": "x:1"}
    found = mistakes({"endpoint": [one, {"name": "a", "url": "x:2"}]})
    assert "used twice" in found["endpoint[1].name"]


def test_an_empty_fleet_refuses_to_start() -> None:
    """R-04 ✗: an empty list once routed to an endpoint with an empty name."""
    assert "no endpoint" in mistakes({})["endpoint"]


def test_an_unknown_default_endpoint_is_a_mistake() -> None:
    """E-04 ✗: unknown names in the chain were skipped with a warning."""
    found = mistakes({**GOOD, "ensemble": {"default_endpoint": "b"}})
    assert "use one of: a" in found["ensemble.default_endpoint"]


@pytest.mark.parametrize(
    ("protocol", "url"),
    [
        ("native", "no-port"),
        ("native", "http://x:1"),
        ("native", "grpc://user:secret@x:1"),
        ("native", "x:port"),
        ("openai", "x:1"),
        ("openai", "http://"),
        ("openai", "ftp://x/v1"),
    ],
)
def test_an_address_must_fit_its_protocol(protocol: str, url: str) -> None:
    found = mistakes(endpoint(protocol=protocol, url=url))
    assert "protocol" in found["endpoint[0].url"]
    assert "secret" not in found["endpoint[0].url"]


@pytest.mark.parametrize(
    ("protocol", "url"),
    [
        ("native", "x:1"),
        ("native", "grpcs://x:1"),
        ("native", "[::1]:50051"),
        ("openai", "https://host/v1"),
    ],
)
def test_addresses_of_each_protocol(protocol: str, url: str) -> None:
    assert build(endpoint(protocol=protocol, url=url), "t").endpoint[0].url == url


def test_a_secret_is_named_never_written(monkeypatch, tmp_path: Path) -> None:
    """HS-03 ✗: the key sat in the configuration and in every dump of it."""
    found = mistakes(endpoint(secret_ref="sk-abcdef"))
    assert "sk-abcdef" not in found["endpoint[0].secret_ref"]
    monkeypatch.setenv("KEY", "sk-abcdef")
    file = tmp_path / "key"
    file.write_text("sk-from-file\n")
    for reference, secret in (("env:KEY", "sk-abcdef"), (f"file:{file}", "sk-from-file")):
        settings = build(endpoint(secret_ref=reference), "t")
        assert resolve(settings.endpoint[0].secret_ref) == secret
        assert secret not in settings.model_dump_json()
        assert secret not in repr(settings)
    assert resolve(None) is None


@pytest.mark.parametrize("reference", ["env:MISSING", "env:EMPTY", "file:/no/such/file"])
def test_a_reference_that_leads_nowhere_is_a_mistake(monkeypatch, reference: str) -> None:
    monkeypatch.setenv("EMPTY", "")
    assert "secret_ref" in next(iter(mistakes(endpoint(secret_ref=reference))))


def test_an_empty_or_unreadable_secret_file_is_a_mistake(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text(" \n")
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    for file in (empty, binary):
        assert "endpoint[0].secret_ref" in mistakes(endpoint(secret_ref=f"file:{file}"))


def test_environment_stands_over_the_file_and_overrides_over_both(monkeypatch) -> None:
    monkeypatch.setenv("ENSEMBLE_SERVER__PORT", "6001")
    monkeypatch.setenv("ENSEMBLE_RETRY__MAX_TRIES", "5")
    document = {**GOOD, "server": {"port": 6000, "host": "::1"}}
    settings = build(document, "t", {"retry": {"max_tries": 2}})
    assert (settings.server.port, settings.server.host) == (6001, "::1")
    assert settings.retry.max_tries == 2


def test_a_mistyped_variable_is_not_ignored(monkeypatch) -> None:
    monkeypatch.setenv("ENSEMBLE_SERVR__PORT", "1")
    assert "no such section" in mistakes(GOOD)["ENSEMBLE_SERVR__PORT"]
    assert "ENSEMBLE_SERVR__PORT" in mistakes({"server": {"port": -1}})


@pytest.mark.parametrize("name", ["ENSEMBLE_ENDPOINT", "ENSEMBLE_SERVER"])
@pytest.mark.parametrize("text", ["nope-secret", "[" * 100_000])
def test_a_variable_that_is_not_json_is_named_and_not_repeated(monkeypatch, name, text) -> None:
    monkeypatch.setenv(name, text)
    found = mistakes(GOOD)
    assert set(found) == {name}
    assert "is not JSON" in found[name]
    assert "secret" not in found[name]
    assert set(mistakes({"retry": {"max_trys": 2}})) == {name, "retry.max_trys"}


def test_an_array_of_endpoints_in_json_replaces_those_of_the_file(monkeypatch) -> None:
    monkeypatch.setenv("ENSEMBLE_ENDPOINT", '[{"name": "b", "url": "x:1"}]')
    assert [one.name for one in build(GOOD, "t").endpoint] == ["b"]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({}, "t: 1 mistake in the configuration:"),
        ({"sever": {}, "port": 1}, "t: 2 mistakes in the configuration:"),
    ],
)
def test_mistakes_are_counted(document: dict, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        build(document, "t")
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize(
    "document",
    [
        {"server": {"drain_grace_s": 10}},
        {"router": {"fast_below": 0.8}},
        {"server": {"default_deadline_s": float("nan")}},
    ],
)
def test_values_that_contradict_each_other_are_mistakes(document: dict) -> None:
    assert mistakes({**GOOD, **document})


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"port = = 1", "not TOML"), (b"\xff", "UTF-8"), (None, "cannot be read")],
)
def test_an_unreadable_file_is_one_clear_mistake(tmp_path: Path, content, words: str) -> None:
    file = tmp_path / "gateway.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=words):
        load(file)


def test_a_file_is_found_in_the_users_folder_first(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert default_path() == Path("/etc/ensemble/gateway.toml")
    own = tmp_path / "ensemble" / "gateway.toml"
    own.parent.mkdir()
    own.write_text('[[endpoint]]\nname = "a"\nurl = "x:1"\n')
    assert load().endpoint[0].name == "a"
