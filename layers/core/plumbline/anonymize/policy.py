"""What an operator decides about personal data: who looks for it, and what becomes of each type."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from plumbline.anonymize.allow import keep_personal
from plumbline.anonymize.pseudonyms import Pseudonyms
from plumbline.anonymize.reading import Reading
from plumbline.anonymize.recognizers import find_patterns
from plumbline.anonymize.recognizers.base import Recognizer
from plumbline.anonymize.spans import Span, merge
from plumbline.ports import PiiDetector

Action = Literal["mask", "keep", "review"]
Found = list[tuple[int, int, str]]


def comparable(value: str) -> str:
    """A value in lower case and with single spaces, as values are compared with `Privacy.allow`."""
    return " ".join(value.casefold().split())


@dataclass(frozen=True)
class Privacy:
    """How cases are anonymized. `Privacy(detector)` alone masks whatever the detector finds.

    `policy` says what becomes of a type: it is masked (the default), kept as it is, or its case goes to a person.
    `configured` recognises what only this company knows, such as order numbers. `allow` holds values, each made
    `comparable`, that are no personal data wherever they stand.
    """

    detector: PiiDetector
    policy: Mapping[str, Action] = field(default_factory=lambda: MappingProxyType({}))
    configured: tuple[Recognizer, ...] = ()
    allow: frozenset[str] = frozenset()
    pseudonyms: Pseudonyms | None = None

    def find(self, texts: list[str]) -> Iterator[Found]:
        """For each text, the spans (start, end, type) of personal data, without overlaps and in order."""
        readings = [Reading(text) for text in texts]
        finds = self.detector.find([reading.text for reading in readings])
        for reading, found in zip(readings, finds, strict=True):
            yield self._decided(reading, [Span(*span) for span in found])

    def find_patterns(self, text: str) -> Found:
        """The same of what has a shape of its own, in a text that is no prose."""
        reading = Reading(text)
        return self._decided(reading, merge(find_patterns(reading.text)))

    def action(self, entity: str) -> Action:
        """What becomes of a type."""
        return self.policy.get(entity, "mask")

    def is_allowed(self, value: str) -> bool:
        """Whether the value is no personal data, wherever it stands."""
        return bool(self.allow) and comparable(Reading(value).text) in self.allow

    def _decided(self, reading: Reading, spans: list[Span]) -> Found:
        """What is masked of the finds in a reading, and where it stands in the text itself."""
        text = reading.text
        spans = [*keep_personal(text, spans)]
        if self.configured:
            spans = merge([*spans, *(span for recognizer in self.configured for span in recognizer.find(text))])
        if self.allow:
            spans = [span for span in spans if not self.is_allowed(text[span.start : span.end])]
        return [(*reading.place(span.start, span.end), span.type) for span in spans]


@dataclass(frozen=True)
class Union:
    """Several detectors as one: what any of them finds."""

    detectors: tuple[PiiDetector, ...]

    def find(self, texts: list[str]) -> Iterator[Found]:
        """For each text, spans (start, end, type) that do not overlap, in order."""
        for rows in zip(*(detector.find(texts) for detector in self.detectors), strict=True):
            yield [*merge(Span(*span) for row in rows for span in row)]
