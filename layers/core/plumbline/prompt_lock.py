"""The lock of published prompt versions: `prompts.lock`, one `sha256  task/version.yaml` line a file.

The format is that of sha256sum, so `cd prompts && sha256sum --check prompts.lock` works as well. Lines are only ever
appended: a published version never changes, because labels and models point at it by its hash.
"""

import re
from pathlib import Path

from plumbline.contracts.errors import InvalidPrompt

LOCK_NAME = "prompts.lock"
_LINE = re.compile(r"(?P<sha256>[0-9a-f]{64})  (?P<name>[a-z][a-z0-9_]*/v[1-9][0-9]*\.yaml)")


def read_lock(prompts_dir: Path) -> dict[str, str]:
    """File name relative to `prompts_dir` → sha256 (hex), in the file's order; empty where there is no lock.

    Raises InvalidPrompt for a line of another form or a name listed twice.
    """
    path = prompts_dir / LOCK_NAME
    if not path.is_file():
        return {}
    published: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="ascii", errors="replace").splitlines(), start=1):
        if not line:
            continue
        match = _LINE.fullmatch(line)
        if match is None:
            raise InvalidPrompt(f"{LOCK_NAME} line {number}: expected 'sha256  task/version.yaml'. Restore the file.")
        if match["name"] in published:
            raise InvalidPrompt(f"{LOCK_NAME} line {number}: {match['name']} is listed twice. Restore the file.")
        published[match["name"]] = match["sha256"]
    return published


def append_to_lock(prompts_dir: Path, name: str, sha256: str) -> bool:
    """Add a line for `name`; False when that very line is there already.

    Raises InvalidPrompt when the lock lists `name` with another hash: an existing line is never changed.
    """
    line = f"{sha256}  {name}"
    if _LINE.fullmatch(line) is None:
        raise InvalidPrompt(f"{name}: only files named task/version.yaml (version v1, v2, …) can be published.")
    published = read_lock(prompts_dir)
    if name in published:
        if published[name] != sha256:
            raise InvalidPrompt(changed_after_publishing(name))
        return False
    path = prompts_dir / LOCK_NAME
    before = path.read_bytes() if path.is_file() else b""
    separator = "" if not before or before.endswith(b"\n") else "\n"
    with path.open("ab") as lock:
        lock.write(f"{separator}{line}\n".encode("ascii"))
    return True


def changed_after_publishing(name: str) -> str:
    """What to tell someone whose published prompt file differs from its lock line."""
    return (
        f"{name}: the file differs from what {LOCK_NAME} published. Published versions never change: "
        "copy it to the next version and restore this one."
    )
