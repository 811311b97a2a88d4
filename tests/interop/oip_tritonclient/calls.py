"""What a user of tritonclient does; run in an environment that has it and nothing of ours."""

from __future__ import annotations

import asyncio
import json
import queue
import sys
import traceback
from collections.abc import Callable

import numpy as np
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
from google.protobuf import descriptor_pb2
from tritonclient.grpc import service_pb2
from tritonclient.utils import InferenceServerException

PROMPT = "def add(a, b):\n    "
TEXT = "return a + b # \N{SNOWMAN}"
PIECES = 3


def fields_of(
    file: descriptor_pb2.FileDescriptorProto,
) -> dict[tuple[str, int], tuple[object, ...]]:
    """Every field by its path and number, with what matters on the wire."""
    found: dict[tuple[str, int], tuple[object, ...]] = {}
    waiting = [(message.name, message) for message in file.message_type]
    while waiting:
        path, message = waiting.pop()
        waiting += [(f"{path}.{inner.name}", inner) for inner in message.nested_type]
        for field in message.field:
            kind = (field.type, field.label, field.type_name)
            found[f"{path}.{field.name}", field.number] = kind
    return found


def tensor(*texts: str, name: str = "prompt", shape: tuple[int, ...] = ()) -> triton.InferInput:
    data = np.array([text.encode() for text in texts], dtype=np.object_)
    made = triton.InferInput(name, list(shape or data.shape), "BYTES")
    made.set_data_from_numpy(data.reshape(shape or data.shape))
    return made


def text_of(result: triton.InferResult, name: str = "text") -> list[str]:
    return [item.decode() for item in result.as_numpy(name).ravel()]


def said(result: triton.InferResult) -> dict[str, object]:
    parameters = result.get_response().parameters
    return {
        name: getattr(value, value.WhichOneof("parameter_choice"))
        for name, value in parameters.items()
    }


def refused(call: Callable[[], object], status: str, words: str) -> str:
    try:
        call()
    except InferenceServerException as error:
        shown = f"{error.status()}: {error.message()}"
        assert str(error.status()).endswith(status), shown
        assert words in str(error.message()), shown
        return f"{status}"
    raise AssertionError("was answered")


