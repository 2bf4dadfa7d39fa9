"""Lists the benchmarks and what each needs beside `make setup`: `python -m bench`."""

import argparse
import ast
from pathlib import Path

_CASES6 = "cases6_dev.jsonl in ../shared/data (real cases, no part of the repository)"
_LLM = "the local model's file (`make local-llm`)"
_TRAINING = "the training environment (`make training-env`)"
NEEDS = {
    "accuracy": f"{_CASES6}; {_TRAINING}",
    "anonymize": "the sets in ../shared/data; Presidio's environment (`make presidio-env`) for the peer beside ours",
    "confidence": f"{_CASES6}; {_LLM}, or --keep FILE with its answers",
    "injection": f"{_LLM}, or --keep FILE with its answers",
    "label_noise": f"{_CASES6}; {_TRAINING}",
    "llm_prompts": f"{_CASES6}, or inexbug_377.jsonl beside it; {_LLM}, or --keep FILE with its answers",
    "none_of_these": f"{_CASES6}; {_LLM}, or another --model",
    "predict_latency": f"a trained model; {_TRAINING} for AutoGluon's side",
    "select_next": f"{_CASES6}, or inexbug_377.jsonl beside it (--data inexbug); --million needs neither",
}


def modules() -> list[str]:
    """The benchmarks: modules of this folder that run by themselves, without the children that they start."""
    folder = Path(__file__).parent
    return sorted(
        path.stem
        for path in folder.glob("*.py")
        if not path.stem.endswith(("_child", "__main__")) and 'if __name__ == "__main__"' in path.read_text("utf-8")
    )


def about(name: str) -> str:
    """The first paragraph of what the module says of itself; read, not imported, so that it needs nothing."""
    text = (Path(__file__).parent / f"{name}.py").read_text("utf-8")
    return " ".join((ast.get_docstring(ast.parse(text)) or "").partition("\n\n")[0].split())


def main() -> None:
    """Print each benchmark's command, what it is, and what it needs."""
    argparse.ArgumentParser(prog="python -m bench", description=__doc__).parse_args()
    for name in modules():
        print(f"python -m bench.{name}\n    {about(name)}")
        print(f"    Needs: {NEEDS[name]}.\n" if name in NEEDS else "")


if __name__ == "__main__":
    main()
