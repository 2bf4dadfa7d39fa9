"""RecordShardFailure: one shard never sinks a run; its reason is kept for Collate."""

from plumbline import keys
from plumbline.contracts.predictions import AnyShardFailureTask
from plumbline.contracts.runs import ShardFailure, ShardFailureTask, ShardResult
from plumbline.ports import ObjectStore


def record_shard_failure(task: ShardFailureTask | AnyShardFailureTask, *, data: ObjectStore) -> ShardResult:
    """Leave the error's name where Collate finds it, so that the shard's cases get the outcome failed(name)."""
    failure = ShardFailure(shard=task.shard, error=task.error.Error)
    data.write(keys.shard_failure(task.run.run_id, task.shard), failure.model_dump_json().encode())
    return ShardResult(shard=task.shard, done=0)
