"""The report page: well-formed, self-contained, escaped, complete and right in its figures."""

import re
import subprocess
import sys
from typing import Any

import pytest

from plumbline.contracts.summary import RunSummary, Sample
from plumbline.report import render
from tests.unit.report import summaries
from tests.unit.report.html_page import Page

SECTIONS = ["run", "funnel", "balance", "cost", "quality", "repairs", "masked", "samples", "next"]


@pytest.mark.parametrize("name", summaries.ALL)
def test_page_is_well_formed_and_has_every_section(name: str) -> None:
    html = render(summaries.ALL[name]())
    page = Page(html)
    assert html.startswith("<!DOCTYPE html>")
    assert [section for section in page.sections if section] == SECTIONS
    assert all(page.text(section) for section in SECTIONS)
    assert len(page.ids) == len(set(page.ids))
    referenced = [value for _, name, value in page.attributes if name in ("aria-labelledby", "aria-describedby")]
    assert set(referenced) <= set(page.ids)


@pytest.mark.parametrize("name", summaries.ALL)
def test_page_loads_nothing_and_runs_nothing(name: str) -> None:
    html = render(summaries.ALL[name]())
    page = Page(html)
    assert not page.tags & {"script", "img", "iframe", "object", "embed", "image", "use", "form"}
    targets = [value for _, attribute, value in page.attributes if attribute in ("href", "src", "xlink:href", "srcset")]
    assert set(targets) <= {"#main", "data:,"}
    assert not [attribute for _, attribute, _ in page.attributes if attribute.startswith("on")]
    assert "url(" not in html
    assert "@import" not in page.css
    assert not re.search(r"https?://|//\w", html)


def test_every_plot_has_a_label_for_screen_readers() -> None:
    html = render(summaries.typical())
    plots = re.findall(r'<svg [^>]*class="plot"[^>]*>', html)
    assert len(plots) > 30
    assert all('role="img"' in plot and re.search(r'aria-label="[^"]+"', plot) for plot in plots)


class Hostile:
    """Puts a payload into every free string of a dumped summary, keys of counts included."""

    FIXED = frozenset({"status", "verdict", "kind", "outcomes", "road"})

    def __init__(self) -> None:
        self.payloads: list[str] = []

    def payload(self) -> str:
        self.payloads.append(
            f"p{len(self.payloads)}<script>alert(1)</script>\"'><img src=x onerror=y>&amp;{{{{7*7}}}}\x00"
        )
        return self.payloads[-1]

    def spoil(self, value: Any, name: str = "") -> Any:
        if name in self.FIXED:
            return value
        if isinstance(value, str):
            return self.payload()
        if isinstance(value, dict):
            free = name in {
                "reject_reasons",
                "outcome_reasons",
                "repairs",
                "entities",
                "classes",
                "confusion",
                "missing",
            }
            return {self.payload() if free else key: self.spoil(item, key) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.spoil(item) for item in value]
        return value


def test_every_string_is_escaped() -> None:
    hostile = Hostile()
    plain = summaries.typical()
    spoiled = RunSummary.model_validate(hostile.spoil(plain.model_dump()))
    html = render(spoiled)
    page, before = Page(html), Page(render(plain))
    assert len(hostile.payloads) > 60
    assert "<script" not in html
    assert "<img" not in html
    assert "\x00" not in html
    assert page.tags <= before.tags
    assert {(tag, name) for tag, name, _ in page.attributes} <= {(tag, name) for tag, name, _ in before.attributes}
    assert "{{7*7}}" in page.text("quality")  # shown as it stands, not evaluated


def test_a_hostile_excerpt_is_shown_as_text_and_placeholders_stand_out() -> None:
    sample = Sample(case_id="C-1", kind="dropped", category=None, gold_category=None, reason="two categories",
                    excerpt="<b>Bold</b> [NAME_1] </style> [not a placeholder]")  # fmt: skip
    html = render(summaries.summary_of(samples=(sample,)))
    assert "<b>Bold</b> NAME_1 </style> [not a placeholder]" in Page(html).text("samples")
    assert '<span class="mask">NAME_1</span>' in html


@pytest.mark.parametrize(
    ("name", "headline"),
    [
        ("typical", "188 of 196 new cases labeled; the dataset is balanced with 240 cases; "
         "the model calls cost $0.02."),
        ("short", "381 of 381 new cases labeled; the dataset is short by 125 cases in 3 of 6 classes; "
         "no price is known for this model."),
        ("empty", "No case was found in the file; there is no dataset yet; the model calls cost $0.00."),
        ("failed", "The run failed. None of 2 new cases labeled; balance was not checked; the model calls cost $0.42."),
        ("unchanged", "Nothing new: all 2,144 cases were labeled before; the dataset is balanced with 240 cases; "
         "the model calls cost $0.00."),
    ],
)  # fmt: skip
def test_headline(name: str, headline: str) -> None:
    assert headline in Page(render(summaries.ALL[name]())).text()


