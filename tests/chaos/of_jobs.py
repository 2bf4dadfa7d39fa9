"""Scenarios: batch jobs end badly, or answer badly."""

from collections.abc import Mapping
from typing import Any

from tests.chaos.scenario import Scenario


def _job(name: str, fault: str, *jobs: Mapping[str, Any], **more: Any) -> Scenario:
    return Scenario(name, fault, cases=12, mode="batch", jobs=jobs, **more)


SCENARIOS = [
    _job("job-failed", "one of two jobs ends Failed", {"order": [1], "ends": "Failed"}),
    _job("job-stopped", "one of two jobs is stopped midway", {"order": [2], "ends": "Stopped"}),
    _job("job-partly", "both jobs end PartiallyCompleted", {"ends": "PartiallyCompleted", "after": 0.4}),
    _job("job-expired", "one of two jobs expires", {"order": [1], "ends": "Expired"}),
    _job("job-refused", "no job is accepted", {"refuse": "ValidationException"}),
    _job("job-refused-second", "the second job is not accepted", {"order": [2], "refuse": "ValidationException"}),
    _job("job-throttled", "each submission throttled twice", {"refuse": "ThrottlingException", "times": 2}),
    _job("job-answer-lost", "the answer to each submission is lost", {"answer_lost": 1}),
    _job("polls-throttled", "60% of polls throttled", {"throttled_polls": 0.6, "seconds": 1.0}),
    _job("records-missing", "40% of records without a line", {"missing": 0.4}),
    _job("records-failing", "40% of records end in an error", {"errors": 0.4, "error_code": "ModelTimeoutException"}),
    _job("records-doubled", "every line twice, among strangers", {"repeated": 1.0, "strangers": 0.5}),
    _job("records-reordered", "lines in another order", {"reordered": True}),
    _job(
        "records-messy",
        "missing, failing, doubled, strangers, another order",
        {"missing": 0.2, "errors": 0.3, "repeated": 0.5, "strangers": 0.5, "reordered": True},
        seed=2,
    ),
]
