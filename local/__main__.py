"""`python -m local`: the local stack as a process of its own, until Ctrl-C or SIGTERM."""

import argparse
import logging
import os
import signal
import sys
from pathlib import Path


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    parser.add_argument("--template", type=Path, default=Path("template.yaml"), help="the SAM template")
    parser.add_argument("--state-dir", type=Path, default=Path(".plumbline"), help="logs, saved state, local.json")
    parser.add_argument("--host", default="127.0.0.1", help="what to bind to; 0.0.0.0 lets containers in")
    parser.add_argument("--port", type=int, default=0, help="the AWS endpoint's port; 0 takes a free one")
    parser.add_argument("--model", default="embedding", help="the stand-in model")
    parser.add_argument(
        "--faults",
        type=Path,
        default=os.environ.get("PLUMBLINE_FAULTS") or None,  # an empty one is none
        help="a file of faults for the stand-in (docs/faults.md); default: PLUMBLINE_FAULTS",
    )
    parser.add_argument("--parallel", type=int, help="how many invocations of one function run at once")
    parser.add_argument("--no-state", action="store_true", help="do not keep what buckets and tables hold")
    parser.add_argument("--parameter", action="append", default=[], metavar="NAME=VALUE", help="a template parameter")
    return parser


def _forget_the_account() -> None:
    """Nothing here may look at an AWS account's settings, or send a call to this machine through a proxy."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update({"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull})
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), "127.0.0.1", "localhost")))


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal comes. Prints one line that begins with `ready` once the stack can be used."""
    parser = _parser()
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    _forget_the_account()
    # An execution that ends badly is logged with its whole parse tree, also while everything is taken down.
    logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)
    # The system may hand a signal to any thread of this process. Python's own handler then waits until the main thread
    # does something, which a main thread that waits never does: only the wakeup pipe ends its wait in any case.
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    # Only now: moto asks boto3 for its settings while it is imported.
    from local.bedrock.answering import StandInError  # noqa: PLC0415
    from local.bedrock.faults import read_faults  # noqa: PLC0415
    from local.bedrock.server import MODELS  # noqa: PLC0415
    from local.deploy import DeploymentFailed, TemplateNotSupported  # noqa: PLC0415
    from local.stack import AlreadyRunning, LocalStack  # noqa: PLC0415

    if options.model not in MODELS:
        parser.error(f"there is no stand-in model {options.model}; there are {', '.join(MODELS)}")
    try:
        faults = read_faults(options.faults) if options.faults else None
    except StandInError as error:
        parser.error(str(error))
    stack = LocalStack(
        options.template,
        state_dir=options.state_dir,
        parameters=dict(pair.split("=", 1) for pair in options.parameter),
        model=options.model,
        faults=faults,
        host=options.host,
        port=options.port,
        parallel=options.parallel,
        keep_state=not options.no_state,
    )
    try:
        with stack:
            sys.stdout.write(f"ready: AWS at {stack.endpoint}, Bedrock at {stack.bedrock_endpoint}\n")
            sys.stdout.flush()
            os.read(reading, 1)
    except (AlreadyRunning, DeploymentFailed, StandInError, TemplateNotSupported, OSError) as error:
        sys.stderr.write(f"The local stack did not start. {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    _code = main()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    # Everything is saved and closed: no thread that still waits for something may keep the process.
    os._exit(_code)
