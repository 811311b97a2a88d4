"""Read the configuration: file, then environment over it, then checks across tables."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource

from gateway.config.environment import Environment, unknown_variables
from gateway.config.experiments import experiment_problems
from gateway.config.pipeline_checks import pipeline_problems
from gateway.config.problems import ConfigError, Problem, problems_of
from gateway.config.schema import EndpointConfig, Settings
from gateway.config.secrets import secret_problem
from gateway.config.topics import topic_problems
from gateway.core.endpoint import Protocol

SCHEMES = {
    Protocol.NATIVE: frozenset({"grpc", "grpcs"}),
    Protocol.OPENAI: frozenset({"http", "https"}),
    Protocol.OIP: frozenset({"grpc", "grpcs"}),
}


def default_path() -> Path:
    """Where the configuration is looked for when none is named."""
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    own = home / "ensemble" / "gateway.toml"
    return own if own.exists() else Path("/etc/ensemble/gateway.toml")


def load(path: Path | None = None, overrides: Mapping[str, Any] | None = None) -> Settings:
    """Load and check a configuration file, with the environment and `overrides` over it.

    Raises ConfigError with every mistake found; nothing is half loaded.
    """
    file = path or default_path()
    return build(_read(file), str(file), overrides or {})


def build(
    document: Mapping[str, Any], source: str, overrides: Mapping[str, Any] | None = None
) -> Settings:
    """Check a configuration that was already read; `source` names it in errors."""
    unreadable: list[Problem] = []

    class Layered(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - ours notes what it cannot read
            dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - no .env files
            file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - secret_ref instead
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            document_source = InitSettingsSource(settings_cls, init_kwargs=dict(document))
            environment = Environment(settings_cls, unreadable)
            return init_settings, environment, document_source

    problems = unknown_variables()
    try:
        settings = Layered(**dict(overrides or {}))
    except ValidationError as error:
        found = problems_of(error, Settings)
        raise ConfigError(source, (*problems, *unreadable, *found)) from None
    # What a variable that cannot be read would have set is not known: nothing is said about it.
    problems += unreadable or _across(settings)
    if problems:
        raise ConfigError(source, tuple(problems))
    return settings


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        why = f"cannot be read: {error.strerror}"
        mend = "name a readable file with --config"
    except UnicodeDecodeError:
        why, mend = "is not UTF-8", "save the file as UTF-8"
    except tomllib.TOMLDecodeError as error:
        why, mend = f"is not TOML: {error}", "correct the line that is named"
    raise ConfigError(str(file), (Problem(str(file), why, mend),))


def _across(settings: Settings) -> list[Problem]:
    """Check what no single key can tell."""
    endpoints = settings.endpoint
    problems: list[Problem] = []
    if not endpoints:
        problems.append(
            Problem("endpoint", "no endpoint is configured", "add at least one [[endpoint]] table")
        )
    names = [endpoint.name for endpoint in endpoints]
    for place, endpoint in enumerate(endpoints):
        path = f"endpoint[{place}]"
        if endpoint.name in names[:place]:
            problems.append(
                Problem(
                    f"{path}.name", f"{endpoint.name!r} is used twice", "give each its own name"
                )
            )
        problems += _url_problems(path, endpoint)
        if endpoint.secret_ref is not None:
            why = secret_problem(endpoint.secret_ref)
            if why:
                mend = "set the variable or create the file that the reference names"
                problems.append(Problem(f"{path}.secret_ref", why, mend))
    default = settings.ensemble.default_endpoint
    if default is not None and default not in names:
        problems.append(
            Problem(
                "ensemble.default_endpoint",
                f"{default!r} is not among the endpoints",
                f"use one of: {', '.join(names)}",
            )
        )
    targets = list(dict.fromkeys(endpoint.group or endpoint.name for endpoint in endpoints))
    return [
        *problems,
        *pipeline_problems(settings),
        *topic_problems(settings.topic, targets),
        *experiment_problems(settings.experiment, targets),
        *_unrecorded(settings),
    ]


def _unrecorded(settings: Settings) -> list[Problem]:
    """Say what can do nothing while no decision is kept."""
    if settings.outcomes.enabled:
        return []
    wanted = {"experiment": bool(settings.experiment), "adaptive": settings.adaptive.enabled}
    mend = "set outcomes.enabled, or remove it"
    return [
        Problem(name, "needs outcomes, and none are kept", mend)
        for name, used in wanted.items()
        if used
    ]


def _url_problems(path: str, endpoint: EndpointConfig) -> list[Problem]:
    url = endpoint.url if "://" in endpoint.url else f"grpc://{endpoint.url}"
    allowed = SCHEMES[endpoint.protocol]
    try:
        parts = urlsplit(url)
        fits = parts.scheme in allowed and bool(parts.hostname) and "@" not in parts.netloc
        if parts.scheme in SCHEMES[Protocol.NATIVE]:
            fits = fits and parts.port is not None
    except ValueError:
        fits = False
    if fits:
        return []
    schemes = " or ".join(f"{scheme}://" for scheme in sorted(allowed))
    return [
        Problem(
            f"{path}.url",
            f"is no address for the {endpoint.protocol} protocol",
            f"write {schemes} with host and port, without user or password",
        )
    ]
