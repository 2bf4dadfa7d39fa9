"""EmbedShard: one shard of a backlog as vectors, so that SelectNext need not read texts."""

from plumbline import keys
from plumbline.case_text import case_text
from plumbline.contracts.cases import AnonymizedCase
from plumbline.contracts.errors import BrokenInvariant
from plumbline.contracts.runs import ShardResult, ShardTask
from plumbline.contracts.selection import CaseVector
from plumbline.jsonl import read_models, write_models
from plumbline.ports import Embedder, ObjectStore
from plumbline.prompting import request_tokens
from plumbline.select_next.vectors import pack


def embed_shard(task: ShardTask, *, data: ObjectStore, embedder: Embedder) -> ShardResult:
    """Write a vector for each anonymized case of the shard, but for those that a person has to see first.

    Raises MissingObject without the shard, ModelFileBroken, StoreUnavailable, StoreDenied.
    """
    run = task.run
    cases = read_models(data, keys.anonymized(run.run_id, task.shard), AnonymizedCase)
    readable = [case for case in cases if not case.review]
    done = write_models(data, keys.vectors(run.run_id, task.shard), case_vectors(readable, embedder))
    return ShardResult(shard=task.shard, done=done)


def case_vectors(cases: list[AnonymizedCase], embedder: Embedder) -> list[CaseVector]:
    """The cases as vectors, in order."""
    packed = pack(embedder.embed([case_text(case) for case in cases]))
    return [_case_vector(case, vector) for case, vector in zip(cases, packed, strict=True)]


def _case_vector(case: AnonymizedCase, vector: str) -> CaseVector:
    if case.content_hash is None:
        raise BrokenInvariant(f"case {case.case_id} was anonymized without its content hash")
    return CaseVector(
        case_id=case.case_id,
        content_hash=case.content_hash,
        fingerprint=case.fingerprint,
        tokens=request_tokens(case),
        vector=vector,
    )
