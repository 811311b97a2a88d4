"""Processes under test: started on a core of their own, measured in /proc, ended by pid."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

LISTENING = re.compile(r"listening on \S+:(\d+)")
TICKS = os.sysconf("SC_CLK_TCK")
STOP_SECONDS = 10
CORES = sorted(os.sched_getaffinity(0))
TARGET_CORE = CORES[0]
LOAD_CORE = CORES[-1]


@dataclass(frozen=True, slots=True)
class Running:
    """A process and, for a server, where it listens."""

    process: subprocess.Popen[str]
    address: str = ""

    @property
    def stdin(self) -> IO[str]:
        """Where orders go."""
        assert self.process.stdin is not None
        return self.process.stdin

    @property
    def stdout(self) -> IO[str]:
        """Where reports come from."""
        assert self.process.stdout is not None
        return self.process.stdout

    def cpu_seconds(self) -> float:
        """User and system time of the process and all below it, so far."""
        return sum(_ticks(pid) for pid in _tree(self.process.pid)) / TICKS

    def resident_bytes(self) -> int:
        """Resident memory of the process and all below it."""
        return sum(_resident(pid) for pid in _tree(self.process.pid))


@contextmanager
def running(core: int, *command: str) -> Generator[Running]:
    """Run a command on one core for the time of the block."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})  # inherited, so that no thread starts on another core
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
    finally:
        os.sched_setaffinity(0, before)
    try:
        yield Running(process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


@contextmanager
def server(core: int, *arguments: str) -> Generator[Running]:
    """Run `python -m ARGUMENTS` on one core; wait until it says where it listens."""
    with running(core, sys.executable, "-m", *arguments) as started:
        found = LISTENING.search(started.stdout.readline())
        if found is None:
            raise RuntimeError(f"`python -m {' '.join(arguments)}` did not start")
        yield Running(started.process, f"127.0.0.1:{found[1]}")


@contextmanager
def nginx(core: int, upstream: str, folder: Path) -> Generator[Running | None]:
    """Run nginx as a gRPC proxy; None where it is not installed."""
    program = shutil.which("nginx")
    if program is None:
        yield None
        return
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, upstream=upstream), encoding="utf-8")
    with running(core, program, "-c", str(config), "-e", str(folder / "nginx.log")) as started:
        yield Running(started.process, f"127.0.0.1:{port}")


def free_port() -> int:
    """Return a port of loopback on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


NGINX = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/nginx;
  proxy_temp_path {folder}/nginx;
  fastcgi_temp_path {folder}/nginx;
  uwsgi_temp_path {folder}/nginx;
  scgi_temp_path {folder}/nginx;
  upstream models {{ server {upstream}; keepalive 64; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port} http2;
    keepalive_requests 100000000;
    location / {{ grpc_pass grpc://models; }}
  }}
}}
"""


def _tree(root: int) -> list[int]:
    """Return a process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        if fields := _stat(int(entry.name)):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def _stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat after the name: state, parent, ...; empty when gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()


def _ticks(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[11]) + int(fields[12]) if fields else 0


def _resident(pid: int) -> int:
    fields = _stat(pid)
    return int(fields[21]) * os.sysconf("SC_PAGE_SIZE") if fields else 0
