"""The plots: shares drawn true, slivers visible, labels escaped; and colours that can be read."""

import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import plumbline.report
from plumbline.contracts.accuracy import Interval
from plumbline.report import plots

CSS = (Path(plumbline.report.__file__).parent / "report.css").read_text(encoding="utf-8")


def shapes(svg: str, name: str) -> list[dict[str, str]]:
    """The attributes of every shape of a class."""
    found = [dict(re.findall(r'([\w-]+)="([^"]*)"', tag)) for tag in re.findall(r"<[a-z][^>]*>", svg)]
    return [shape for shape in found if name in shape.get("class", "").split()]


def widths(svg: str, tone: str) -> list[float]:
    return [float(shape["width"].removesuffix("%")) for shape in shapes(svg, f"tone-{tone}")]


def test_stacked_bar_draws_true_shares() -> None:
    svg = plots.stacked([plots.Part("labeled", 3), plots.Part("failed", 1), plots.Part("dropped", 0)], "label")
    assert widths(svg, "labeled") == [75.0]
    assert widths(svg, "failed") == [25.0]
    assert widths(svg, "dropped") == []


@example([1, 239, 29_584])  # the second is just wider than a sliver and must not be shrunk below one
@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=6))
def test_what_is_there_is_seen_and_bars_never_overflow(amounts: list[int]) -> None:
    svg = plots.stacked([plots.Part(f"t{i}", amount) for i, amount in enumerate(amounts)], "label")
    drawn = [width for i in range(len(amounts)) for width in widths(svg, f"t{i}")]
    assert len(drawn) == sum(amount > 0 for amount in amounts)
    assert all(width >= 0.8 for width in drawn)
    assert sum(drawn) <= 100.1


def test_balance_places_the_target_and_marks_what_runs_beyond() -> None:
    svg = plots.balance(earlier=20, this_run=10, target=40, full=80, label="x")
    assert widths(svg, "earlier") == [25.0]
    assert widths(svg, "main") == [12.5]
    assert [(line["x1"], line["x2"]) for line in shapes(svg, "plumb")] == [("50.0%", "50.0%")]
    assert "<path" not in svg
    assert "<path" in plots.balance(earlier=0, this_run=81, target=40, full=80, label="x")


def test_interval_spans_low_to_high() -> None:
    svg = plots.interval(Interval(value=0.9, low=0.596, high=0.982, n=10), "x")
    assert [(line["x1"], line["x2"]) for line in shapes(svg, "whisker")] == [("59.6%", "98.2%")]
    assert [dot["cx"] for dot in shapes(svg, "dot")] == ["90.0%"]


def test_label_is_escaped() -> None:
    svg = plots.bar(1, 2, '"><script>')
    assert "<script" not in svg
    assert "&#34;&gt;&lt;script&gt;" in svg


def palettes() -> list[dict[str, str]]:
    """The custom properties of light, dark and print, each on top of the light ones."""
    roots = [dict(re.findall(r"--([\w-]+): ([^;]+);", body)) for body in re.findall(r":root \{([^}]*)\}", CSS)]
    assert len(roots) == 3
    return [roots[0] | root for root in roots]


def rgb(colour: str) -> tuple[float, ...]:
    if colour.startswith("#"):
        digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
        return tuple(int(digits[i : i + 2], 16) for i in (0, 2, 4))
    return tuple(float(part) for part in colour.split())


def mixed(over: str, alpha: float, under: str) -> tuple[float, ...]:
    return tuple(alpha * a + (1 - alpha) * b for a, b in zip(rgb(over), rgb(under), strict=True))


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """The WCAG contrast ratio of two sRGB colours."""

    def luminance(colour: tuple[float, ...]) -> float:
        linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", palettes(), ids=["light", "dark", "print"])
def test_text_has_contrast_of_4_5(palette: dict[str, str]) -> None:
    for text in ("ink", "muted", "good", "attention", "main"):
        for ground in ("paper", "card"):
            assert contrast(rgb(palette[text]), rgb(palette[ground])) >= 4.5, (text, ground)
    assert contrast(rgb(palette["muted"]), rgb(palette["track"])) >= 4.5  # placeholders


@pytest.mark.parametrize("palette", palettes(), ids=["light", "dark", "print"])
def test_heat_map_figures_have_contrast_of_4_5(palette: dict[str, str]) -> None:
    for kind in ("heat", "miss"):
        for shade, alpha in re.findall(rf"\.{kind}-(\d) {{ background: rgb\(var\(--{kind}\)(?: / ([.\d]+))?\)", CSS):
            ground = mixed(palette[kind], float(alpha or 1), palette["card"])
            text = palette["on-heat"] if int(shade) >= 6 else palette["ink"]
            assert contrast(rgb(text), ground) >= 4.5, (kind, shade)


@pytest.mark.parametrize("palette", palettes(), ids=["light", "dark", "print"])
def test_every_tone_has_a_colour(palette: dict[str, str]) -> None:
    tones = set(re.findall(r"\.tone-([\w]+) ", CSS))
    assert tones == {"main", "earlier", "labeled", "needs_review", "dropped", "failed", "unchanged"}
    assert tones <= palette.keys()
