"""How good a run's labels are: the check that fits what is known of its cases."""

from plumbline.contracts.evaluation import Check, Choice
from plumbline.report.words import plural

_NO_SAMPLE = "the rows that people reviewed are no random sample of the run, so no accuracy can be read off them"
_NO_GOLD = "no label of the run has a gold label beside it: none came with the export or from a review"


def choose(*, gold: int, references: int | None, judge: str | None, left_out: int = 0) -> tuple[Choice, ...]:
    """Which checks are made of a run and why, one line for each check that there is.

    `gold` counts its labels with a gold label that stands for the run, `left_out` the reviewed rows that do not;
    `references` the reasonings that were given (None: no file was named);
    `judge` is the judging model's id. What people say comes first; a judge is only asked where somebody wants it; where
    nothing else is left, people get a sheet.
    """
    made: list[Choice] = [
        _made("gold", f"{plural(gold, 'label')} of the run can be compared with gold")
        if gold
        else _not("gold", _NO_SAMPLE if left_out else _NO_GOLD),
        _not("references", "no file of reference reasonings was named (--references)")
        if references is None
        else _made("references", f"{plural(references, 'reference reasoning')} were given"),
    ]
    if judge:
        besides = "; how far it agrees with people is measured" if gold else ""
        made.append(_made("judge", f"{judge} was named as the judge{besides}"))
    elif gold:
        made.append(_not("judge", "people's labels say more; --judge MODEL_ID measures a judge against them"))
    else:
        made.append(_not("judge", "no judge was named (--judge MODEL_ID)"))
    if any(choice.made for choice in made):
        return (*made, _not("review_sheet", "another check could be made"))
    return (*made, _made("review_sheet", "nothing says how good the labels are, so people have to"))


def _made(check: Check, why: str) -> Choice:
    return Choice(check=check, made=True, why=why)


def _not(check: Check, why: str) -> Choice:
    return Choice(check=check, made=False, why=why)
