"""What every function, role and bucket of template.yaml has to have."""

import json
from typing import Any

import pytest

from plumbline.adapters.bedrock import ATTEMPTS
from plumbline.contracts.api import ErrorAnswer
from tests.template.reading import (
    MACHINES,
    ROOT,
    SECOND_STATES,
    bucket_grants,
    functions,
    listed,
    resources,
    snake,
    statements,
    states,
    template,
)

STAGES = sorted(functions())
# Actions that AWS gives no resource to name; each stands in template.yaml with its reason.
WITHOUT_RESOURCE = {
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
    "ecr:GetAuthorizationToken",
    "cloudwatch:PutMetricData",
    "comprehend:DetectPiiEntities",
    "bedrock:ListModelInvocationJobs",
}


def test_a_folder_of_functions_is_a_function_and_the_other_way_round() -> None:
    folders = {path.parent.name for path in (ROOT / "functions").glob("*/handler.py")}
    assert folders == set(STAGES)


@pytest.mark.parametrize("stage", STAGES)
def test_every_function_has_its_own_role_log_group_timeout_memory_and_events(stage: str) -> None:
    name, properties = "".join(part.title() for part in stage.split("_")), functions()[stage]
    assert properties["Role"] == {"Fn::GetAtt": [f"{name}Role", "Arn"]}
    assert properties["LoggingConfig"]["LogGroup"] == {"Ref": f"{name}LogGroup"}
    assert template()["Resources"][f"{name}LogGroup"]["Properties"]["RetentionInDays"]
    assert 1 <= properties["Timeout"] <= 900
    assert 128 <= properties["MemorySize"] <= 10240
    assert properties["Handler"] == f"functions.{stage}.handler.lambda_handler"
    assert properties["Description"]
    assert list((ROOT / "events" / stage).glob("*.json")), f"events/{stage}/ has no event"


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_has_one_name(stage: str) -> None:
    package = ROOT / "layers" / "core" / "plumbline"
    assert (package / f"{stage}.py").exists() or (package / stage / "__init__.py").exists()


@pytest.mark.parametrize("stage", STAGES)
def test_a_handler_fits_one_screen(stage: str) -> None:
    lines = (ROOT / "functions" / stage / "handler.py").read_text("utf-8").splitlines()
    assert len(lines) <= 40


def _every_statement() -> list[tuple[str, dict[str, Any]]]:
    of_roles = [
        (name, policy)
        for name, role in resources("AWS::IAM::Role").items()
        for policy in role["Properties"]["Policies"]
    ]
    alone = [(name, policy["Properties"]) for name, policy in resources("AWS::IAM::Policy").items()]
    return [(name, s) for name, policy in of_roles + alone for s in policy["PolicyDocument"]["Statement"]]


def test_no_action_is_a_wildcard_and_no_resource_is_one_where_it_could_be_named() -> None:
    for role, statement in _every_statement():
        for action in listed(statement["Action"]):
            assert "*" not in action, f"{role}: {action}"
        # API Gateway takes AWS's own policy for its logs and no narrower one; the role serves the whole account.
        if "*" in listed(statement["Resource"]) and role != "ApiAccountRole":
            assert set(listed(statement["Action"])) <= WITHOUT_RESOURCE, f"{role}: {statement}"
        for resource in listed(statement["Resource"]):
            text = json.dumps(resource)
            assert '.Arn}/*"' not in text, f"{role} may touch a whole bucket: {text}"


@pytest.mark.parametrize(
    ("stage", "prefixes"),
    [
        ("ingest", {"runs/*/cases.jsonl", "runs/*/shards.json", "runs/*/ingest.json"}),
        ("anonymize", {"runs/*/anonymized/*"}),
        ("embed_shard", {"runs/*/vectors/*"}),
        ("select_next", {"runs/*/chosen/*", "runs/*/chosen.json", "runs/*/selection.json", "vectors/*"}),
        (
            "submit_batch",
            {"runs/*/batch/jobs.json", "runs/*/batch/index.jsonl", "runs/*/batch/records/*", "runs/*/masked.json"},
        ),
        ("check_batch", set()),
        ("import_batch", {"runs/*/batch/answers/*", "runs/*/batch/summary.json"}),
        ("batch", {"runs/*/batch/output/*"}),
        ("classify", {"runs/*/replies/*"}),
        ("parse", {"runs/*/labels/*", "runs/*/unparsed/*"}),
        ("repair", {"runs/*/replies/*"}),
        ("vote", {"runs/*/votes/*", "runs/*/labels/*"}),
        ("check_balance", {"datasets/*"}),
        ("start_training", {"code/training/*"}),
        ("promote_model", {"models/*/*/serving/*"}),
        ("find_exports", set()),
        ("predict_shard", {"predictions/*.jsonl"}),
        ("summarize_predictions", {"predictions/*/export.json", "predictions/*/summary.json"}),
    ],
)
def test_a_stage_writes_only_under_its_own_prefix(stage: str, prefixes: set[str]) -> None:
    written = {g.split(" ", 1)[1] for g in bucket_grants(stage, "DataBucket") if g.startswith("s3:Put")}
    assert written == prefixes


