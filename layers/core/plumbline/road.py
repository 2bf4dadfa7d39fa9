"""Which road a run takes to the model: case by case, or a batch job at half the price. Pure; ingest and plan ask it."""

from plumbline.contracts.runs import Road, RunMode


def choose_road(
    mode: RunMode,
    new: int,
    affordable: int | None,
    batch_from: int,
    *,
    model_has_batch: bool,
    cheaper_on_demand: bool = False,
    in_a_hurry: bool = False,
    batch_min: int = 0,
) -> tuple[Road, str]:
    """The road and, in words, why.

    `affordable`: how many of the `new` cases the budget affords at the batch's price; None where it affords all of
    them. A budget that does not is spent in rounds, each chosen by what the rounds before it found, and a batch answers
    in one go. `batch_from`: the number of new cases from which on `auto` takes a batch, where
    that is not dearer: a batch has no prompt cache, which can save more than half (`cheaper_on_demand`); and where the
    caller is not in a hurry, as one who asks to fail fast is. `batch_min`: the fewest records that a job takes, where
    `plan` asks; in a run SubmitBatch, which counts the records, says so.
    """
    against = _against_batch(mode, new, affordable, batch_min, model_has_batch=model_has_batch)
    if against:
        return "on_demand", against
    if mode == "batch":
        return "batch", "mode batch was asked for"
    if new < batch_from:
        return "on_demand", f"{_cases(new)}, and a batch is worth its wait from {batch_from:,} on"
    if in_a_hurry:
        return "on_demand", "the run is to fail fast, and a batch may take a day"
    if cheaper_on_demand:
        return "on_demand", "the prompt cache makes calls on demand cheaper than a batch, which has none"
    return "batch", f"{_cases(new)}, which is {batch_from:,} or more; a batch costs half as much"


def _against_batch(mode: RunMode, new: int, affordable: int | None, batch_min: int, *, model_has_batch: bool) -> str:
    if not new:
        return "no case is new, so no model is asked"
    if mode == "on_demand":
        return "mode on-demand was asked for"
    if not model_has_batch:
        return "the model has no batch inference by this configuration (prices.json)"
    if mode == "batch" and new < batch_min:
        return f"a batch job takes {batch_min:,} records at least, and there are {_cases(new)}"
    if affordable is not None:
        return (
            f"even at a batch's price the budget affords some {affordable:,} of {_cases(new)}, so the most useful ones "
            "are chosen in rounds, which one batch cannot do"
        )
    return ""


def _cases(new: int) -> str:
    return f"{new:,} new {'case' if new == 1 else 'cases'}"
