"""PiiDetector on Amazon Comprehend (DetectPiiEntities).

Text goes to Comprehend in the same account and region. A call takes at most 100 KB of UTF-8; longer texts are cut at
white space into pieces that overlap, so that what stands at a cut is seen whole once. Comprehend's offsets count code
points, as Python's do (API reference, PiiEntity), and the end is exclusive. It bills by 100 characters, three units a
call at least: docs/operations.md.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from plumbline.adapters import clients
from plumbline.anonymize.allow import keep_personal
from plumbline.anonymize.spans import Span, merge
from plumbline.contracts.errors import DetectorRefused, DetectorUnavailable, PlumblineError

if TYPE_CHECKING:
    from mypy_boto3_comprehend import ComprehendClient
    from mypy_boto3_comprehend.literals import LanguageCodeType

MAX_BYTES: Final = 99_000  # the limit is 100 KB; whether of 1,000 or 1,024 is not said
OVERLAP: Final = 500  # characters; longer than any entity but a private key, which the patterns find
LEAST_SCORE: Final = 0.5
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_SERVER_ERROR: Final = 500
_THROTTLED: Final = {"ThrottlingException", "TooManyRequestsException", "ProvisionedThroughputExceededException"}
_DENIED: Final = {"AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException"}
# What is left out says nothing of a person by itself, or the label depends on it: DATE_TIME, URL, AGE, SWIFT_CODE.
_TYPES: Final = {
    "ADDRESS": "ADDRESS",
    "AWS_ACCESS_KEY": "KEY",
    "AWS_SECRET_KEY": "KEY",
    "BANK_ACCOUNT_NUMBER": "BANK_ACCOUNT",
    "BANK_ROUTING": "BANK_ACCOUNT",
    "CA_HEALTH_NUMBER": "NATIONAL_ID",
    "CA_SOCIAL_INSURANCE_NUMBER": "NATIONAL_ID",
    "CREDIT_DEBIT_CVV": "CVV",
    "CREDIT_DEBIT_EXPIRY": "CARD_EXPIRY",
    "CREDIT_DEBIT_NUMBER": "CARD",
    "DRIVER_ID": "LICENCE",
    "EMAIL": "EMAIL",
    "INTERNATIONAL_BANK_ACCOUNT_NUMBER": "IBAN",
    "IN_AADHAAR": "NATIONAL_ID",
    "IN_NREGA": "NATIONAL_ID",
    "IN_PERMANENT_ACCOUNT_NUMBER": "NATIONAL_ID",
    "IN_VOTER_NUMBER": "NATIONAL_ID",
    "IP_ADDRESS": "IP",
    "LICENSE_PLATE": "PLATE",
    "MAC_ADDRESS": "MAC",
    "NAME": "NAME",
    "PASSPORT_NUMBER": "PASSPORT",
    "PASSWORD": "PASSWORD",
    "PHONE": "PHONE",
    "PIN": "PASSWORD",
    "SSN": "SSN",
    "UK_NATIONAL_HEALTH_SERVICE_NUMBER": "NATIONAL_ID",
    "UK_NATIONAL_INSURANCE_NUMBER": "NATIONAL_ID",
    "UK_UNIQUE_TAXPAYER_REFERENCE_NUMBER": "NATIONAL_ID",
    "US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER": "SSN",
    "USERNAME": "USERNAME",
    "VEHICLE_IDENTIFICATION_NUMBER": "PLATE",
}


class ComprehendDetector:
    """Personal data as Amazon Comprehend sees it.

    `language` is one that Comprehend knows (en or es when this was written). Raises DetectorUnavailable for what a
    later attempt may mend, DetectorRefused with what to do for everything else.
    """

    def __init__(self, language: str, *, max_bytes: int = MAX_BYTES, overlap: int = OVERLAP) -> None:
        self._language = language
        self._max_bytes = max_bytes
        self._overlap = min(overlap, max_bytes // 16)  # a character has up to four bytes

    def find(self, texts: list[str]) -> Iterator[list[tuple[int, int, str]]]:
        """For each text, spans (start, end, entity type) that do not overlap, in order."""
        for text in texts:
            spans = (span for offset, piece in self._pieces(text) for span in self._find(piece, offset))
            yield [*merge(keep_personal(text, spans))]

    def _pieces(self, text: str) -> Iterator[tuple[int, str]]:
        """Offset and text of every piece; a lone half of a surrogate pair, which UTF-8 has not, gives way to U+FFFD."""
        safe, start = _LONE_SURROGATE.sub("\ufffd", text), 0
        while start < len(safe):
            piece = safe[start : start + self._max_bytes].encode()[: self._max_bytes].decode("utf-8", "ignore")
            end = start + len(piece)
            if end < len(safe):
                end = _boundary(safe, end, self._overlap)
            if not safe[start:end].isspace():
                yield start, safe[start:end]
            # Forward in any case: a piece has four overlaps at least, and three is the most that this goes back.
            start = _boundary(safe, end - self._overlap, self._overlap) if end < len(safe) else end

    def _find(self, piece: str, offset: int) -> Iterator[Span]:
        client = clients.comprehend()
        try:
            found = client.detect_pii_entities(Text=piece, LanguageCode=self._code())["Entities"]
        except (ClientError, BotoCoreError) as error:
            # `from None`: the service's own message may quote the text, and a traceback would show it.
            raise self._translated(error, client) from None
        for entity in found:
            kind = _TYPES.get(entity["Type"])
            if kind and entity["Score"] >= LEAST_SCORE:
                start, end = max(0, entity["BeginOffset"]), min(entity["EndOffset"], len(piece))
                if start < end:
                    yield Span(offset + start, offset + end, kind)

    def _code(self) -> "LanguageCodeType":
        code: LanguageCodeType = self._language  # type: ignore[assignment]  # Comprehend itself says what it knows
        return code

    def _translated(self, error: ClientError | BotoCoreError, client: "ComprehendClient") -> PlumblineError:
        where = f"Amazon Comprehend in {client.meta.region_name}"
        if not isinstance(error, ClientError):
            return DetectorUnavailable(f"{where}: not reached ({type(error).__name__}); trying again may help")
        code = error.response["Error"]["Code"]
        if code in _THROTTLED:
            return DetectorUnavailable(f"{where} asks for fewer calls ({code}); trying again later helps")
        if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= _SERVER_ERROR:
            return DetectorUnavailable(f"{where}: the service failed ({code}); trying again may help")
        if code in _DENIED:
            what = "allow this function's role comprehend:DetectPiiEntities, or set PiiDetector to local"
            return DetectorRefused(f"{where}: access denied ({code}); {what}")
        if code == "UnsupportedLanguageException":
            what = "set PiiLanguage to one that it knows (en, es), or PiiDetector to local"
            return DetectorRefused(f"{where} does not look for personal data in {self._language}; {what}")
        return DetectorRefused(f"{where} refused a text ({code}); set PiiDetector to local to go on without it")


def _boundary(text: str, place: int, back: int) -> int:
    """Where white space ends, at `place` or at most `back` characters before it; `place` where there is none."""
    for index in range(place, max(place - back, 0), -1):
        if text[index - 1].isspace():
            return index
    return place
