"""Pictures that are files of their own: one page for all of them, and no text that breaks it."""

from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.accuracy import wilson
from plumbline.confidence.measure import figures
from plumbline.contracts.confidence import Calibration
from plumbline.report import picture
from plumbline.report.confidence_plot import confidence_plot
from plumbline.report.interval_plot import PlotRow, interval_plot
from tests import builders as b

WILD = "</text><script>alert(1)</script> \"quoted\" & 'more'"
TEXT = st.text(st.characters(exclude_categories=["C"]), max_size=40) | st.just(WILD)


def confidences(model_id: str) -> str:
    found = figures([0.2, 0.4, 0.8, 0.9], [False, True, True, True])
    calibration = Calibration(
        task="root_cause", prompt=b.REF, model_id=model_id, fitted_at=datetime(2026, 3, 4, tzinfo=UTC), cases=4,
        weights={}, intercept=0.0, auroc=None, calibration_error=0.0, accuracy=wilson(3, 4),
    )  # fmt: skip
    return confidence_plot(calibration, found)


def intervals(name: str) -> str:
    return interval_plot(name, name, [PlotRow(name, wilson(3, 4))])


@given(TEXT)
def test_whatever_the_names_the_pictures_are_well_formed(name: str) -> None:
    for document in (confidences(name), intervals(name)):
        root = ElementTree.fromstring(document)
        assert root.attrib["role"] == "img"
        assert name in root.attrib["aria-label"]
        assert not [element for element in root.iter() if element.tag.endswith("script")]


def test_both_dashed_lines_say_what_they_are() -> None:
    words = [element.text for element in ElementTree.fromstring(confidences("m")).iter() if element.text]
    assert [word for word in words if word.startswith("dashed")] == ["dashed: said is seen", "dashed: chance"]


def test_no_name_reaches_into_the_axis() -> None:
    """Bold DejaVu Sans of 14 px, the widest of the page's fonts, takes 8.8 px a character on average."""
    for name in ("v1", "Billing Inquiry: precision", "Documentation Improvement: precision"):
        root = ElementTree.fromstring(intervals(name))
        words = next(element for element in root.iter() if element.text == name and element.get("class") == "name")
        grid = min(float(element.attrib["x1"]) for element in root.iter() if element.get("class") == "grid")
        assert float(words.attrib["x"]) + 8.8 * len(name) < grid - 8


def test_both_are_drawn_on_the_one_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture, "_STYLE", ".paper {{ fill: teal; }}")
    assert all("fill: teal" in document for document in (confidences("m"), intervals("m")))
