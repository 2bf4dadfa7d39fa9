"""Deploys a SAM template to the embedded AWS: SAM translator → CloudFormation → what moto's CloudFormation leaves out.

Everything is read off the template; no resource is described here. A function's code is not packed: its place on disk
travels through the template as the S3 key of its (empty) package.
"""

import io
import json
import logging
import re
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote, unquote

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from samtranslator.model.exceptions import InvalidDocumentException
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.utils.py27hash_fix import to_py27_compatible_template, undo_mark_unicode_str_in_template
from samtranslator.yaml_helper import yaml_parse

from local.workers import CodeLayout

_log = logging.getLogger(__name__)
CODE_BUCKET: Final = "plumbline-local-code"
Template = dict[str, Any]


class TemplateNotSupported(Exception):
    """The template cannot be read, or asks for something that the embedded AWS cannot do."""


class DeploymentFailed(Exception):
    """The embedded CloudFormation refused the template."""


@dataclass(frozen=True)
class Deployment:
    """What a deployment made: physical ids by logical id, and where each function's code is, by function name."""

    template: Template
    resources: Mapping[str, str]
    layouts: Mapping[str, CodeLayout]

    def of_type(self, resource_type: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Logical id, physical id and properties of each resource of a type."""
        for logical, resource in self.template["Resources"].items():
            if resource["Type"] == resource_type and logical in self.resources:
                yield logical, self.resources[logical], resource.get("Properties", {})


def translate(path: Path, parameters: Mapping[str, str], region: str) -> Template:
    """The SAM template at `path` as plain CloudFormation, with local paths where S3 keys stand.

    Raises TemplateNotSupported when there is no such file or the translator refuses it.
    """
    if not path.is_file():
        raise TemplateNotSupported(f"There is no template at {path}. Run this in the repository, or name the template.")
    template = yaml_parse(path.read_text(encoding="utf-8"))
    if not isinstance(template, dict) or "Resources" not in template:
        raise TemplateNotSupported(f"{path} is no CloudFormation template: it has no Resources.")
    template = json.loads(json.dumps(template, default=str))
    common = template.get("Globals", {}).get("Function", {})
    for resource in template["Resources"].values():
        properties = resource.setdefault("Properties", {})
        if resource.get("Type") == "AWS::Serverless::Function" and "CodeUri" in common:
            properties.setdefault("CodeUri", common["CodeUri"])
        _localize(resource, properties, path.parent)
    common.pop("CodeUri", None)
    values = dict(parameters)
    # Every function brings its own role, so no AWS-managed policy's ARN has to be looked up: an empty map will do.
    translator = Translator({}, Parser(), boto_session=boto3.Session(region_name=region))
    try:
        to_py27_compatible_template(template, values)
        translated = translator.translate(template, parameter_values=values)
        translator.metrics.publish()  # to nowhere; unpublished ones end in a warning
    except InvalidDocumentException as error:
        reasons = "; ".join(cause.message for cause in error.causes)
        raise TemplateNotSupported(f"{path}: the SAM translator refuses it: {reasons}") from error
    translated = undo_mark_unicode_str_in_template(translated)
    for resource in translated["Resources"].values():
        if resource["Type"] == "AWS::StepFunctions::StateMachine":
            _inline_definition(resource["Properties"])
    return dict(translated)


def supported_part(
    template: Template, types: Collection[str], served: Mapping[str, str] = MappingProxyType({})
) -> Template:
    """The template without the resources whose type is not among `types`: things that nothing here would enforce.

    What refers to them goes too: permissions, and outputs. `served` are those that something else here serves, by
    logical id: an output that names one of them is its URL.
    """
    gone = {name: body["Type"] for name, body in template["Resources"].items() if body["Type"] not in types}
    for name, kind in gone.items():
        _log.info("%s is left out: there is no %s here", name, kind)
    kept = {
        name: resource
        for name, resource in template["Resources"].items()
        if name not in gone and not (resource["Type"] == "AWS::Lambda::Permission" and _refers_to(resource, gone))
    }
    for resource in kept.values():
        depends = resource.pop("DependsOn", [])
        still = [name for name in ([depends] if isinstance(depends, str) else depends) if name in kept]
        resource.update({"DependsOn": still} if still else {})
    outputs = {}
    for name, output in template.get("Outputs", {}).items():
        urls = [url for api, url in served.items() if _refers_to(output, {api})]
        if urls or not _refers_to(output, gone):
            outputs[name] = {**output, "Value": urls[0]} if urls else output
    return {**template, "Resources": kept} | ({"Outputs": outputs} if outputs else {})


def _refers_to(value: Any, names: Collection[str]) -> bool:
    """Whether a Ref, GetAtt or Sub at any depth names one of the resources."""
    if isinstance(value, Mapping):
        return any(
            (key == "Ref" and inside in names)
            or (key == "Fn::GetAtt" and inside[0] in names)
            or (key == "Fn::Sub" and any(name in names for name in re.findall(r"\$\{(\w+)", json.dumps(inside))))
            or _refers_to(inside, names)
            for key, inside in value.items()
        )
    return isinstance(value, list) and any(_refers_to(item, names) for item in value)


def _localize(resource: dict[str, Any], properties: dict[str, Any], folder: Path) -> None:
    """Turn local paths into s3:// addresses that remember them; the translator takes nothing else."""
    # A layer without a BuildMethod is shipped as it is and lands at /opt; a built one lands on the import path.
    metadata = resource.get("Metadata", {})
    kind = "built" if metadata.get("BuildMethod") else "verbatim"
    packages = str(metadata.get("BuildProperties", {}).get("ParentPackages", "")).split(".")
    for name, prefix in (("CodeUri", "code"), ("ContentUri", kind), ("DefinitionUri", "definition")):
        local = properties.get(name)
        if isinstance(local, str) and not local.startswith("s3://"):
            place = (folder / local).resolve()
            if not place.exists():
                raise TemplateNotSupported(f"The template's {name} points at {place}, which does not exist.")
            if name == "CodeUri" and place.parts[-len(packages) :] == tuple(packages):
                # The build puts the folder's content below these packages: the import path begins above them.
                place = place.parents[len(packages) - 1]
            properties[name] = {"Bucket": CODE_BUCKET, "Key": f"{prefix}/{quote(str(place), safe='')}"}


def _place(key: str) -> tuple[str, Path]:
    prefix, _, quoted = key.partition("/")
    return prefix, Path(unquote(quoted))


def _inline_definition(properties: dict[str, Any]) -> None:
    """moto reads no definition from S3 and applies no substitutions: give it the text with each `${Name}` filled in."""
    location = properties.pop("DefinitionS3Location", None)
    if location is None:
        return
    text = _place(location["Key"])[1].read_text(encoding="utf-8")
    substitutions = properties.pop("DefinitionSubstitutions", {})
    parts = re.split(r"\$\{([A-Za-z0-9_]+)\}", text)
    unknown = sorted({name for name in parts[1::2] if name not in substitutions})
    if unknown:
        raise TemplateNotSupported(f"The state machine's definition uses {unknown}, which no substitution gives.")
    joined = [substitutions[part] if position % 2 else part for position, part in enumerate(parts)]
    properties["DefinitionString"] = {"Fn::Join": ["", joined]}


def deploy(
    session: boto3.Session,
    endpoint: str,
    template: Template,
    stack_name: str,
    parameters: Mapping[str, str],
    before_events: Callable[[Deployment], None] = lambda _: None,
) -> Deployment:
    """Create the stack. `before_events` runs when every resource is there but no bucket sends events yet.

    Raises DeploymentFailed with CloudFormation's own reason.
    """
    _upload_code(session, endpoint, template)
    once = Config(retries={"total_max_attempts": 1})  # a second try would only find half a stack
    client = session.client("cloudformation", endpoint_url=endpoint, config=once)
    try:
        client.create_stack(
            StackName=stack_name,
            TemplateBody=json.dumps(template),
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
    except (ClientError, ResponseParserError) as error:  # moto words some refusals as another service would
        raise DeploymentFailed(f"The embedded CloudFormation refused the template: {error}") from error
    listed = client.describe_stack_resources(StackName=stack_name)["StackResources"]
    resources = {r["LogicalResourceId"]: r["PhysicalResourceId"] for r in listed if "PhysicalResourceId" in r}
    layouts = {
        resources[logical]: _layout(template, logical, resource["Properties"])
        for logical, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Lambda::Function" and logical in resources
    }
    deployment = Deployment(template, resources, layouts)
    _complete_tables(session, endpoint, deployment)
    _complete_versioning(session, endpoint, deployment)
    before_events(deployment)
    _complete_events(session, endpoint, deployment)
    return deployment


def _upload_code(session: boto3.Session, endpoint: str, template: Template) -> None:
    """moto refuses a function or layer whose package is not in S3; an empty archive will do."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("README", "The code runs from the working tree.")
    s3 = session.client("s3", endpoint_url=endpoint)
    s3.create_bucket(Bucket=CODE_BUCKET)
    for resource in template["Resources"].values():
        for field, key in (("Code", "S3Key"), ("Content", "S3Key")):
            package = resource.get("Properties", {}).get(field)
            if isinstance(package, dict) and package.get("S3Bucket") == CODE_BUCKET:
                s3.put_object(Bucket=CODE_BUCKET, Key=package[key], Body=buffer.getvalue())


def _layout(template: Template, logical: str, properties: dict[str, Any]) -> CodeLayout:
    code = properties.get("Code", {})
    if code.get("S3Bucket") != CODE_BUCKET:
        raise TemplateNotSupported(f"{logical}: only functions whose CodeUri is a local folder run here.")
    search: list[Path] = [_place(code["S3Key"])[1]]
    opt: list[Path] = []
    for layer in properties.get("Layers", []):
        if not isinstance(layer, dict) or layer.get("Ref") not in template["Resources"]:
            raise TemplateNotSupported(f"{logical}: only layers of the template itself can be had here, not {layer}")
        kind, place = _place(template["Resources"][layer["Ref"]]["Properties"]["Content"]["S3Key"])
        (search if kind == "built" else opt).append(place)
    return CodeLayout(search_path=tuple(search), opt=tuple(opt), log_name=logical)


def _complete_tables(session: boto3.Session, endpoint: str, deployment: Deployment) -> None:
    """moto's CloudFormation drops a table's time to live."""
    client = session.client("dynamodb", endpoint_url=endpoint)
    for _, table, properties in deployment.of_type("AWS::DynamoDB::Table"):
        if "TimeToLiveSpecification" in properties:
            client.update_time_to_live(TableName=table, TimeToLiveSpecification=properties["TimeToLiveSpecification"])


def _complete_versioning(session: boto3.Session, endpoint: str, deployment: Deployment) -> None:
    """moto's CloudFormation drops a bucket's versioning."""
    client = session.client("s3", endpoint_url=endpoint)
    for _, bucket, properties in deployment.of_type("AWS::S3::Bucket"):
        if "VersioningConfiguration" in properties:
            client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=properties["VersioningConfiguration"])


def _complete_events(session: boto3.Session, endpoint: str, deployment: Deployment) -> None:
    """moto's CloudFormation drops a bucket's EventBridge configuration."""
    client = session.client("s3", endpoint_url=endpoint)
    for _, bucket, properties in deployment.of_type("AWS::S3::Bucket"):
        wanted = properties.get("NotificationConfiguration", {}).get("EventBridgeConfiguration")
        # {"EventBridgeEnabled": true} is the long form; an empty one means the same.
        if wanted is not None and str(wanted.get("EventBridgeEnabled", True)).lower() == "true":
            client.put_bucket_notification_configuration(
                Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
            )
