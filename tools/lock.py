"""Writes the layers' requirements files from pyproject.toml, the one source of dependencies."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
HEADER = "# Generated from pyproject.toml by `make lock`.\n"


def requirements() -> dict[Path, str]:
    """Each generated file's content, by path."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    layers = {"dependencies": project["dependencies"], "nlp": project["optional-dependencies"]["nlp"]}
    return {
        ROOT / "layers" / layer / "requirements.txt": HEADER + "".join(f"{line}\n" for line in lines)
        for layer, lines in layers.items()
    }


if __name__ == "__main__":
    for path, content in requirements().items():
        path.write_text(content, "utf-8")
        print(f"wrote {path.relative_to(ROOT)}")
