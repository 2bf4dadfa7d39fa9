"""A random order that is the same on every machine."""

import hashlib


def ticket(seed: int | str, case_id: str) -> int:
    """The case's place in the seed's random order; 64 bits, so that no two of a million share one.

    The cases with the lowest tickets are a random sample, and a larger sample begins with the smaller one.
    """
    digest = hashlib.blake2b(f"{seed}\x1f{case_id}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")
