"""Prompt files for tests: the shipped ones, and a small one of another taxonomy."""

from pathlib import Path
from typing import Any

import yaml

from plumbline.prompting import tasks, versions

SHIPPED = Path(__file__).parents[1] / "prompts"
SHIPPED_VERSIONS = [(task, version) for task in tasks(SHIPPED) for version in versions(SHIPPED, task)]
SIX = (
    "Billing Inquiry",
    "Security Awareness",
    "Feature Request",
    "Documentation Improvement",
    "Software Defect",
    "Customer Education",
)


def a_file(**changes: Any) -> dict[str, Any]:
    """A small valid prompt file as data; `None` takes a field out."""
    content = {
        "task": "fruit",
        "version": "v1",
        "summary": "a test",
        "style": "xml",
        "persona": "You sort fruit.",
        "background": "There is a scale.",
        "categories": [
            {"name": "Apple", "description": "Round & crisp.", "output": "An apple.", "aliases": ["Pome"]},
            {"name": "Pear", "description": "Not round."},
        ],
        "good_examples": [{"case": "It is <round>.", "category": "Apple", "reasoning": "Round."}],
        "bad_examples": [{"case": "Long.", "wrong_category": "Apple", "why_wrong": "Not round.", "category": "Pear"}],
        "instructions": "Look first.",
        "output_format": "<reasoning></reasoning><category></category><runner_up></runner_up>",
        "model": {"max_tokens": 100, "temperature": 0},
    } | changes
    return {key: value for key, value in content.items() if value is not None}


def write(folder: Path, content: dict[str, Any] | str | bytes, name: str = "fruit/v1.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, dict):
        content = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path
