"""Every RPC that a gateway serves, out of the descriptors of `ensemble.v1`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import grpc
from ensemble.v1 import (
    admin_service_pb2,
    cache_service_pb2,
    feedback_service_pb2,
    gateway_service_pb2,
    job_service_pb2,
    telemetry_service_pb2,
)
from ensemble.v1.admin_service_pb2 import Endpoint, ListEndpointsResponse
from ensemble.v1.gateway_service_pb2 import ListPipelinesResponse, Pipeline
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from ensemble_client.testing.answers import ENDPOINT

FILES = (
    gateway_service_pb2,
    job_service_pb2,
    feedback_service_pb2,
    telemetry_service_pb2,
    cache_service_pb2,
    admin_service_pb2,
)


@dataclass(frozen=True, slots=True)
class Method:
    """One RPC: its service and name, its messages, and which of them are streams."""

    service: str
    name: str
    request: type[Message]
    response: type[Message]
    client_streaming: bool
    server_streaming: bool


Answering = Callable[[Method, object, grpc.ServicerContext], object]


def _method(found: MethodDescriptor) -> Method:
    return Method(
        found.containing_service.full_name,
        found.name,
        GetMessageClass(found.input_type),
        GetMessageClass(found.output_type),
        found.client_streaming,
        found.server_streaming,
    )


METHODS = {
    found.name: _method(found)
    for file in FILES
    for service in file.DESCRIPTOR.services_by_name.values()
    for found in service.methods
}
"""By name, of which no two services have the same."""

STANDING: dict[str, Message] = {
    "ListEndpoints": ListEndpointsResponse(
        endpoints=[Endpoint(name=ENDPOINT, protocol="native", is_default=True)]
    ),
    "ListPipelines": ListPipelinesResponse(pipelines=[Pipeline(name="draft_only")]),
}


def empty(method: Method) -> object:
    """What an RPC of which nothing was said is answered with."""
    if method.server_streaming:
        return iter(())
    return STANDING.get(method.name) or method.response()


def handlers(answer: Answering) -> list[grpc.GenericRpcHandler]:
    """Serve every RPC by one function."""
    services: dict[str, dict[str, grpc.RpcMethodHandler[Message, Message]]] = {}
    for method in METHODS.values():
        services.setdefault(method.service, {})[method.name] = _handler(method, answer)
    return [grpc.method_handlers_generic_handler(name, made) for name, made in services.items()]


def _handler(method: Method, answer: Answering) -> grpc.RpcMethodHandler[Message, Message]:
    kinds = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }
    make = kinds[method.client_streaming, method.server_streaming]
    return make(partial(answer, method), method.request.FromString, _serialized)


def _serialized(message: Message) -> bytes:
    return message.SerializeToString()
