"""Where AWS publishes the AutoGluon container of each region.

As of November 2026: one image for training and serving since AutoGluon 1.6 (until 1.5 it was `autogluon-training`), for
SageMaker, with `autogluon.multimodal`, PyTorch 2.13 and Python 3.12. Sources: "AutoGluon" in the documentation of the
AWS Deep Learning Containers; autogluon_dlc.json of AutoGluon-Cloud, which holds the accounts.
"""

from typing import Final

from plumbline.contracts.errors import TrainingNotConfigured

# The version that training/requirements-local.txt pins.
_REPOSITORY: Final = "autogluon"
_TAG_CPU: Final = "1.6.3-cpu-amzn2023"
_TAG_GPU: Final = "1.6.3-cu133-amzn2023"
_GPU: Final = ("ml.g", "ml.p")
_MOST: Final = "763104351884"
_ACCOUNTS: Final = {
    "af-south-1": "626614931356",
    "ap-east-1": "871362719292",
    "ap-northeast-1": _MOST,
    "ap-northeast-2": _MOST,
    "ap-northeast-3": "364406365360",
    "ap-south-1": _MOST,
    "ap-southeast-1": _MOST,
    "ap-southeast-2": _MOST,
    "ap-southeast-3": "907027046896",
    "ap-southeast-4": "457447274322",
    "ca-central-1": _MOST,
    "ca-west-1": "204538143572",
    "eu-central-1": _MOST,
    "eu-north-1": _MOST,
    "eu-south-1": "692866216735",
    "eu-west-1": _MOST,
    "eu-west-2": _MOST,
    "eu-west-3": _MOST,
    "il-central-1": "780543022126",
    "me-south-1": "217643126080",
    "sa-east-1": _MOST,
    "us-east-1": _MOST,
    "us-east-2": _MOST,
    "us-gov-east-1": "446045086412",
    "us-gov-west-1": "442386744353",
    "us-west-1": _MOST,
    "us-west-2": _MOST,
}


def autogluon_image(region: str, instance_type: str) -> str:
    """The address of the container for the instance: with CUDA where it has a GPU.

    Raises TrainingNotConfigured for a region in which AWS publishes none.
    """
    account = _ACCOUNTS.get(region)
    if account is None:
        raise TrainingNotConfigured(
            f"AWS publishes no AutoGluon container in {region}; set the stack's parameter TrainingImage to one of your "
            "own, or to none to only write datasets"
        )
    tag = _TAG_GPU if instance_type.startswith(_GPU) else _TAG_CPU
    return f"{account}.dkr.ecr.{region}.amazonaws.com/{_REPOSITORY}:{tag}"
