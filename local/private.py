"""What the local stack keeps on disk holds raw exports: only its owner may read it."""

import os
from pathlib import Path


def folder(path: Path) -> None:
    """Make the folder, or take it over with what it holds, for its owner only."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    for member in path.iterdir():
        if member.is_file() and not member.is_symlink():
            member.chmod(0o600)


def opener(path: str, flags: int) -> int:
    """For `open(..., opener=opener)`: a file that is made is its owner's only."""
    return os.open(path, flags, 0o600)
