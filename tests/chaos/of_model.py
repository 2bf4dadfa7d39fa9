"""Scenarios: the model throttles, fails, is slow or answers badly, on demand and in a batch; and the budget ends."""

from typing import Any

from tests.chaos.scenario import Scenario

# botocore slows a client down after ThrottlingException, for seconds each time; of this code, which the adapter takes
# for throttling as well, it knows nothing.
_QUOTA = "ServiceQuotaExceededException"
_BAD = {
    "truncated": "truncate",
    "junk": "junk",
    "empty": "empty",
    "refusals": "refuse",
    "unknown-category": "unknown_category",
    "two-categories": "two_categories",
}


def _each_call(code: str, share: float, **more: Any) -> dict[str, Any]:
    return {"do": "fault", "code": code, "share": share, "each_call": True, **more}


THROTTLED = [
    Scenario("throttled-30", "30% ThrottlingException", rules=[_each_call("ThrottlingException", 0.3)]),
    Scenario("throttled-60", "60% of calls over quota", rules=[_each_call(_QUOTA, 0.6)]),
    Scenario("throttled-90", "90% of calls over quota", rules=[_each_call(_QUOTA, 0.9)]),
    Scenario(
        "throttled-for-hours",
        "one case throttled 40 times",
        rules=[{"do": "fault", "code": _QUOTA, "contains": "radiator", "times": 40}],
        says={2: "radiator"},
    ),
    Scenario(
        "throttled-after-batch",
        "every record fails, then 60% over quota",
        cases=12,
        mode="batch",
        rules=[{"do": "fault", "road": "batch"}, _each_call(_QUOTA, 0.6, road="on_demand")],
    ),
]
FAILING = [
    Scenario("errors-500", "30% InternalServerException", rules=[_each_call("InternalServerException", 0.3)]),
    Scenario("errors-503", "30% ServiceUnavailableException", rules=[_each_call("ServiceUnavailableException", 0.3)]),
    Scenario(
        "timeouts",
        "two cases answered too late, twice each",
        # Late by a second, so that the stand-in knows that nobody took the last of them before the run ends.
        rules=[{"do": "answer", "contains": "kettle", "seconds": 7.0, "times": 2}],
        says={1: "kettle", 6: "kettle"},
        environment={"ClassifyFunction": {"LOCK_SECONDS": "0.1", "MODEL_READ_SECONDS": "6"}},
    ),
    Scenario("slow", "a third of the answers takes 2 s", rules=[{"do": "answer", "share": 0.35, "seconds": 2.0}]),
    Scenario(
        "no-access",
        "the model is not enabled",
        rules=[{"do": "fault", "code": "AccessDeniedException"}],
        fails_with="NothingLabeled",
        again=True,
    ),
    Scenario(
        "fail-over-midway",
        "every second call fails, whatever code",
        rules=[
            _each_call("ModelNotReadyException", 0.2),
            _each_call("ModelTimeoutException", 0.25),
            _each_call(_QUOTA, 0.33),
        ],
        cases=12,
        seed=2,
    ),
]
ODD_ANSWERS = [
    Scenario(name, f"half of the first answers: {do}", rules=[{"do": do, "share": 0.5, "attempt": 0}], again=True)
    for name, do in _BAD.items()
] + [
    Scenario(
        f"batch-{name}",
        f"half of a batch's answers: {do}",
        cases=12,
        mode="batch",
        rules=[{"do": do, "share": 0.5, "attempt": 0, "road": "batch"}],
    )
    for name, do in _BAD.items()
    if name in ("truncated", "junk", "refusals")
]
ODD_ANSWERS += [
    Scenario("wrong-category", "half of the answers: another class", rules=[{"do": "wrong_category", "share": 0.5}]),
    Scenario(
        "everything",
        "throttled, failing, cut, junk, refused",
        cases=16,
        rules=[
            _each_call(_QUOTA, 0.3),
            _each_call("ServiceUnavailableException", 0.15),
            {"do": "truncate", "share": 0.2, "attempt": 0},
            {"do": "junk", "share": 0.2, "attempt": 0},
            {"do": "refuse", "share": 0.2, "attempt": 1},
        ],
    ),
]
POISON = [
    Scenario(
        "poison-refused",
        "one case the service refuses each time",
        rules=[{"do": "fault", "code": "ValidationException", "contains": "hemlock"}],
        says={3: "hemlock"},
        failed=1,
        again=True,
    ),
    Scenario(
        "poison-failing",
        "one case at which the model fails each time",
        rules=[{"do": "fault", "code": "ModelErrorException", "contains": "hemlock"}],
        says={3: "hemlock"},
        failed=1,
        again=True,
    ),
    Scenario(
        "poison-unreadable",
        "one case whose answer is always cut off",
        rules=[{"do": "truncate", "contains": "hemlock"}],
        says={5: "hemlock"},
        dropped=1,
    ),
    Scenario(
        "poison-in-batch",
        "one record fails, and fails on demand too",
        cases=12,
        mode="batch",
        rules=[{"do": "fault", "code": "ModelErrorException", "contains": "hemlock"}],
        says={7: "hemlock"},
        failed=1,
        again=True,
    ),
]
BUDGET = [
    Scenario("budget", "the budget ends midway", cases=12, budget=1.05, some_left=True, again=True),
    Scenario(
        "budget-in-batch",
        "the budget ends midway",
        cases=12,
        mode="batch",
        budget=1.2,
        some_left=True,
        again=True,
    ),
    Scenario(
        "budget-and-throttling",
        "the budget ends, 50% over quota",
        cases=12,
        budget=1.05,
        rules=[_each_call(_QUOTA, 0.5)],
        some_left=True,
        again=True,
    ),
]
SCENARIOS = [*THROTTLED, *FAILING, *ODD_ANSWERS, *POISON, *BUDGET]
