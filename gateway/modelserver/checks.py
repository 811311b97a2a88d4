"""The checks that an engine holds a text against: the gateway's own, as far as they run here."""

from __future__ import annotations

import grpc

from gateway.core.faults import Fault, Kind
from gateway.core.hole import Hole, HoleSpec
from gateway.modelserver.engine import Query, Refusal
from gateway.validation.compile import Checks, compile_checks


def checks_of(query: Query, language: str) -> Checks:
    """Compile what the query's text must meet. Raises Refusal where that cannot be met or read."""
    hole = Hole(query.prompt, query.suffix, HoleSpec(language=language), query.constraints)
    try:
        return compile_checks(hole)
    except Fault as fault:
        codes = {Kind.INFEASIBLE: grpc.StatusCode.FAILED_PRECONDITION}
        code = codes.get(fault.kind, grpc.StatusCode.INVALID_ARGUMENT)
        raise Refusal(code, fault.message) from None
