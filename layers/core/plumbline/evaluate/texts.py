"""The model's reasonings beside reasonings that people wrote: ROUGE-L and the cosine of their embeddings.

rouge-score and numpy are loaded at first use: only the operator's machine has the former.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from plumbline.contracts.evaluation import Mean, Reference, ReferenceCheck
from plumbline.ports import Embedder

RESAMPLES: Final = 2_000
_SEED: Final = 20_260_302
_AT_ONCE: Final = 1_000_000  # drawn values held at a time
_PERCENTILES: Final = (2.5, 97.5)


def compare_texts(
    references: Sequence[Reference], said: Mapping[str, str], embedder: Embedder
) -> ReferenceCheck | None:
    """How near the reasonings in `said` (by case id) are to the references; None where no reference has one.

    ROUGE-L: C.-Y. Lin, "ROUGE: a package for automatic evaluation of summaries", 2004, as Google's rouge-score computes
    it, with stemming. It knows the letters a to z and digits only. Raises ModelFileBroken, ImportError.
    """
    from rouge_score.rouge_scorer import RougeScorer  # noqa: PLC0415

    pairs = [(one.reasoning, said[one.case_id]) for one in references if said.get(one.case_id, "").strip()]
    if not pairs:
        return None
    scorer = RougeScorer(["rougeL"], use_stemmer=True)
    rouge = [scorer.score(reference, text)["rougeL"].fmeasure for reference, text in pairs]
    near = (embedder.embed([a for a, _ in pairs]) * embedder.embed([b for _, b in pairs])).sum(axis=1)
    return ReferenceCheck(
        rouge_l=mean(rouge), cosine=mean([float(value) for value in near]), unmatched=len(references) - len(pairs)
    )


def mean(values: Sequence[float], resamples: int = RESAMPLES) -> Mean:
    """The mean with a 95% interval: the bootstrap over cases, by percentiles. The same values have the same interval.

    Source: B. Efron, R. J. Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13. One value at least.
    """
    import numpy as np  # noqa: PLC0415

    given = np.asarray(values, dtype=np.float64)
    rng, n = np.random.default_rng(_SEED), len(given)
    step = max(1, _AT_ONCE // n)
    means = np.concatenate(
        [
            given[rng.integers(n, size=(min(step, resamples - begin), n))].mean(axis=1)
            for begin in range(0, resamples, step)
        ]
    )
    low, high = np.percentile(means, _PERCENTILES)
    return Mean(value=float(given.mean()), low=float(low), high=float(high), n=n)
