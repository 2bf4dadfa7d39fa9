"""One line a step on standard output, so that a person and CloudWatch see training move."""

import sys
from datetime import UTC, datetime


def say(text: str) -> None:
    """Write one line with the time (UTC), at once."""
    sys.stdout.write(f"{datetime.now(UTC):%H:%M:%S} {text}\n")
    sys.stdout.flush()


_MINUTES_FROM = 120.0


def duration(seconds: float) -> str:
    """Seconds as a person says them."""
    return f"{seconds:.0f} s" if seconds < _MINUTES_FROM else f"{seconds / 60:.0f} min"
