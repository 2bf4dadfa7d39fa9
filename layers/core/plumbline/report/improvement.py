"""The trail of `plumbline prompts improve` as one HTML page, in the style of a run's report."""

from typing import Final

from plumbline.contracts.accuracy import Interval
from plumbline.contracts.comparisons import VersionStep
from plumbline.contracts.improvements import Improvement
from plumbline.report.page import clean_page, template
from plumbline.report.words import model_note, moment

STOPPED: Final = {
    "target": "The target was reached on the held-back part.",
    "budget": "The budget allowed no further round.",
    "rounds": "All rounds were done.",
    "nothing_left": "There was no further wrong label to draft an example from.",
}


def render_improvement(found: Improvement) -> str:
    """The improvement as one HTML document."""
    rows: list[tuple[str, Interval]] = [(f"{found.base}", found.held_back)]
    rows += [(f"round {done.number}", done.held_back) for done in found.rounds if done.held_back]
    return clean_page(
        template("improvement.html.j2").render(
            found=found,
            rows=rows,
            stopped=STOPPED[found.stopped],
            note=model_note(found.model_id),
            when=moment(found.finished_at),
            said=difference,
            doubt=doubt(found),
        )
    )


def doubt(found: Improvement) -> str:
    """What speaks against the draft that was kept; empty where none was, or the final part bears it out."""
    step = found.final
    if found.version is None or (step is not None and len(step.fixed) > len(step.broke)):
        return ""
    if step is None:
        return f"The final part was not looked at, so nothing but flattered figures speaks for {found.version}."
    return f"The final part does not bear {found.version} out: it is no better there than {found.base}."


def difference(step: VersionStep) -> str:
    """What a step did to accuracy, with its interval and p-value."""
    accuracy = next(part for part in step.differences if part.metric == "accuracy")
    return (
        f"{accuracy.value * 100:+.1f} points (95% {accuracy.low * 100:+.1f} to {accuracy.high * 100:+.1f}), "
        f"{len(step.fixed)} fixed, {len(step.broke)} broke, McNemar p {step.p_value:.2g}"
    )
