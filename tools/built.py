"""What `sam build` left in .aws-sam/build: each function with its layers, as Lambda would lay them out."""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).parents[1]
BUILD = ROOT / ".aws-sam" / "build"


@dataclass(frozen=True)
class BuiltFunction:
    """One function's artifact. `layers` are folders that AWS unpacks into /opt; `opt` says what stands there here."""

    logical_id: str
    stage: str
    handler: str
    folder: Path
    layers: Mapping[str, Path]
    environment: Mapping[str, str]

    @property
    def search_path(self) -> list[str]:
        """What Python finds first, in Lambda's order."""
        layers = [layer / "python" for layer in self.layers.values()]
        return [str(self.folder), *(str(path) for path in layers if path.is_dir())]

    @property
    def unzipped_bytes(self) -> int:
        """What counts against Lambda's limit: the function and all of its layers."""
        return sum(size(folder) for folder in (self.folder, *self.layers.values()))

    def files(self) -> Iterator[tuple[str, Path]]:
        """Every file with its path as Lambda has it, relative to /var/task or /opt."""
        for folder in (self.folder, *self.layers.values()):
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    yield str(path.relative_to(folder)), path


def size(folder: Path) -> int:
    """Bytes of all files under a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def built_functions(build: Path = BUILD) -> list[BuiltFunction]:
    """The built functions in the template's order. Ends the program with advice when nothing is built."""
    if not (build / "template.yaml").is_file():
        sys.exit("Nothing is built yet: run `make build` first.")
    template = yaml_parse((build / "template.yaml").read_text("utf-8"))
    resources = template["Resources"]
    common = template["Globals"]["Function"]["Environment"]["Variables"]
    return [
        BuiltFunction(
            logical_id=name,
            stage=body["Properties"]["Handler"].split(".")[1],
            handler=body["Properties"]["Handler"],
            folder=(build / body["Properties"]["CodeUri"]).resolve(),
            layers={
                layer["Ref"]: (build / resources[layer["Ref"]]["Properties"]["ContentUri"]).resolve()
                for layer in body["Properties"]["Layers"]
            },
            environment=_plain(common | body["Properties"]["Environment"]["Variables"], template["Parameters"]),
        )
        for name, body in resources.items()
        if body["Type"] == "AWS::Serverless::Function"
    ]


def _plain(variables: Mapping[str, Any], parameters: Mapping[str, Any]) -> dict[str, str]:
    """Values as text: a parameter's default where one is meant, a mere name where only AWS knows the value."""

    def plain(value: Any) -> str:
        if isinstance(value, Mapping):
            return str(parameters.get(value.get("Ref", ""), {}).get("Default", "unknown-until-deployed"))
        return str(value)

    return {name: plain(value) for name, value in variables.items()}
