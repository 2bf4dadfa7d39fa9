"""What goes wrong in the embedded AWS on purpose: calls of S3 and DynamoDB that fail, workers that are killed in the
middle of one, invocations that get lost or come twice. For tests; a stack that is not told to has none of it.

Only calls of Lambda functions are taken, told apart by the function that makes them. Which call it is depends on the
seed and on how many came before, not on time.
"""

import io
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar

from pydantic import Field

from local.bedrock.rules import drawn
from local.moto_patches.wiring import Invoke
from local.workers import Answer, FunctionConfig, error_answer
from plumbline.contracts.base import Model

# A WSGI application; its arguments are those of PEP 3333.
Wsgi: TypeAlias = Callable[[Any, Any], Iterable[bytes]]
_STATUS = {
    "InternalError": "500 Internal Server Error",
    "InternalServerError": "500 Internal Server Error",
    "ProvisionedThroughputExceededException": "400 Bad Request",
    "ServiceUnavailable": "503 Service Unavailable",
    "SlowDown": "503 Slow Down",
    "ThrottlingException": "400 Bad Request",
}
_S3_OPERATIONS = {"GET": "GetObject", "PUT": "PutObject", "HEAD": "HeadObject", "POST": "PostObject"}
_CALLER = re.compile(r"\bapp/([A-Za-z0-9_-]+)")
_SERVICE = re.compile(r"/([a-z0-9-]+)/aws4_request")


@dataclass(frozen=True)
class Call:
    """One call of a function's. `sent` is the object's path, or DynamoDB's request."""

    function: str
    service: str
    operation: str
    sent: str


Heard: TypeAlias = Callable[[Call, bool], None]


class _Taken(Model):
    do: str
    function: str = Field(default="", description="only this function, by its logical id; empty: any")
    contains: str = Field(default="", description="only where this stands in the object's key, or in what is sent")
    calls: tuple[int, ...] = Field(default=(), description="only these of the calls left so far, 1 = the first")
    share: float = Field(default=1.0, ge=0, le=1, description="of these calls, drawn by the seed and their number")
    times: int | None = Field(default=None, ge=1, description="only so often in all")

    def takes(self, call: Call) -> bool:
        """Whether the call is one of those that it may act on."""
        return self.function in ("", call.function) and self.contains in call.sent


class CallFault(_Taken):
    """What happens to a call of S3 or DynamoDB: it is answered with the error `code`; the worker that makes it is
    killed; or nothing but that the test is told, and does what it wants while the call waits.

    With `done` the call is carried out first, and only its answer is lost.
    """

    do: Literal["fail", "kill", "tell"]
    service: Literal["s3", "dynamodb"] | None = None
    operation: str = Field(default="", description="GetObject, PutObject, HeadObject; DynamoDB's own names")
    code: Literal[
        "InternalError",
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "ServiceUnavailable",
        "SlowDown",
        "ThrottlingException",
    ] = "InternalError"
    done: bool = False

    def takes(self, call: Call) -> bool:
        """Whether the call is one of those that it may act on."""
        of_call = self.service in (None, call.service) and self.operation in ("", call.operation)
        return of_call and super().takes(call)


class InvocationFault(_Taken):
    """What happens to an invocation: it is never made and nobody is told (`drop`, for events); made twice (`double`);
    answered with a platform error without being made (`fail`), or after it (`lose`)."""

    do: Literal["drop", "double", "fail", "lose"]


F = TypeVar("F", bound=_Taken)


