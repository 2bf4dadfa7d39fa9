"""Lists the benchmarks: `python -m bench`."""

import importlib

_MODULES = ("pipeline", "ingest", "anonymize", "cold_import", "predict_latency", "accuracy", "llm_prompts", "parser",
            "injection", "generate")  # fmt: skip


def main() -> None:
    """Print each benchmark's command and the first sentence of what it is."""
    about = {name: (importlib.import_module(f"bench.{name}").__doc__ or "").partition("\n\n")[0] for name in _MODULES}
    for name, text in about.items():
        print(f"python -m bench.{name}\n    {' '.join(text.split())}\n")


if __name__ == "__main__":
    main()
