"""`python -m bench` names every benchmark with what it needs."""

import sys

import pytest

from bench import __main__ as listing


def test_every_benchmark_is_listed_with_what_it_needs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench"])
    listing.main()
    blocks = {block.split("\n")[0].strip(): block for block in capsys.readouterr().out.split("\n\n")}
    for name in ("confidence", "none_of_these", "select_next", "label_noise", "parser", "injection", "llm_prompts"):
        block = blocks[f"python -m bench.{name}"]
        assert len(block.split("\n")[1]) > 40
        assert name == "parser" or "Needs: " in block
    assert not any("_child" in command for command in blocks)


def test_needs_are_of_benchmarks_that_there_are() -> None:
    assert listing.NEEDS.keys() <= set(listing.modules())
