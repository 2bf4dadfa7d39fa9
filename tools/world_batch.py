"""The world's batches: one whose submission broke off, one with too few cases, and one whose job has ended."""

import json
from collections.abc import Iterable, Sequence
from typing import Final

from plumbline import keys
from plumbline.adapters.bedrock_batch import BedrockBatch
from plumbline.batch.plan import Planner
from plumbline.batch.records import output_key
from plumbline.contracts.batch import BatchLimits, BatchSubmission
from plumbline.contracts.cases import AnonymizedCase
from plumbline.contracts.runs import RunRequest, ShardEntry
from plumbline.jsonl import write_models
from plumbline.ports import ObjectStore
from plumbline.prompting import LoadedPrompt

BROKEN_OFF, TOO_FEW, ENDED = "run-batch", "run-batch-too-few", "run-batch-ended"
_SHARD: Final = "00000"
# No service knows this job any more: it counts as ended, and what it wrote is taken all the same.
_ARN: Final = "arn:aws:bedrock:us-east-1:123456789012:model-invocation-job/abcdefghijkl"


def seed_batches(cases: Sequence[AnonymizedCase], prompt: LoadedPrompt, run: RunRequest, data: ObjectStore) -> None:
    """Put the three runs' masked cases, and what SubmitBatch and a job have left of two of them, into the bucket."""
    for run_id in (BROKEN_OFF, TOO_FEW, ENDED):
        entries = [ShardEntry(shard=_SHARD, cases=len(cases))]
        data.write(keys.shards(run_id), json.dumps([entry.model_dump() for entry in entries]).encode())
        write_models(data, keys.anonymized(run_id, _SHARD), cases)
        if run_id != TOO_FEW:
            _plan(run.model_copy(update={"run_id": run_id}), entries, prompt, data)
    submission = BatchSubmission.model_validate_json(data.read(keys.batch(ENDED)))
    [job] = [job.model_copy(update={"job_arn": _ARN}) for job in submission.jobs]
    data.write(keys.batch(ENDED), submission.model_copy(update={"jobs": (job,)}).model_dump_json().encode())
    ids = [json.loads(line)["recordId"] for line in data.read(job.records_key).splitlines()]
    lines = "".join(json.dumps(line) + "\n" for line in _output(ids))
    data.write(output_key(job), lines.encode(), "application/x-ndjson")


def _plan(run: RunRequest, entries: list[ShardEntry], prompt: LoadedPrompt, data: ObjectStore) -> None:
    planner = Planner(
        run=run,
        data=data,
        model=BedrockBatch("plumbline-data", ""),
        replies=_NoReplies(),
        prompt=prompt,
        limits=BatchLimits(min_records=1),
        most_usd=lambda _: None,
        room_usd=run.budget_usd,
    )
    data.write(keys.batch(run.run_id), planner.plan(entries).model_dump_json().encode())


class _NoReplies:
    """A ReplyStore without a reply."""

    def answered(self, requests: Iterable[str]) -> set[str]:  # noqa: ARG002 - the port's
        """None."""
        return set()


def _output(ids: list[str]) -> Iterable[dict[str, object]]:
    """An error of the first record, no line of the second, and an answer to each of the others, the last one first."""
    failed, _, *good = ids
    text = "<reasoning>It says so.</reasoning><category>Billing Inquiry</category><runner_up>none</runner_up>"
    said = {
        "output": {"message": {"role": "assistant", "content": [{"text": text}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 2000, "outputTokens": 80, "totalTokens": 2080},
    }
    for record in reversed(good):
        yield {"recordId": record, "modelInput": {}, "modelOutput": said}
    yield {"recordId": failed, "modelInput": {}, "error": {"errorCode": 400, "errorMessage": "bad request"}}