class Cases:
    def __init__(self, address: str, files: str) -> None:
        self.address, self.files = address, files
        self.client = triton.InferenceServerClient(address)

    def same_messages(self) -> str:
        with open(self.files, "rb") as file:  # noqa: PTH123 - nothing of ours is here
            (ours,) = descriptor_pb2.FileDescriptorSet.FromString(file.read()).file
        theirs = descriptor_pb2.FileDescriptorProto()
        service_pb2.DESCRIPTOR.CopyToProto(theirs)
        known = fields_of(theirs)
        # In the specification and in KServe, not in Triton.
        own = {key: kind for key, kind in fields_of(ours).items() if "roperties" not in key[0]}
        different = {key for key, kind in own.items() if known.get(key) != kind}
        assert not different, different
        rpcs = {rpc.name: rpc for rpc in theirs.service[0].method}
        for rpc in ours.service[0].method:
            rpc.ClearField("options")
            rpcs[rpc.name].ClearField("options")
            assert rpc == rpcs[rpc.name], rpc.name
        return f"{len(own)} fields, {len(ours.service[0].method)} RPCs"

    def live_and_ready(self) -> str:
        assert self.client.is_server_live()
        assert self.client.is_server_ready()
        assert self.client.is_model_ready("fast")
        assert not self.client.is_model_ready("absent")
        return "live, ready"

    def metadata(self) -> str:
        server = self.client.get_server_metadata()
        model = self.client.get_model_metadata("fast", as_json=True)
        assert server.name == "ensemble-gateway"
        assert [one["name"] for one in model["inputs"]] == ["prompt", "suffix"]
        return f"{server.name} {server.version}, outputs {len(model['outputs'])}"

    def infer(self) -> str:
        result = self.client.infer("auto", [tensor(PROMPT)], request_id="7")
        assert text_of(result) == [TEXT], text_of(result)
        assert result.get_response().id == "7"
        return f"endpoint {said(result)['endpoint']}"

    def suffix_and_parameters(self) -> str:
        values = {"max_tokens": 20, "temperature": 0.2, "stop": "\n", "language": "python"}
        inputs = [tensor(PROMPT), tensor("\n", name="suffix")]
        result = self.client.infer("fast", inputs, parameters=values, priority=1, timeout=9_000_000)
        assert text_of(result) == [TEXT]
        return f"confidence {said(result)['confidence']}"

    def batch_of_texts(self) -> str:
        prompts = [f"x{number} = " for number in range(6)]
        wanted = [triton.InferRequestedOutput(name) for name in ("text", "endpoint", "confidence")]
        result = self.client.infer("auto", [tensor(*prompts, shape=(6, 1))], outputs=wanted)
        assert text_of(result) == [TEXT] * 6
        assert result.as_numpy("text").shape == (6, 1)
        assert result.as_numpy("confidence").dtype == np.float64
        return f"{len(prompts)} texts, shape {result.as_numpy('text').shape}"

    def unknown_model(self) -> str:
        return refused(
            lambda: self.client.infer("absent", [tensor(PROMPT)]), "NOT_FOUND", "use one of: auto"
        )

    def unknown_parameter(self) -> str:
        return refused(
            lambda: self.client.infer("auto", [tensor(PROMPT)], parameters={"colour": "red"}),
            "INVALID_ARGUMENT",
            "parameters.colour",
        )

    def failing_endpoint(self) -> str:
        return refused(
            lambda: self.client.infer("broken", [tensor(PROMPT)]), "UNAVAILABLE", "broken"
        )

    def client_timeout(self) -> str:
        return refused(
            lambda: self.client.infer("silent", [tensor(PROMPT)], client_timeout=0.5),
            "DEADLINE_EXCEEDED",
            "",
        )

    def server_timeout(self) -> str:
        return refused(
            lambda: self.client.infer("silent", [tensor(PROMPT)], timeout=300_000),
            "DEADLINE_EXCEEDED",
            "",
        )

    def stream(self) -> str:
        answers: queue.Queue[tuple[object, object]] = queue.Queue()
        self.client.start_stream(lambda result, error: answers.put((result, error)))
        for number in range(4):
            self.client.async_stream_infer("fast", [tensor(PROMPT)], request_id=str(number))
        self.client.async_stream_infer(
            "fast", [tensor(PROMPT)], request_id="bad", parameters={"colour": "red"}
        )
        texts: dict[str, list[str]] = {}
        errors, last = 0, 0
        while errors + last < 5:
            result, error = answers.get(timeout=20)
            if error is not None:
                assert "parameters.colour" in error.message(), error.message()
                errors += 1
                continue
            (text,) = text_of(result)
            texts.setdefault(result.get_response().id, []).append(text)
            last += bool(said(result)["triton_final_response"])
        self.client.stop_stream()
        assert {"".join(one) for one in texts.values()} == {TEXT}, texts
        assert sorted(texts) == ["0", "1", "2", "3"]
        assert {len(one) for one in texts.values()} == {PIECES + 1}
        return "4 requests in pieces, 1 refused, one stream"

    def stream_cancelled(self) -> str:
        client = triton.InferenceServerClient(self.address)
        answers: queue.Queue[tuple[object, object]] = queue.Queue()
        client.start_stream(lambda result, error: answers.put((result, error)))
        client.async_stream_infer("silent", [tensor(PROMPT)])
        client.stop_stream(cancel_requests=True)
        client.close()
        return "left"

    def asyncio_client(self) -> str:
        async def work() -> str:
            async with triton_aio.InferenceServerClient(self.address) as client:
                many = [client.infer("auto", [tensor(f"y{n} = ")]) for n in range(50)]
                for result in await asyncio.gather(*many):
                    assert text_of(result) == [TEXT]

                async def requests():
                    yield {"model_name": "fast", "inputs": [tensor(PROMPT)], "request_id": "s"}

                pieces = []
                async for result, error in client.stream_infer(requests()):
                    assert error is None, error
                    pieces += text_of(result)
                assert "".join(pieces) == TEXT
                return f"50 at once, then {len(pieces)} pieces"

        return asyncio.run(work())


def main() -> None:
    cases = Cases(*sys.argv[1:])
    for name in [name for name in vars(Cases) if not name.startswith("_")]:
        try:
            passed, detail = True, getattr(cases, name)()
        except Exception as error:  # noqa: BLE001 - the other cases are still to be run
            traceback.print_exc()
            passed, detail = False, f"{type(error).__name__}: {error}"
        row = {"case": name.replace("_", " "), "passed": passed, "detail": detail}
        print(json.dumps(row), flush=True)  # noqa: T201 - its report
    cases.client.close()


if __name__ == "__main__":
    main()
