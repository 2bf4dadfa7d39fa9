"""What trials of several prompt versions on the same cases say about them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import reduce
from operator import add

from plumbline.accuracy import wilson
from plumbline.contracts.cases import AnonymizedCase
from plumbline.contracts.comparisons import ChangedLabel, VersionFigures, VersionStep
from plumbline.contracts.replies import Usage
from plumbline.prompting import LoadedPrompt, prompt_tokens, request_tokens
from plumbline.significance import differences, macro_f1, mcnemar, right_alone
from plumbline.spend_tracker import Estimate, estimated
from plumbline.tokens import tokens_in
from plumbline.trials import MAX_REPAIRS, Trial

Price = Callable[[Usage], float | None]
_COMPLAINT_TOKENS = 100  # what a re-ask says beside the names


def expected(prompt: LoadedPrompt, cases: Sequence[AnonymizedCase]) -> Estimate:
    """What labeling the cases takes; see Estimate."""
    input_tokens = len(cases) * prompt_tokens(prompt) + sum(request_tokens(case) for case in cases)
    names = tokens_in("\n".join(prompt.prompt.category_names))
    return estimated(
        len(cases), input_tokens, prompt.prompt.model.max_tokens,
        re_asks=MAX_REPAIRS, complaint_tokens=_COMPLAINT_TOKENS + names,
    )  # fmt: skip


def answered(trials: Sequence[Sequence[Trial]]) -> list[int]:
    """The places of the cases that had an answer in each of the trials, which are of equal length."""
    return [place for place, row in enumerate(zip(*trials, strict=True)) if all(trial.asked for trial in row)]


def figures(prompt: LoadedPrompt, gold: Sequence[str], trials: Sequence[Trial], price: Price) -> VersionFigures:
    """The figures of one version; `gold` and `trials` are of equal length, one place a case, and not empty."""
    named = [trial.category for trial in trials]
    usage = reduce(add, (trial.usage for trial in trials), Usage())
    return VersionFigures(
        version=prompt.ref.version,
        sha256=prompt.ref.sha256,
        accuracy=wilson(sum(g == n for g, n in zip(gold, named, strict=True)), len(gold)),
        labeled=wilson(sum(name is not None for name in named), len(gold)),
        first_try=wilson(sum(trial.label is not None and not trial.repaired for trial in trials), len(gold)),
        macro_f1=macro_f1(gold, named),
        usage=usage,
        calls=sum(trial.calls for trial in trials),
        reused=sum(trial.reused for trial in trials),
        usd=price(usage),
        paid_usd=price(reduce(add, (trial.paid for trial in trials), Usage())),
    )


def step(names: tuple[str, str], gold: Sequence[str], before: Sequence[Trial], after: Sequence[Trial]) -> VersionStep:
    """What the second of the names (`after`) fixed and broke against the first (`before`)."""
    old, new = [trial.category for trial in before], [trial.category for trial in after]
    fixed, broke = right_alone(gold, new, old)

    def changed(places: Sequence[int]) -> Iterator[ChangedLabel]:
        for place in places:
            yield ChangedLabel(case_id=after[place].case_id, gold=gold[place], before=old[place], after=new[place])

    return VersionStep(
        version=names[1],
        against=names[0],
        fixed=tuple(changed(fixed)),
        broke=tuple(changed(broke)),
        p_value=mcnemar(len(fixed), len(broke)),
        differences=differences(gold, new, old),
    )


def steps(gold: Sequence[str], trials: Mapping[str, Sequence[Trial]]) -> Iterator[VersionStep]:
    """Each version against the first, and where that is another one, against the version before it."""
    versions = list(trials)
    for place, version in enumerate(versions[1:], start=1):
        for against in dict.fromkeys((versions[0], versions[place - 1])):
            yield step((against, version), gold, trials[against], trials[version])
