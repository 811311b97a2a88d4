"""`ensemble model-server`: a real model server, small enough to start anywhere."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from gateway.cli.exits import Exit, exits, fail

if TYPE_CHECKING:
    from gateway.modelserver.engine import Engine


class EngineName(StrEnum):
    """Where completions come from."""

    NGRAM = "ngram"
    REPLAY = "replay"


PORT = typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")
LATENCY = typer.Option(help="replay: none, recorded, recorded*0.5 or 250ms.")
FIELD = typer.Option(help="replay: OUR_NAME=NAME_IN_FILE; may be given several times.")
CHOOSE = typer.Option(help="replay: candidate or seed; what chooses among completions.")
PROFILE = typer.Option(help="ngram: fast, quality or constrained. replay: a TOML file.")


def model_server(
    engine: Annotated[EngineName, typer.Option(help="Where completions come from.")],
    profile: Annotated[str, PROFILE] = "",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, PORT] = 0,
    model: Annotated[str, typer.Option(help="Name of the model; default: made up.")] = "",
    max_in_flight: Annotated[int, typer.Option(min=1, help="Most requests at once.")] = 64,
    drain: Annotated[float, typer.Option(min=0, help="Seconds from SIGTERM to refusing.")] = 0.0,
    grace: Annotated[float, typer.Option(min=0, help="Seconds for running requests.")] = 300.0,
    corpus_tokens: Annotated[
        int | None, typer.Option(min=1000, help="ngram: train on no more tokens than this.")
    ] = None,
    cache: Annotated[Path | None, typer.Option(help="ngram: folder of trained models.")] = None,
    file: Annotated[Path | None, typer.Option(help="replay: JSONL, plain or gzipped.")] = None,
    field: Annotated[list[str] | None, FIELD] = None,
    latency: Annotated[str | None, LATENCY] = None,
    error_rate: Annotated[float | None, typer.Option(help="replay: share that fails.")] = None,
    error_every: Annotated[int | None, typer.Option(help="replay: every k-th fails.")] = None,
    error_code: Annotated[str | None, typer.Option(help="replay: status of failures.")] = None,
    cut_after: Annotated[int | None, typer.Option(help="replay: cut after k characters.")] = None,
    pace_ms: Annotated[float | None, typer.Option(help="replay: pause between pieces.")] = None,
    hang: Annotated[bool, typer.Option("--hang", help="replay: never answer.")] = False,
    seed: Annotated[int | None, typer.Option(help="replay: seed of the failures.")] = None,
    choose: Annotated[str | None, CHOOSE] = None,
) -> None:
    """Serve `ensemble.v1.ModelService` until SIGTERM or SIGINT, then drain.

    Prints `model-server listening on HOST:PORT model NAME` on standard output once callers may
    come; everything else goes to standard error.
    """
    flags: dict[str, Any] = {
        "latency": latency,
        "error_rate": error_rate,
        "error_every": error_every,
        "error_code": error_code,
        "cut_after": cut_after,
        "pace_ms": pace_ms,
        "hang": hang or None,
        "seed": seed,
        "choose": choose,
    }
    given = {name: value for name, value in flags.items() if value is not None}
    with exits():
        if engine is EngineName.REPLAY:
            made = _replay(file, field or [], profile, given)
            name = model or "replay"
        else:
            wrong = sorted(given) + ["file"] * (file is not None) + ["field"] * bool(field)
            if wrong:
                _usage(f"only --engine replay knows --{wrong[0].replace('_', '-')}")
            name = model or f"ngram-{profile or 'quality'}"
            made = _ngram(profile or "quality", cache, corpus_tokens)
        _serve(name, made, host, port, max_in_flight, drain, grace)


def _usage(message: str) -> NoReturn:
    fail(message, Exit.USAGE)


def _ngram(profile: str, cache: Path | None, tokens: int | None) -> Engine:
    from gateway.modelserver.profiles import Profile, ngram_engine
    from gateway.modelserver.store import cache_folder

    if profile not in set(Profile):
        _usage(f"--profile must be one of {', '.join(Profile)} for --engine ngram")
    folder = cache or cache_folder()
    made = ngram_engine(Profile(profile), folder, tokens=tokens, progress=_progress())
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    return made


def _progress() -> Callable[[int, int], None] | None:
    """Show how far a training is, on a terminal only."""
    if not sys.stderr.isatty():
        return None

    def show(read: int, most: int) -> None:
        words = f"learning from the standard library: {read:,} of at most {most:,} tokens"
        print(f"\r{words}", end="", file=sys.stderr, flush=True)

    return show


def _replay(file: Path | None, fields: list[str], profile: str, flags: dict[str, Any]) -> Engine:
    from gateway.config.problems import ConfigError, Problem
    from gateway.modelserver.recordings import FIELDS, load, revision_of
    from gateway.modelserver.replay import ReplayEngine, profile_of

    if file is None:
        _usage("--engine replay needs --file, the recorded completions")
    names: dict[str, str] = {}
    for pair in fields:
        ours, equals, theirs = pair.partition("=")
        if not equals or not theirs or ours not in FIELDS:
            _usage(f"--field is OUR_NAME=NAME_IN_FILE; our names: {', '.join(sorted(FIELDS))}")
        names[ours] = theirs
    text = ""
    if profile:
        try:
            text = Path(profile).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            problem = Problem(
                "file", f"cannot be read ({type(error).__name__})", "name a TOML file"
            )
            raise ConfigError(profile, (problem,)) from None
    settings = profile_of(text, flags, profile or "flags of the replay engine")
    return ReplayEngine(load(file, names), settings, revision=revision_of(file))


def _serve(
    name: str, engine: Engine, host: str, port: int, most: int, drain_s: float, grace_s: float
) -> None:
    from gateway.modelserver.server import ServerSettings, serve
    from gateway.telemetry.logs import set_up

    def ready(bound: int) -> None:
        print(f"model-server listening on {host}:{bound} model {name}", flush=True)

    set_up("info", "auto")
    settings = ServerSettings(host, port, most, drain_s, grace_s)
    received = _runner()(serve({name: engine}, settings, ready))
    if received and received[0] is signal.SIGINT:
        raise typer.Exit(Exit.INTERRUPTED)


def _runner() -> Callable[[Coroutine[Any, Any, list[signal.Signals]]], list[signal.Signals]]:
    """The event loop of the platform: uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run
    return uvloop.run
