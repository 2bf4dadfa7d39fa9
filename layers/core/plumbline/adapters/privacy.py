"""A function's settings as a Privacy: its detectors, patterns and key."""

import functools

from plumbline.adapters import clients
from plumbline.adapters.comprehend import ComprehendDetector
from plumbline.adapters.failures import translated
from plumbline.anonymize.configured import recognizers_of
from plumbline.anonymize.detector import PatternDetector, SpacyDetector
from plumbline.anonymize.policy import Privacy, Union, comparable
from plumbline.anonymize.pseudonyms import Pseudonyms
from plumbline.anonymize.spans import ENTITY_TYPES
from plumbline.contracts.errors import InvalidSettings
from plumbline.ports import PiiDetector
from plumbline.settings import PrivacySettings


@functools.cache
def privacy(settings: PrivacySettings) -> Privacy:
    """How this function anonymizes; made once a process, and the key for pseudonyms read with it.

    Raises InvalidSettings, StoreUnavailable, StoreDenied.
    """
    own = {entity for entity, _ in settings.pii_patterns}
    known = {*ENTITY_TYPES, *own}
    unknown = sorted({entity for entity, _ in settings.pii_policy} - known)
    if unknown:
        raise InvalidSettings(
            f"PII_POLICY names {', '.join(unknown)}; there are {', '.join(ENTITY_TYPES)} and the types of PII_PATTERNS"
        )
    if taken := sorted(own & set(ENTITY_TYPES)):
        raise InvalidSettings(f"PII_PATTERNS: {', '.join(taken)} is a type already; choose another name")
    return Privacy(
        _detector(settings),
        policy=dict(settings.pii_policy),
        configured=recognizers_of(settings.pii_patterns),
        allow=frozenset(map(comparable, settings.pii_allow)),
        pseudonyms=Pseudonyms(_key(settings.pseudonym_key_arn)) if settings.pseudonym_key_arn else None,
    )


def _detector(settings: PrivacySettings) -> PiiDetector:
    if settings.pii_detector == "local":
        return SpacyDetector()
    remote = ComprehendDetector(settings.pii_language)
    if settings.pii_detector == "both":
        return Union((SpacyDetector(), remote))
    from plumbline.anonymize.phones import find_phones  # noqa: PLC0415 - phonenumbers is in the nlp layer only

    # Comprehend has no type for ARNs, account ids or vendors' tokens: what needs no name model always looks, too.
    return Union((PatternDetector(), PatternDetector((find_phones,)), remote))


def _key(arn: str) -> bytes:
    with translated(f"the secret {arn}"):
        found = clients.secretsmanager().get_secret_value(SecretId=arn)
    return found["SecretBinary"] if "SecretBinary" in found else found["SecretString"].encode()
