"""The message of a refinement: a source, its holes and how they are worked on."""

from __future__ import annotations

from collections.abc import Iterable

from ensemble.v1.gateway_service_pb2 import (
    GenerateRequest,
    RefineHole,
    RefineOptions,
    RefineRequest,
)

from ensemble_client.call import Call, CallOptions, CallSettings
from ensemble_client.errors import invalid
from ensemble_client.requests import RequestFields, RequestOptions, request_of

Holes = Iterable[RefineHole | str]
"""The holes of a source; one of which nothing is to be said may be given by its id."""


def prepare_refinement(
    settings: CallSettings,
    request: RefineRequest | GenerateRequest | str,
    holes: Holes,
    options: RefineOptions | None,
    fields: RequestOptions,
) -> tuple[RefineRequest, Call]:
    """Return the message to send and the call to send it with; raises as `refinement_of`."""
    call_options: CallOptions = {
        "timeout": fields.pop("timeout", None),
        "metadata": fields.pop("metadata", None),
    }
    message = refinement_of(request, holes, options, fields)
    return message, settings.call(**call_options, request_id=message.request.request_id)


def refinement_of(
    request: RefineRequest | GenerateRequest | str,
    holes: Holes,
    options: RefineOptions | None,
    fields: RequestFields,
) -> RefineRequest:
    """Return the message to send: the one given, or a new one of a source, holes and options.

    Raises as `request_of` for the common part, InvalidRequest for holes that cannot be sent, and
    TypeError for anything beside a whole message.
    """
    if isinstance(request, RefineRequest):
        if fields or options is not None or tuple(holes):
            raise TypeError("set holes, options and fields in the RefineRequest, or give a source")
        request_of(request.request, {})
        return request
    message = RefineRequest(request=request_of(request, fields), options=options)
    if isinstance(holes, str):
        raise invalid("holes", "must be a list, not one string")
    for place, hole in enumerate(holes):
        try:
            message.holes.append(RefineHole(id=hole) if isinstance(hole, str) else hole)
        except (TypeError, ValueError):
            words = "must be a RefineHole, or its id in valid Unicode"
            raise invalid(f"holes[{place}]", words) from None
    return message
