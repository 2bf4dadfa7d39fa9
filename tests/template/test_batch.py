"""What the batch road may do, and that its limits fit the functions and the machine that go it."""

import json
from typing import Any

from tests.template.reading import bucket_grants, definition, functions, listed, resources, statements, states, template

MB = 1_000_000
JOBS = {
    "Fn::Sub": "arn:${AWS::Partition}:bedrock:${AWS::Region}:${AWS::AccountId}:model-invocation-job/*",
}
PROFILE = {
    "Fn::Sub": "arn:${AWS::Partition}:bedrock:${AWS::Region}:${AWS::AccountId}:inference-profile/${ModelId}",
}


def _may(stage: str, action: str) -> list[dict[str, Any]]:
    return [s for s in statements(stage) if action in listed(s["Action"])]


def test_the_service_may_read_records_and_write_output_and_no_more_of_the_buckets() -> None:
    assert bucket_grants("batch", "DataBucket") == {
        "s3:GetObject runs/*/batch/records/*",
        "s3:PutObject runs/*/batch/output/*",
    }
    [listing] = _may("batch", "s3:ListBucket")
    assert listing["Condition"] == {"StringLike": {"s3:prefix": ["runs/*/batch/records/*", "runs/*/batch/output/*"]}}
    assert {a for s in statements("batch") for a in listed(s["Action"])} == {
        *("s3:GetObject", "s3:PutObject", "s3:ListBucket", "bedrock:InvokeModel"),
    }


def test_only_bedrock_takes_the_batchs_role_and_only_for_a_job_of_this_account() -> None:
    [trust] = template()["Resources"]["BatchRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "bedrock.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}},
        "ArnLike": {"aws:SourceArn": JOBS},
    }


def test_only_submit_batch_hands_that_role_on_and_to_bedrock_alone() -> None:
    passing = [
        (name, s)
        for name, role in resources("AWS::IAM::Role").items()
        for policy in role["Properties"]["Policies"]
        for s in policy["PolicyDocument"]["Statement"]
        if "iam:PassRole" in listed(s["Action"]) and "BatchRole" in json.dumps(s["Resource"])
    ]
    [(role, statement)] = passing
    assert role == "SubmitBatchRole"
    assert statement["Resource"] == {"Fn::GetAtt": ["BatchRole", "Arn"]}
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "bedrock.amazonaws.com"}}


def test_jobs_are_created_of_the_stacks_models_and_asked_about_as_jobs() -> None:
    created = [
        resource for s in _may("submit_batch", "bedrock:CreateModelInvocationJob") for resource in listed(s["Resource"])
    ]
    assert created == [{"Ref": "ModelArns"}, PROFILE, JOBS]
    for stage, action in (
        ("check_batch", "bedrock:GetModelInvocationJob"),
        ("check_batch", "bedrock:StopModelInvocationJob"),
        ("import_batch", "bedrock:GetModelInvocationJob"),
    ):
        [statement] = _may(stage, action)
        assert listed(statement["Resource"]) == [JOBS]


def test_what_a_batch_spends_is_the_runs_own_row_and_no_other() -> None:
    for stage in ("submit_batch", "import_batch"):
        [statement] = _may(stage, "dynamodb:UpdateItem")
        assert statement["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["spend#*"]}}
        assert statement["Resource"] == {"Fn::GetAtt": ["LedgerTable", "Arn"]}
    assert not _may("submit_batch", "dynamodb:PutItem")


def test_record_failure_reads_whether_jobs_were_submitted_and_imported_and_none_of_their_answers() -> None:
    assert {g for g in bucket_grants("record_failure", "DataBucket") if g.startswith("s3:Get")} == {
        "s3:GetObject runs/*/summary.json",
        "s3:GetObject runs/*/batch/jobs.json",
        "s3:GetObject runs/*/batch/summary.json",
    }
    assert not _may("record_failure", "bedrock:GetModelInvocationJob")


def test_tmp_holds_a_record_file_twice() -> None:
    largest = template()["Parameters"]["BatchMaxBytes"]["MaxValue"]
    assert functions()["submit_batch"]["EphemeralStorage"]["Size"] * (1 << 20) > 2 * largest


def test_the_machine_outlives_the_longest_job_by_a_day() -> None:
    assert definition()["TimeoutSeconds"] >= (template()["Parameters"]["BatchHours"]["MaxValue"] + 24) * 3600


def test_waiting_is_left_to_step_functions_and_long_waits_cost_few_events() -> None:
    known = dict(states())
    assert known["WaitForBatch"]["Type"] == "Wait"
    assert known["WaitForBatch"]["SecondsPath"] == "$.check.value.wait_seconds"
    assert known["BatchEnded"]["Default"] == "WaitForBatch"


def test_without_a_job_every_masked_case_is_asked_on_demand() -> None:
    known = dict(states())
    assert known["AnyJob"]["Default"] == "LabelAnswered"
    assert known["MoreToChoose"]["Choices"][-1] == {
        "Variable": "$.label.mode", "StringEquals": "mask", "Next": "SubmitBatch"
    }  # fmt: skip
