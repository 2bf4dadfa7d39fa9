"""Step Functions' Map: any number of items, memory that does not grow with them, and failures that count."""

from moto.stepfunctions.parser.api import HistoryEventType, MapRunFailedEventDetails
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent, FailureEventException
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.distributed_iteration_component import (
    DistributedIterationComponent,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor import (
    distributed_item_processor_worker,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.iteration_worker import IterationWorker
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager
from moto.stepfunctions.parser.utils import TMP_THREADS

from local.moto_patches.wiring import Moto, Patch, Wiring

_DistributedWorker = distributed_item_processor_worker.DistributedItemProcessorWorker
# How many children of a Distributed Map without MaxConcurrency run at once here (AWS: up to 10,000).
UNLIMITED_MEANS = 64


def patch(apply: Patch, wiring: Wiring) -> None:
    """Patch both kinds of Map."""
    _patch_loop(apply, wiring)
    _patch_distributed(apply)


def _patch_loop(apply: Patch, wiring: Wiring) -> None:
    # moto runs a map's next item by calling itself: about 987 items in one worker end in a RecursionError and a map
    # that hangs RUNNING. These loops are moto's own, item by item, as loops. A frame closes before its job, because a
    # map waits for its jobs to end, not for its workers.
    def inline(self: Moto, job: Moto, worker_frame: Moto) -> None:
        while job is not None:
            wiring.rest_if_stopping()
            frame = worker_frame.open_inner_frame()
            self._eval_job(env=frame, job=job)
            worker_frame.close_frame(frame)
            # moto keeps every thread it ever started.
            TMP_THREADS.clear()
            stopped = isinstance(job.job_output, Exception) or self.stopped()
            following = None if stopped else self._job_pool.next_job()
            if following is None:
                if not stopped:
                    last = frame.event_history_context.last_published_event_id
                    worker_frame.event_history_context.source_event_id = last
                break
            self._job_pool.close_job(job)
            job = following
        self._env.close_frame(worker_frame)
        if job is not None:
            self._job_pool.close_job(job)

    def distributed(self: Moto, job: Moto, worker_frame: Moto) -> None:
        counter = self._map_run_record.item_counter
        while job is not None:
            wiring.rest_if_stopping()
            # _patch_distributed has counted the item as pending; moto counts it into the total as it begins.
            counter.pending.offset(-1)
            counter.total.offset(-1)
            frame = worker_frame.open_inner_frame()
            # moto keeps the history of all children in one list that nobody can ask for. On AWS each child is an
            # execution with a history of its own.
            frame.event_manager = EventManager()
            self._eval_job(env=frame, job=job)
            worker_frame.delete_frame(frame)
            TMP_THREADS.clear()
            stopped = isinstance(job.job_output, Exception) or self.stopped()
            following = None if stopped else self._job_pool.next_job()
            if following is None:
                break
            self._job_pool.close_job(job)
            job = following
        self._env.delete_frame(worker_frame)
        if job is not None:
            self._job_pool.close_job(job)

    apply(IterationWorker, "_eval_pool", inline)
    apply(_DistributedWorker, "_eval_pool", distributed)


def _patch_distributed(apply: Patch) -> None:
    # moto counts a map run's items as they begin, and a map run whose children fail SUCCEEDS. AWS counts them all from
    # the start and fails the run when more fail than are tolerated (it also stops then; here the others still run).
    name = "_map_run"
    moto_map_run = getattr(DistributedIterationComponent, name)

    def map_run(self: Moto, env: Moto, eval_input: Moto) -> None:
        record, items = eval_input.map_run_record, env.stack[-1]
        counter = record.item_counter
        counter.total.count(len(items))
        counter.pending.count(len(items))
        # moto starts as many threads as the limit says, however few items there are; no limit means one for each item.
        record.max_concurrency = min(record.max_concurrency or UNLIMITED_MEANS, max(len(items), 1))
        moto_map_run(self, env, eval_input)
        tolerated = max(eval_input.tolerated_failure_count, eval_input.tolerated_failure_percentage * len(items) / 100)
        if counter.failed.get() + counter.timed_out.get() > tolerated:
            raise _too_many_failed(env)

    apply(DistributedIterationComponent, name, map_run)


def _too_many_failed(env: Moto) -> FailureEventException:
    error = StatesErrorName(typ=StatesErrorNameType.StatesExceedToleratedFailureThreshold)
    cause = "The specified tolerated failure threshold was exceeded"
    reported = MapRunFailedEventDetails(error=error.error_name, cause=cause)
    details: Moto = {"mapRunFailedEventDetails": reported}
    return FailureEventException(
        FailureEvent(env=env, error_name=error, event_type=HistoryEventType.MapRunFailed, event_details=details)
    )
