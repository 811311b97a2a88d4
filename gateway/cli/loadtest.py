"""`ensemble loadtest`: the load harness, a distribution of its own for machines that only send."""

from __future__ import annotations

import typer

from gateway.cli.exits import Exit, fail

CONTEXT: dict[str, object] = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    # The harness has help of its own.
    "help_option_names": [],
}


def loadtest(context: typer.Context) -> None:
    """Send load to this gateway or to its peers, and report what came of it; compare two runs."""
    try:
        from ensemble_loadtest.command import main
    except ImportError:
        fail("loadtest: not installed: pip install 'ensemble-gateway[loadtest]'", Exit.FAILED)
    main(context.args)
