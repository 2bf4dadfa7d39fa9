"""Made-up run summaries for every test that needs one. Figures add up; intervals are true Wilson intervals."""

from datetime import UTC, datetime, timedelta
from math import sqrt
from typing import Any

from plumbline.accuracy import cohens_kappa
from plumbline.contracts.accuracy import AccuracyBlock, ClassAccuracy, Interval
from plumbline.contracts.confidence import ConfidenceBlock
from plumbline.contracts.prompts import PromptRef
from plumbline.contracts.replies import Usage
from plumbline.contracts.runs import BalanceResult, ClassCount, IngestResult
from plumbline.contracts.summary import ClassGain, Cost, RunSummary, Sample, SelectionSummary

SIX = (
    "Billing Inquiry",
    "Security Awareness",
    "Feature Request",
    "Documentation Improvement",
    "Software Defect",
    "Customer Education",
)
STARTED = datetime(2026, 11, 22, 13, 15, tzinfo=UTC)


def wilson(hits: int, n: int) -> Interval:
    """The 95% Wilson score interval of hits out of n (n > 0)."""
    z, p = 1.959964, hits / n
    middle, half = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return Interval(value=p, low=max(0.0, (middle - half) / scale), high=min(1.0, (middle + half) / scale), n=n)


def accuracy_of(confusion: dict[str, dict[str, int]], gold_cases: int, unknown_gold: int = 0) -> AccuracyBlock:
    """The accuracy block of a confusion matrix over `gold_cases` cases with a gold label."""
    names = list(confusion)
    total = sum(sum(row.values()) for row in confusion.values())
    per_class, f1 = [], []
    for name in names:
        hits, given = confusion[name].get(name, 0), sum(row.get(name, 0) for row in confusion.values())
        support = sum(confusion[name].values())
        f1.append(2 * hits / (given + support) if given + support else 0.0)
        per_class.append(
            ClassAccuracy(
                category=name,
                precision=wilson(hits, given) if given else None,
                recall=wilson(hits, support) if support else None,
                support=support,
            )
        )
    return AccuracyBlock(
        accuracy=wilson(sum(confusion[name].get(name, 0) for name in names), total),
        coverage=wilson(total, gold_cases),
        macro_f1=sum(f1) / len(f1),
        kappa=cohens_kappa({(gold, said): n for gold, row in confusion.items() for said, n in row.items()}),
        per_class=tuple(per_class),
        confusion=confusion,
        unknown_gold=unknown_gold,
    )


def balance_of(accepted: dict[str, int], this_run: dict[str, int], target: int, **changes: Any) -> BalanceResult:
    """CheckBalance's verdict over these counts; more cases needed as if each class were a sixth of what comes in."""
    missing = {name: target - number for name, number in accepted.items() if number < target}
    verdict = "short" if missing else "balanced"
    values: dict[str, Any] = {
        "verdict": verdict if any(accepted.values()) else "empty",
        "counts": tuple(
            ClassCount(category=name, this_run=this_run.get(name, 0), accepted=number, target=target)
            for name, number in accepted.items()
        ),
        "missing": missing,
        "more_cases_needed": {name: number * 6 if accepted[name] else None for name, number in missing.items()},
        "near_duplicates": 3,
        "dataset_version": "d20261122-1f3a",
        "manifest_key": "datasets/root_cause/d20261122-1f3a/manifest.json",
        "selected": sum(min(number, target) for number in accepted.values()),
    }
    return BalanceResult(**{**values, **changes})


