"""The exported classifier: texts in, calibrated probabilities out."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from plumbline.contracts.errors import ModelFileBroken
from plumbline.contracts.models import CLASSIFIER_FILE, MODEL_FILE, TOKENIZER_FILE, ClassifierConfig
from plumbline.predict.texts import head_and_tail

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BATCH = 16  # texts that go through the graph together; more is no faster on one core


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
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            options.inter_op_num_threads = 1
            options.log_severity_level = 3
            session = onnxruntime.InferenceSession(str(folder / name), options, providers=["CPUExecutionProvider"])
        except (OSError, ValidationError) as error:
            raise ModelFileBroken(f"{name} cannot be read ({type(error).__name__})") from None
        except Exception as error:  # noqa: BLE001 - tokenizers and ONNX Runtime raise bare and undocumented kinds
            raise ModelFileBroken(f"{name} is damaged or of another version ({type(error).__name__})") from None
        return cls(config, session, tokenizer)

    def probabilities(self, texts: Sequence[str]) -> "NDArray[np.float64]":
        """Calibrated probabilities, texts x categories, each row summing to 1."""
        import numpy as np  # noqa: PLC0415

        scaled = self.logits(texts) / self.config.temperature
        scaled -= scaled.max(axis=1, keepdims=True, initial=-np.inf)
        exp = np.exp(scaled)
        result: NDArray[np.float64] = exp / exp.sum(axis=1, keepdims=True)
        return result

    def logits(self, texts: Sequence[str]) -> "NDArray[np.float64]":
        """The graph's raw outputs, texts x categories; what a temperature is fitted on."""
        import numpy as np  # noqa: PLC0415

        logits = np.zeros((len(texts), len(self.config.categories)))
        for rows, batch in self._batches(texts):
            logits[rows] = self._run(batch)
        return logits

    def _batches(self, texts: Sequence[str]) -> Iterator[tuple[list[int], list[list[int]]]]:
        """Texts as token ids, those of like length together, because a batch is as slow as its longest."""
        encoded = [self._encode(text) for text in texts]
        order = sorted(range(len(texts)), key=lambda row: len(encoded[row]))
        for start in range(0, len(order), _BATCH):
            rows = order[start : start + _BATCH]
            yield rows, [encoded[row] for row in rows]

    def _encode(self, text: str) -> list[int]:
        config = self.config
        short = head_and_tail(text, self._tokenizer, config.max_tokens, config.tail_share)
        ids: list[int] = self._tokenizer.encode(short).ids
        if len(ids) > config.max_tokens:  # the cut pieces can make a token more than they were; keep the closing one
            ids = [*ids[: config.max_tokens - 1], ids[-1]]
        return ids

    def _run(self, batch: list[list[int]]) -> "NDArray[np.float32]":
        import numpy as np  # noqa: PLC0415

        lengths = np.array([len(ids) for ids in batch], dtype=np.int64)
        tokens = np.zeros((len(batch), int(lengths.max())), dtype=np.int64)
        for row, ids in enumerate(batch):
            tokens[row, : len(ids)] = ids
        feed = {self.config.token_ids: tokens, self.config.valid_length: lengths}
        if self.config.segment_ids:
            feed[self.config.segment_ids] = np.zeros_like(tokens)
        logits: NDArray[np.float32] = self._session.run([self.config.logits], feed)[0]
        return logits
