"""Settings of the Open Inference Protocol: our own door, and the tensors of an endpoint's model."""

from __future__ import annotations

from pydantic import Field

from gateway.config.section import Section
from gateway.upstreams.oip_options import OipDecimals, OipOptions, OipStream


class OipConfig(Section):
    """The Open Inference Protocol as a way in; see docs/oip.md."""

    enabled: bool = Field(
        default=True, description="Serve inference.GRPCInferenceService on the same port."
    )


class OipTensors(Section):
    """How the model of an endpoint with `protocol = "oip"` takes and gives text."""

    prompt: str = Field(
        default="prompt", min_length=1, description="Tensor of the text before the hole."
    )
    suffix: str = Field(
        default="suffix",
        description="Tensor of the text after it, where there is any; empty: none.",
    )
    output: str = Field(
        default="", description="Tensor of the fill; empty: the only one of datatype BYTES."
    )
    version: str = Field(
        default="", description="Version of the model; empty = the server's choice."
    )
    stream: OipStream = Field(
        default=OipStream.UNARY,
        description="unary: it does not stream; else the server's form of ModelStreamInfer.",
    )
    decimals: OipDecimals = Field(
        default=OipDecimals.DOUBLE,
        description="Form of temperature and top_p; string for servers like MLServer.",
    )
    raw: bool = Field(default=False, description="Send text in raw_input_contents.")

    def options(self) -> OipOptions:
        """Return what the adapter works with."""
        return OipOptions(**self.model_dump())
