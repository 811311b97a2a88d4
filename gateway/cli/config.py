"""`ensemble config`: check a configuration, show the effective one, print its schema."""

from __future__ import annotations

import json

import typer

from gateway.cli.exits import exits
from gateway.cli.options import DEFAULT_TARGET, DEFAULT_TIMEOUT, AsJson, ConfigFile, Target, Timeout

app = typer.Typer(help="Check, show or describe the configuration.", no_args_is_help=True)


@app.command()
def check(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Check a configuration file; every mistake is listed, with how to mend it."""
    from gateway.config.load import default_path, load

    with exits():
        path = config or default_path()
        settings = load(path)
        if as_json:
            print(json.dumps({"file": str(path), "endpoints": len(settings.endpoint)}))
        else:
            print(f"{path}: good, {len(settings.endpoint)} endpoints")


@app.command()
def show(
    config: ConfigFile = None,
    target: Target = DEFAULT_TARGET,
    timeout: Timeout = DEFAULT_TIMEOUT,
    running: bool = typer.Option(False, "--running", help="Ask a running gateway instead."),
) -> None:
    """Print the effective configuration as JSON; it holds references, never secrets."""
    from gateway.config.load import load

    with exits():
        if running:
            from ensemble_client import Client

            with Client(target) as client:
                text = client.describe_config(timeout=timeout).config_json
        else:
            text = load(config).model_dump_json()
        print(json.dumps(json.loads(text), indent=2))


@app.command()
def schema() -> None:
    """Print the JSON schema of the configuration, for editors."""
    from gateway.config.schema import Settings

    print(json.dumps(Settings.model_json_schema(), indent=2))
