"""Runs one command and ends it when whoever started this ends, however that goes.

Imports nothing of this repository. Standard input says that the starter lives: when it ends, everything in this process
group is killed. A signal to the group is for the command; this process waits for it and then ends as it did.
"""

import os
import signal
import subprocess
import sys
import threading


def _watch() -> None:
    while os.read(0, 4096):
        pass
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Run the arguments as a command, with nothing on its standard input."""
    # A handler, not SIG_IGN: the command would inherit that.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    process = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)  # noqa: S603 - the starter's own command
    threading.Thread(target=_watch, daemon=True).start()
    code = process.wait()
    if code < 0:
        if -code != signal.SIGKILL:  # which cannot be caught, and so not be let through either
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


if __name__ == "__main__":
    main()