def test_sections_without_data_say_so() -> None:
    page = Page(render(summaries.summary_of(classes={}, outcomes={"labeled": 10})))
    assert "No row was rejected." in page.text("funnel")
    assert "The balance was not checked, and this run labeled no case." in page.text("balance")
    assert "No gold labels came along" in page.text("quality")
    assert "No reply needed a repair." in page.text("repairs")
    assert "No label was a close call." in page.text("repairs")
    assert "Nothing was masked." in page.text("masked")
    assert "There is no case to show" in page.text("samples")
    empty = Page(render(summaries.empty()))
    assert "No case reached an outcome." in empty.text("funnel")
    assert "No token was used." in empty.text("cost")
    assert "Empty: no label has been accepted for this task so far." in empty.text("balance")


def test_sections_with_data_do_not_say_that_there_is_none() -> None:
    html = render(summaries.typical())
    for none in ("No gold labels", "No row was rejected", "No reply needed", "Nothing was masked", "No token",
                 "not checked", "No case", "no case to show", "No price"):  # fmt: skip
        assert none not in html


def test_run_facts() -> None:
    text = Page(render(summaries.typical())).text("run")
    for fact in ("Task root_cause", "Prompt v3 sha256 3b9f3b9f3b9f ", "Model amazon.nova-lite-v1:0",
                 "Source incoming/tickets.csv csv, 402.0 kB", "Started 22 Nov 2026, 13:15 UTC",
                 "Duration 2 min 05 s 4 shards", "Budget $5.00", "Status Succeeded", "Run run-7f3a9c"):  # fmt: skip
        assert fact in text


def test_funnel_counts_and_reasons() -> None:
    text = Page(render(summaries.typical())).text("funnel").replace("\N{MULTIPLICATION SIGN}", "x")
    for line in ("Read from the file 281 9 rejected, 4 repeated", "Cases 268 3 cases cut to length",
                 "New or changed 196 72 unchanged", "Labeled 188 70.1%", "Needs review 4 1.5%",
                 "Dropped 3 1.1% 2 x two categories 1 x no category",
                 "Failed 1 0.4% 1 x the model's service was too busy (ModelThrottled)",
                 "Unchanged 72 26.9%", "add up to the 268 cases", "no text 5 missing id 3 bad encoding 1"):  # fmt: skip
        assert line in text


def test_an_account_that_does_not_add_up_is_said() -> None:
    text = Page(render(summaries.failed())).text("funnel")
    assert "The outcomes do not add up to the 2 cases found." in text
    assert "shard lost 1" in text  # a reason that names no outcome is not lost


def test_balance_shows_missing_and_needed() -> None:
    text = Page(render(summaries.short())).text("balance")
    assert "Billing Inquiry 61 accepted of 50 · 61 this run target met" in text
    assert "Security Awareness 0 accepted of 50 · 0 this run 50 missing; never seen, so no estimate" in text
    assert "Documentation Improvement 7 accepted of 50 · 7 this run 43 missing; about 258 more cases needed" in text
    assert "pointed end: beyond what is drawn" in text  # 240 of 50
    assert "Short of the target. 175 cases selected as dataset d20261122-1f3a" in text


def test_cost_with_and_without_a_price() -> None:
    text = Page(render(summaries.typical())).text("cost")
    for line in ("Cost of the model calls $0.02 prices as of 2026-10-01", "Cost per 1,000 new cases $0.11",
                 "Saved by reuse $0.0026 24 replies reused", "Model calls paid for 201", "Tokens 548,700",
                 "A person, reading each case 16.0 h 5 minutes a case", "about 2 working days of 8 hours",
                 "Read from the prompt cache 402,310 73.3%"):  # fmt: skip
        assert line in text
    unpriced = Page(render(summaries.short())).text("cost")
    assert "Cost of the model calls Unknown no price known for this model" in unpriced
    assert "$" not in unpriced.replace("Estimate before the run $0.03", "")


def test_a_budget_that_ended_is_said_with_what_to_do() -> None:
    reasons = {"dropped: budget_reached": 1200, "failed: FailedFast": 1}
    known = summaries.typical()
    page = Page(
        render(
            known.model_copy(
                update={
                    "outcome_reasons": reasons,
                    "outcomes": {"labeled": 188, "dropped": 1200, "failed": 1, "needs_review": 0, "unchanged": 0},
                    "cost": known.cost.model_copy(update={"perhaps_spent_usd": 0.26}),
                }
            )
        )
    )
    assert "188 of 196 new cases labeled, 1,200 not, because the budget was used up;" in page.text()
    assert (
        "The budget of $5.00 was used up before 1,200 cases had a label: upload the file again for them"
        in page.text("next")
    )
    assert "See why" not in page.text("next")
    assert "1,200 \N{MULTIPLICATION SIGN} the budget was used up" in page.text("funnel")
    assert "the run was not to wait (fail fast)" in page.text("funnel")
    assert "Perhaps spent besides $0.26 calls whose answer never came back" in page.text("cost")
    assert "Perhaps spent besides" not in Page(render(summaries.typical())).text("cost")


