"""A first, uncalibrated confidence: it ranks labels, it is no probability. (A later version fits one on gold.)"""

from collections.abc import Sequence

_CLEAR = 0.9
_CLOSE_CALL = 0.6
_PER_REPAIR = 0.05
_PER_RE_ASK = 0.1
_LEAST = 0.05


def rank(*, runner_up: str | None, repairs: Sequence[str]) -> float:
    """Clear answers before close calls, untouched replies before mended ones, first answers before re-asked ones."""
    re_asked = sum(repair == "re_asked" for repair in repairs)
    mended = len(repairs) - re_asked
    start = _CLOSE_CALL if runner_up else _CLEAR
    return round(max(_LEAST, start - _PER_REPAIR * mended - _PER_RE_ASK * re_asked), 4)
