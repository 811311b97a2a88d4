"""Settings of execution traces, which callers ask for by `trace` or by the Trace RPC."""

from __future__ import annotations

import random
import time
from typing import Annotated

from pydantic import Field

from gateway.config.section import Seconds, Section, Share
from gateway.core.ports import Clock
from gateway.core.trace import FIRST_CHARS, TextPolicy
from gateway.ensemble.trace_state import Running, state_reader
from gateway.ensemble.tracing import TraceDesk, TracingSettings
from gateway.state.budget import TenantBudgets
from gateway.state.traces import TraceSettings, TraceStore

MAX_TENANT = 128


class TraceConfig(Section):
    """Execution traces. They are kept in memory, and cost nothing until somebody asks for one."""

    enabled: bool = Field(default=True, description="Let callers have their requests traced.")
    allow_remote: bool = Field(
        default=False,
        description="Let callers of other machines, other gateways among them, ask for traces.",
    )
    tenants: tuple[Annotated[str, Field(min_length=1, max_length=MAX_TENANT)], ...] = Field(
        default=(),
        max_length=1000,
        description="Values of x-ensemble-tenant that may ask for traces; none: every caller may.",
    )
    per_s: float = Field(
        default=20.0,
        gt=0,
        le=100_000,
        allow_inf_nan=False,
        description="Traces a second that each tenant may ask for.",
    )
    burst: int = Field(
        default=100, ge=1, le=100_000, description="Traces that it may ask for at once."
    )
    share: Share = Field(
        default=0.0, description="Share of all requests that are traced without being asked."
    )
    text: TextPolicy = Field(
        default=TextPolicy.FIRST,
        description="Kept of prompts and answers: none, hash, first (and hash), or full.",
    )
    first_chars: int = Field(
        default=FIRST_CHARS, ge=1, le=2000, description="Characters that `first` keeps."
    )
    kept: int = Field(default=1000, ge=1, le=100_000, description="Most traces kept.")
    max_bytes: int = Field(
        default=64_000_000, ge=1_000_000, description="About the most memory that they take."
    )
    unfinished_s: Seconds = Field(
        default=900.0, description="A trace that nobody closed is let go of after this."
    )
    slow_s: Seconds = Field(
        default=0.1, description="Traced requests that take longer are logged, without text."
    )


def traces_of(
    config: TraceConfig, gateway: Running, tenants: TenantBudgets | None, clock: Clock
) -> TraceDesk | None:
    """Make what traces the requests of a gateway; None where nothing is to be traced.

    `tenants` has their budgets, if there are any.
    """
    if not config.enabled:
        return None
    return TraceDesk(
        TracingSettings(
            config.text,
            config.first_chars,
            config.slow_s,
            config.share,
            frozenset(config.tenants),
            config.allow_remote,
            config.per_s,
            config.burst,
        ),
        TraceStore(TraceSettings(config.kept, config.max_bytes, config.unfinished_s), clock),
        state_reader(gateway, tenants),
        clock,
        time.time,
        random.random,
    )
