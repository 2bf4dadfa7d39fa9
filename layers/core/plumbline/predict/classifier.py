"""The exported classifier: texts in, calibrated probabilities out."""

import functools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from plumbline.contracts.errors import ModelFileBroken
from plumbline.contracts.models import CLASSIFIER_FILE, MODEL_FILE, TOKENIZER_FILE, ClassifierConfig
from plumbline.predict.texts import head_and_tail

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def softmax(logits: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Rows of logits as rows of probabilities."""
    import numpy as np  # noqa: PLC0415 - late: whoever only imports this module need not have the numpy layer

    exp = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    result: NDArray[np.float64] = exp / exp.sum(axis=1, keepdims=True)
    return result


def _session(onnxruntime: Any, path: Path, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Memory goes back after each answer, which costs 1% of its time; kept, it is 7 MB.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    if not _multiplies_int8_exactly():
        # Without VNNI two 8-bit products are summed in 16 bits and saturate: slower instructions that do not.
        options.add_session_config_entry("session.x64quantprecision", "1")
    # The fused step takes 8 times as long as a sum and a layer norm one after the other (2 to 4 of 24 ms; decision 44).
    return onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"], disabled_optimizers=["SkipLayerNormFusion"]
    )


@functools.cache
def _multiplies_int8_exactly() -> bool:
    """Whether the processor has VNNI (or AMX), which ONNX Runtime uses of itself."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:  # no Linux; on ARM the option has no effect
        return False
    return re.search(r"\b(?:avx512_vnni|avx_vnni|amx_int8)\b", flags) is not None


class Classifier:
    """A model's serving files, loaded. Thread-safe: ONNX Runtime and the tokenizer both are."""

    def __init__(self, config: ClassifierConfig, session: Any, tokenizer: Any) -> None:
        self.config = config
        self._session = session
        self._tokenizer = tokenizer

    @classmethod
    def load(cls, folder: Path, threads: int = 1) -> "Classifier":
        """Load the files of a folder. Raises ModelFileBroken, which names the file."""
        # Late: whoever only imports this module need not have the inference layer.
        import onnxruntime  # noqa: PLC0415
        from tokenizers import Tokenizer  # noqa: PLC0415

        name = CLASSIFIER_FILE
        try:
            config = ClassifierConfig.model_validate_json((folder / name).read_bytes())
            name = TOKENIZER_FILE
            tokenizer = Tokenizer.from_file(str(folder / name))
            tokenizer.no_truncation()
            tokenizer.no_padding()
            name = MODEL_FILE
            session = _session(onnxruntime, folder / name, threads)
        except (OSError, ValidationError) as error:
            raise ModelFileBroken(f"{name} cannot be read ({type(error).__name__})") from None
        except Exception as error:  # noqa: BLE001 - tokenizers and ONNX Runtime raise bare and undocumented kinds
            raise ModelFileBroken(f"{name} is damaged or of another version ({type(error).__name__})") from None
        return cls(config, session, tokenizer)

    def probabilities(self, texts: Sequence[str]) -> "NDArray[np.float64]":
        """Calibrated probabilities, texts x categories, each row summing to 1."""
        return softmax(self.logits(texts) / self.config.temperature)

    def logits(self, texts: Sequence[str]) -> "NDArray[np.float64]":
        """The graph's raw outputs, texts x categories; what a temperature is fitted on."""
        import numpy as np  # noqa: PLC0415

        logits = np.zeros((len(texts), len(self.config.categories)))
        # One at a time: an int8 graph scales its activations by what it is fed with, so that in a batch a case's answer
        # would depend on its neighbours (7 of 234 labels changed between 1 and 16), and it is no slower on one core.
        for row, text in enumerate(texts):
            logits[row] = self._run(self._encode(text))
        return logits

    def _encode(self, text: str) -> list[int]:
        config = self.config
        short = head_and_tail(text, self._tokenizer, config.max_tokens, config.tail_share)
        ids: list[int] = self._tokenizer.encode(short).ids
        if len(ids) > config.max_tokens:  # the cut pieces can make a token more than they were; keep the closing one
            ids = [*ids[: config.max_tokens - 1], ids[-1]]
        return ids

    def _run(self, ids: list[int]) -> "NDArray[np.float32]":
        import numpy as np  # noqa: PLC0415

        tokens = np.array([ids], dtype=np.int64)
        feed = {self.config.token_ids: tokens, self.config.valid_length: np.array([len(ids)], dtype=np.int64)}
        if self.config.segment_ids:
            feed[self.config.segment_ids] = np.zeros_like(tokens)
        logits: NDArray[np.float32] = self._session.run([self.config.logits], feed)[0][0]
        return logits
