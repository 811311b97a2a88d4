"""The checks of `ensemble doctor` that need a configuration and no gateway."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path

from gateway.cli.finding import Finding, broken, good, lacking
from gateway.config.checking import TypeCheckerKind
from gateway.config.learning import OutcomesConfig
from gateway.config.schema import Settings
from gateway.config.telemetry import Traces
from gateway.config.tools import sandbox_of
from gateway.stores.database import MEMORY, trouble
from gateway.stores.segments import segments

BUSY_S = 2.0
TAIL_BYTES = 65_536
SECURE_MODE = 0o077


def config_findings(settings: Settings) -> Iterator[Finding]:
    """Check what a configuration that was loaded asks for."""
    yield from _extras(settings)
    yield from _store(settings.outcomes)
    yield from _event_log(settings.outcomes)
    yield _sandbox(settings)


def _extras(settings: Settings) -> Iterator[Finding]:
    wanted = {
        "http": (settings.admin.port is not None, ("starlette", "uvicorn", "jinja2"), "admin.port"),
        "otlp": (
            settings.telemetry.traces is Traces.OTLP,
            ("opentelemetry.exporter.otlp.proto.grpc",),
            "telemetry.traces",
        ),
        "onnx": (
            settings.learning.embedder.endswith(".onnx"),
            ("onnxruntime", "tokenizers"),
            "learning.embedder",
        ),
        "types": (
            settings.checks.type_checker is not TypeCheckerKind.NONE,
            ("basedpyright",),
            "checks.type_checker",
        ),
    }
    asked = {name: rest for name, (needed, *rest) in wanted.items() if needed}
    for name, (modules, key) in asked.items():
        missing = [module for module in modules if not _installed(module)]
        if missing:
            found = f"{key} is set, and {', '.join(missing)} is not installed"
            yield broken(f"extra {name}", found, f"run `pip install 'ensemble-gateway[{name}]'`")
        else:
            yield good(f"extra {name}", f"installed, for {key}")
    if not asked:
        yield good("extras", "none is needed")


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _store(config: OutcomesConfig) -> Iterator[Finding]:
    check = "outcomes store"
    if not config.enabled:
        do = "set outcomes.enabled, or do without learning"
        yield lacking(check, "no decisions are kept", do)
        return
    if config.path == MEMORY:
        do = "set outcomes.path to a file"
        yield lacking(check, "decisions are kept in memory and forgotten at the end", do)
        return
    path = Path(config.path)
    why = _not_writable(path if path.exists() else _standing(path.parent))
    if why:
        yield broken(check, why, "give the gateway's user the right to write there")
    elif not path.exists():
        yield good(check, f"{path} is not there yet; it is made at the start")
    else:
        yield _stored(path)


def _stored(path: Path) -> Finding:
    """Count what a file holds, without changing it or waiting for long."""
    check = "outcomes store"
    address = f"{path.resolve().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(address, timeout=BUSY_S, uri=True)) as connection:
            query = "SELECT count(*), coalesce(sum(labelled), 0), max(at) FROM events"
            events, labelled, newest = connection.execute(query).fetchone()
    except sqlite3.Error as error:
        return broken(check, str(trouble(str(path), error)), "mend the file, or name another one")
    if not events:
        do = "send requests, and look at outcomes.enabled of the gateway that runs"
        return lacking(check, f"{path} holds no decision", do)
    age_h = max(time.time() - newest, 0) / 3600
    found = f"{path}: {events:,} decisions, {labelled:,} with an outcome, newest {age_h:.1f} h ago"
    if labelled:
        return good(check, found)
    return lacking(check, found, "report outcomes: `ensemble outcome`, or RecordOutcome")


def _event_log(config: OutcomesConfig) -> Iterator[Finding]:
    check = "event log"
    if not config.log_path:
        yield good(check, "none is configured")
        return
    folder = Path(config.log_path)
    why = _not_writable(_standing(folder))
    if why or (folder.exists() and not folder.is_dir()):
        found = why or f"{folder} is no folder"
        yield broken(check, found, "make the folder, and let the gateway's user write there")
        return
    files = segments(folder)
    if not files:
        do = "nothing was recorded yet; send a request while the gateway runs"
        yield lacking(check, f"{folder} has no segment", do)
        return
    lines, unreadable = _read_tail(files[-1])
    found = f"{len(files)} segments in {folder}; of the last {lines} lines {unreadable} are no JSON"
    if unreadable:
        yield lacking(check, found, "look at the disk: a line is cut only when that is full")
    elif files[-1].stat().st_mode & SECURE_MODE:
        yield lacking(check, f"{files[-1]} can be read by others", f"run `chmod 600 {files[-1]}`")
    else:
        yield good(check, found)


def _read_tail(path: Path) -> tuple[int, int]:
    """Count the last whole lines of a file, and those that are no JSON."""
    with path.open("rb") as file:
        start = max(path.stat().st_size - TAIL_BYTES, 0)
        file.seek(start)
        lines = file.read(TAIL_BYTES).split(b"\n")[:-1]
    if start:
        del lines[:1]
    return len(lines), sum(not _is_json(line) for line in lines)


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _standing(folder: Path) -> Path:
    """Return the folder, or the nearest above it that is there: it would be made inside that."""
    while not folder.exists():
        folder = folder.parent
    return folder


def _not_writable(path: Path) -> str:
    """Say why the user of this command cannot write to a path; nothing when it can."""
    mode = os.W_OK | os.X_OK if path.is_dir() else os.W_OK
    return "" if os.access(path, mode) else f"{path} cannot be written by this user"


def _sandbox(settings: Settings) -> Finding:
    sandbox = sandbox_of(settings, time.monotonic)
    if sandbox is None:
        return good("sandbox", "none is configured: unit tests stay unchecked")
    why = asyncio.run(sandbox.probe())
    if why:
        return broken("sandbox", why, 'mend it, or set sandbox.kind = "none"')
    return good("sandbox", "a trial program ran")
