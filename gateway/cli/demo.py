"""`ensemble demo`: real holes, real servers, one of them killed half way."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.exits import Exit, exits, fail
from gateway.cli.options import AsJson

if TYPE_CHECKING:
    from gateway.cli.demonstration.performing import Report

HOLES = 48
TIMEOUT_S = 300.0


def demo(
    holes: Annotated[int, typer.Option(min=1, max=200, help="Holes to cut and send.")] = HOLES,
    seed: Annotated[int, typer.Option(min=0, help="Chooses which holes are cut.")] = 0,
    timeout: Annotated[
        float, typer.Option("--timeout", min=1, help="Longest time of the command, in seconds.")
    ] = TIMEOUT_S,
    as_json: AsJson = False,
) -> None:
    """Fill holes in the standard library with three model servers, of which one is killed.

    Three requests come first: a hole with constraints and tests, a file with several holes, and a
    pipeline that drafts, criticises and repairs. Then routing learns from the outcomes of small
    holes: thresholds are proposed, judged by the recorded decisions, and applied. A batch is
    paused, resumed, skipped and stopped in words, and one request is sent ten times at once.

    Everything runs on this machine and is stopped at the end. Exits with 0 when at least 40 holes
    were sent, none was lost, some fell back from the killed server, all outcomes were learned, the
    batch followed, and the repeated request made one call; how many fills are right is reported as
    it is.
    """
    from gateway.cli.demonstration.document import print_document
    from gateway.cli.demonstration.fleet import StartError
    from gateway.cli.demonstration.showing import show
    from gateway.cli.demonstration.works import TooFewHolesError

    folder = Path(tempfile.mkdtemp(prefix="ensemble-demo-"))
    with exits():
        try:
            report = asyncio.run(_perform(folder, holes, seed, timeout))
        except (StartError, TooFewHolesError) as error:
            fail(str(error), Exit.FAILED)
        except TimeoutError:
            fail(f"the time of {timeout:g} s is over; logs are in {folder}", Exit.DEADLINE)
        except (asyncio.CancelledError, KeyboardInterrupt):
            shutil.rmtree(folder)
            fail("interrupted", Exit.INTERRUPTED)
    if as_json:
        print_document(report)
    else:
        show(report)
    if report.missing:
        fail(f"{'; '.join(report.missing)}; logs are in {folder}", Exit.FAILED)
    shutil.rmtree(folder)


async def _perform(folder: Path, holes: int, seed: int, limit_s: float) -> Report:
    """Run the demonstration with a progress bar on a terminal; signals end it in order."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from gateway.cli.demonstration.performing import perform

    task = asyncio.current_task()
    if task is not None:
        for number in (signal.SIGTERM, signal.SIGHUP):
            with suppress(NotImplementedError, ValueError):
                asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
        transient=True,
    )
    with progress:
        bar = progress.add_task("", total=None)

        def tell(words: str, done: int, total: int) -> None:
            progress.update(bar, description=words, completed=done, total=total or None)

        async with asyncio.timeout(limit_s):
            return await perform(folder, holes, seed, tell)
