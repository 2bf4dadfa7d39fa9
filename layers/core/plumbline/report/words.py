"""How figures, times and names read on the page."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from markupsafe import Markup, escape

from plumbline.contracts.accuracy import Interval

_PLACEHOLDER = re.compile(r"\[([A-Z][A-Z0-9_]*_(?:\d+|[a-z][a-z2-7]{7}))\]")
_IRREGULAR = {"reply": "replies", "retry": "retries", "class": "classes"}
_STAND_INS = {"local.embedding", "local.scripted"}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DASH = "\N{EN DASH}"
_CENT, _LEAST_USD, _CENTS_ARE_NOISE = 0.01, 0.000001, 10_000
_TENTHS_ARE_NOISE = 100  # hours
_SCALES = ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"))


def count(number: int) -> str:
    """A whole number with thousands separators."""
    return f"{number:,}"


def compact(number: int) -> str:
    """A whole number in at most four significant digits and a word: `1.25 million`."""
    for size, name in _SCALES:
        if abs(number) >= size:
            return f"{Decimal(number) / size:,.2f} {name}"
    return count(number)


def plural(number: int, noun: str) -> str:
    """`1 case`, `2 cases`."""
    return f"{count(number)} {noun if number == 1 else _IRREGULAR.get(noun, noun + 's')}"


def each(numbers: Mapping[str, int]) -> str:
    """`3 no text, 1 malformed row`: what there is how many of."""
    return ", ".join(f"{count(number)} {what}" for what, number in numbers.items())


def money(usd: float | None) -> str:
    """US dollars: cents from one cent on, two significant digits below, whole dollars from ten thousand on."""
    if usd is None or not math.isfinite(usd):
        return "unknown"
    if usd == 0:
        return "$0.00"
    sign, size = ("-" if usd < 0 else ""), abs(usd)
    if size < _LEAST_USD:
        return f"{sign}<${_LEAST_USD:f}"
    if size < _CENT:
        return f"{sign}${size:.{1 - math.floor(math.log10(size))}f}"
    return f"{sign}${size:,.2f}" if size < _CENTS_ARE_NOISE else f"{sign}${size:,.0f}"


def share(part: float, whole: float) -> float:
    """part / whole within 0..1; 0 where there is no whole."""
    if not whole or not math.isfinite(part) or not math.isfinite(whole):
        return 0.0
    return min(1.0, max(0.0, part / whole))


def model_note(model_id: str) -> str:
    """A warning where a stand-in answered: its accuracy says nothing about a language model's."""
    return "a stand-in on this machine, no language model" if model_id in _STAND_INS else ""


def percent(value: float, digits: int = 1) -> str:
    """A share as a percentage; never rounds something to nothing or nearly all to all."""
    if not math.isfinite(value):
        return "unknown"
    least = 10.0**-digits
    figure, full = value * 100, 100.0
    if 0 < figure < least / 2:
        return f"<{least:.{digits}f}%"
    if full - least / 2 < figure < full:
        return f">{full - least:.{digits}f}%"
    return f"{figure:.{digits}f}%"


def interval_span(interval: Interval) -> str:
    """The interval's ends, with a dash between them: 59.6 to 98.2%."""
    if not (math.isfinite(interval.low) and math.isfinite(interval.high)):
        return "unknown"
    return f"{interval.low * 100:.1f}{_DASH}{interval.high * 100:.1f}%"


def moment(at: datetime) -> str:
    """A point in time in UTC; a time without a zone is taken to be UTC."""
    try:
        at = _aware(at).astimezone(UTC)
    except OverflowError:  # the first and last day that datetime knows
        at = at.replace(tzinfo=UTC)
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}, {at.hour:02}:{at.minute:02} UTC"


def _aware(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def elapsed(start: datetime, end: datetime) -> timedelta:
    """From start to end; zero where clocks disagree."""
    return max(timedelta(), _aware(end) - _aware(start))


def duration(span: timedelta) -> str:
    """A length of time in its two largest units: `2 h 05 min`."""
    seconds = int(span.total_seconds())
    if seconds < 1:
        return "under a second"
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    if days:
        return f"{plural(days, 'day')} {hour} h"
    if hours:
        return f"{hours} h {minute:02} min"
    return f"{minutes} min {second:02} s" if minutes else f"{second} s"


def hours(amount: float) -> str:
    """Hours of a person's work: minutes below one hour, whole hours from a hundred on."""
    if not math.isfinite(amount):
        return "unknown"
    if abs(amount) < 1:
        return f"{amount * 60:.0f} min"
    return f"{amount:,.1f} h" if abs(amount) < _TENTHS_ARE_NOISE else f"{amount:,.0f} h"


def marked(text: str) -> Markup:
    """Escaped text in which the anonymizer's placeholders stand out."""
    return Markup(_PLACEHOLDER.sub(r'<span class="mask">\1</span>', str(escape(text))))  # noqa: S704 - escaped here


def clipped(text: str, limit: int) -> str:
    """The text's first `limit` characters, with an ellipsis where something was left out."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
