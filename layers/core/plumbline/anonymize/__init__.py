"""Anonymize: personal data out, stable placeholders in.

Entry point: `anonymize`. Detectors stand in `detector` (its heavy libraries load at the first find, from the `nlp`
layer). Recognisers are added in `recognizers` (one expression each), `phones` and `names`; a new entity type goes into
`spans.ENTITY_TYPES`. Nothing here writes a value anywhere but into a placeholder's place: no logs, no counts by value.

What is masked: the subject, every message, and in the product what has a shape of its own or was found elsewhere in
the case (a product's name looks like a person's to a model). What stays: case id, dates, roles. Of an ARN everything
goes; of a URL only user, password and the values of telling query parameters, because scheme, host and path say what a
case is about; loopback, link-local and unspecified addresses and netmasks stay for the same reason.
"""

from collections.abc import Iterable, Iterator
from itertools import islice

from plumbline.anonymize.placeholders import Found, mask
from plumbline.anonymize.recognizers import find_patterns
from plumbline.anonymize.spans import merge
from plumbline.contracts.cases import AnonymizedCase, Case
from plumbline.fingerprint import simhash64
from plumbline.ports import PiiDetector

__all__ = ["anonymize"]

# Cases whose texts go to the detector together: a shard's worth, so that a model gets full batches.
_CASES_AT_A_TIME = 50


def anonymize(cases: Iterable[Case], detector: PiiDetector) -> Iterator[AnonymizedCase]:
    """The cases in order, with placeholders such as `[NAME_1]` for personal data.

    The same value, letter case and spacing aside, has the same placeholder through the whole case; a first or last
    name has that of the full name. Numbers follow first appearance, so the same case gives the same result in every
    run. `entities` counts different values by type. Gold labels are left behind.
    """
    remaining = iter(cases)
    while batch := list(islice(remaining, _CASES_AT_A_TIME)):
        found = detector.find([text for case in batch for text in _texts(case)])
        for case in batch:
            product = case.product or ""
            texts = _texts(case)
            spans: list[Found] = [*islice(found, len(texts)), merge(find_patterns(product))]
            (*masked, product), entities = mask([*texts, product], spans)
            yield _masked(case, masked, product or None, entities)


def _texts(case: Case) -> list[str]:
    return [case.subject, *(message.text for message in case.messages)]


def _masked(case: Case, texts: list[str], product: str | None, entities: dict[str, int]) -> AnonymizedCase:
    messages = tuple(
        message.model_copy(update={"text": text}) for message, text in zip(case.messages, texts[1:], strict=True)
    )
    return AnonymizedCase(
        case_id=case.case_id,
        subject=texts[0],
        messages=messages,
        created_at=case.created_at,
        updated_at=case.updated_at,
        product=product,
        cut=case.cut,
        entities=entities,
        fingerprint=simhash64("\n".join(texts)),
        content_hash=case.content_hash(),
    )
