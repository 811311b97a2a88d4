"""What is measured: the gateway, the yardstick and the floors, each on the target core."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.load.bench.measure import Loader
from tests.load.bench.processes import (
    LOAD_CORE,
    TARGET_CORE,
    Running,
    free_port,
    nginx,
    running,
    server,
)

# Nothing is held: the texts have no line end, so all their chunks would come as one, and the row of
# streamed chunks would measure none.
HEADER = (
    '[server]\nport = 0\ntransport = "{plane}"\n\n[log]\nlevel = "error"\n'
    '\n[stream]\nhold = "none"\n'
)
ONE_TRY = "\n[retry]\nmax_tries = 1\n"
ENDPOINT = (
    '\n[[endpoint]]\nname = "{name}"\nurl = "{url}"\npriority = {priority}\n'
    'max_concurrency = 12_000\ntransport = "{plane}"\n'
)


@dataclass(frozen=True, slots=True)
class Targets:
    """Everything that runs in one pass; `nginx` is None where it is not installed."""

    load: Loader
    upstream: Running
    yardstick: Running
    on_uvloop: Running
    gateway: Running
    failing: Running
    failing_once: Running
    plane_b: Running
    plane_b_failing: Running
    echo: Running
    nginx: Running | None

    @property
    def measured(self) -> list[Running]:
        """Everything that answers calls."""
        servers = (self.upstream, self.yardstick, self.on_uvloop, self.gateway)
        ours = (self.plane_b, self.plane_b_failing)
        others = (self.failing, self.failing_once, *ours, self.echo, self.nginx)
        return [target for target in (*servers, *others) if target is not None]


@contextmanager
def gateway(
    folder: Path, *urls: str, settings: str = "", plane: str = "grpcio"
) -> Generator[Running]:
    """Run the gateway, as a user would, with these endpoints in order of preference."""
    config = folder / f"gateway-{plane}-{len(urls)}{len(settings)}.toml"
    endpoints = (
        ENDPOINT.format(name=f"model-{number}", url=url, priority=number, plane=plane)
        for number, url in enumerate(urls)
    )
    head = HEADER.format(plane=plane)
    config.write_text(head + settings + "".join(endpoints), encoding="utf-8")
    with server(TARGET_CORE, "gateway", "serve", "--config", str(config)) as started:
        yield started


@contextmanager
def loader() -> Generator[Loader]:
    """Run the load process on the core that is not the targets'."""
    with running(LOAD_CORE, sys.executable, "-m", "tests.load.bench.load") as process:
        process.stdout.readline()
        yield Loader(process)


@contextmanager
def everything(folder: Path) -> Generator[Targets]:
    """Start all that one pass needs; stop it at the end of the block."""
    with ExitStack() as stack:
        enter = stack.enter_context
        upstream = enter(server(LOAD_CORE, "tests.load.bench.echo"))
        proxy = ("tests.load.bench.proxy", upstream.address)
        nobody = f"127.0.0.1:{free_port()}"
        yield Targets(
            load=enter(loader()),
            upstream=upstream,
            yardstick=enter(server(TARGET_CORE, *proxy)),
            on_uvloop=enter(server(TARGET_CORE, *proxy, "--uvloop")),
            gateway=enter(gateway(folder, upstream.address)),
            failing=enter(gateway(folder, nobody, upstream.address)),
            failing_once=enter(gateway(folder, nobody, upstream.address, settings=ONE_TRY)),
            plane_b=enter(gateway(folder, upstream.address, plane="h2")),
            plane_b_failing=enter(gateway(folder, nobody, upstream.address, plane="h2")),
            echo=enter(server(TARGET_CORE, "tests.load.bench.echo")),
            nginx=enter(nginx(TARGET_CORE, upstream.address, folder)),
        )
