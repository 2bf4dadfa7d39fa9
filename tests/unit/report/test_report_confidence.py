"""What the report says of confidence."""

from plumbline.contracts.confidence import ConfidenceBlock
from plumbline.contracts.summary import Sample
from plumbline.report import render
from tests.unit.report import summaries
from tests.unit.report.html_page import Page

REASONS = {"needs_review: low_confidence": 3, "needs_review: fits_no_category": 2}


def quality(**changes: object) -> str:
    return Page(render(summaries.summary_of(**changes))).text("quality")


def test_uncalibrated_confidence_says_so() -> None:
    text = quality(confidence=ConfidenceBlock(calibrated=0, uncalibrated=10, review_below=0.5), close_calls=2)
    assert "Not calibrated it ranks labels and is no probability" in text
    assert "Close calls 2 of 10 labels 20.0%" in text
    assert "AUROC" not in text
    assert "Sent to a person" not in text


def test_calibrated_confidence_says_what_it_is_worth_and_what_it_sent_away() -> None:
    block = ConfidenceBlock(
        calibrated=15, uncalibrated=0, voted=4, review_below=0.5, auroc=0.83, calibration_error=0.041, fitted_on=150
    )
    changes = {"outcomes": {"labeled": 10, "needs_review": 5, "dropped": 0, "failed": 0, "unchanged": 0}}
    sample = Sample(
        case_id="unlikely-1",
        kind="needs_review",
        category="Software Defect",
        gold_category=None,
        reason="low_confidence",
        excerpt="It stops.",
    )
    summary = summaries.summary_of(
        confidence=block, outcome_reasons=REASONS, vote_calls=12, samples=(sample,), **changes
    )
    page = Page(render(summary))
    text = page.text("quality")
    assert "Calibrated fitted on 150 gold labels of this prompt and model" in text
    assert "AUROC of errors 0.83" in text
    assert "Calibration error 4.1%" in text
    assert "Sent to a person 3 labels confidence below 50%" in text
    assert "Fits no category 2 cases" in text
    assert "Votes 4 uncertain labels 12 further answers" in text
    assert "3 \N{MULTIPLICATION SIGN} confidence too low" in page.text("funnel")
    assert "unlikely-1" in page.text("samples")
    steps = page.text("next")
    assert "3 cases whose label is likely wrong (low_confidence): plumbline review export" in steps
    assert "2 cases that fit no category" in steps
    assert "marked needs_review" not in steps


def test_a_class_whose_every_label_went_to_a_person_is_named() -> None:
    block = ConfidenceBlock(
        calibrated=9, uncalibrated=0, review_below=0.5, unlikely={"Software Defect": 3, "Billing Inquiry": 2}
    )
    summary = summaries.summary_of(
        confidence=block,
        classes={"Billing Inquiry": 4, "Software Defect": 0},
        outcome_reasons={"needs_review: low_confidence": 5},
    )
    steps = Page(render(summary)).text("next")
    assert "Software Defect: all 3 labels of it went to a person" in steps
    assert "Billing Inquiry: all" not in steps


def test_a_run_that_labeled_nothing_has_no_confidence() -> None:
    assert "There is no confidence to show" in quality()
