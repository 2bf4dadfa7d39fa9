"""The training code as SageMaker takes it: training/ and this very package, in one archive."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from plumbline import keys
from plumbline.contracts.errors import InvalidSettings
from plumbline.jsonl import is_there
from plumbline.ports import ObjectStore

PROGRAM: Final = "training/train.py"
_REQUIREMENTS: Final = "requirements.txt"  # SageMaker installs the one at the archive's root
_OF_TRAINING: Final = (".py", ".txt")
_OF_PACKAGE: Final = (".py", ".json")
_PACKAGE: Final = Path(__file__).parent


def put_training_code(training: Path, data: ObjectStore) -> str:
    """The key of the packed code in the data bucket; uploads it only where it is not there yet.

    Raises InvalidSettings for a folder without the entry point, StoreUnavailable and StoreDenied.
    """
    archive = pack(training)
    key = keys.training_code(hashlib.sha256(archive).hexdigest())
    if not is_there(data, key):
        data.write(key, archive, "application/gzip")
    return key


def pack(training: Path, package: Path = _PACKAGE) -> bytes:
    """A sourcedir.tar.gz: `training/`, `plumbline/` and `requirements.txt`. The same files give the same bytes.

    Of `training` it takes the *.py and *.txt directly in it (on AWS that folder is /opt, where layers lie beside them).
    Raises InvalidSettings for a folder without train.py or requirements.txt.
    """
    files = dict(_files(training, package))
    missing = sorted({PROGRAM, _REQUIREMENTS} - files.keys())
    if missing:
        raise InvalidSettings(f"the training code lacks {', '.join(missing)}; see TRAINING_DIR in template.yaml")
    packed = io.BytesIO()
    # No time, no owner, one order: the archive's sha256 is its name, and the same code is uploaded once.
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=0) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for name in sorted(files):
            content = files[name].read_bytes()
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _files(training: Path, package: Path) -> Iterator[tuple[str, Path]]:
    for path in training.iterdir():
        if path.suffix in _OF_TRAINING and path.is_file():
            yield f"training/{path.name}", path
            if path.name == _REQUIREMENTS:
                yield _REQUIREMENTS, path
    for path in package.rglob("*"):
        if path.suffix in _OF_PACKAGE and path.is_file():
            yield f"plumbline/{path.relative_to(package).as_posix()}", path
