"""moto's server: quiet, faster, and DynamoDB writes one after the other."""

import functools
import threading
from collections.abc import Callable

from moto import backends
from moto.core import responses
from moto.dynamodb.responses import DynamoHandler
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from local.moto_patches import events
from local.moto_patches.wiring import Moto, Patch


class _RequestHandler(MotoRequestHandler):
    """moto's handler without a log line for each request and without Nagle's delay between headers and body."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_request(self, *_: object) -> None:
        """Say nothing."""


def bind(
    host: str,
    port: int,
    changed: Callable[[], None] = lambda: None,
    around: Callable[[Moto], Moto] = lambda application: application,
) -> BaseWSGIServer:
    """A moto server that has its port and does not serve yet (moto's own ThreadedMotoServer fixes the handler).

    `changed` is called after each request that may have changed what is kept: a bucket, a table, a parameter. `around`
    puts something in front of moto's WSGI application.
    """
    application = around(DomainDispatcherApplication(create_backend_app))

    def serve(environ: Moto, start_response: Moto) -> Moto:
        response = application(environ, start_response)
        events.send_pending()
        if _writes(environ):
            changed()
        return response

    return make_server(host, port, serve, threaded=True, request_handler=_RequestHandler)


def _writes(environ: Moto) -> bool:
    # Anything that may be a write counts: one save too many does no harm.
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        reads = (".Scan", ".Query", "GetItem", "DescribeTable")
        return target.startswith(("DynamoDB", "AmazonSSM.Put")) and not target.endswith(reads)
    return environ["REQUEST_METHOD"] != "GET" and not environ["PATH_INFO"].startswith("/2015-03-31/")


def patch(apply: Patch) -> None:
    """Patch what every request goes through, and DynamoDB."""
    # For every request moto lists its own source folder (a third of the request's CPU) and inspects a class.
    modules = frozenset(backends.list_of_moto_modules())
    apply(backends, "list_of_moto_modules", lambda: modules)
    names = "method_names_from_class"
    apply(responses, names, functools.cache(getattr(responses, names)))

    # moto reads, changes and writes an item with no lock: of 1,800 concurrent ADDs it lost 4, and two conditional puts
    # can both win. On AWS each write is atomic. (A table's stream that triggers a function which writes to DynamoDB
    # would deadlock here: nothing uses one.)
    lock = threading.RLock()
    moto_call = DynamoHandler.call_action

    def call_action(self: Moto) -> Moto:
        with lock:
            return moto_call(self)

    apply(DynamoHandler, "call_action", call_action)
