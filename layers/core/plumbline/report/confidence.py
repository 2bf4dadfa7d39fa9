"""What is said of a run's confidences: whether they are probabilities, what they are worth, and what they sent away."""

from plumbline.contracts.confidence import ConfidenceBlock
from plumbline.contracts.labels import FITS_NO_CATEGORY, LOW_CONFIDENCE
from plumbline.contracts.summary import RunSummary
from plumbline.report.facts import Fact
from plumbline.report.words import count, percent, plural, share

UNCALIBRATED = "it ranks labels and is no probability"


def standing(block: ConfidenceBlock) -> tuple[str, str]:
    """Calibrated, in part or not, and what that means."""
    if not block.calibrated:
        return "Not calibrated", UNCALIBRATED
    fitted = f"fitted on {plural(block.fitted_on, 'gold label')}" if block.fitted_on else "a probability"
    if block.uncalibrated:
        return "Calibrated in part", f"{fitted}; of {plural(block.uncalibrated, 'label')} {UNCALIBRATED}"
    return "Calibrated", f"{fitted} of this prompt and model"


def confidence_facts(summary: RunSummary) -> list[Fact]:
    """What the report lists under Confidence; empty where nothing was labeled."""
    block = summary.confidence
    if block is None:
        return []
    facts = [Fact("Confidence", *standing(block))]
    if block.auroc is not None:
        facts.append(Fact("AUROC of errors", f"{block.auroc:.2f}", "0.5 is chance, 1 tells every error"))
    if block.calibration_error is not None:
        facts.append(Fact("Calibration error", percent(block.calibration_error), "said against seen, on average"))
    if block.calibrated:
        sent = reviewed(summary, LOW_CONFIDENCE)
        facts.append(
            Fact("Sent to a person", plural(sent, "label"), f"confidence below {percent(block.review_below, 0)}")
        )
    if none := reviewed(summary, FITS_NO_CATEGORY):
        facts.append(Fact("Fits no category", plural(none, "case"), "sent to a person"))
    labeled = summary.outcomes.get("labeled", 0)
    facts.append(
        Fact(
            "Close calls",
            f"{count(summary.close_calls)} of {plural(labeled, 'label')}",
            _part(summary.close_calls, labeled),
        )
    )
    if block.voted:
        facts.append(
            Fact("Votes", f"{plural(block.voted, 'uncertain label')}", plural(summary.vote_calls, "further answer"))
        )
    return facts


def reviewed(summary: RunSummary, reason: str) -> int:
    """How many cases need review for the reason."""
    return summary.outcome_reasons.get(f"needs_review: {reason}", 0)


def _part(number: int, whole: int) -> str:
    return f"{percent(share(number, whole))}, each marked in the run's outcomes" if number else ""