def test_check_balance_reads_runs_and_what_people_labeled_and_lists_no_more() -> None:
    assert {g for g in bucket_grants("check_balance", "DataBucket") if g.startswith("s3:Get")} == {
        "s3:GetObject runs/*",
        "s3:GetObject gold/*",
    }


@pytest.mark.parametrize("function", ["check_balance", "select_next"])
def test_who_counts_what_people_labeled_may_list_it_and_no_more(function: str) -> None:
    listing = [s for s in statements(function) if "s3:ListBucketVersions" in listed(s["Action"])]
    assert [s["Condition"] for s in listing] == [{"StringLike": {"s3:prefix": ["gold/*"]}}]


def test_only_classify_repair_vote_and_an_api_that_says_so_may_call_a_model_and_only_named_ones() -> None:
    callers = [(role, s["Resource"]) for role, s in _every_statement() if "bedrock:InvokeModel" in listed(s["Action"])]
    # Bedrock takes BatchRole: a job asks the models behind an inference profile with it.
    asking = {"ClassifyRole", "RepairRole", "VoteRole", "BatchRole"}
    assert {role for role, _ in callers} == asking | {"PredictWithLlmPolicy"}
    assert template()["Resources"]["PredictWithLlmPolicy"]["Condition"] == "PredictsWithLlm"
    assert template()["Parameters"]["PredictWithLlm"]["Default"] == "false"
    for _, resource in callers:
        profile = str(resource.get("Fn::Sub", "")).endswith(":inference-profile/${ModelId}")
        assert resource == {"Ref": "ModelArns"} or profile


def test_every_caller_of_a_model_waits_as_long_as_the_stack_says_and_has_the_time_to() -> None:
    longest = template()["Parameters"]["ModelReadSeconds"]["MaxValue"]
    for stage in ("classify", "repair", "vote"):
        body = functions()[stage]
        assert body["Environment"]["Variables"]["MODEL_READ_SECONDS"] == {"Ref": "ModelReadSeconds"}
        assert ATTEMPTS * longest < body["Timeout"]


@pytest.mark.parametrize("stage", ["classify", "repair", "vote"])
def test_who_spends_touches_no_other_row_of_the_ledger(stage: str) -> None:
    [spend] = [s for s in statements(stage) if s["Resource"] == {"Fn::GetAtt": ["LedgerTable", "Arn"]}]
    assert listed(spend["Action"]) == ["dynamodb:UpdateItem"]
    assert spend["Condition"] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["spend#*"]}}


def test_collate_reads_runs_and_spend_and_forgets_nothing_but_cases() -> None:
    of_ledger = [s for s in statements("collate") if s["Resource"] == {"Fn::GetAtt": ["LedgerTable", "Arn"]}]
    rows = {
        action: s.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys")
        for s in of_ledger
        for action in listed(s["Action"])
    }
    assert rows == {
        "dynamodb:BatchWriteItem": None,
        "dynamodb:GetItem": ["spend#*", "runs#*"],
        "dynamodb:BatchGetItem": ["case#*"],
        "dynamodb:DeleteItem": ["case#*"],
    }


def test_no_stage_may_delete_an_object() -> None:
    assert not [
        s for stage in STAGES for s in statements(stage) for a in listed(s["Action"]) if a.startswith("s3:Delete")
    ]


