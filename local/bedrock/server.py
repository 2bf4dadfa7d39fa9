"""The HTTP server in front of a stand-in model."""

import json
import logging
import re
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote

from pydantic import ValidationError

from local.bedrock.answering import STATUS, ServiceError, StandInModel
from local.bedrock.calls import CallLog, Calls
from local.bedrock.embedding import EmbeddingModel
from local.bedrock.faults import FaultInjection, Faults
from local.bedrock.jobs import BatchJobs
from local.bedrock.llm import LlmModel, options_from
from local.bedrock.openai import OpenAiModel, OpenAiOptions
from local.bedrock.rules import Road
from local.bedrock.scripted import Script, ScriptedModel
from local.bedrock.wire import converse_answer, invoke_answer, read_converse, read_invoke
from plumbline.contracts.replies import ModelReply, ModelRequest

logger = logging.getLogger(__name__)

Options = Mapping[str, Any]

# The stand-in models by name; each is made from its options.
MODELS: dict[str, Callable[[Options], StandInModel]] = {
    "embedding": lambda options: EmbeddingModel(**options),
    "scripted": lambda options: ScriptedModel(Script.model_validate(options)),
    "openai": lambda options: OpenAiModel(OpenAiOptions.model_validate(options)),
    "llm": lambda options: LlmModel("llm", options_from(options)),
    "smollm2": lambda options: LlmModel("smollm2", options_from(options)),
}
_MODEL_PATH = re.compile(r"/model/([^/]+)/(converse|invoke)")
_JOB_PATH = re.compile(r"/model-invocation-job/([^/]+)(/stop)?")