def summary_of(**changes: Any) -> RunSummary:
    """A plain successful run of ten labeled cases, without gold, balance, repairs or samples, and the changes."""
    values: dict[str, Any] = {
        "run_id": "run-7f3a9c",
        "task": "root_cause",
        "status": "SUCCEEDED",
        "prompt": PromptRef(task="root_cause", version="v3", sha256="3b9f" * 16),
        "model_id": "amazon.nova-lite-v1:0",
        "source": "incoming/tickets.csv",
        "started_at": STARTED,
        "finished_at": STARTED + timedelta(minutes=2, seconds=5),
        "ingest": ingest_of(cases=10),
        "outcomes": {"labeled": 10, "needs_review": 0, "dropped": 0, "failed": 0, "unchanged": 0},
        "repairs": {},
        "close_calls": 0,
        "model_calls": 10,
        "reused_calls": 0,
        "usage": Usage(input_tokens=9_000, output_tokens=1_000),
        "cost": Cost(
            usd=0.42, saved_by_reuse_usd=0.0, prices_as_of="2026-10-01", human_hours=10 / 12, minutes_per_case=5
        ),
        "budget_usd": 5.0,
        "classes": {"Billing Inquiry": 6, "Software Defect": 4},
        "entities": {},
    }
    return RunSummary(**{**values, **changes})


