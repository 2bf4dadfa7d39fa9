"""The local stack: the embedded AWS with a template deployed, its Lambda workers and the stand-in for Bedrock."""

import contextlib
import fcntl
import logging
import os
import shutil
import threading
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, Self
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError

from local import api, info, moto_patches, private, state
from local.background import Background
from local.deploy import Deployment, Template, deploy, supported_part, translate
from local.disturbing import Disturbances
from local.sagemaker import runner
from local.saving import Saver
from local.workers import WorkerPools
from plumbline.contracts.batch import BatchLimits

if TYPE_CHECKING:
    from local.bedrock.faults import Faults
    from local.bedrock.job_wire import Job
    from local.bedrock.jobs import BatchJobs

_log = logging.getLogger(__name__)
_ONE_AT_A_TIME = threading.Lock()
# What hears of the runs that a stop ended (RecordFailure) may take this long, its own start included.
_LAST_EVENTS_SECONDS = 8.0
_BATCH_LIMITS: Final = {
    "BatchMinRecords": "min_records",
    "BatchMaxRecords": "max_records",
    "BatchMaxBytes": "max_bytes",
}
_CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}  # nobody checks them


class AlreadyRunning(Exception):
    """Another local stack uses the same state folder, or this process."""


class ModelServer(Protocol):
    """What answers for Bedrock: an HTTP server at `endpoint` that serves until `stop`.

    Batch jobs can be had where it is a BedrockStandIn.
    """

    @property
    def endpoint(self) -> str:
        """Its URL."""

    def stop(self) -> None:
        """End it."""


