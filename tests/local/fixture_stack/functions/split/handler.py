"""Writes the items that the map reads: those of the uploaded object, or of the event itself."""

import json
import os
from typing import Any

import boto3


def lambda_handler(event: dict[str, Any], context: object) -> Any:
    s3, detail = boto3.client("s3"), event["detail"]
    if "items" in detail:
        body = json.dumps(detail["items"]).encode()
    else:
        stored = detail["object"]
        body = s3.get_object(Bucket=detail["bucket"]["name"], Key=stored["key"], VersionId=stored["version-id"])[
            "Body"
        ].read()
    key = f"items/{event['name']}.json"
    s3.put_object(Bucket=os.environ["STORE"], Key=key, Body=body)
    return {"bucket": os.environ["STORE"], "key": key}
