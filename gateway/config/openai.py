"""Settings of the listener that speaks the OpenAI API."""

from __future__ import annotations

from pydantic import Field

from gateway.config.section import Section


class OpenAiConfig(Section):
    """The HTTP listener for clients of the OpenAI API. It needs the extra `http`."""

    host: str = Field(
        default="127.0.0.1",
        description="Address to listen on; whoever can reach it can send requests.",
    )
    port: int | None = Field(
        default=None, ge=0, le=65535, description="Port; 0 takes a free one; none: it is off."
    )
