"""On which machines the classifier asks for the slower, exact products."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from plumbline.predict import classifier


class Options:
    def __init__(self) -> None:
        self.entries: dict[str, str] = {}

    def add_session_config_entry(self, name: str, value: str) -> None:
        self.entries[name] = value


@pytest.mark.parametrize(
    ("flags", "exact"),
    [
        ("fma avx2 avx512f avx512_vnni", False),
        ("fma avx2 avx_vnni", False),
        ("fma avx2 avx512f avx512bw", True),  # Skylake: two products are summed in 16 bits
        ("fma avx2", True),  # EPYC of the third generation
    ],
)
def test_without_vnni_products_are_exact(monkeypatch: pytest.MonkeyPatch, flags: str, exact: bool) -> None:
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: f"flags\t\t: {flags}\n")
    classifier._multiplies_int8_exactly.cache_clear()
    taken: list[Any] = []
    runtime = SimpleNamespace(SessionOptions=Options, InferenceSession=lambda _, options, **__: taken.append(options))
    classifier._session(runtime, Path("model.onnx"), threads=1)
    classifier._multiplies_int8_exactly.cache_clear()
    assert taken[0].entries == ({"session.x64quantprecision": "1"} if exact else {})
