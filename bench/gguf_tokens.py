"""The tokenizer inside a GGUF file of a language model, to count tokens with it; the weights are not read.

Source: the GGUF specification (ggml's docs/gguf.md), and llama.cpp's expressions for the pre-tokenizers named here.
"""

import struct
from pathlib import Path
from typing import IO, Any

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

_MAGIC = b"GGUF"
_FORMATS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def gguf_tokenizer(path: Path) -> Tokenizer:
    """The file's byte-level BPE. Raises ValueError for a file that is none or has another kind of tokenizer."""
    with path.open("rb") as stream:
        found = _metadata(stream)
    kind = found.get("tokenizer.ggml.pre")
    if found.get("tokenizer.ggml.model") != "gpt2" or kind not in {"qwen2", "smollm"}:
        raise ValueError(f"{path.name}: a tokenizer that is not known here ({kind})")
    vocab = {token: position for position, token in enumerate(found["tokenizer.ggml.tokens"])}
    merges = [tuple(merge.split(" ", 1)) for merge in found["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=kind == "smollm")
    if kind == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
        before: Any = pre_tokenizers.Split(Regex(_QWEN2), "isolated")
    else:
        before = pre_tokenizers.Digits(individual_digits=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([before, byte_level])
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _metadata(stream: IO[bytes]) -> dict[str, Any]:
    if stream.read(4) != _MAGIC:
        raise ValueError("no GGUF file")
    _version, _tensors, pairs = _read(stream, "IQQ")
    found = {}
    for _ in range(pairs):
        name = _value(stream, _STRING)
        [kind] = _read(stream, "I")
        found[name] = _value(stream, kind)
    return found


def _value(stream: IO[bytes], kind: int) -> Any:
    if kind == _STRING:
        [length] = _read(stream, "Q")
        return stream.read(length).decode()
    if kind == _ARRAY:
        inner, length = _read(stream, "IQ")
        return [_value(stream, inner) for _ in range(length)]
    return _read(stream, _FORMATS[kind])[0]


def _read(stream: IO[bytes], form: str) -> tuple[Any, ...]:
    return struct.unpack(f"<{form}", stream.read(struct.calcsize(f"<{form}")))
