"""Writes the layers' requirements files from pyproject.toml, the one source of dependencies."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
HEADER = "# Generated from pyproject.toml by `make lock`.\n"


def requirements() -> dict[Path, str]:
    """Each generated file's content, by path."""
    lines = pinned()["dependencies"]
    return {ROOT / "layers" / "dependencies" / "requirements.txt": HEADER + "".join(f"{line}\n" for line in lines)}


def pinned() -> dict[str, list[str]]:
    """What pyproject.toml pins for each layer. The nlp layer's own file holds the whole closure of its pins."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return {"dependencies": project["dependencies"], "nlp": project["optional-dependencies"]["nlp"]}


if __name__ == "__main__":
    for path, content in requirements().items():
        path.write_text(content, "utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
