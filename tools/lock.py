"""Writes the dependencies layer's requirements: what pyproject.toml names, with all that these need, pinned."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "layers" / "dependencies" / "requirements.txt"
# Both layers unpack into one folder: what they share has one version.
SHARED = ROOT / "layers" / "nlp" / "requirements.txt"
_EXTRAS = ("nlp", "inference")
HEADER = "# Written by `make lock`: pyproject.toml's dependencies with all that they need, for the Lambda runtime.\n"


def pinned() -> dict[str, list[str]]:
    """What pyproject.toml pins for each layer."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return {"dependencies": project["dependencies"], **{n: project["optional-dependencies"][n] for n in _EXTRAS}}


def pins(path: Path) -> set[str]:
    """The requirements of a file, without comments and hashes."""
    lines = (line.split("#")[0].split() for line in path.read_text("utf-8").splitlines())
    return {words[0] for words in lines if words}


def main() -> None:
    """Resolve and write. uv says what is wrong and ends with its exit code."""
    uv = Path(sys.executable).with_name("uv")
    platform = ["--python-version", "3.12", "--python-platform", "x86_64-manylinux_2_28"]
    command: list[str | Path] = [
        uv,
        "pip",
        "compile",
        "-",
        "--quiet",
        "--no-header",
        "--no-annotate",
        *platform,
        "--constraint",
        SHARED,
    ]
    answer = subprocess.run(
        command, input="\n".join(pinned()["dependencies"]), capture_output=True, text=True, check=False
    )
    if answer.returncode:
        sys.exit(answer.stderr)
    TARGET.write_text(HEADER + answer.stdout, "utf-8")
    print(f"wrote {TARGET.relative_to(ROOT)}: {len(pins(TARGET))} pins")


if __name__ == "__main__":
    main()
