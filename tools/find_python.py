"""Where an interpreter of a given version is: `sam build` wants the runtime's own on PATH."""

import shutil
import subprocess
import sys
from pathlib import Path


def find(version: str) -> Path:
    """The folder of a python<version> that really starts (a pyenv shim may not). Exits with advice if there is none."""
    found = shutil.which(f"python{version}")
    candidates = [Path(found)] if found else []
    pyenv = shutil.which("pyenv")
    if pyenv:
        root = Path(subprocess.run([pyenv, "root"], capture_output=True, text=True, check=True).stdout.strip())
        candidates += sorted(root.glob(f"versions/{version}.*/bin/python{version}"), reverse=True)
    for candidate in candidates:
        if _starts(candidate, version):
            return candidate.parent
    sys.exit(f"python{version} is needed (the Lambda runtime of template.yaml) and was not found: install it and retry")


def _starts(python: Path, version: str) -> bool:
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    answer = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return answer.returncode == 0 and answer.stdout.strip() == version


if __name__ == "__main__":
    print(find(sys.argv[1]))
