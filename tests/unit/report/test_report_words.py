"""Figures and times as the report writes them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from plumbline.contracts.accuracy import Interval
from plumbline.report import words


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (None, "unknown"),
        (float("nan"), "unknown"),
        (0, "$0.00"),
        (0.0000000042, "<$0.000001"),
        (0.00042, "$0.00042"),
        (0.0099, "$0.0099"),
        (0.01, "$0.01"),
        (1234.5, "$1,234.50"),
        (1_234_567.891, "$1,234,568"),
    ],
)
def test_money(usd: float | None, text: str) -> None:
    assert words.money(usd) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0.0%"), (0.0001, "<0.1%"), (0.5, "50.0%"), (0.99999, ">99.9%"), (1, "100.0%"), (float("inf"), "unknown")],
)
def test_percent_never_rounds_something_to_nothing_or_all(value: float, text: str) -> None:
    assert words.percent(value) == text


def test_interval() -> None:
    assert words.interval_span(Interval(value=0.9, low=0.59585, high=0.98212, n=10)) == "59.6\N{EN DASH}98.2%"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "under a second"), (59, "59 s"), (125, "2 min 05 s"), (7_500, "2 h 05 min"), (90_000, "1 day 1 h")],
)
def test_duration(seconds: float, text: str) -> None:
    assert words.duration(timedelta(seconds=seconds)) == text


def test_times_with_and_without_a_zone_meet_in_utc() -> None:
    east = datetime(2026, 1, 1, 1, 30, tzinfo=timezone(timedelta(hours=2)))
    assert words.moment(east) == "31 Dec 2025, 23:30 UTC"
    no_zone = datetime.fromisoformat("2026-01-01T00:00")
    assert words.elapsed(east, no_zone) == timedelta(minutes=30)
    assert words.elapsed(datetime(2026, 1, 2, tzinfo=UTC), east) == timedelta()


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (999_999, "999,999"), (1_250_000, "1.25 million"), (1_235_000_000_007, "1.24 trillion")],
)
def test_compact(number: int, text: str) -> None:
    assert words.compact(number) == text


def test_plural() -> None:
    assert [words.plural(n, "case") for n in (0, 1, 2_000)] == ["0 cases", "1 case", "2,000 cases"]
    assert words.plural(2, "class") == "2 classes"
    assert words.plural(2, "reply") == "2 replies"


@pytest.mark.parametrize(("amount", "text"), [(0.5, "30 min"), (16, "16.0 h"), (102_916_666.7, "102,916,667 h")])
def test_hours(amount: float, text: str) -> None:
    assert words.hours(amount) == text


def test_clipped() -> None:
    assert words.clipped("abc", 3) == "abc"
    assert words.clipped("abcdef", 4) == "abc…"