@pytest.mark.parametrize("name", sorted(resources("AWS::S3::Bucket")))
def test_every_bucket_is_encrypted_private_and_tls_only(name: str) -> None:
    properties = resources("AWS::S3::Bucket")[name]["Properties"]
    assert properties["BucketEncryption"]
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    policy = template()["Resources"][f"{name}Policy"]["Properties"]["PolicyDocument"]["Statement"]
    assert policy[0]["Effect"] == "Deny"
    assert policy[0]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_raw_text_expires_with_all_its_versions() -> None:
    rules = resources("AWS::S3::Bucket")["RawBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    assert rules[0]["ExpirationInDays"] == {"Ref": "RawRetentionDays"}
    assert rules[0]["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}


def test_tables_are_encrypted_and_everything_goes_when_the_stack_goes() -> None:
    for name, table in resources("AWS::DynamoDB::Table").items():
        assert table["Properties"]["SSESpecification"] == {"SSEEnabled": True}, name
    for kind in ("AWS::S3::Bucket", "AWS::DynamoDB::Table", "AWS::Logs::LogGroup"):
        for name, resource in resources(kind).items():
            assert resource["DeletionPolicy"] == "Delete", name


def test_functions_stand_in_pipeline_order() -> None:
    order = [snake(name.removesuffix("Function")) for name in resources("AWS::Serverless::Function")]
    assert order == [
        "start_run",
        "ingest",
        "anonymize",
        "embed_shard",
        "select_next",
        "submit_batch",
        "check_batch",
        "import_batch",
        "classify",
        "parse",
        "repair",
        "vote",
        "record_shard_failure",
        "collate",
        "check_balance",
        "start_training",
        "report",
        "record_failure",
        "promote_model",
        "predict_case",
        "find_exports",
        "predict_shard",
        "summarize_predictions",
        "watch_runs",
    ]


def test_the_state_machines_invoke_every_function_that_nothing_else_starts() -> None:
    invoked = {
        machine: {SECOND_STATES.get(name, name) for name, state in states(machine) if state["Type"] == "Task"}
        for machine in MACHINES
    }
    others = {"start_run", "promote_model", "predict_case", "watch_runs"}
    assert {snake(name) for names in invoked.values() for name in names} == set(STAGES) - others
    for machine, names in invoked.items():
        substitutions = resources("AWS::Serverless::StateMachine")[machine]["Properties"]["DefinitionSubstitutions"]
        assert substitutions == {"DataBucketName": {"Ref": "DataBucket"}} | {
            f"{name}Arn": {"Fn::GetAtt": [f"{name}Function", "Arn"]} for name in names
        }
        allowed = [s["Resource"] for role, s in _every_statement() if role == f"{machine}Role"]
        granted = next(r for r in allowed if isinstance(r, list) and "Fn::GetAtt" in r[0])
        assert {arn["Fn::GetAtt"][0] for arn in granted} == {f"{name}Function" for name in names}


SENDS_DEAD_LETTERS = {
    "Effect": "Allow",
    "Action": "sqs:SendMessage",
    "Resource": {"Fn::GetAtt": ["DeadLetters", "Arn"]},
}


def test_the_schedule_starts_predict_cases_and_nothing_else() -> None:
    properties = resources("AWS::Scheduler::Schedule")["PredictDaily"]["Properties"]
    assert properties["ScheduleExpression"] == {"Ref": "PredictSchedule"}
    assert properties["State"] == {"Ref": "PredictScheduleState"}
    assert properties["Target"]["Arn"] == {"Ref": "PredictCases"}
    assert properties["Target"]["Input"] == "{}"
    may = [s for role, s in _every_statement() if role == "PredictDailyRole"]
    starts = {"Effect": "Allow", "Action": "states:StartExecution", "Resource": {"Ref": "PredictCases"}}
    assert may == [starts, SENDS_DEAD_LETTERS]


def test_the_roles_of_the_regions_other_apis_stay_where_a_stack_says_so() -> None:
    assert template()["Conditions"]["CreatesApiLogsRole"] == {"Fn::Equals": [{"Ref": "ApiLogsRole"}, "create"]}
    for name in ("ApiAccount", "ApiAccountRole"):
        assert template()["Resources"][name]["Condition"] == "CreatesApiLogsRole"


def test_every_path_of_the_api_is_throttled() -> None:
    [rest] = resources("AWS::Serverless::Api").values()
    [settings] = rest["Properties"]["MethodSettings"]
    assert (settings["ResourcePath"], settings["HttpMethod"]) == ("/*", "*")
    assert settings["ThrottlingRateLimit"] == {"Ref": "ApiRequestsPerSecond"}
    assert settings["ThrottlingBurstLimit"] == {"Ref": "ApiBurst"}


def test_what_api_gateway_answers_by_itself_has_the_shape_of_every_error_and_quotes_nothing() -> None:
    [rest] = resources("AWS::Serverless::Api").values()
    answers = rest["Properties"]["GatewayResponses"]
    for kind, answer in answers.items():
        body = answer["ResponseTemplates"]["application/json"]
        problem = ErrorAnswer.model_validate_json(body).error
        assert problem.request_id == "$context.requestId", kind
        assert "$context.error.message" not in body, f"{kind} may quote what was sent"
        assert ("sign" in problem.message) == (problem.code == "not_allowed"), kind
        assert (ROOT / "docs" / "api.md").read_text("utf-8").count(f"`{problem.code}`") >= 1, problem.code
