"""The options of `ensemble loadtest`, one type each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ensemble_loadtest.plan import Arrivals, Protocol

Target = Annotated[
    str,
    typer.Option(
        "--target",
        "-t",
        envvar="ENSEMBLE_TARGET",
        help="host:port, or an address; of an OpenAI API with its path, as http://host:8000/v1.",
    ),
]
Speech = Annotated[Protocol, typer.Option("--protocol", help="How the target is spoken to.")]
Stream = Annotated[bool, typer.Option("--stream", help="Ask for streams.")]
Chat = Annotated[bool, typer.Option("--chat", help="Of OpenAI's, the chat API.")]
Rate = Annotated[str | None, typer.Option("--rate", help="Open loop: requests per second.")]
Ramp = Annotated[
    str | None, typer.Option("--ramp", help="Open loop: from one rate to another, 100:2000.")
]
Step = Annotated[
    str | None, typer.Option("--step", help="Open loop: one rate after the other, 100,200,400.")
]
Trace = Annotated[
    Path | None, typer.Option("--trace", help="Open loop: a file of recorded offsets in seconds.")
]
Speed = Annotated[
    float, typer.Option("--speed", min=1e-06, help="How much faster to replay --trace.")
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", min=1, help="Closed loop: callers that each wait for an answer."),
]
Gaps = Annotated[
    Arrivals, typer.Option("--arrivals", help="How the gaps of an open loop are drawn.")
]
Duration = Annotated[
    str, typer.Option("--duration", "-d", help="Longest time to send for: 30s, 5m.")
]
Requests = Annotated[
    int, typer.Option("--requests", "-n", min=0, help="Most requests to send; 0 is no limit.")
]
Warmup = Annotated[str, typer.Option("--warmup", help="Time at the start that is not counted.")]
MaxInFlight = Annotated[
    int,
    typer.Option(
        "--max-in-flight", min=1, help="What an open loop would send above it is dropped."
    ),
]
Processes = Annotated[int, typer.Option("--processes", min=1, max=256, help="Processes that send.")]
Connections = Annotated[
    int, typer.Option("--connections", min=1, max=1024, help="gRPC connections of a process.")
]
Seed = Annotated[int, typer.Option("--seed", help="Makes chance repeatable.")]
Timeout = Annotated[
    str, typer.Option("--timeout", help="Deadline of each request; the server is told.")
]
Prompts = Annotated[
    Path | None,
    typer.Option("--prompts", help="Holes to ask for: JSON objects with prompt and suffix."),
]
PromptChars = Annotated[
    int | None,
    typer.Option("--prompt-chars", min=64, max=2000000, help="Made prompts of this length."),
]
Model = Annotated[str, typer.Option("--model", help="Model, of OIP's and OpenAI's.")]
MaxTokens = Annotated[int, typer.Option("--max-tokens", min=1, help="Most tokens of an answer.")]
Temperature = Annotated[
    float | None, typer.Option("--temperature", min=0, help="Else the server's default.")
]
Cache = Annotated[
    bool, typer.Option("--cache", help="Let the gateway answer from its result cache.")
]
Tensor = Annotated[str, typer.Option("--tensor", help="OIP's input tensor for the prompt.")]
SuffixTensor = Annotated[
    str, typer.Option("--suffix-tensor", help="OIP's for the suffix; empty: none is sent.")
]
Header = Annotated[
    list[str] | None,
    typer.Option("--header", "-H", help="'name: text', or 'name: env:VARIABLE' for a secret."),
]
ApiKeyEnv = Annotated[
    str | None, typer.Option("--api-key-env", help="Variable that holds a bearer token.")
]
Ca = Annotated[
    Path | None, typer.Option("--ca", help="Certificates to trust, of https and grpcs targets.")
]
Slo = Annotated[
    str, typer.Option("--slo", help="What a good answer keeps: ttft=300ms,tpot=50ms,latency=2s.")
]
FailUnder = Annotated[
    float | None,
    typer.Option("--fail-under", min=0, max=1, help="Exit with 1 below this share of goodput."),
]
MaxLag = Annotated[
    str, typer.Option("--max-lag", help="p99 of own lateness above which a run is partial.")
]
JsonFile = Annotated[
    Path | None, typer.Option("--json", help="Write the report there; - is standard output.")
]
HtmlFile = Annotated[
    Path | None, typer.Option("--html", help="Write the report there as one page.")
]
