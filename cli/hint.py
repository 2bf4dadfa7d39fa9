"""A word of advice with a command or a path in it."""

from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True)
class Hint:
    """Words, then a command or a path, if any, which gets a line of its own where the line would be too long.

    The command is never broken, so that it can be copied: print this with `crop=False`.
    """

    words: str
    command: str
    mark: str = "→ "

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """As rich asks for it."""
        if cell_len(f"{self.mark}{self.words} {self.command}") <= options.max_width:
            yield Text.assemble((self.mark, "cyan"), f"{self.words} ", (self.command, "bold"))
            return
        indent = " " * cell_len(self.mark)
        grid = Table.grid(padding=0)
        grid.add_column(width=len(indent), no_wrap=True, style="cyan")
        grid.add_column(overflow="fold")
        grid.add_row(self.mark, self.words)
        yield grid if self.mark else Text(self.words)
        if self.command:
            yield Text.assemble(indent, (self.command, "bold"), no_wrap=True, overflow="ignore")
