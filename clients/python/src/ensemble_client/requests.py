"""Builds the message of a request out of keyword arguments, or checks one that is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, TypedDict, TypeVar, cast

from ensemble.v1.decision_pb2 import Capability, EndpointFilter, Objective, RoutingMode
from ensemble.v1.gateway_service_pb2 import (
    Budget,
    CachePolicy,
    GenerateRequest,
    Priority,
    Strategy,
)
from ensemble.v1.hole_pb2 import Constraint, HoleKind, HoleSpec, Sampling
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from google.protobuf.message import Message

from ensemble_client.call import Call, CallOptions, CallSettings
from ensemble_client.errors import invalid

Made = TypeVar("Made", bound=Message)

MAX_TEXT_BYTES = 2 * 1024 * 1024
# No character takes more bytes of UTF-8.
MAX_BYTES_PER_CHARACTER = 4

KindName = Literal[
    "expression",
    "statement",
    "block",
    "function",
    "module",
    "specification",
    "nano",
    "micro",
    "meso",
    "macro",
]
KIND_ALIASES = {
    "nano": "expression",
    "micro": "statement",
    "meso": "block",
    "macro": "function",
}
"""Names that refinement tools use for the same sizes."""
StrategyName = Literal["sequential", "best_of_n", "pipeline"]
RoutingModeName = Literal["auto", "rules", "learned"]
ObjectiveName = Literal["balanced", "fastest", "cheapest", "accurate", "complete", "least_load"]
CachePolicyName = Literal["default", "bypass", "allow_sampled", "refresh"]
PriorityName = Literal["interactive", "standard", "batch"]
CapabilityName = Literal[
    "code_completion",
    "long_context",
    "constrained_generation",
    "fast_inference",
    "high_quality",
    "security_aware",
]


class RequestFields(TypedDict, total=False):
    """The keyword arguments of a request; each one is the field of that name, see the protos.

    `hole` is a whole HoleSpec, over which `language`, `kind` and `expected_type` are set. `task`
    names the kind of task, by which routing learns; it is set over `labels` as the label of that
    name. `endpoints` names the only endpoints and groups that may be called. Values of enums are
    the generated constants or their short names in lower case.
    """

    suffix: str
    hole: HoleSpec
    language: str
    kind: HoleKind | KindName
    expected_type: str
    constraints: Iterable[Constraint]
    max_tokens: int
    temperature: float
    top_p: float
    top_k: int
    seed: int
    stop: Iterable[str]
    strategy: Strategy | StrategyName
    n: int
    routing_mode: RoutingMode | RoutingModeName
    objective: Objective | ObjectiveName
    budget: Budget
    cache_policy: CachePolicy | CachePolicyName
    required_tags: Iterable[str]
    forbidden_tags: Iterable[str]
    required_capabilities: Iterable[Capability | CapabilityName]
    endpoints: Iterable[str]
    session_id: str
    labels: Mapping[str, str]
    task: str
    request_id: str
    trace: bool
    return_candidates: bool
    priority: Priority | PriorityName
    repair: bool
    pipeline: str
    detached: bool


class RequestOptions(RequestFields, CallOptions, total=False):
    """The keyword arguments of a method that sends a request."""


# The part of the message that holds an argument which is no field of GenerateRequest itself.
PART_OF = {
    **dict.fromkeys(("language", "kind", "expected_type"), "hole."),
    **dict.fromkeys(("max_tokens", "temperature", "top_p", "top_k", "seed", "stop"), "sampling."),
    **dict.fromkeys(
        ("required_tags", "forbidden_tags", "required_capabilities", "endpoints"),
        "endpoint_filter.",
    ),
    "task": "labels.",
}
FIELD_OF = {"endpoints": "names"}
"""The field of an argument that is not called like it."""
REPEATED = frozenset(
    {
        "constraints",
        "stop",
        "required_tags",
        "forbidden_tags",
        "required_capabilities",
        "endpoints",
    }
)
ENUMS: dict[str, tuple[EnumTypeWrapper, str]] = {
    "kind": (HoleKind, "HOLE_KIND_"),
    "strategy": (Strategy, "STRATEGY_"),
    "routing_mode": (RoutingMode, "ROUTING_MODE_"),
    "objective": (Objective, "OBJECTIVE_"),
    "cache_policy": (CachePolicy, "CACHE_POLICY_"),
    "required_capabilities": (Capability, "CAPABILITY_"),
    "priority": (Priority, "PRIORITY_"),
}


def prepare(
    settings: CallSettings, request: GenerateRequest | str, options: RequestOptions
) -> tuple[GenerateRequest, Call]:
    """Return the message to send and the call to send it with; raises as `request_of`."""
    call_options: CallOptions = {
        "timeout": options.pop("timeout", None),
        "metadata": options.pop("metadata", None),
    }
    message = request_of(request, options)
    return message, settings.call(**call_options, request_id=message.request_id)


def request_of(request: GenerateRequest | str, fields: RequestFields) -> GenerateRequest:
    """Return the message to send: the one given, or a new one of a prompt and its fields.

    Raises InvalidRequest, naming the field, for what cannot be sent or is far too large; everything
    else is the gateway's to judge. Raises TypeError for unknown fields and for fields beside a
    whole message.
    """
    unknown = fields.keys() - RequestFields.__annotations__.keys()
    if unknown:
        raise TypeError(f"unexpected keyword arguments: {', '.join(sorted(unknown))}")
    if isinstance(request, GenerateRequest):
        if fields:
            raise TypeError(
                f"{', '.join(fields)}: set them in the GenerateRequest, or give a prompt instead"
            )
        _check_size("prompt", request.prompt)
        _check_size("suffix", request.suffix)
        return request
    _check_size("prompt", request)
    _check_size("suffix", fields.get("suffix") or "")
    return _build(request, fields)


def _build(prompt: str, fields: RequestFields) -> GenerateRequest:
    own: dict[str, object] = {"prompt": prompt}
    parts: dict[str, dict[str, object]] = {part: {} for part in PART_OF.values()}
    for name, value in fields.items():
        part = PART_OF.get(name, "")
        if value is not None:
            parts.get(part, own)[FIELD_OF.get(name, name)] = _plain(part, name, value)
    message = message_of(GenerateRequest, "", own)
    if parts["hole."]:
        message.hole.MergeFrom(message_of(HoleSpec, "hole.", parts["hole."]))
    if parts["sampling."]:
        message.sampling.MergeFrom(message_of(Sampling, "sampling.", parts["sampling."]))
    if parts["endpoint_filter."]:
        chosen = message_of(EndpointFilter, "endpoint_filter.", parts["endpoint_filter."])
        message.endpoint_filter.MergeFrom(chosen)
    for label, value in parts["labels."].items():
        try:
            message.labels[label] = cast("str", value)
        except (TypeError, ValueError) as error:
            raise invalid(f"labels.{label}", _why(error, value)) from None
    return message


def message_of(kind: type[Made], part: str, fields: Mapping[str, object]) -> Made:
    """Make a message field by field, because protobuf's own errors do not name the field.

    Raises InvalidRequest, which calls a field by its name behind `part`.
    """
    message = kind()
    for name, value in fields.items():
        try:
            message.MergeFrom(kind(**{name: value}))
        except (TypeError, ValueError) as error:
            # Not `from error`, whose words may quote a prompt.
            raise invalid(f"{part}{name}", _why(error, value)) from None
    return message


def _why(error: Exception, value: object) -> str:
    if isinstance(error, UnicodeEncodeError):
        return f"is not valid Unicode: lone surrogate at character {error.start}"
    if isinstance(value, int | float):
        return f"cannot be {value}"
    return f"cannot be this {type(value).__name__}"


def _plain(part: str, name: str, value: object) -> object:
    """Put a value as protobuf takes it: names of enums as numbers, what is iterable as a list."""
    if name not in REPEATED:
        return _number(part, name, value)
    if isinstance(value, str):
        raise invalid(f"{part}{name}", "must be a list, not one string")
    return [_number(part, name, item) for item in cast("Iterable[object]", value)]


def _number(part: str, name: str, value: object) -> object:
    if name not in ENUMS or not isinstance(value, str):
        return value
    enum, prefix = ENUMS[name]
    full = KIND_ALIASES.get(value, value) if name == "kind" else value
    found = dict(enum.items()).get(prefix + full.upper())
    if found is None:
        names = ", ".join(key.removeprefix(prefix).lower() for key in enum.keys()[1:])
        raise invalid(f"{part}{name}", f"must be one of {names}")
    return found


def _check_size(name: str, text: str) -> None:
    """Refuse a text above the limit without encoding one that cannot be above it."""
    if len(text) * MAX_BYTES_PER_CHARACTER <= MAX_TEXT_BYTES:
        return
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise invalid(name, _why(error, text)) from None
    if size > MAX_TEXT_BYTES:
        raise invalid(
            name, f"has {size} bytes of UTF-8, at most {MAX_TEXT_BYTES} are allowed; shorten it"
        )
