"""Near-duplicates by SimHash."""

import random
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbline.fingerprint import BITS, MAX_DISTANCE, NearDuplicates, hamming, shingles, simhash64

TEXT = (
    "After the last update the export of my monthly invoices stops at the second page and shows an error. I tried "
    "another browser and cleared the cache, as the help page says, but it still stops at the very same place. "
    "Could you please have a look at it before the end of the month, because our accountant needs the files?"
)
OTHER = (
    "How do I add a second administrator to our workspace? I found the page with the members, but the button to "
    "change a role is grey, and the documentation only explains it for the older version of the product."
)


def test_shape_and_stability() -> None:
    assert simhash64(TEXT) == simhash64(TEXT)
    assert len(simhash64(TEXT)) == 16
    assert int(simhash64(""), 16) == 0
    # Stored fingerprints are compared with new ones: this value must never change.
    assert simhash64("the quick brown fox jumps over the lazy dog") == "e6e24a20c4a99180"


def test_the_same_in_another_process() -> None:
    program = f"from plumbline.fingerprint import simhash64; print(simhash64({TEXT!r}))"
    env = {"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": "7"}
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=env)
    assert ran.stdout.strip() == simhash64(TEXT)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Order 123 is LATE.", "order   987,\nis late"),
        ("[NAME_1] asks about [EMAIL_2]", "[NAME_4] asks about [EMAIL_1]"),
        ("stra\u00dfe", "STRASSE"),
    ],
)
def test_what_does_not_matter(a: str, b: str) -> None:
    assert simhash64(a) == simhash64(b)


def test_near_duplicates_are_near_and_others_far() -> None:
    edited = TEXT.replace("monthly", "yearly").replace("very same", "same")
    assert hamming(simhash64(TEXT), simhash64(edited)) <= MAX_DISTANCE
    assert hamming(simhash64(TEXT), simhash64(OTHER)) > 2 * MAX_DISTANCE


def test_a_long_run_of_one_line_does_not_outweigh_the_case() -> None:
    log = " 0x00 0x00" * 500
    assert hamming(simhash64(TEXT + log), simhash64(OTHER + log)) > MAX_DISTANCE


def test_shingles_of_short_texts() -> None:
    assert shingles("") == []
    assert shingles("Hello!") == ["hello"]
    assert shingles("one two three") == ["one two", "two three"]


def test_hamming() -> None:
    assert hamming("0000000000000000", "000000000000000f") == 4
    assert hamming("ffffffffffffffff", "0000000000000000") == BITS


_fingerprint = st.integers(0, 2**BITS - 1)


@given(_fingerprint, st.sets(st.integers(0, BITS - 1), max_size=12), st.integers(0, 10))
def test_the_index_is_exact_whichever_bits_differ(value: int, flipped: set[int], distance: int) -> None:
    index = NearDuplicates(distance)
    other = value ^ sum(1 << bit for bit in flipped)
    assert index.add(f"{value:016x}")
    assert index.add(f"{other:016x}") == (len(flipped) > distance)


def test_the_index_agrees_with_comparing_everything() -> None:
    rng = random.Random(4)
    centres = [rng.getrandbits(BITS) for _ in range(40)]
    values = [rng.choice(centres) ^ sum(1 << rng.randrange(BITS) for _ in range(rng.randrange(9))) for _ in range(400)]
    index, kept = NearDuplicates(), list[int]()
    for value in values:
        near = any((value ^ other).bit_count() <= MAX_DISTANCE for other in kept)
        assert index.add(f"{value & (2**BITS - 1):016x}") is not near
        if not near:
            kept.append(value)
    assert 40 <= len(kept) < 400


def test_the_earliest_near_one_is_that_of_comparing_everything() -> None:
    rng = random.Random(5)
    centres = [rng.getrandbits(BITS) for _ in range(10)]
    flips = (rng.sample(range(BITS), rng.randrange(12)) for _ in range(300))
    values = [rng.choice(centres) ^ sum(1 << bit for bit in bits) for bits in flips]
    index, kept = NearDuplicates(), list[int]()
    for value in values:
        expected = next((i for i, other in enumerate(kept) if (value ^ other).bit_count() <= MAX_DISTANCE), None)
        assert index.earliest(f"{value:016x}") == expected
        if index.add(f"{value:016x}"):
            kept.append(value)
    assert 10 < len(kept) < 300


def test_a_refused_fingerprint_is_not_kept() -> None:
    index = NearDuplicates(distance=2)
    assert index.add(f"{0:016x}")
    assert not index.add(f"{0b11:016x}")
    assert index.add(f"{0b1111:016x}")  # near the refused one only


def test_a_distance_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="0 to 63"):
        NearDuplicates(64)