def test_quality_figures_and_intervals() -> None:
    text = Page(render(summaries.two_classes())).text("quality")
    assert "Accuracy 90.0% 59.6\N{EN DASH}98.2%, n = 10" in text
    assert "Coverage 100.0% 72.2\N{EN DASH}100.0%, n = 10" in text
    assert "Spam 6 85.7% (48.7\N{EN DASH}97.4%) 100.0% (61.0\N{EN DASH}100.0%)" in text
    assert "Every gold label is a category of the task." in text
    assert "3 gold labels left out" in Page(render(summaries.typical())).text("quality")


def test_confusion_rows_are_gold() -> None:
    html = render(summaries.two_classes())
    assert 'title="gold Ham, labeled Spam: 1 of 4 (25%)" class="miss-2">1</td>' in html
    assert 'title="gold Spam, labeled Ham: 0 of 6 (0%)" class="zero">0</td>' in html
    assert 'title="gold Spam, labeled Spam: 6 of 6 (100%)" class="right heat-9">6</td>' in html


def test_samples_fold_away_after_four_of_a_kind() -> None:
    page = Page(render(summaries.typical()))
    text = page.text("samples")
    assert "Show 2 more" in text
    assert all(f"SUP-12{n:02}" in text for n in range(6))
    assert "Tag left open, Asked again" in text
    assert "No failed case to show." in text


def test_next_steps() -> None:
    text = Page(render(summaries.typical())).text("next")
    assert "Mend 9 rejected rows (most often: no text)" in text
    assert "runs/run-7f3a9c/rejects.jsonl" in text
    assert "retry 1 failed case" in text
    assert "decide 4 cases marked needs_review in runs/run-7f3a9c/outcomes.jsonl" in text
    assert "4 cases of Documentation Improvement labeled Customer Education" in text
    assert "A training job was asked for: plumbline-root-cause-d20261122-1f3a" in text
    short = Page(render(summaries.short())).text("next")
    assert "Add about 258 more cases like these" in short
    assert "classes never seen so far: Security Awareness." in short
    assert "Nothing needs attention." in Page(render(summaries.unchanged().model_copy(update={"balance": None}))).text(
        "next"
    )


def test_failed_cases_that_only_a_remedy_helps_say_it_first() -> None:
    denied = summaries.typical().model_copy(update={"outcome_reasons": {"failed: ModelAccessDenied": 1}})
    text = Page(render(denied)).text("next")
    assert "Enable access to the model in Bedrock" in text
    assert "ModelArns, then upload the file again to retry 1 failed case" in text


def test_a_training_error_is_said_with_what_to_do() -> None:
    def page(error: str) -> Page:
        return Page(render(summaries.typical().model_copy(update={"training_job": None, "training_error": error})))

    small = page("DatasetTooSmall")
    for section in ("balance", "next"):
        assert "too few cases to split into train, validation and test: label at least three of each class." in (
            small.text(section)
        )
    assert "to retry" not in small.text("next").replace("to retry 1 failed case", "")
    unset = page("TrainingNotConfigured")
    assert "left out. The stack does not train (its TrainingImage is none), so no training was" in unset.text("balance")
    assert "Not" + "Configured" not in unset.text("balance") + unset.text("next")
    assert "SageMaker could not be reached or refused the job. Drop the manifest" in (
        page("TrainingUnavailable").text("next")
    )
    assert "Training did not start (Other)." in page("Other").text("balance")


def test_a_run_without_a_new_case_does_not_speak_of_gold_labels() -> None:
    html = render(summaries.unchanged())
    page = Page(html)
    assert "No new case was labeled in this run, so nothing was measured." in page.text("quality")
    assert "Accuracy Unknown no new case was labeled in this run" in page.text()
    assert "No gold labels came along" not in html


def test_near_duplicates_are_named_where_less_is_accepted_than_labeled() -> None:
    counts, accepted = {"Spam": 57, "Ham": 20}, {"Spam": 40, "Ham": 20}
    summary = summaries.summary_of(balance=summaries.balance_of(accepted, counts, target=20, near_duplicates=17))
    text = Page(render(summary)).text("balance")
    assert "Spam 40 accepted of 20 · 57 this run, near-duplicates left out" in text
    assert "Ham 20 accepted of 20 · 20 this run target met" in text


def test_a_sample_names_its_gold_label_once() -> None:
    sample = Sample(case_id="C-1", kind="disagrees_with_gold", category="Spam", gold_category="Ham",
                    reason="gold says Ham", excerpt="x")  # fmt: skip
    text = Page(render(summaries.summary_of(samples=(sample,)))).text("samples")
    assert text.count("Ham") == 1


def test_footer_repeats_the_run_with_a_quoted_command() -> None:
    page = Page(render(summaries.typical().model_copy(update={"source": "incoming/a b; rm -rf.csv"})))
    assert "plumbline run 'a b; rm -rf.csv' --task root_cause --prompt v3 --target 40" in page.text()


def test_importing_the_package_loads_neither_jinja2_nor_svg() -> None:
    code = "import sys, plumbline.report; sys.exit(bool({'jinja2', 'svg'} & set(sys.modules)))"
    assert (
        subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}, check=False).returncode
        == 0
    )
