"""The room for raw text: who can read it, and that what can leave the room is counted and named."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.template.iam import Template, grants, role_of
from tests.template.reading import bucket_grants, resources, snake, template

# What lies in the raw bucket; nothing else is put there.
KEYS = {
    "incoming": "incoming/export.csv",
    "daily": "daily/export.csv",
    "mappings": "mappings/columns.yaml",
    "sources": "sources/text.txt",
    "cases": "runs/r1/cases/00000.jsonl",
    "rejects": "runs/r1/rejects.jsonl",
}
READERS = {
    "StartRunRole": {"incoming"},
    "IngestRole": {"incoming", "daily", "mappings", "sources"},
    "AnonymizeRole": {"cases"},
}
# Any of these is a way to the bytes, the last four by giving oneself or another account the right.
READS = (
    *("s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectTorrent", "s3:SelectObjectContent", "s3:ReplicateObject"),
    *("s3:PutBucketPolicy", "s3:PutObjectAcl", "s3:PutBucketAcl", "s3:PutReplicationConfiguration"),
)
_TRACES_AND_LOGS = {"logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords"}
_DETECTORS = {"comprehend:DetectPiiEntities", "secretsmanager:GetSecretValue"}  # level `comprehend`, pseudonyms
_LLM = {"bedrock:InvokeModel"} | {f"dynamodb:{verb}Item" for verb in ("Get", "Put", "Update", "Delete")}
# All that those can do who hold raw text, and so every way by which it could leave. predict_case holds the text of its
# own request; what it may send a language model is masked, and only where the stack's operator says so.
DOORS = {
    "StartRunRole": {"s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "dynamodb:GetItem", "dynamodb:PutItem"}
    # Lambda sends an event that StartRun failed at; it names an object and holds no text.
    | {"states:StartExecution", "sqs:SendMessage"},
    "IngestRole": {"s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:PutObject", "dynamodb:BatchGetItem"},
    "AnonymizeRole": {"s3:GetObject", "s3:ListBucket", "s3:PutObject"} | _DETECTORS,
    "PredictCaseRole": {"s3:GetObject", "s3:ListBucket", "ssm:GetParameter"} | _DETECTORS | _LLM,
}
NAMING = {
    *("RawBucketPolicy", "IncomingRule", *READERS, "FindExportsRole"),
    *("StartRunFunction", "IngestFunction", "AnonymizeFunction", "FindExportsFunction"),
}


def faults(of: Template) -> Iterator[str]:
    """What is wrong with the room for raw text in a template; nothing where all is well."""
    yield from _readers(of)
    yield from _doors(of)
    yield from _language_models(of)
    yield from _borrowed_roles(of)
    yield from _open_bucket(of)


def _readers(of: Template) -> Iterator[str]:
    for role in {grant.role for grant in grants(of)}:
        read = {
            name
            for name, key in KEYS.items()
            if any(g.allows(action, f"arn:aws:s3:::RawBucket/{key}") for g in _of(of, role) for action in READS)
        }
        if more := read - READERS.get(role, set()):
            yield f"{role} can read raw text: {', '.join(sorted(more))}"
        # The bucket's key is AWS's own, which asks nobody; one of the company's own would be another way in.
        if any(g.allows("kms:Decrypt", arn) for g in _of(of, role) for arn in g.resources) and role not in READERS:
            yield f"{role} can decrypt"


def _doors(of: Template) -> Iterator[str]:
    for role, doors in DOORS.items():
        may = {action for grant in _of(of, role) for action in grant.actions}
        if more := may - doors - _TRACES_AND_LOGS:
            yield f"{role}, which holds raw text, can do more: {', '.join(sorted(more))}"


def _language_models(of: Template) -> Iterator[str]:
    callers = {g.role for g in grants(of) if any(g.allows(f"bedrock:{a}", r) for a in _INVOKES for r in g.resources)}
    for role in callers & READERS.keys():
        yield f"{role} can read raw text and call a model"
    own = {**of, "Resources": {n: r for n, r in of["Resources"].items() if r.get("Condition") != "PredictsWithLlm"}}
    if any(g.role == "PredictCaseRole" and any("bedrock" in a or a == "*" for a in g.actions) for g in grants(own)):
        yield "PredictCaseRole can call a model where nobody said so"
    if of["Parameters"]["PredictWithLlm"]["Default"] != "false":
        yield "PredictCaseRole can call a model by default"


_INVOKES = ("InvokeModel", "InvokeModelWithResponseStream", "Converse", "CreateModelInvocationJob", "StartAsyncInvoke")


def _borrowed_roles(of: Template) -> Iterator[str]:
    functions = {n: r for n, r in of["Resources"].items() if r["Type"] == "AWS::Serverless::Function"}
    for name, function in functions.items():
        if role_of(function) != f"{name.removesuffix('Function')}Role":
            yield f"{name} has not its own role"
    for role in DOORS:
        trusted = of["Resources"][role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        if [s["Principal"] for s in trusted] != [{"Service": "lambda.amazonaws.com"}]:
            yield f"{role} can be taken by others than Lambda"
        for grant in grants(of):
            if any(grant.allows(action, role) for action in ("sts:AssumeRole", "iam:PassRole")):
                yield f"{grant.role} can take or pass on {role}"


def _open_bucket(of: Template) -> Iterator[str]:
    for name, resource in of["Resources"].items():
        if "RawBucket" in json.dumps(resource) and name not in NAMING:
            yield f"{name} names the raw bucket"
    statements = of["Resources"]["RawBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    if any(statement["Effect"] != "Deny" for statement in statements):
        yield "RawBucketPolicy allows something"
    opens = {"ReplicationConfiguration", "InventoryConfigurations", "AccessControl", "WebsiteConfiguration"}
    if opens & of["Resources"]["RawBucket"]["Properties"].keys():
        yield "RawBucket hands its objects on"


def _of(of: Template, role: str) -> list[Any]:
    return [grant for grant in grants(of) if grant.role == role]


def test_only_start_run_ingest_and_anonymize_can_read_raw_text_and_nothing_else_can_leave_their_room() -> None:
    assert list(faults(template())) == []


def test_each_of_them_reads_what_it_needs_and_no_more() -> None:
    readable = {
        role: {
            name
            for name, key in KEYS.items()
            if any(g.allows("s3:GetObject", f"arn:aws:s3:::RawBucket/{key}") for g in _of(template(), role))
        }
        for role in resources("AWS::IAM::Role")
    }
    assert {role: keys for role, keys in readable.items() if keys} == READERS
    assert bucket_grants("anonymize", "RawBucket") == {"s3:GetObject runs/*/cases/*"}


def test_find_exports_may_only_list_what_waits() -> None:
    listing = [s for s in _statements(template(), "FindExportsRole") if "RawBucket" in json.dumps(s)]
    assert [statement["Action"] for statement in listing] == ["s3:ListBucketVersions"]
    assert listing[0]["Condition"] == {"StringLike": {"s3:prefix": ["daily/*"]}}


def test_the_functions_that_hold_raw_text_are_the_ones_whose_settings_name_the_bucket() -> None:
    named = {
        snake(name.removesuffix("Function"))
        for name, body in resources("AWS::Serverless::Function").items()
        if "RawBucket" in json.dumps(body)
    }
    assert named == {"start_run", "ingest", "anonymize", "find_exports"}


def _statements(of: Template, role: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = of["Resources"][role]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    return found


def _grant(role: str, action: Any, resource: Any) -> Callable[[Template], None]:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return lambda of: _statements(of, role).append(statement)


def _policy_apart(of: Template) -> None:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": {"Fn::Sub": "${RawBucket.Arn}/runs/*"}}
    properties = {"Roles": [{"Ref": "ParseRole"}], "PolicyDocument": {"Statement": [statement]}}
    of["Resources"]["More"] = {"Type": "AWS::IAM::Policy", "Properties": properties}


def _where_a_condition_holds(of: Template) -> None:
    statement = {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "*"}
    _statements(of, "AnonymizeRole").append({"Fn::If": ["Some", statement, {"Ref": "AWS::NoValue"}]})


def _all_but(of: Template) -> None:
    _statements(of, "CollateRole").append({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"})


def _property(resource: str, name: str, value: Any) -> Callable[[Template], None]:
    def change(of: Template) -> None:
        of["Resources"][resource]["Properties"][name] = value

    return change


def _open_policy(of: Template) -> None:
    document = of["Resources"]["RawBucketPolicy"]["Properties"]["PolicyDocument"]
    document["Statement"].append({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"})


def _shared_bucket(of: Template) -> None:
    of["Resources"]["Door"] = {"Type": "AWS::S3::AccessPoint", "Properties": {"Bucket": {"Ref": "RawBucket"}}}


def _always_llm(of: Template) -> None:
    del of["Resources"]["PredictWithLlmPolicy"]["Condition"]


def _llm_by_default(of: Template) -> None:
    of["Parameters"]["PredictWithLlm"]["Default"] = "true"


def _trust(of: Template) -> None:
    trusted = of["Resources"]["IngestRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    trusted.append({"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"})


_RAW = {"Fn::Sub": "${RawBucket.Arn}/runs/*"}
MUTATIONS: dict[str, tuple[Callable[[Template], None], str]] = {
    "classify reads raw shards": (_grant("ClassifyRole", "s3:GetObject", _RAW), "ClassifyRole can read raw text"),
    "versions alone": (_grant("RepairRole", ["s3:GetObjectVersion"], _RAW), "RepairRole can read raw text"),
    "by the bucket's name": (
        _grant("ParseRole", "s3:GetObject", {"Fn::Sub": "arn:${AWS::Partition}:s3:::${RawBucket}/*"}),
        "ParseRole can read raw text",
    ),
    "by a name of a parameter": (
        _grant("ReportRole", "s3:GetObject", {"Fn::Sub": "arn:aws:s3:::${SomeParameter}/*"}),
        "ReportRole can read raw text",
    ),
    "by a joined name": (
        _grant("ReportRole", "s3:GetObject", {"Fn::Join": ["", ["arn:aws:s3:::", {"Ref": "RawBucket"}, "/*"]]}),
        "ReportRole can read raw text",
    ),
    "every bucket": (_grant("PredictShardRole", "s3:Get*", "arn:aws:s3:::*"), "PredictShardRole can read raw text"),
    "every action": (_grant("CollateRole", "s3:*", _RAW), "CollateRole can read raw text"),
    "all actions but some": (_all_but, "CollateRole can read raw text"),
    "the state machine": (_grant("LabelCasesRole", "s3:GetObject", _RAW), "LabelCasesRole can read raw text"),
    "training": (_grant("TrainingRole", "s3:GetObject", _RAW), "TrainingRole can read raw text"),
    "a policy apart": (_policy_apart, "ParseRole can read raw text"),
    "a policy of AWS": (
        _property("CollateRole", "ManagedPolicyArns", ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]),
        "CollateRole can read raw text",
    ),
    "a policy of SAM": (
        _property("ParseFunction", "Policies", [{"S3ReadPolicy": {"BucketName": {"Ref": "RawBucket"}}}]),
        "ParseFunction can read raw text",
    ),
    "more than its part": (_grant("StartRunRole", "s3:GetObject", _RAW), "StartRunRole can read raw text: cases"),
    "find_exports reads": (
        _grant("FindExportsRole", "s3:GetObject", {"Fn::Sub": "${RawBucket.Arn}/daily/*"}),
        "FindExportsRole can read raw text: daily",
    ),
    "rights to the bucket's policy": (
        _grant("ReportRole", "s3:PutBucketPolicy", "*"),
        "ReportRole can read raw text",
    ),
    "a key": (_grant("ClassifyRole", "kms:Decrypt", "*"), "ClassifyRole can decrypt"),
    "anonymize asks a model": (
        _grant("AnonymizeRole", "bedrock:InvokeModel", {"Ref": "ModelArns"}),
        "AnonymizeRole can read raw text and call a model",
    ),
    "ingest asks a model": (
        _grant("IngestRole", ["bedrock:Converse"], "*"),
        "IngestRole can read raw text and call a model",
    ),
    "under a condition": (_where_a_condition_holds, "AnonymizeRole can read raw text and call a model"),
    "anonymize sends events": (
        _grant("AnonymizeRole", "events:PutEvents", "*"),
        "AnonymizeRole, which holds raw text, can do more: events:PutEvents",
    ),
    "predict_case reads the raw bucket": (
        _grant("PredictCaseRole", "s3:GetObject", _RAW),
        "PredictCaseRole can read raw text",
    ),
    "predict_case asks a model unasked": (_always_llm, "PredictCaseRole can call a model where nobody said so"),
    "predict_case asks a model by default": (_llm_by_default, "PredictCaseRole can call a model by default"),
    "another's role": (
        _property("ClassifyFunction", "Role", {"Fn::GetAtt": ["AnonymizeRole", "Arn"]}),
        "ClassifyFunction has not its own role",
    ),
    "a role of SAM's making": (_property("ParseFunction", "Role", None), "ParseFunction has not its own role"),
    "a role handed on": (
        _grant("StartTrainingRole", "iam:PassRole", {"Fn::GetAtt": ["AnonymizeRole", "Arn"]}),
        "StartTrainingRole can take or pass on AnonymizeRole",
    ),
    "a role that trusts others": (_trust, "IngestRole can be taken by others than Lambda"),
    "an access point": (_shared_bucket, "Door names the raw bucket"),
    "a bucket policy that allows": (_open_policy, "RawBucketPolicy allows something"),
    "a replica": (_property("RawBucket", "ReplicationConfiguration", {}), "RawBucket hands its objects on"),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_template_with_a_hole_in_the_room_fails(name: str) -> None:
    mutate, said = MUTATIONS[name]
    changed = copy.deepcopy(template())
    mutate(changed)
    assert any(fault.startswith(said) for fault in faults(changed)), list(faults(changed))
