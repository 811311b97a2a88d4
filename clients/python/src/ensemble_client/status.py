"""Reads what the gateway says about a failure out of an RPC's trailers.

The details travel as a `google.rpc.Status` in `grpc-status-details-bin`. Its message is built here,
in a pool of its own: the wheel needs no googleapis-common-protos, and does not get in the way of
one that the caller has.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Protocol, cast

import grpc
from ensemble.v1.gateway_service_pb2 import FailureDetail
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from ensemble_client.errors import EnsembleError, error_for

STATUS_KEY = "grpc-status-details-bin"
FAILURE_DETAIL = FailureDetail.DESCRIPTOR.full_name


class _Packed(Protocol):
    type_url: str
    value: bytes


# What grpc.aio puts in the place of the server's status when the call ends during a write: it says
# INTERNAL although nobody has a bug, and the true status is gone.
LOST_STATUS = "Internal error from Core"


class _Details(Protocol):
    def __iter__(self) -> Iterator[_Packed]: ...
    def add(self, *, type_url: str, value: bytes) -> _Packed: ...


class _Status(Protocol):
    details: _Details

    def SerializeToString(self) -> bytes: ...  # noqa: N802 - the name is protobuf's


class _StatusType(Protocol):
    def __call__(self, *, code: int, message: str) -> _Status: ...
    def FromString(self, s: bytes, /) -> _Status: ...  # noqa: N802 - the name is protobuf's


@cache
def _status_type() -> _StatusType:
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(
        name="ensemble_client/status.proto",
        package="google.rpc",
        syntax="proto3",
        dependency=[any_pb2.DESCRIPTOR.name],
    )
    status = file.message_type.add(name="Status")
    status.field.add(name="code", number=1, type=field.TYPE_INT32, label=field.LABEL_OPTIONAL)
    status.field.add(name="message", number=2, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    status.field.add(
        name="details",
        number=3,
        type=field.TYPE_MESSAGE,
        type_name=".google.protobuf.Any",
        label=field.LABEL_REPEATED,
    )
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(any_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    descriptor = pool.FindMessageTypeByName("google.rpc.Status")
    return cast("_StatusType", message_factory.GetMessageClass(descriptor))


def failure_detail(trailers: Iterable[tuple[str, str | bytes]] | None) -> FailureDetail | None:
    """Return the gateway's detail out of trailers; None when there is none that can be read."""
    for key, value in trailers or ():
        if key != STATUS_KEY or not isinstance(value, bytes):
            continue
        try:
            for packed in _status_type().FromString(value).details:
                if packed.type_url.rpartition("/")[2] == FAILURE_DETAIL:
                    return FailureDetail.FromString(packed.value)
        except DecodeError:
            return None
    return None


def status_of(code: int, message: str, detail: FailureDetail) -> bytes:
    """Pack a detail the way that `failure_detail` reads it."""
    status = _status_type()(code=code, message=message)
    url = f"type.googleapis.com/{FAILURE_DETAIL}"
    status.details.add(type_url=url, value=detail.SerializeToString())
    return status.SerializeToString()


def error_of(error: grpc.RpcError, *, request_id: str, partial_text: str = "") -> EnsembleError:
    """Turn a failed RPC into the typed error, with or without the gateway's details."""
    code = error.code()
    if code is grpc.StatusCode.INTERNAL and error.details() == LOST_STATUS:
        words = "the call ended while a message was being sent, its reason was lost; ask again"
        return error_for(
            grpc.StatusCode.UNAVAILABLE,
            words,
            None,
            request_id=request_id,
            partial_text=partial_text,
        )
    # Both clients hand out pairs, the synchronous one as named tuples that the stubs lack.
    trailers = cast("Iterable[tuple[str, str | bytes]] | None", error.trailing_metadata())
    return error_for(
        code,
        error.details() or code.value[1],
        failure_detail(trailers),
        request_id=request_id,
        partial_text=partial_text,
    )


@contextmanager
def typed_errors(request_id: str) -> Generator[None]:
    """Raise the typed error in place of gRPC's."""
    try:
        yield
    except grpc.RpcError as error:
        raise error_of(error, request_id=request_id) from error
