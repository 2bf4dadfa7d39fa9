"""The folders, files and environment that SageMaker's training containers find, below a folder of this machine.

Sources: "How Amazon SageMaker AI provides training information" (Developer Guide) for the folders; environment.py and
mapping.py of the SageMaker training toolkit (github.com/aws/sagemaker-training-toolkit) for variables and arguments.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from local.sagemaker.job import JobFailed, TrainingJob

HOST: Final = "algo-1"
_GROUP = "homogeneousCluster"
_PREFIX = "sagemaker_"
_TUNING = "_tuning_objective_metric"
_INHERITED = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SYSTEMROOT")
# The developer's account, proxies and downloads are none of the training's business.
_FIXED = {
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "PYTHONUTF8": "1",
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONNOUSERSITE": "1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


@dataclass(frozen=True)
class Container:
    """One job's /opt/ml, at `base`."""

    base: Path
    job: TrainingJob

    @property
    def code(self) -> Path:
        """The unpacked training code."""
        return self.base / "code"

    @property
    def model(self) -> Path:
        """What becomes model.tar.gz."""
        return self.base / "model"

    @property
    def output_data(self) -> Path:
        """What becomes output.tar.gz."""
        return self.base / "output" / "data"

    @property
    def failure(self) -> Path:
        """The file in which the training may say why it failed."""
        return self.base / "output" / "failure"

    def channel(self, name: str) -> Path:
        """Where a channel's files lie."""
        return self.base / "input" / "data" / name

    @property
    def submitted(self) -> str:
        """The S3 address of the training code. Raises JobFailed for a job without one."""
        return self._of_sdk("sagemaker_submit_directory")

    @property
    def program(self) -> str:
        """The script to run, relative to the code. Raises JobFailed for a job without one."""
        return self._of_sdk("sagemaker_program")

    def _of_sdk(self, name: str) -> str:
        value = self.job.decoded().get(name)
        if not isinstance(value, str) or not value:
            raise JobFailed(
                f"ClientError: the hyperparameter {name} is missing; this machine runs no container's own code"
            )
        return value

    def lay_out(self) -> None:
        """Make the folders and the files under input/config."""
        channels = [str(channel["ChannelName"]) for channel in self.job.channels]
        for folder in (self.code, self.model, self.output_data, self._config, *map(self.channel, channels)):
            folder.mkdir(parents=True)
        self._write("hyperparameters", self.job.hyperparameters)
        self._write("inputdataconfig", self._input_data())
        self._write("resourceconfig", self._resources())

    @property
    def _config(self) -> Path:
        return self.base / "input" / "config"

    def _write(self, name: str, content: Mapping[str, Any]) -> None:
        (self._config / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")

    def _input_data(self) -> dict[str, Any]:
        config = {}
        for channel in self.job.channels:
            source = channel["DataSource"]["S3DataSource"]
            config[str(channel["ChannelName"])] = {
                "TrainingInputMode": "File",
                "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
                "RecordWrapperType": channel.get("RecordWrapperType", "None"),
                **({"ContentType": channel["ContentType"]} if channel.get("ContentType") else {}),
            }
        return config

    def _resources(self) -> dict[str, Any]:
        kind = self.job.resources.get("InstanceType", "local")
        return {
            "current_host": HOST,
            "current_instance_type": kind,
            "current_group_name": _GROUP,
            "hosts": [HOST],
            "instance_groups": [{"instance_group_name": _GROUP, "instance_type": kind, "hosts": [HOST]}],
            "network_interface_name": "eth0",
        }

    def _hyperparameters(self) -> dict[str, Any]:
        """The script's own: without the SDK's."""
        own = self.job.decoded().items()
        return {name: value for name, value in own if not name.startswith(_PREFIX) and name != _TUNING}

    def arguments(self) -> list[str]:
        """The script's arguments: `--name value` for each of its hyperparameters, by name."""
        given = sorted(self._hyperparameters().items())
        return [word for name, value in given for word in (f"--{name}" if len(name) > 1 else f"-{name}", _text(value))]

    def environment(self) -> dict[str, str]:
        """The script's whole environment; of this process's own it holds only what finds programs and folders."""
        own = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        sdk = {name: value for name, value in self.job.decoded().items() if name.startswith(_PREFIX)}
        values = self._facts() | {"framework_params": {}, "hps": self._hyperparameters(), "user_args": self.arguments()}
        values |= {
            f"channel_{channel['ChannelName']}": str(self.channel(channel["ChannelName"]))
            for channel in self.job.channels
        }
        values |= {f"hp_{name}": value for name, value in self._hyperparameters().items()}
        values["training_env"] = self._facts() | {"hyperparameters": self._hyperparameters(), "job_name": self.job.name}
        of_toolkit = {f"SM_{name.upper()}": _variable(value) for name, value in values.items()}
        return (
            own
            | _FIXED
            | of_toolkit
            | {
                "PYTHONPATH": str(self.code),
                "SAGEMAKER_BASE_DIR": str(self.base),
                "SAGEMAKER_REGION": str(sdk.get("sagemaker_region", self.job.region)),
                "AWS_REGION": self.job.region,
                "AWS_DEFAULT_REGION": self.job.region,
                "TRAINING_JOB_NAME": self.job.name,
                "TRAINING_JOB_ARN": self.job.arn,
                "CURRENT_HOST": HOST,
            }
        )

    def _facts(self) -> dict[str, Any]:
        resources = self._resources()
        return {
            "channels": sorted(str(channel["ChannelName"]) for channel in self.job.channels),
            "current_host": HOST,
            "current_instance_group": _GROUP,
            "current_instance_type": resources["current_instance_type"],
            "framework_module": "",
            "hosts": [HOST],
            "input_config_dir": str(self._config),
            "input_data_config": self._input_data(),
            "input_dir": str(self.base / "input"),
            "is_hetero": False,
            "log_level": self.job.decoded().get("sagemaker_container_log_level", 20),
            "model_dir": str(self.model),
            "module_dir": self.submitted,
            "module_name": self.program.removesuffix(".py"),
            "network_interface_name": resources["network_interface_name"],
            "num_cpus": os.cpu_count() or 1,
            "num_gpus": 0,
            "output_data_dir": str(self.output_data),
            "output_dir": str(self.base / "output"),
            "output_intermediate_dir": str(self.base / "output" / "intermediate"),
            "resource_config": resources,
            "user_entry_point": self.program,
        }


def _text(value: object) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}={one}" for name, one in sorted(value.items()))
    return "" if value is None else str(value)


def _variable(value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
