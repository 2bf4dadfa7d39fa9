"""Anonymize: personal data out, stable placeholders in.

Entry point: `anonymize`. Detectors stand in `detector` (its heavy libraries load at the first find, from the `nlp`
layer). Recognisers are added in `recognizers` (one expression each), `phones` and `names`; a new entity type goes into
`spans.ENTITY_TYPES`. Nothing here writes a value anywhere but into a placeholder's place: no logs, no counts by value.

What is masked: the subject, every message, and in the product what has a shape of its own or was found elsewhere in
the case (a product's name looks like a person's to a model). What stays: case id, dates, roles. Of an ARN everything
goes; of a URL only user, password and the values of telling query parameters, because scheme, host and path say what a
case is about; loopback, link-local and unspecified addresses and netmasks stay for the same reason.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from plumbline.anonymize.placeholders import Replacement, entities, replaced, replacements, unmasked
from plumbline.anonymize.policy import Found, Privacy
from plumbline.anonymize.residual import leftovers
from plumbline.anonymize.spans import Span
from plumbline.contracts.cases import AnonymizedCase, Case
from plumbline.contracts.errors import PlumblineError
from plumbline.fingerprint import simhash64
from plumbline.observability import logger

__all__ = ["Marked", "Privacy", "anonymize", "anonymize_in_memory", "marked"]

# Cases whose texts go to the detector together: a shard's worth, so that a model gets full batches.
_CASES_AT_A_TIME = 50


def anonymize(cases: Iterable[Case], privacy: Privacy) -> Iterator[AnonymizedCase]:
    """The cases in order, with placeholders such as `[NAME_1]` for personal data.

    The same value, letter case and spacing aside, has the same placeholder through the whole case; a first or last
    name has that of the full name. Numbers follow first appearance, so the same case gives the same result in every
    run. `entities` counts different values by type. Gold labels are left behind.

    A case that a person has to look at first says why in `review`, and its texts are empty. So are those of a case that
    breaks the detector or a recogniser: it has the error's name in `error`, and the others are not held up by it.
    What is of no single case is raised: errors of Plumbline's own (the detector is down), a missing library or file.
    """
    remaining = iter(cases)
    while batch := list(islice(remaining, _CASES_AT_A_TIME)):
        yield from _one_by_one_if_broken(batch, privacy)


def _one_by_one_if_broken(batch: Sequence[Case], privacy: Privacy) -> Sequence[AnonymizedCase]:
    try:
        cases = [draft.marked(privacy, check=True).case for draft in _drafts(batch, privacy)]
    except (PlumblineError, ImportError, OSError, MemoryError):  # of the function, not of a case
        raise
    except Exception as error:  # noqa: BLE001 - whatever a text does to a library, it fails its own case only
        if len(batch) == 1:
            logger.warning("a case broke anonymization", extra={"error": type(error).__name__})
            return [_broken(batch[0], type(error).__name__)]
        return [case for one in batch for case in _one_by_one_if_broken([one], privacy)]
    return [_withheld(case) if case.review else case for case in cases]


def anonymize_in_memory(case: Case, privacy: Privacy, *, check: bool) -> AnonymizedCase:
    """The same of one case whose texts stay in this process, and so are there also where `review` says something.

    `check`: whether to look for what may have been overlooked, too; whoever sends the texts on needs that.
    """
    [draft] = _drafts([case], privacy)
    return draft.marked(privacy, check=check).case


@dataclass(frozen=True)
class Marked:
    """An anonymized case beside what it was made from, for the eyes of who has the raw case already.

    `texts` are the raw subject, messages and product; `replaced` says for each of them, in order, what gave way, and
    `left` what may have been overlooked, because of which the case goes to a person.
    """

    case: AnonymizedCase
    texts: tuple[str, ...]
    replaced: tuple[tuple[Replacement, ...], ...]
    left: tuple[tuple[Span, ...], ...]


def marked(case: Case, privacy: Privacy) -> Marked:
    """`anonymize_in_memory`, checked, and which characters of the raw texts gave way to which placeholder."""
    [draft] = _drafts([case], privacy)
    return draft.marked(privacy, check=True)


@dataclass(frozen=True)
class _Draft:
    """A case on its way: its texts (subject, messages, product) and what was found in each."""

    raw: Case
    texts: list[str]
    found: list[Found]

    def marked(self, privacy: Privacy, *, check: bool) -> Marked:
        """The anonymized case, and what it was made from."""
        rows = replacements(self.texts, self.found, [None, *(message.role for message in self.raw.messages), None])
        review = [f"policy: {entity}" for entity in sorted(_types(rows)) if privacy.action(entity) == "review"]
        # What is kept on purpose is masked here, so that the check does not find it.
        pairs = zip(self.texts, rows, strict=True)
        left = tuple(_left(text, row, privacy) if check else () for text, row in pairs)
        review += [f"leftover: {entity}" for entity in sorted({span.type for found in left for span in found})]
        rows = [[r for r in row if privacy.action(r.type) != "keep"] for row in rows]
        if privacy.pseudonyms:
            rows = privacy.pseudonyms.renamed(self.texts, rows)
        return Marked(self._case(rows, review), tuple(self.texts), tuple(map(tuple, rows)), left)

    def _case(self, rows: Sequence[Sequence[Replacement]], review: Sequence[str]) -> AnonymizedCase:
        subject, *messages, product = (replaced(text, row) for text, row in zip(self.texts, rows, strict=True))
        return AnonymizedCase(
            case_id=self.raw.case_id,
            subject=subject,
            messages=tuple(
                message.model_copy(update={"text": text})
                for message, text in zip(self.raw.messages, messages, strict=True)
            ),
            created_at=self.raw.created_at,
            updated_at=self.raw.updated_at,
            product=product or None,
            cut=self.raw.cut,
            entities=entities(rows),
            fingerprint=simhash64("\n".join([subject, *messages])),
            content_hash=self.raw.content_hash(),
            review=tuple(review),
        )


def _drafts(batch: Sequence[Case], privacy: Privacy) -> Iterator[_Draft]:
    found = privacy.find([text for case in batch for text in _texts(case)])
    for case in batch:
        texts, product = _texts(case), case.product or ""
        yield _Draft(case, [*texts, product], [*islice(found, len(texts)), privacy.find_patterns(product)])


def _texts(case: Case) -> list[str]:
    return [case.subject, *(message.text for message in case.messages)]


def _left(text: str, row: Sequence[Replacement], privacy: Privacy) -> tuple[Span, ...]:
    """Where in a raw text what may have been overlooked stands."""
    found = leftovers(replaced(text, row), privacy, changed=bool(row))
    return tuple(Span(unmasked(span.start, row), unmasked(span.end, row), span.type) for span in found)


def _types(rows: Sequence[Sequence[Replacement]]) -> set[str]:
    return {replacement.type for row in rows for replacement in row}


def _broken(raw: Case, error: str) -> AnonymizedCase:
    """What is kept of a case that could not be anonymized: nothing of its texts."""
    return AnonymizedCase(
        case_id=raw.case_id,
        subject="",
        messages=tuple(message.model_copy(update={"text": ""}) for message in raw.messages),
        created_at=raw.created_at,
        updated_at=raw.updated_at,
        cut=raw.cut,
        fingerprint=simhash64(""),
        content_hash=raw.content_hash(),
        review=(f"error: {error}",),
        error=error,
    )


def _withheld(case: AnonymizedCase) -> AnonymizedCase:
    """The case without its texts: nothing of it leaves the room for raw text."""
    messages = tuple(message.model_copy(update={"text": ""}) for message in case.messages)
    return case.model_copy(update={"subject": "", "messages": messages, "product": None})
