"""A backlog that the budget does not afford: masked and embedded, chosen from in rounds, the rest left for later."""

from collections import Counter

from plumbline import keys
from plumbline.contracts.selection import LEFT_FOR_LATER, ChosenCase
from plumbline.estimate import Load, ModelCosts
from plumbline.ingest import IngestSettings
from plumbline.prompting import load_prompt, prompt_tokens
from tests.statemachine.pipeline import Pipeline, Row, csv_file
from tests.statemachine.test_paths import ANSWERS, CATEGORIES, FRUITS
from tests.template.reading import ROOT, template

CASES, AFFORDABLE = 80, 54  # two shards; two rounds
PROMPT = "v2"  # too short for the model's prompt cache: the stand-in of these tests has none


def _budget() -> str:
    """What AFFORDABLE cases of the usual length cost, and half a case more."""
    model_id = str(template()["Parameters"]["ModelId"]["Default"])
    prompt = load_prompt(ROOT / "prompts", "root_cause", PROMPT)
    answer = IngestSettings().answer_tokens
    load = Load(cases=1, case_tokens=100, prefix_tokens=prompt_tokens(prompt), answer_tokens=answer)
    usd = ModelCosts(model_id)(load, "on_demand")
    assert usd is not None
    return f"{(AFFORDABLE + 0.5) * usd:.6f}"


def test_a_backlog_above_the_budget_is_chosen_from_in_rounds_and_the_next_run_takes_the_rest(
    pipeline: Pipeline,
) -> None:
    pipeline.script(*ANSWERS)
    # Five of six are of one class.
    rows = [Row(f"backlog-{n}", says=FRUITS[n // 6 % 6 if n % 6 == 0 else 0]) for n in range(CASES)]
    body = csv_file(rows)
    answered = pipeline.calls.answered
    first = pipeline.run(
        body, "backlog.csv", budget_usd=_budget(), target_per_class="1000", prompt_version=PROMPT
    ).check_succeeded()

    affordable = first.summary.ingest.affordable
    assert affordable is not None
    assert abs(affordable - AFFORDABLE) <= 2
    entered = Counter(first.states())
    assert (entered["SelectNext"], entered["LabelShards"]) == (2, 3)
    assert first.summary.model_calls == pipeline.calls.answered - answered <= affordable
    assert first.summary.cost.usd is not None
    assert first.summary.outcome_reasons == {f"dropped: {LEFT_FOR_LATER}": CASES - first.summary.outcomes["labeled"]}
    selection = first.summary.selection
    assert selection is not None
    assert (selection.backlog, selection.chosen, selection.rounds) == (CASES, first.summary.outcomes["labeled"], 2)
    assert 0 < selection.explored < selection.chosen
    rounds = [
        case.round for shard in ("00000", "00001")
        for case in pipeline.lines(keys.chosen(first.run_id, shard), ChosenCase)
    ]  # fmt: skip
    assert set(rounds) == {1, 2}

    # What was left is new again; what was labeled is not.
    second = pipeline.run(body, "backlog.csv").check_succeeded()
    assert second.summary.outcomes["unchanged"] == first.summary.outcomes["labeled"]
    assert second.summary.outcomes["labeled"] == first.summary.left_for_later
    assert second.summary.selection is None
    assert {outcome.category for outcome in second.outcomes.values()} <= {None, *CATEGORIES}