class LocalStack:
    """The local stack. Use it as a context manager, or call `start` and `stop`; one at a time in a process.

    `template` is the SAM template; `parameters` override its defaults. `state_dir` holds the logs (logs/), the note
    for the commands (local.json) and, unless `keep_state` is off, what the buckets and tables hold and the training
    and batch jobs (state/): saved after each execution and job, every minute while something changes, and at the stop.
    A batch job that runs at the stop goes on after the next start.
    `model` names a stand-in model, `model_options` what it takes and `faults` what goes wrong in front of it; a running
    `model_server` replaces all three.
    `host` and `port` are what the AWS endpoint binds to (0: a free port). `parallel` invocations of a function run at
    once. `time_scale` multiplies the state machines' Wait states and Retry intervals. Training jobs run one at a time,
    with the interpreter `training_python` (None: that of `make training-env` beside the template, or the one named by
    PLUMBLINE_TRAINING_PYTHON); one that is stopped gets `training_grace` seconds to end by itself.
    """

    def __init__(
        self,
        template: Path = Path("template.yaml"),
        *,
        state_dir: Path = Path(".plumbline"),
        parameters: Mapping[str, str] | None = None,
        stack_name: str = "plumbline-local",
        region: str = "us-east-1",
        model: str = "embedding",
        model_options: Mapping[str, Any] | None = None,
        model_server: ModelServer | None = None,
        faults: "Faults | None" = None,
        host: str = "127.0.0.1",
        port: int = 0,
        parallel: int | None = None,
        time_scale: float = 1.0,
        keep_state: bool = True,
        training_python: Path | None = None,
        training_grace: float = runner.GRACE,
    ) -> None:
        self.stack_name = stack_name
        self.region = region
        self.endpoint = ""
        self.bedrock_endpoint = ""
        self.api_endpoint = ""
        self.disturbances = Disturbances()
        self._template = template.resolve()
        self._folder = state_dir.resolve()
        self._parameters = dict(parameters or {})
        self._model = (model, model_options, model_server)
        self._address = (host, port)
        self._parallel = parallel or max(2, os.cpu_count() or 2)
        self._time_scale = time_scale
        self._keep_state = keep_state
        self._training_python = training_python or runner.training_python(self._template.parent)
        self._training_grace = training_grace
        self._training: runner.TrainingRunner | None = None
        self._batch: BatchJobs | None = None
        self._faults = faults
        self._deployment: Deployment | None = None
        self._pools: WorkerPools | None = None
        self._saver = Saver(self._save)
        self._wiring: moto_patches.Wiring | None = None
        self._background: Background | None = None
        self._running = contextlib.ExitStack()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def resources(self) -> Mapping[str, str]:
        """Physical ids by logical id."""
        return self._started()[0].resources

    @property
    def pools(self) -> WorkerPools:
        """The Lambda workers."""
        return self._started()[1]

    def _started(self) -> tuple[Deployment, WorkerPools]:
        if self._deployment is None or self._pools is None:
            raise RuntimeError("The local stack is not running: call start() first.")
        return self._deployment, self._pools

    def session(self) -> boto3.Session:
        """A boto3 session with the stack's region and credentials; its clients need `endpoint_url=stack.endpoint`."""
        return boto3.Session("local", "local", region_name=self.region)

    def client(self, service: str) -> Any:
        """A boto3 client of one service that talks to this stack."""
        endpoint = self.bedrock_endpoint if service.startswith("bedrock") else self.endpoint
        # The generic call: `service` is any service, and boto3-stubs only knows the literal names.
        make: Any = self.session().client
        return make(service, endpoint_url=endpoint, config=Config(max_pool_connections=64))

    def start(self) -> Self:
        """Bring everything up; returns when the template is deployed and functions can be invoked.

        Raises AlreadyRunning, TemplateNotSupported, DeploymentFailed, or OSError for a port that is taken.
        """
        whole = translate(self._template, self._parameters, self.region)
        with contextlib.ExitStack() as running:
            self._lock(running)
            if not _ONE_AT_A_TIME.acquire(blocking=False):
                raise AlreadyRunning("A local stack runs already in this process; moto can serve only one at a time.")
            running.callback(_ONE_AT_A_TIME.release)
            self._saver = Saver(self._save)
            self.bedrock_endpoint = self._start_model(running)
            self._serve(running)
            pools = self._pools = WorkerPools(self._folder / "logs", self._parallel, self._environment())
            self.disturbances.kill = pools.kill
            background = self._background = Background()
            training = self._training = runner.TrainingRunner(
                self.client,
                self._training_python,
                self._folder / "training",
                self._folder / "logs",
                grace=self._training_grace,
            )
            invoke = self.disturbances.invoking(pools.invoke, pools.known_as)
            self._wiring = moto_patches.Wiring(
                self.endpoint, invoke, background, training, self._time_scale, ended=self._ended
            )
            running.enter_context(moto_patches.applied(self._wiring))
            running.callback(background.shutdown, wait=False, cancel_futures=True)
            running.callback(self._pools.close)
            running.callback(training.close)
            fronts = [self._start_api(rest, running) for rest in api.rest_apis(whole)]
            served = {front.api.logical_id: front.url for front in fronts}
            self._deploy(supported_part(whole, moto_patches.cloudformation_types(), served), self._pools)
            self._connect_batch(running)
            self.api_endpoint = next(iter(served.values()), "")
            note = info.LocalInfo(
                endpoint=self.endpoint,
                bedrock_endpoint=self.bedrock_endpoint,
                stack_name=self.stack_name,
                region=self.region,
                pid=os.getpid(),
                api_endpoint=self.api_endpoint,
            )
            info.write(self._folder, note)
            running.callback(info.remove, self._folder)
            if self._keep_state:
                self._saver.start()
            self._running = running.pop_all()
        return self

    def stop(self) -> None:
        """Take everything down within seconds: running executions and training jobs are ended, and EventBridge's rules
        hear of it.

        What the buckets and tables hold is saved, unless `keep_state` is off; a failure to save is logged.
        """
        try:
            if self._deployment is not None and self._wiring is not None and self._background is not None:
                info.remove(self._folder)  # first: nobody may take a stack that is stopping for one that serves
                self._wiring.stopping.set()
                self.pools.end_busy()
                for name in moto_patches.abort_running(self._wiring):
                    _log.warning("the execution %s was still running and has been aborted", name)
                if self._batch is not None:
                    self._batch.disconnect()
                for name in self._training.close() if self._training is not None else ():
                    _log.warning("the training job %s had not ended and has been stopped", name)
                self._background.settle(_LAST_EVENTS_SECONDS)
                self.pools.close()
                if self._keep_state:
                    self._saver.close()
        finally:
            self._deployment = None
            self._running.close()

    def _ended(self) -> None:
        self._saver.changed()
        self._saver.hurry()

    def _save(self) -> None:
        jobs = self._batch.dump() if self._batch is not None else ()
        state.dump(self.session(), self.endpoint, self._started()[0], self._folder / "state", jobs)

    def _lock(self, running: contextlib.ExitStack) -> None:
        """Hold the state folder for as long as the stack runs: the lock goes with the process, however it ends."""
        private.folder(self._folder)
        descriptor = os.open(self._folder, os.O_RDONLY)
        running.callback(os.close, descriptor)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = info.read(self._folder)
            if other is not None:
                message = f"A local stack runs already at {other.endpoint} (process {other.pid}). Stop it first."
            else:
                message = f"Another local stack is starting or stopping in {self._folder}. Try again in a moment."
            raise AlreadyRunning(message) from None

    def _start_model(self, running: contextlib.ExitStack) -> str:
        name, options, server = self._model
        self._batch = getattr(server, "jobs", None)
        if server is not None:
            return server.endpoint
        # Late: the stand-in's models are heavy, and whoever brings a server of its own needs none of them.
        from local.bedrock.server import BedrockStandIn  # noqa: PLC0415

        own = BedrockStandIn(model=name, host=self._address[0], port=0, options=options, faults=self._faults).start()
        running.callback(own.stop)
        self._batch = own.jobs
        return _reachable(self._address[0], urlsplit(own.endpoint).port)

    def _connect_batch(self, running: contextlib.ExitStack) -> None:
        if self._batch is None:
            return

        def changed(job: "Job") -> None:
            moto_patches.publish_batch_job(job, self.region)
            self._saver.changed()
            if job.ended:
                self._saver.hurry()

        # What the template is told that the service takes, the stand-in takes.
        given = {field: self._parameters.get(name) for name, field in _BATCH_LIMITS.items()}
        limits = BatchLimits.model_validate({field: value for field, value in given.items() if value})
        folder = self._folder / "batch"
        if not self._keep_state:
            running.callback(shutil.rmtree, folder, ignore_errors=True)
        self._batch.connect(self.client("s3"), folder, region=self.region, limits=limits, changed=changed)
        running.callback(self._batch.disconnect)

    def _serve(self, running: contextlib.ExitStack) -> None:
        server = moto_patches.bind(*self._address, changed=self._saver.changed, around=self.disturbances.around)
        running.callback(server.server_close)
        moto_patches.forget_everything()
        self.endpoint = _reachable(self._address[0], server.port)
        threading.Thread(target=server.serve_forever, name="embedded-aws", daemon=True).start()
        running.callback(server.shutdown)

    def _start_api(self, rest: api.RestApi, running: contextlib.ExitStack) -> api.ApiFront:
        # No second try: a function that was too slow once has been called once.
        waits = Config(read_timeout=api.INTEGRATION_SECONDS, retries={"total_max_attempts": 1}, max_pool_connections=64)
        make: Any = self.session().client
        functions = make("lambda", endpoint_url=self.endpoint, config=waits)

        def invoke(function: str, event: bytes) -> bytes | None:
            try:
                answer = functions.invoke(FunctionName=self.resources[function], Payload=event)
            except ReadTimeoutError:
                raise TimeoutError from None
            except (RuntimeError, ClientError, BotoCoreError):  # while the stack starts or stops
                return None
            payload: bytes = answer["Payload"].read()
            return None if "FunctionError" in answer else payload

        front = api.ApiFront(rest, invoke).start()
        running.callback(front.stop)
        return front

    def _environment(self) -> dict[str, str]:
        """What a function needs to find the embedded AWS; these variables win over the template's."""
        return {
            **_CREDENTIALS,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ENDPOINT_URL_BEDROCK": self.bedrock_endpoint,
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": self.bedrock_endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
            # A developer's own settings are not a function's.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def _deploy(self, template: Template, pools: WorkerPools) -> None:
        # Physical names repeat from one start to the next; everything after them (version ids, for one) must not.
        moto_patches.seed_identifiers(zlib.crc32(self.stack_name.encode()))

        def before_events(deployment: Deployment) -> None:
            moto_patches.seed_identifiers(None)
            for function, layout in deployment.layouts.items():
                pools.register(function, layout)
            if self._keep_state:
                state.load(self.session(), self.endpoint, deployment, self._folder / "state")
                moto_patches.restore_training_jobs(self.region, state.training_jobs(self._folder / "state"))
                if self._batch is not None:
                    self._batch.restore(state.batch_jobs(self._folder / "state"))

        self._deployment = deploy(
            self.session(), self.endpoint, template, self.stack_name, self._parameters, before_events
        )


def _reachable(host: str, port: int | None) -> str:
    """The URL of a server that is bound to `host`, for a client on this machine."""
    return f"http://{'127.0.0.1' if host in ('0.0.0.0', '') else host}:{port}"  # noqa: S104 - compared, not bound
