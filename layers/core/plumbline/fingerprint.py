"""Near-duplicate texts by SimHash.

Charikar, "Similarity estimation techniques from rounding algorithms" (STOC 2002); Manku, Jain and Das Sarma,
"Detecting near-duplicates for web crawling" (WWW 2007).
"""

import hashlib
import itertools
import re
from array import array
from collections.abc import Iterator
from mmap import ACCESS_COPY, mmap

BITS = 64
# Chosen by measurement against exact Jaccard similarity of at least .8 over 3-word shingles, on 6,000 public support
# threads (43 such pairs) and 2,144 multi-source cases (3 pairs): 2-word shingles within 8 bits find .88 of the pairs
# at precision .97, and no pair below .5. Within 3 bits, as for web pages, recall is .72; within 10, unrelated
# cases meet (5 of 17 pairs in the second set).
SHINGLE_WORDS = 2
MAX_DISTANCE = 8

# Placeholders lose their number, digits their value: two cases that differ only in who asks and which order is meant
# are the same case.
_PLACEHOLDER = re.compile(r"\[([A-Z][A-Z0-9_]*)_(?:\d+|[a-z][a-z2-7]{7})\]")
_DIGITS = re.compile(r"\d+")
_WORD = re.compile(r"\w+")


def simhash64(text: str) -> str:
    """The text's 64-bit SimHash over word shingles as 16 hex digits; the same in every process and version.

    Letter case, whitespace, punctuation, the digits of numbers and the numbers of placeholders do not matter. Each
    shingle counts once, however often it occurs: else a long log's `0 0 0` would outweigh the rest of the case.
    """
    hashes = [
        int.from_bytes(hashlib.blake2b(shingle.encode("utf-8", "replace"), digest_size=8).digest(), "big")
        for shingle in set(shingles(text))
    ]
    # As texts of 0 and 1, so that the counting is done by zip and count and not bit by bit: a third of the time.
    columns = zip(*(f"{value:0{BITS}b}" for value in hashes), strict=True)
    majority = "".join("1" if 2 * column.count("1") > len(hashes) else "0" for column in columns)
    return f"{int(majority or '0', 2):016x}"


def shingles(text: str) -> list[str]:
    """The normalised text's runs of SHINGLE_WORDS words; of a shorter text, the whole."""
    plain = _DIGITS.sub("0", _PLACEHOLDER.sub(lambda match: f" {match[1]} ", text).casefold())
    words = _WORD.findall(plain)
    if not words:
        return []
    last = max(1, len(words) - SHINGLE_WORDS + 1)
    return [" ".join(words[start : start + SHINGLE_WORDS]) for start in range(last)]


def hamming(a: str, b: str) -> int:
    """In how many of their 64 bits two fingerprints differ."""
    return (int(a, 16) ^ int(b, 16)).bit_count()


class NearDuplicates:
    """A growing set of fingerprints, none within `distance` bits of another.

    Exact: the bits are cut into blocks, and two fingerprints that differ in at most `distance` bits differ in at most
    distance // blocks bits of at least one block (Manku et al., section 3.1, with probing in place of narrow blocks).
    Each block has a table by its value, in which all values that near are looked up. With blocks of 21 bits the time
    of an `add` does not grow with the set, as it did with nine blocks of 7: 20,000 took 2 s, and it was quadratic.
    """

    def __init__(self, distance: int = MAX_DISTANCE) -> None:
        if not 0 <= distance < BITS:
            raise ValueError(f"distance must be 0 to {BITS - 1}, not {distance}")
        self._distance = distance
        # At least three, for tables of at most 2^22; more where probing would otherwise go beyond two bits.
        blocks = max(3, distance // 3 + 1)
        edges = [BITS * block // blocks for block in range(blocks + 1)]
        self._blocks = [_Block(low, high - low, distance // blocks) for low, high in itertools.pairwise(edges)]
        self._values = array("Q", [0])  # position 0 means "none" in the blocks' tables

    def add(self, fingerprint: str) -> bool:
        """Keep the fingerprint and say True; False, keeping nothing, when a near-duplicate is in already."""
        value = int(fingerprint, 16)
        if next(self._near(value), 0):
            return False
        self._values.append(value)
        for block in self._blocks:
            block.put(value, len(self._values) - 1)
        return True

    def earliest(self, fingerprint: str) -> int | None:
        """Which of the fingerprints kept so far, counted from 0, is the first that this one is near; None where none
        is."""
        first = min(self._near(int(fingerprint, 16)), default=0)
        return first - 1 if first else None

    def _near(self, value: int) -> Iterator[int]:
        """The positions of the near ones, some of them more than once."""
        for block in self._blocks:
            for other in block.near(value):
                if (value ^ self._values[other]).bit_count() <= self._distance:
                    yield other


class _Block:
    """Positions of fingerprints by the value of some of their bits: a chain for each value, the newest first."""

    def __init__(self, low: int, width: int, radius: int) -> None:
        self._low, self._mask = low, (1 << width) - 1
        chosen = (bits for size in range(radius + 1) for bits in itertools.combinations(range(width), size))
        self._flips = tuple(sum(1 << bit for bit in bits) for bits in chosen)
        # Whether there is a chain at all: bytes are the fastest to ask, and most of the hundreds of questions end here.
        self._seen = bytearray(1 << width)
        # Anonymous memory, which the system gives page by page as it is written to: a small set takes little of it.
        self._newest = memoryview(mmap(-1, 4 << width, access=ACCESS_COPY)).cast("I")
        self._older = array("I", [0])

    def near(self, value: int) -> Iterator[int]:
        """The fingerprints whose bits here differ from the value's in at most `radius`."""
        key, seen = value >> self._low & self._mask, self._seen
        for flip in [flip for flip in self._flips if seen[key ^ flip]]:
            position = self._newest[key ^ flip]
            while position:
                yield position
                position = self._older[position]

    def put(self, value: int, position: int) -> None:
        """Positions come as 1, 2, 3 and so on."""
        key = value >> self._low & self._mask
        self._seen[key] = 1
        self._older.append(self._newest[key])
        self._newest[key] = position
