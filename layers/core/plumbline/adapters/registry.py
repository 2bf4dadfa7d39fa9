"""ModelRegistry on AWS: which model serves is an SSM parameter, what became of each is in the ledger's table.

<parameters><task>             → the ModelPointer as JSON; SSM keeps the last 100 versions of it, which are its history
models#<task> / <version>      → the training job's ModelRow; a query of the partition lists the task's models
"""

import logging
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from plumbline.adapters import clients
from plumbline.adapters.dynamodb import partition
from plumbline.adapters.failures import translated
from plumbline.contracts.errors import ModelFileBroken
from plumbline.contracts.models import ModelPointer, ModelRow

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

_log = logging.getLogger(__name__)
_PAGE = 50  # GetParameterHistory's limit
_translated = translated("the ledger's table")


class AwsModelRegistry:
    """Which models there are of a task, and which one serves.

    `parameters` begins every parameter's name and ends with a slash; `table` is the ledger's. Every method may raise
    StoreUnavailable and StoreDenied.
    """

    def __init__(self, parameters: str, table: str) -> None:
        self.parameters = parameters
        self.table = table

    def current(self, task: str) -> ModelPointer | None:
        """The model in service; None where none was promoted yet. Raises ModelFileBroken for a damaged parameter."""
        client = clients.ssm()
        try:
            with translated(self._name(task)):
                value = client.get_parameter(Name=self._name(task))["Parameter"].get("Value", "")
        except client.exceptions.ParameterNotFound:
            return None
        try:
            return ModelPointer.model_validate_json(value)
        except ValidationError:
            raise ModelFileBroken(
                f"the parameter {self._name(task)} holds no model pointer; set one with `plumbline models promote`"
            ) from None

    def history(self, task: str) -> list[ModelPointer]:
        """Every pointer that SSM still has (the last 100), newest first; what is no pointer is left out."""
        client = clients.ssm()
        try:
            with translated(self._name(task)):
                pages = client.get_paginator("get_parameter_history").paginate(
                    Name=self._name(task), PaginationConfig={"PageSize": _PAGE}
                )
                found = [entry for page in pages for entry in page["Parameters"]]
        except client.exceptions.ParameterNotFound:
            return []
        pointers = []
        for entry in sorted(found, key=lambda entry: entry.get("Version", 0), reverse=True):
            try:
                pointers.append(ModelPointer.model_validate_json(entry.get("Value", "")))
            except ValidationError:
                _log.warning("version %s of %s is no model pointer", entry.get("Version"), self._name(task))
        return pointers

    def point_to(self, pointer: ModelPointer) -> None:
        """Put a model into service: one PutParameter, so that readers see the old pointer or the new one."""
        with translated(self._name(pointer.task)):
            clients.ssm().put_parameter(
                Name=self._name(pointer.task),
                Description="Plumbline: the model in service",
                Value=pointer.model_dump_json(exclude_defaults=True),
                Type="String",
                Overwrite=True,
            )

    @_translated
    def record(self, row: ModelRow) -> None:
        """Write what became of a training job, replacing an earlier row of the same version."""
        clients.dynamodb().put_item(TableName=self.table, Item=_item(row))

    @_translated
    def record_if_none(self, row: ModelRow) -> ModelRow:
        """Write the row unless its version has one, in one conditional write; the row that stands then."""
        client = clients.dynamodb()
        try:
            client.put_item(
                TableName=self.table,
                Item=_item(row),
                ConditionExpression="attribute_not_exists(pk)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except client.exceptions.ConditionalCheckFailedException as error:
            standing: Any = error.response  # the client's stubs do not know the item in it
            return ModelRow.model_validate_json(standing["Item"]["row"]["S"])
        return row

    @_translated
    def rows(self, task: str) -> list[ModelRow]:
        """Every training job's row, newest first."""
        rows = [ModelRow.model_validate_json(row) for row in partition(self.table, f"models#{task}")]
        return sorted(rows, key=lambda row: (row.decided_at, row.version), reverse=True)

    def _name(self, task: str) -> str:
        return self.parameters + task


def _item(row: ModelRow) -> dict[str, "AttributeValueTypeDef"]:
    return {
        "pk": {"S": f"models#{row.task}"},
        "sk": {"S": row.version},
        "row": {"S": row.model_dump_json(exclude_defaults=True)},
    }
