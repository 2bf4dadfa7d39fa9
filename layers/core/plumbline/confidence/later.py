"""What becomes known of labels after they were made: a judge's scores, and whether the labels nearest to them agree.

No stage of a run has these. `plumbline confidence fit` and the order of a review queue read them from what a judge and
SelectNext left in the data bucket.
"""

import base64
import heapq
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from plumbline import keys
from plumbline.contracts.errors import MissingObject
from plumbline.contracts.evaluation import Judged
from plumbline.contracts.labels import Outcome
from plumbline.contracts.selection import CaseVector
from plumbline.jsonl import read_if_there, read_models
from plumbline.ports import ObjectStore
from plumbline.select_next.vectors import unpack
from plumbline.ticket import ticket

if TYPE_CHECKING:
    from plumbline.ports import Vectors

NEIGHBOURS: Final = 10
MOST_LABELS: Final = 20_000  # that neighbours are looked for among; of more, a random sample
_BLOCK: Final = 512
_READERS: Final = 16


def later_signals(run_id: str, asked: Sequence[Outcome], data: ObjectStore) -> dict[str, dict[str, float]]:
    """By case id, the signals `judged` and `neighbours_for` of those of the labels that have them."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for case_id, share in judged_shares(run_id, asked, data).items():
        found[case_id]["judged"] = share
    for case_id, share in neighbours_of_run(run_id, asked, data).items():
        found[case_id]["neighbours_for"] = share
    return dict(found)


def judged_shares(run_id: str, asked: Sequence[Outcome], data: ObjectStore) -> dict[str, float]:
    """By case id what a judge said, 0 to 1. A score counts for the very label and content that the judge saw."""
    labels = {outcome.case_id: (outcome.content_hash, outcome.category) for outcome in asked}
    return {
        one.case_id: one.share
        for one in read_if_there(data, keys.judged(run_id), Judged)
        if labels.get(one.case_id) == (one.content_hash, one.category)
    }


def neighbours_of_run(run_id: str, asked: Sequence[Outcome], data: ObjectStore) -> dict[str, float]:
    """By case id the share of the nearest labels of the run that are the same. Empty for a run without vectors: only
    one whose backlog was larger than its budget has some. The labels are the model's; no gold is looked at."""
    try:
        data.read(keys.selection(run_id))
    except MissingObject:
        return {}
    labeled = (o for o in read_models(data, keys.outcomes(run_id), Outcome) if o.category and o.shard)
    sample = heapq.nsmallest(MOST_LABELS, labeled, key=lambda outcome: ticket(run_id, outcome.case_id))
    wanted = {o.case_id: o for o in (*sample, *asked) if o.category and o.shard}
    packed = _vectors(run_id, wanted, data)
    if not packed:
        return {}
    known = [(o.case_id, o.category or "") for o in sample if o.case_id in packed]
    queries = [(o.case_id, o.category or "") for o in asked if o.case_id in packed]
    dimensions = len(base64.b64decode(next(iter(packed.values()))))
    vectors, known_vectors = (unpack([packed[i] for i, _ in labels], dimensions) for labels in (queries, known))
    shares = neighbour_shares(vectors, queries, known_vectors, known)
    return {case_id: share for (case_id, _), share in zip(queries, shares, strict=True) if share is not None}


def neighbour_shares(
    vectors: "Vectors",
    labels: Sequence[tuple[str, str]],
    known_vectors: "Vectors",
    known_labels: Sequence[tuple[str, str]],
    count: int = NEIGHBOURS,
) -> list[float | None]:
    """For each label the share of its `count` nearest known labels that are the same; None where there is no other.

    `labels` are (case id, category) in the order of the vectors, whose rows have length 1: nearness is the cosine. A
    case is no neighbour of itself.
    """
    import numpy as np  # noqa: PLC0415 - late: whoever only imports this module need not have numpy

    place = {case_id: column for column, (case_id, _) in enumerate(known_labels)}
    shares: list[float | None] = []
    for start in range(0, len(labels), _BLOCK):
        near = vectors[start : start + _BLOCK] @ known_vectors.T
        for row, (case_id, category) in zip(near, labels[start : start + _BLOCK], strict=True):
            others = len(known_labels)
            if case_id in place:
                row[place[case_id]], others = -np.inf, others - 1
            nearest = np.argsort(-row, kind="stable")[: min(count, others)].tolist()
            same = sum(known_labels[column][1] == category for column in nearest)
            shares.append(same / len(nearest) if nearest else None)
    return shares


def _vectors(run_id: str, wanted: Mapping[str, Outcome], data: ObjectStore) -> dict[str, str]:
    shards = sorted({outcome.shard for outcome in wanted.values() if outcome.shard})

    def read(shard: str) -> list[tuple[str, str]]:
        found = read_if_there(data, keys.vectors(run_id, shard), CaseVector)
        return [(one.case_id, one.vector) for one in found if one.case_id in wanted]

    with ThreadPoolExecutor(_READERS) as pool:
        return dict(pair for pairs in pool.map(read, shards) for pair in pairs)
