"""The messages of package `inference`, in a descriptor pool of their own.

A process holds one definition of a name in protobuf's default pool: with ours in it, nobody could
import `tritonclient`, `mlserver` or their own stubs beside the gateway. A type checker reads the
generated `inference.pyi` in the place of this file.
"""

from __future__ import annotations

from importlib.resources import files

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message

POOL = descriptor_pool.DescriptorPool()
for _file in descriptor_pb2.FileDescriptorSet.FromString(
    files("gateway.wire.oip").joinpath("inference.binpb").read_bytes()
).file:
    POOL.AddSerializedFile(_file.SerializeToString())

DESCRIPTOR = POOL.FindFileByName("inference/open_inference.proto")


def _message(name: str) -> type[Message]:
    return message_factory.GetMessageClass(DESCRIPTOR.message_types_by_name[name])


ServerLiveRequest = _message("ServerLiveRequest")
ServerLiveResponse = _message("ServerLiveResponse")
ServerReadyRequest = _message("ServerReadyRequest")
ServerReadyResponse = _message("ServerReadyResponse")
ModelReadyRequest = _message("ModelReadyRequest")
ModelReadyResponse = _message("ModelReadyResponse")
ServerMetadataRequest = _message("ServerMetadataRequest")
ServerMetadataResponse = _message("ServerMetadataResponse")
ModelMetadataRequest = _message("ModelMetadataRequest")
ModelMetadataResponse = _message("ModelMetadataResponse")
ModelInferRequest = _message("ModelInferRequest")
ModelInferResponse = _message("ModelInferResponse")
ModelStreamInferResponse = _message("ModelStreamInferResponse")
InferParameter = _message("InferParameter")
InferTensorContents = _message("InferTensorContents")