class Disturbances:
    """Follows what a test asks for; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.kill: Callable[[str], object] = lambda _: None
        self.follow()

    def follow(
        self,
        calls: Sequence[CallFault] = (),
        invocations: Sequence[InvocationFault] = (),
        *,
        seed: int = 0,
        told: Callable[[CallFault, Call], None] = lambda *_: None,
        heard: Heard | None = None,
    ) -> None:
        """Do this from now on, with all counts at zero; of each list the first that takes a call acts. `told` hears of
        each that acted on a call: after a kill, before an error is answered or the call goes on. `heard` hears of every
        call, before it is answered, and whether it was carried out and went well."""
        with self._lock:
            self._calls, self._invocations, self._seed = tuple(calls), tuple(invocations), seed
            self._told, self._heard = told, heard
            self._met: Counter[tuple[str, int]] = Counter()
            self._acted: Counter[tuple[str, int]] = Counter()
            self.happened: Counter[str] = Counter()

    def around(self, application: Wsgi) -> Wsgi:
        """The application of the embedded AWS, with faults in front of it."""

        def serve(environ: Any, start_response: Any) -> Iterable[bytes]:
            heard = self._heard
            call = _read(environ) if self._calls or heard else None
            if call is None:
                return application(environ, start_response)
            carried_out = _heard_of(application, call, heard) if heard else application
            fault = self._taking(self._calls, call)
            if fault is None:
                return carried_out(environ, start_response)
            if fault.done:
                _alone(carried_out, environ)
            elif heard and fault.do != "tell":
                heard(call, False)
            if fault.do == "kill":
                self.kill(call.function)
            self._told(fault, call)
            if fault.do == "tell" and not fault.done:
                return carried_out(environ, start_response)
            return _refusal(fault.code, environ, start_response)

        return serve

    def invoking(self, invoke: Invoke, known_as: Callable[[str], str]) -> Invoke:
        """How functions are invoked, with faults in front of it. `known_as` gives a function's logical id."""

        def disturbed(config: FunctionConfig, event: bytes, unless: threading.Event | None = None, /) -> Answer:
            name = known_as(config.name)
            fault = self._taking(self._invocations, Call(name, "lambda", "Invoke", event.decode()))
            if fault is None:
                return invoke(config, event, unless)
            if fault.do == "drop":
                return Answer(payload=b"null", failed=False)
            if fault.do != "fail":
                invoke(config, event, unless)
            if fault.do == "double":
                return invoke(config, event, unless)
            return error_answer("Lambda.ServiceException", "injected: the service failed")

        return disturbed

    def acted(self) -> tuple[dict[int, int], dict[int, int]]:
        """How often each of the faults of calls and of invocations acted so far, by its place."""
        with self._lock:
            return self._acted_of(CallFault), self._acted_of(InvocationFault)

    def _acted_of(self, kind: type[_Taken]) -> dict[int, int]:
        return {number: times for (name, number), times in self._acted.items() if name == kind.__name__}

    def _taking(self, faults: Sequence[F], call: Call) -> F | None:
        with self._lock:
            for number, fault in enumerate(faults):
                if not fault.takes(call):
                    continue
                which = (type(fault).__name__, number)
                self._met[which] += 1
                met = self._met[which]
                if (fault.calls and met not in fault.calls) or drawn(self._seed, *which, met) >= fault.share:
                    continue
                if fault.times is not None and self._acted[which] >= fault.times:
                    continue
                self._acted[which] += 1
                self.happened[fault.do] += 1
                return fault
        return None


def _heard_of(application: Wsgi, call: Call, heard: Heard) -> Wsgi:
    """The application; `heard` hears how the call went, before it is answered."""

    def serve(environ: Any, start_response: Any) -> Iterable[bytes]:
        said: list[str] = []

        def begun(status: str, *rest: Any) -> Any:
            said.append(status)
            return start_response(status, *rest)

        answer = application(environ, begun)
        heard(call, bool(said) and said[-1].startswith("2"))
        return answer

    return serve


def _alone(application: Wsgi, environ: Any) -> None:
    """Carry a call out; nobody has the answer."""
    answer = application(environ, lambda *_: lambda _: None)
    b"".join(answer)
    close: Callable[[], None] = getattr(answer, "close", lambda: None)
    close()


def _caller(environ: Mapping[str, Any]) -> str:
    found = _CALLER.search(environ.get("HTTP_USER_AGENT", ""))
    return found[1] if found else ""


def _read(environ: Any) -> Call | None:
    """What is called; None where no function calls, or another service than the two."""
    caller = _caller(environ)
    service = _SERVICE.search(environ.get("HTTP_AUTHORIZATION", ""))
    if not caller or service is None or service[1] not in ("s3", "dynamodb"):
        return None
    if service[1] == "s3":
        return Call(caller, "s3", _S3_OPERATIONS.get(environ["REQUEST_METHOD"], ""), environ["PATH_INFO"])
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
    return Call(caller, "dynamodb", operation, body.decode())


def _refusal(code: str, environ: Mapping[str, Any], start_response: Any) -> Iterable[bytes]:
    body = f'{{"__type": "com.amazonaws.dynamodb.v20120810#{code}", "message": "injected"}}'
    kind = "application/x-amz-json-1.0"
    if "HTTP_X_AMZ_TARGET" not in environ:
        body, kind = f"<Error><Code>{code}</Code><Message>injected</Message></Error>", "application/xml"
    data = b"" if environ["REQUEST_METHOD"] == "HEAD" else body.encode()
    start_response(_STATUS[code], [("Content-Type", kind), ("Content-Length", str(len(data)))])
    return [data]