def ingest_of(cases: int, unchanged: int = 0, **changes: Any) -> IngestResult:
    """What ingest found: `cases` cases, nothing rejected unless said."""
    values: dict[str, Any] = {
        "cases": cases,
        "new": cases - unchanged,
        "unchanged": unchanged,
        "rejected": 0,
        "cut": 0,
        "shards": -(-(cases - unchanged) // 50),
        "file_format": "csv",
        "file_bytes": 1_500 * cases,
        "estimated_usd": 0.03,
    }
    return IngestResult(**{**values, **changes})


def typical() -> RunSummary:
    """Six classes with gold labels, balanced, everything a little damaged."""
    confusion = {
        "Billing Inquiry": {"Billing Inquiry": 33, "Customer Education": 1},
        "Security Awareness": {"Security Awareness": 29, "Customer Education": 2},
        "Feature Request": {"Feature Request": 31, "Documentation Improvement": 1},
        "Documentation Improvement": {"Documentation Improvement": 27, "Customer Education": 4},
        "Software Defect": {"Software Defect": 30, "Customer Education": 3, "Feature Request": 1},
        "Customer Education": {"Customer Education": 24, "Software Defect": 2},
    }
    this_run = {"Billing Inquiry": 33, "Security Awareness": 29, "Feature Request": 32, "Documentation Improvement": 28,
                "Software Defect": 32, "Customer Education": 34}  # fmt: skip
    accepted = {name: number + 12 for name, number in this_run.items()}
    return summary_of(
        ingest=ingest_of(
            cases=268,
            unchanged=72,
            repeated=4,
            cut=3,
            rejected=9,
            reject_reasons={"no text": 5, "missing id": 3, "bad encoding": 1},
        ),
        outcomes={"labeled": 188, "needs_review": 4, "dropped": 3, "failed": 1, "unchanged": 72},
        outcome_reasons={
            "needs_review: gold label and label differ": 4,
            "dropped: two categories": 2,
            "dropped: no category": 1,
            "failed: ModelThrottled": 1,
        },
        repairs={"unclosed": 7, "fence": 5, "alias": 3, "re_asked": 2},
        close_calls=19,
        model_calls=201,
        reused_calls=24,
        usage=Usage(input_tokens=112_400, output_tokens=31_870, cache_read_tokens=402_310, cache_write_tokens=2_120),
        cost=Cost(usd=0.0213, saved_by_reuse_usd=0.0026, prices_as_of="2026-10-01", human_hours=16, minutes_per_case=5),
        classes=this_run,
        entities={"NAME": 311, "EMAIL": 96, "PHONE": 41, "ACCOUNT_ID": 22, "IP": 17, "CARD": 4},
        accuracy=accuracy_of(confusion, gold_cases=192, unknown_gold=3),
        confidence=ConfidenceBlock(calibrated=0, uncalibrated=188, review_below=0.5),
        balance=balance_of(accepted, this_run, target=40),
        training_job="plumbline-root-cause-d20261122-1f3a",
        samples=typical_samples(),
    )


def typical_samples() -> tuple[Sample, ...]:
    """Samples of four kinds, none failed."""
    excerpt = (
        "Export to CSV stops at 10,000 rows\n"
        "Customer: Hello, this is [NAME_1] from [ORG_1]. Since Monday the nightly export ends early.\n"
        "Agent: Please set page_size in the export profile, as the guide says.\n"
        "Customer: That did it, thank you [NAME_2]."
    )
    return (
        Sample(case_id="SUP-1042", kind="disagrees_with_gold", category="Customer Education",
               gold_category="Software Defect", reason="The agent named the setting to change.", excerpt=excerpt),
        Sample(case_id="SUP-1077", kind="disagrees_with_gold", category="Documentation Improvement",
               gold_category="Customer Education", reason="The guide did not name the setting.", excerpt=excerpt),
        Sample(case_id="SUP-1100", kind="close_call", category="Feature Request", gold_category=None,
               reason="Runner-up: Documentation Improvement", excerpt=excerpt),
        *(Sample(case_id=f"SUP-12{n:02}", kind="repaired", category="Software Defect", gold_category=None,
                 reason="unclosed, re_asked", excerpt=excerpt) for n in range(6)),
        Sample(case_id="SUP-1301", kind="dropped", category=None, gold_category="Billing Inquiry",
               reason="two categories", excerpt=excerpt),
    )  # fmt: skip


def short() -> RunSummary:
    """No gold labels; two classes short of the target, one never seen."""
    this_run = {"Billing Inquiry": 61, "Security Awareness": 0, "Feature Request": 18, "Documentation Improvement": 7,
                "Software Defect": 240, "Customer Education": 55}  # fmt: skip
    return summary_of(
        ingest=ingest_of(cases=381, file_format="jsonl"),
        outcomes={"labeled": 381, "needs_review": 0, "dropped": 0, "failed": 0, "unchanged": 0},
        classes=this_run,
        model_id="stand-in.embedding-minilm",
        cost=Cost(usd=None, saved_by_reuse_usd=None, prices_as_of=None, human_hours=31.75, minutes_per_case=5),
        balance=balance_of(this_run, this_run, target=50),
    )


def backlog() -> RunSummary:
    """A budget that afforded a part of the backlog: two classes were short, the rare one gained."""
    counts = {"Spam": 6, "Ham": 44}
    half = Interval(value=0.1, low=0.02, high=0.4, n=10)
    return summary_of(
        task="spam",
        ingest=ingest_of(cases=1_000, affordable=60),
        outcomes={"labeled": 50, "needs_review": 0, "dropped": 950, "failed": 0, "unchanged": 0},
        outcome_reasons={"dropped: left_for_later": 948, "dropped: two categories": 2},
        classes=counts,
        balance=balance_of(counts, counts, target=50),
        selection=SelectionSummary(
            rounds=2, backlog=1_000, affordable=52, chosen=52, explored=10, near_duplicates=3, labeled=50,
            gains=(
                ClassGain(category="Spam", short_before=50, gained=6, prevalence=None),
                ClassGain(category="Ham", short_before=50, gained=44, prevalence=half),
            ),
        ),
    )  # fmt: skip


def empty() -> RunSummary:
    """A file without a case: every row was rejected."""
    return summary_of(
        ingest=ingest_of(cases=0, rejected=14, reject_reasons={"missing id": 14}, estimated_usd=0.0),
        outcomes={},
        model_calls=0,
        usage=Usage(),
        cost=Cost(usd=0.0, saved_by_reuse_usd=0.0, prices_as_of="2026-10-01", human_hours=0.0, minutes_per_case=5),
        classes={},
        balance=balance_of(dict.fromkeys(SIX, 0), {}, 30, selected=0, dataset_version=None, manifest_key=None),
    )


def failed() -> RunSummary:
    """A run that broke before its balance check: no label, one of two cases unaccounted for."""
    return summary_of(
        status="FAILED",
        ingest=ingest_of(cases=2),
        outcomes={"failed": 1},
        outcome_reasons={"failed: ModelAccessDenied": 1, "shard lost": 1},
        classes={},
        finished_at=STARTED,
    )


def unchanged() -> RunSummary:
    """The same file a second time: nothing new, nothing called."""
    accepted = dict.fromkeys(SIX, 40)
    return summary_of(
        ingest=ingest_of(cases=2_144, unchanged=2_144),
        outcomes={"labeled": 0, "needs_review": 0, "dropped": 0, "failed": 0, "unchanged": 2_144},
        classes={},
        model_calls=0,
        usage=Usage(),
        cost=Cost(usd=0.0, saved_by_reuse_usd=0.0, prices_as_of="2026-10-01", human_hours=0.0, minutes_per_case=5),
        balance=balance_of(accepted, {}, target=40),
    )


def two_classes() -> RunSummary:
    """Two classes with short names, nine of ten right: 90.0%, interval 59.6 to 98.2%."""
    counts = {"Spam": 6, "Ham": 4}
    return summary_of(
        task="spam",
        classes=counts,
        balance=balance_of(counts, counts, target=4, near_duplicates=1),
        accuracy=accuracy_of({"Spam": {"Spam": 6}, "Ham": {"Ham": 3, "Spam": 1}}, gold_cases=10),
    )


def many_classes(number: int = 20) -> RunSummary:
    """A task of twenty classes with long names and a full confusion matrix."""
    names = [f"Root cause {n:02} of a rather long name in the {SIX[n % 6]} family" for n in range(number)]
    confusion = {
        gold: {said: 40 + i if i == j else (i * 7 + j * 3) % 5 for j, said in enumerate(names)}
        for i, gold in enumerate(names)
    }
    counts = {name: (n * 37) % 90 for n, name in enumerate(names)}
    total = sum(sum(row.values()) for row in confusion.values())
    return summary_of(
        task="npm_root_cause",
        ingest=ingest_of(cases=total),
        outcomes={"labeled": total, "needs_review": 0, "dropped": 0, "failed": 0, "unchanged": 0},
        classes=counts,
        balance=balance_of(counts, counts, target=60),
        accuracy=accuracy_of(confusion, gold_cases=total),
    )


def huge() -> RunSummary:
    """Numbers far beyond what a page usually meets, and strings without a place to break."""
    this_run = {"A" * 80: 1_234_567_890, "Rare": 2}
    return summary_of(
        source="incoming/" + "export_" * 30 + ".jsonl.gz",
        model_id="arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/" + "x" * 60,
        ingest=ingest_of(cases=1_300_000_000, unchanged=65_000_000, rejected=1, repeated=2, cut=1_000_000,
                         reject_reasons={"oversize": 1}),
        outcomes={"labeled": 1_234_567_892, "dropped": 107, "failed": 432_001, "unchanged": 65_000_000},
        classes=this_run,
        model_calls=1_235_000_000,
        reused_calls=999_999_999,
        usage=Usage(input_tokens=1_111_500_000_000, output_tokens=123_500_000_000, cache_read_tokens=7),
        cost=Cost(usd=1_234_567.891, saved_by_reuse_usd=0.00000042, prices_as_of="2026-10-01",
                  human_hours=102_916_666.7, minutes_per_case=5),
        budget_usd=1_250_000,
        finished_at=STARTED + timedelta(days=12, hours=7),
        balance=balance_of(this_run, this_run, target=3_000),
        entities={"NAME": 9_876_543_210, "EMAIL": 1},
    )  # fmt: skip


ALL = {
    "typical": typical,
    "short": short,
    "empty": empty,
    "failed": failed,
    "unchanged": unchanged,
    "two_classes": two_classes,
    "many_classes": many_classes,
    "huge": huge,
}
