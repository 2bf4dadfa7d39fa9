"""`plumbline up --faults FILE`: what goes wrong in front of the local model."""

import os
from pathlib import Path
from urllib.request import Request, urlopen

from cli import local_stack
from cli.errors import UsageProblem
from cli.paths import plumbline, shown

_SECONDS = 30


def use(path: Path) -> None:
    """Let the local stack follow the file's faults: the one that runs from now on, else the one that is started next.

    Raises UsageProblem for a file that cannot be used.
    """
    # Late: no other command needs the stand-in, and each would start some tenths of a second later.
    from local.bedrock.answering import StandInError  # noqa: PLC0415
    from local.bedrock.faults import read_faults  # noqa: PLC0415

    try:
        faults = read_faults(path)
    except StandInError as error:
        message = str(error)
        raise UsageProblem(f"{message[0].upper()}{message[1:]}.", "docs/faults.md says what can stand there.") from None
    running = local_stack.running()
    if running is None:
        os.environ["PLUMBLINE_FAULTS"] = str(path.resolve())  # `python -m local` reads it
        return
    request = Request(f"{running.bedrock_endpoint}/_faults", faults.model_dump_json().encode())  # noqa: S310 - http
    try:
        urlopen(request, timeout=_SECONDS).close()  # noqa: S310 - the local stack's own address
    except OSError as error:
        hint = f"Stop it with {plumbline('down')} and start it again with --faults {shown(path)}."
        raise UsageProblem(f"The running local stack takes no faults ({error}).", hint) from None
