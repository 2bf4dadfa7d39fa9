"""Takes from the names model what is never read: run by this folder's Makefile with the model's folder.

Only the entity recogniser, the vectors and their keys stay; 57 MB become 27. The standard library is enough, because
any Python may run the build.
"""  # noqa: INP001 - a layer's folder is no package

import shutil
import struct
import sys
from pathlib import Path

UNUSED = ("tok2vec", "tagger", "parser", "senter", "attribute_ruler", "lemmatizer")
_MAGIC = b"\x93NUMPY\x01\x00"


def main() -> None:
    """Strip the model in the folder that the command line names."""
    strip(Path(sys.argv[1]))


def strip(model: Path) -> None:
    """Remove the other components and the strings (read back from hashes only), and halve the vectors.

    Raises ValueError where the vectors are not those that were measured.
    """
    for component in UNUSED:
        shutil.rmtree(model / component, ignore_errors=True)
    (model / "vocab" / "strings.json").write_text("[]", "utf-8")
    vectors = model / "vocab" / "vectors"
    vectors.write_bytes(halved(vectors.read_bytes()))


def halved(array: bytes) -> bytes:
    """The numpy file (version 1, float32) with float16 values; the detector makes them float32 again when it loads."""
    if not array.startswith(_MAGIC) or b"'<f4'" not in array[:128]:
        raise ValueError("the vectors are no numpy file of float32: layers/nlp/model.txt names another model?")
    start = 10 + int.from_bytes(array[8:10], "little")
    count = (len(array) - start) // 4
    values = struct.unpack_from(f"<{count}f", array, start)
    return array[:start].replace(b"'<f4'", b"'<f2'") + struct.pack(f"<{count}e", *values)


if __name__ == "__main__":
    main()
