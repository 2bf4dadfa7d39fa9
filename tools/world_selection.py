"""The world's backlog: a run whose budget affords a part of its cases, embedded and not yet chosen from."""

import base64
import hashlib
import json
from collections.abc import Iterable
from typing import Final

from plumbline import keys
from plumbline.contracts.cases import AnonymizedCase
from plumbline.contracts.runs import ShardEntry
from plumbline.contracts.selection import CaseVector
from plumbline.jsonl import write_models
from plumbline.ports import ObjectStore
from plumbline.prompting import request_tokens

BACKLOG: Final = "run-backlog"
_SHARD: Final = "00000"
_DIMENSIONS: Final = 384


def seed_backlog(cases: Iterable[AnonymizedCase], data: ObjectStore) -> None:
    """Put the run's anonymized cases, and a made-up vector of each, into the data bucket."""
    cases = list(cases)
    write_models(data, keys.anonymized(BACKLOG, _SHARD), cases)
    write_models(data, keys.vectors(BACKLOG, _SHARD), map(_vector, cases))
    data.write(keys.shards(BACKLOG), json.dumps([ShardEntry(shard=_SHARD, cases=len(cases)).model_dump()]).encode())


def _vector(case: AnonymizedCase) -> CaseVector:
    made_up = b"".join(hashlib.sha256(f"{case.case_id} {n}".encode()).digest() for n in range(_DIMENSIONS // 32))
    return CaseVector(
        case_id=case.case_id,
        content_hash=case.content_hash or "",
        fingerprint=case.fingerprint,
        tokens=request_tokens(case),
        vector=base64.b64encode(made_up).decode("ascii"),
    )
