"""Options that many commands share."""

from typing import Annotated

import typer

StackName = Annotated[
    str | None, typer.Option("--stack", metavar="NAME", help="A deployed stack instead of the local one.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON to standard output, and nothing else there.")]


def examples(*commands: str) -> str:
    """Examples below a command's help, one a line."""
    return "\n\n".join(f"[dim]$[/] {command}" for command in commands)
