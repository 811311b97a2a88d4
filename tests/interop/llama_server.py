"""A real llama.cpp server as an endpoint, with a tiny model that is written on the spot."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.core.candidate import Completion
from gateway.core.chat import Chat, ChatMessage
from gateway.core.endpoint import Endpoint, Protocol
from gateway.core.faults import Fault, Reason
from tests.interop.asking import Caller, caller_of, converse
from tests.interop.processes import (
    LOOK_AGAIN_S,
    answers,
    free_port,
    gateway,
    peers_environment,
    said,
    server,
)
from tests.interop.rows import Row, judged
from tests.interop.venvs import python_of

PEER, VERSION = "llama.cpp server", "0.3.36"
REQUIREMENTS = (f"llama-cpp-python[server]=={VERSION}", "gguf==0.19.0")
BUILD = {
    # Nothing of it is asked to be quick, but it has to be built on two processors.
    "CMAKE_ARGS": "-DGGML_NATIVE=OFF -DGGML_OPENMP=OFF -DLLAVA_BUILD=OFF "
    "-DCMAKE_C_FLAGS_RELEASE=-O1 -DCMAKE_CXX_FLAGS_RELEASE=-O1",
    "CMAKE_BUILD_PARALLEL_LEVEL": "1",
}
MODEL = Path(__file__).with_name("tiny_gguf.py")
GREEDY = {"temperature": 0.0, "seed": 7}
SHORT = {**GREEDY, "max_tokens": 24}
SCHEMA = {
    "type": "object",
    "properties": {"ok": {"type": "boolean"}},
    "required": ["ok"],
    "additionalProperties": False,
}
SHAPE = {"name": "shape", "json_schema": {"schema": json.dumps(SCHEMA)}}
BEYOND_ASCII = "\N{SNOWMAN}\N{GRINNING FACE}\u00e9"
CANCEL_S = 20.0
ENDPOINTS = {
    "chat": "",
    "older": 'openai_mode = "completions"',
    "logprobs": 'openai_mode = "completions"\nlogprobs = true',
    "template": (
        'openai_mode = "completions"\nfim = "custom"\n'
        'fim_template = "<PRE>{prefix}<SUF>{suffix}<MID>"'
    ),
}


def run(work: Path) -> Iterator[Row]:
    """Run the cases of the server."""
    work, port, own = work.absolute(), free_port(), free_port()
    python = python_of(work, *REQUIREMENTS, build=BUILD)
    model, log = work / "tiny.gguf", work / "server.log"
    subprocess.run([python, MODEL, model], check=True, timeout=60, env=peers_environment())
    command = [str(python), "-m", "llama_cpp.server", "--model", str(model), "--n_ctx", "1024"]
    # Otherwise a new request ends the stream of the one before.
    command += ["--interrupt_requests", "False", "--logits_all", "True", "--n_threads", "1"]
    place = ["--host", "127.0.0.1", "--port", str(port)]
    url = f"http://127.0.0.1:{port}/v1"
    with (
        server(command + place, log, answers(f"{url}/models"), peers_environment()),
        gateway(work, _config(own, url)),
        caller_of(own) as caller,
    ):
        yield from judged(PEER, VERSION, Cases(caller, url, log).all)


def _config(own: int, url: str) -> str:
    # Each piece is passed on at once.
    tables = [f'[server]\nport = {own}\n\n[retry]\nmax_tries = 1\n\n[stream]\nhold = "none"\n']
    tables += [
        f'[[endpoint]]\nname = "{name}"\nprotocol = "openai"\nurl = "{url}"\ntags = ["{name}"]\n'
        f'model = "named-{name}"\ndialect = "llamacpp"\n{more}\n'
        for name, more in ENDPOINTS.items()
    ]
    return "\n".join(tables)


def gbnf(rule: str) -> dict[str, object]:
    """Require a grammar of one rule."""
    text = f"root ::= {rule}"
    return {"name": "words", "grammar": {"syntax": "GRAMMAR_SYNTAX_GBNF", "text": text}}


@dataclass(frozen=True)
class Cases:
    """What is asked of the server; each method returns what to tell, or fails."""

    caller: Caller
    url: str
    log: Path

    @property
    def all(self) -> dict[str, Callable[[], object]]:
        """The cases by name."""
        return {
            "chat": lambda: self.filled("chat"),
            "completion": lambda: self.filled("older"),
            "suffix = fill in the middle": self.suffix,
            "suffix by a template": self.template,
            "stream": lambda: self.streamed("older"),
            "stream of a chat, first chunk null": lambda: self.streamed("chat"),
            "usage missing in streams": self.usage,
            "JSON schema in chat": lambda: self.schema("chat"),
            "JSON schema in completions is ignored": self.unsteered,
            "grammar": self.grammar,
            "characters split over chunks": self.split,
            "logprobs": self.logprobs,
            "n ignored": self.several,
            "any model name": self.any_model,
            "any request id": self.any_id,
            "tool calls": lambda: self.calling(streamed=False),
            "tool calls in a stream": lambda: self.calling(streamed=True),
            "bad parameter (500) is not the endpoint's": self.bad_parameter,
            "context overflow is INVALID_ARGUMENT": self.overflow,
            "cancel": self.cancel,
        }

    def filled(self, tag: str) -> str:
        """An answer with usage comes back."""
        answer = self.caller.fill(tag, sampling=SHORT)
        assert answer.usage.prompt_tokens > 0, "no usage"
        return f"{answer.usage.prompt_tokens} + {answer.usage.completion_tokens} tokens"

    def suffix(self) -> str:
        """The text after the hole is read."""
        plain = self.caller.fill("older", sampling=SHORT).usage.prompt_tokens
        filled = self.caller.fill("older", suffix="y" * 10, sampling=SHORT).usage.prompt_tokens
        assert filled >= plain + 10, f"{filled} tokens with a suffix, {plain} without"
        return f"{filled} tokens with a suffix, {plain} without"

    def template(self) -> str:
        """Each mark of a template is one token; the server's own `suffix` writes wrong ones."""
        own, theirs = (
            self.caller.fill(tag, suffix="\ny = 2", sampling=SHORT).usage.prompt_tokens
            for tag in ("template", "older")
        )
        assert own == theirs, f"{own} tokens, {theirs} by the field of the server"
        return f"{own} tokens"

    def streamed(self, tag: str) -> str:
        """A stream is the answer in pieces."""
        # Bytes that are no text are dropped by the server, in streams more than in answers.
        sampling = {**GREEDY, "max_tokens": 100}
        asked: dict[str, Any] = {"constraints": [gbnf("[a-z]+")], "sampling": sampling}
        streamed, whole = self.caller.stream(tag, **asked), self.caller.fill(tag, **asked)
        assert streamed.text == whole.text, f"{len(streamed.text)} of {len(whole.text)} characters"
        assert streamed.deltas > 1, "one piece"
        return f"{streamed.deltas} pieces, {len(whole.text)} characters"

    def usage(self) -> str:
        """A stream without usage is an answer all the same."""
        done = self.caller.stream("older", sampling=SHORT).done
        return f"told: {done.usage.completion_tokens} tokens"

    def schema(self, tag: str) -> str:
        """What is written is valid for the schema, which is checked here again."""
        sampling = {**GREEDY, "max_tokens": 200}
        answer = self.caller.fill(tag, constraints=[SHAPE], sampling=sampling)
        assert set(json.loads(answer.text)) == {"ok"}
        return f"{len(answer.attempts)} attempt"

    def unsteered(self) -> str:
        """This server knows no `json_schema`; the check here notices."""
        failed = self.caller.refused("older", constraints=[SHAPE], sampling=SHORT)
        assert failed.reason == "ALL_CANDIDATES_REJECTED", failed.reason
        return "caught by our own check"

    def grammar(self) -> str:
        """What is written is in the grammar."""
        answer = self.caller.fill("chat", constraints=[gbnf('"yes"')], sampling=SHORT)
        assert answer.text == "yes", "other words"
        return f"{answer.usage.completion_tokens} tokens"

    def split(self) -> str:
        """A character of several tokens arrives whole."""
        constraints = [gbnf(f'"{BEYOND_ASCII}"')]
        streamed = self.caller.stream("older", constraints=constraints, sampling=SHORT)
        assert streamed.text == BEYOND_ASCII, "other characters"
        return f"{len(BEYOND_ASCII.encode())} tokens for {len(BEYOND_ASCII)} characters"

    def logprobs(self) -> str:
        """Log-probabilities are asked for, and used."""
        answer = self.caller.fill("logprobs", sampling=SHORT)
        assert "logprob" in answer.confidence_method, answer.confidence_method
        return answer.confidence_method

    def several(self) -> str:
        """The server gives one answer whatever `n` says, so each candidate is a call."""
        answer = self.caller.fill(
            "older",
            strategy="STRATEGY_BEST_OF_N",
            n=3,
            return_candidates=True,
            sampling={"temperature": 1.0, "max_tokens": 8},
        )
        assert len(answer.candidates) == 3, f"{len(answer.candidates)} candidates"
        return f"{len(answer.candidates)} candidates"

    def any_model(self) -> str:
        """The name of a model that is not there is echoed as if it were."""
        answer = self.caller.fill("chat", sampling=SHORT)
        assert answer.model == "named-chat", answer.model
        return f"answers as {answer.model}"

    def any_id(self) -> str:
        """An id of the caller's that the server would refuse stays here."""
        self.caller.fill("chat", sampling=SHORT, request_id="order 17")
        return "the server takes UUIDs only"

    def calling(self, *, streamed: bool) -> str:
        """A tool that has to be called is called, with arguments of its schema."""
        function = {"name": "run", "parameters": SCHEMA}
        tools = [{"type": "function", "function": function}]
        choice = {"type": "function", "function": {"name": "run"}}
        said = converse(
            Endpoint("chat", protocol=Protocol.OPENAI, url=self.url),
            Chat((ChatMessage("user", "run it"),), json.dumps(tools), json.dumps(choice)),
            streamed=streamed,
        )
        assert isinstance(said, Completion), said
        (call,) = said.tool_calls
        assert call.name == "run", call.name
        assert set(json.loads(call.arguments)) == {"ok"}, call.arguments
        return f"{call.name}({call.arguments})"

    def bad_parameter(self) -> str:
        """A role that the server does not know is the caller's mistake, whatever the status."""
        chat = Chat((ChatMessage("developer", "be brief"), ChatMessage("user", "x = ")))
        said = converse(Endpoint("chat", protocol=Protocol.OPENAI, url=self.url), chat)
        assert isinstance(said, Fault), "answered"
        assert said.reason is Reason.UPSTREAM_REFUSED_REQUEST, said.reason
        assert not said.against_endpoint
        return said.reason

    def overflow(self) -> str:
        """A prompt beyond the context is the caller's, and said to be too large."""
        failed = self.caller.refused("older", "x = " * 1000, sampling=SHORT)
        reasons = [str(attempt.reason) for attempt in failed.attempts]
        assert failed.code.name == "INVALID_ARGUMENT", f"{failed.code.name}, {reasons}"
        assert "so large a request" in failed.message, failed.message
        return reasons[0]

    def cancel(self) -> str:
        """A caller who leaves ends the work at the server, which then has time for the next."""
        seen = said(self.log).count("Disconnected")
        call = self.caller.start("older", sampling={"temperature": 1.0, "max_tokens": 900})
        next(event for event in call if event.HasField("delta"))
        call.cancel()
        until = time.monotonic() + CANCEL_S
        while said(self.log).count("Disconnected") == seen:
            assert time.monotonic() < until, "the server did not notice"
            time.sleep(LOOK_AGAIN_S)
        self.filled("older")
        return "the server noticed, and answers the next"
