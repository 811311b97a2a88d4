"""The command line's entry point: registers the commands."""

from __future__ import annotations

import typer

from gateway.cli import (
    analyze,
    ask,
    cache,
    config,
    dashboard,
    demo,
    doctor,
    endpoints,
    jobs,
    loadtest,
    mcp,
    model_server,
    outcome,
    pipeline,
    refine,
    replay,
    route,
    serve,
    show,
    trace,
    traces,
    tune,
)

app = typer.Typer(
    name="ensemble",
    help="A gRPC ensemble inference gateway with model fallback, for code generation.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("serve")(serve.serve)
app.command("demo")(demo.demo)
app.command("generate")(ask.generate)
app.command("route")(route.route)
app.command("refine")(refine.refine)
app.command("jobs")(jobs.jobs)
app.command("control")(jobs.control)
app.command("trace")(trace.trace)
app.add_typer(traces.app, name="traces")
app.command("replay")(replay.replay)
app.command("metrics")(show.metrics)
app.command("dashboard")(dashboard.dashboard)
app.command("doctor")(doctor.doctor)
app.command("outcome")(outcome.outcome)
app.add_typer(tune.app, name="tune")
app.command("analyze")(analyze.analyze)
app.add_typer(endpoints.app, name="endpoints")
app.add_typer(pipeline.app, name="pipeline")
app.add_typer(cache.app, name="cache")
app.add_typer(config.app, name="config")
app.command("model-server")(model_server.model_server)
app.command("loadtest", context_settings=loadtest.CONTEXT)(loadtest.loadtest)
app.command("mcp")(mcp.mcp)


def main() -> None:
    """Run the command line."""
    app()