class BedrockStandIn:
    """A Bedrock on loopback: the runtime, and the batch jobs of its control plane once `jobs` is connected to an S3.

    `model` is a name of MODELS and `options` what it takes (a Script, OpenAiOptions); port 0 picks a free port;
    `latency_seconds` is waited before each answer on demand, `faults` are what goes wrong. Raises StandInError when
    the model cannot be loaded.
    """

    def __init__(
        self,
        model: str = "embedding",
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        latency_seconds: float = 0.0,
        options: Options | None = None,
        faults: Faults | None = None,
    ) -> None:
        if model not in MODELS:
            raise ValueError(f"no stand-in model {model!r}; there are {', '.join(MODELS)}")
        self.model = MODELS[model](options or {})
        self.latency_seconds = latency_seconds
        self.log = CallLog()
        self.faults = FaultInjection(faults)
        self.jobs = BatchJobs(lambda request: self.answer(request, "batch"), self.log, self.faults)
        self._server = _Server((host, port), self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="bedrock-stand-in", daemon=True
        )

    @property
    def endpoint(self) -> str:
        """The URL for AWS_ENDPOINT_URL_BEDROCK_RUNTIME."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def calls(self) -> Calls:
        """What was called so far."""
        return self.log.snapshot().model_copy(update={"acted": self.faults.acted()})

    def answer(self, request: ModelRequest, road: Road) -> ModelReply:
        """What the model answers, or a fault in its place. Raises ServiceError."""
        try:
            return self.faults.answer(self.model, request, road)
        except ServiceError:
            raise
        except Exception as error:
            # The boundary of the server: the client must get an answer, and a message might quote the case.
            logger.error("bedrock stand-in: the model failed: %s", type(error).__name__)  # noqa: TRY400 - no message
            raise ServiceError("InternalServerException", f"the stand-in failed: {type(error).__name__}") from error

    def start(self) -> Self:
        """Serve, in a thread of its own."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop serving and cut open connections."""
        if self._thread.is_alive():  # else `shutdown` would wait for a loop that never ran
            self._server.shutdown()
            self._thread.join()
        self._server.cut_connections()
        self._server.server_close()
        self.jobs.disconnect()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], stand_in: BedrockStandIn) -> None:
        self.stand_in = stand_in
        self._open: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """A client that went away is no error; anything else is logged by its class."""
        error = sys.exception()
        if not isinstance(error, ConnectionError):
            logger.error("bedrock stand-in: connection failed: %s", type(error).__name__)

    def cut_connections(self) -> None:
        """End kept-alive connections, which would go on being served after the server stopped."""
        for connection in list(self._open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                logger.debug("a connection was closed already")


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    # Without these two a kept-alive client waits for delayed acknowledgements: 21 calls a second instead of hundreds.
    wbufsize = 64 * 1024
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Batch jobs, and `/_calls`."""
        path, _, query = self.path.partition("?")
        if path == "/_calls":
            self._send(200, self.server.stand_in.calls.model_dump())
        elif path == "/model-invocation-jobs":
            self._reply(lambda jobs: jobs.listed(dict(parse_qsl(query))))
        elif (found := _JOB_PATH.fullmatch(path)) and not found[2]:
            self._reply(lambda jobs: jobs.get(unquote(found[1])))
        else:
            self._send(404, {"message": "not found"})

    def do_POST(self) -> None:
        """The two operations of Bedrock's runtime, batch jobs, `/_script` and `/_faults`."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        if self.path in ("/_script", "/_faults"):
            self._steer(body)
        elif self.path == "/model-invocation-job":
            self._reply(lambda jobs: jobs.create(body))
        elif (found := _JOB_PATH.fullmatch(self.path)) and found[2]:
            self._reply(lambda jobs: jobs.stop(unquote(found[1])))
        else:
            try:
                self._call(body)
            except ServiceError as fault:
                self._refuse(fault)

    def _reply(self, operation: Callable[[BatchJobs], Mapping[str, object]]) -> None:
        try:
            answer = operation(self.server.stand_in.jobs)
        except ServiceError as fault:
            self._refuse(fault)
        else:
            self._send(200, answer)

    def _refuse(self, fault: ServiceError) -> None:
        self.server.stand_in.log.failed(fault.code)
        self._send(STATUS[fault.code], {"message": str(fault)}, fault.code)

    def _steer(self, body: bytes) -> None:
        stand_in = self.server.stand_in
        model = stand_in.model
        if self.path == "/_script" and not isinstance(model, ScriptedModel):
            self._send(409, {"message": "this stand-in does not run the scripted model"})
            return
        try:
            if self.path == "/_faults":
                stand_in.faults.follow(Faults.model_validate_json(body))
            elif isinstance(model, ScriptedModel):
                model.follow(Script.model_validate_json(body))
        except ValidationError as error:
            self._send(400, {"message": json.loads(error.json(include_url=False, include_context=False))})
            return
        self._send(200, {})

    def _call(self, body: bytes) -> None:
        found = _MODEL_PATH.fullmatch(self.path.partition("?")[0])
        if found is None:
            raise ServiceError("ResourceNotFoundException", "the stand-in knows converse and invoke of a model")
        stand_in, started = self.server.stand_in, time.monotonic()
        model_id, converse = unquote(found[1]), found[2] == "converse"
        request = (read_converse if converse else read_invoke)(model_id, body)
        time.sleep(stand_in.latency_seconds)
        reply = stand_in.answer(request, "on_demand")
        if self._client_is_gone():
            stand_in.log.abandoned()
            self.close_connection = True
            return
        milliseconds = int(1000 * (time.monotonic() - started))
        # Counted before it is sent, so that whoever has the answer finds it counted.
        stand_in.log.answered(request, reply.usage)
        self._send(200, converse_answer(reply, milliseconds) if converse else invoke_answer(model_id, reply))

    def _client_is_gone(self) -> bool:
        """Whether the client has closed its end, as when its process was killed while it waited."""
        try:
            peeked: bytes = self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except ConnectionError:
            return True
        return not peeked

    def _send(self, status: int, body: Mapping[str, object], error_type: str | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("x-amzn-requestid", str(uuid.uuid4()))
        if error_type:
            self.send_header("x-amzn-errortype", error_type)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Nothing on standard error for each request."""
