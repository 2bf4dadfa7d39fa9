"""Settings as a Privacy, Amazon Comprehend as a detector, the key of pseudonyms."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from plumbline.adapters import clients, comprehend
from plumbline.adapters.comprehend import ComprehendDetector
from plumbline.adapters.privacy import privacy
from plumbline.anonymize import anonymize
from plumbline.anonymize.spans import ENTITY_TYPES
from plumbline.contracts.cases import Case
from plumbline.contracts.errors import DetectorRefused, DetectorUnavailable, InvalidSettings, StoreDenied
from plumbline.settings import PrivacySettings, from_env


@pytest.fixture(autouse=True)
def aws() -> Iterator[None]:
    clients._client.cache_clear()
    privacy.cache_clear()
    with mock_aws():
        yield
    clients._client.cache_clear()
    privacy.cache_clear()


def settings(**variables: str) -> PrivacySettings:
    return from_env(PrivacySettings, {name.upper(): value for name, value in variables.items()})


def entity(kind: str, start: int, end: int, score: float = 0.99) -> dict[str, Any]:
    return {"Type": kind, "BeginOffset": start, "EndOffset": end, "Score": score}


def found(text: str, *entities: dict[str, Any]) -> list[tuple[int, int, str]]:
    with Stubber(clients.comprehend()) as stub:
        stub.add_response("detect_pii_entities", {"Entities": list(entities)}, {"Text": text, "LanguageCode": "en"})
        [spans] = ComprehendDetector("en").find([text])
        stub.assert_no_pending_responses()
        return spans


class Searching:
    """In Comprehend's place: finds every `needle` of the piece it is sent, and remembers the pieces."""

    def __init__(self, needle: str) -> None:
        self.needle = needle
        self.pieces: list[str] = []

    def detect_pii_entities(self, *, Text: str, LanguageCode: str) -> dict[str, Any]:  # noqa: N803 - boto3's names
        self.pieces.append(Text)
        places = [i for i in range(len(Text)) if Text.startswith(self.needle, i)]
        return {"Entities": [entity("NAME", i, i + len(self.needle)) for i in places]}


def test_entities_are_ours_by_type_and_code_point() -> None:
    text = "👋 héllo Jane, ip 198.51.100.7 on 2026-01-01"
    at = text.index("Jane")
    spans = found(text, entity("NAME", at, at + 4), entity("DATE_TIME", 33, 43), entity("URL", 0, 3))
    assert [(text[start:end], kind) for start, end, kind in spans] == [("Jane", "NAME")]


def test_uncertain_entities_and_offsets_beyond_the_text_do_no_harm() -> None:
    assert found("Jane Doe", entity("NAME", 0, 4, score=0.2), entity("NAME", 5, 99)) == [(5, 8, "NAME")]


def test_every_type_that_it_maps_to_is_one_of_ours() -> None:
    assert set(comprehend._TYPES.values()) <= set(ENTITY_TYPES)
    shape: Any = boto3.client("comprehend").meta.service_model.shape_for("PiiEntityType")
    assert set(comprehend._TYPES) | {"DATE_TIME", "URL", "AGE", "SWIFT_CODE", "ALL"} == set(shape.enum)


@given(st.text(max_size=400), st.sampled_from([64, 100, 333]))
def test_pieces_cover_the_text_stay_below_the_limit_and_go_forward(text: str, limit: int) -> None:
    pieces = list(ComprehendDetector("en", max_bytes=limit, overlap=limit // 16)._pieces(text))
    seen = {offset + index for offset, piece in pieces for index in range(len(piece))}
    assert all(index in seen or text[index].isspace() for index in range(len(text)))
    assert all(0 < len(piece.encode()) <= limit for _, piece in pieces)
    assert [offset for offset, _ in pieces] == sorted({offset for offset, _ in pieces})
    assert all(piece == text[offset : offset + len(piece)] for offset, piece in pieces)


@pytest.mark.parametrize("filler", ["word ", "ünï ", "👩‍👧 ", "x", "\n"])
def test_what_stands_at_a_cut_is_found_once_and_whole(monkeypatch: pytest.MonkeyPatch, filler: str) -> None:
    text = "".join(f"{filler * (n % 40)}Abbie Lewis {filler}" for n in range(400))
    service = Searching("Abbie Lewis")
    monkeypatch.setattr(clients, "comprehend", lambda: service)
    [spans] = ComprehendDetector("en", max_bytes=2_000, overlap=60).find([text])
    assert [text[start:end] for start, end, _ in spans] == ["Abbie Lewis"] * 400
    assert max(len(piece.encode()) for piece in service.pieces) <= 2_000
    assert sum(map(len, service.pieces)) < 1.5 * len(text)


def test_half_a_surrogate_pair_is_sent_as_a_character_and_shifts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Searching("Jane")
    monkeypatch.setattr(clients, "comprehend", lambda: service)
    assert list(ComprehendDetector("en").find(["\ud83d Jane", "", "  "])) == [[(2, 6, "NAME")], [], []]
    assert service.pieces == ["\ufffd Jane"]


@pytest.mark.parametrize(
    ("code", "status", "error", "said"),
    [
        ("ThrottlingException", 400, DetectorUnavailable, "fewer calls"),
        ("TooManyRequestsException", 400, DetectorUnavailable, "fewer calls"),
        ("InternalServerException", 500, DetectorUnavailable, "may help"),
        ("AccessDeniedException", 400, DetectorRefused, "comprehend:DetectPiiEntities"),
        ("UnsupportedLanguageException", 400, DetectorRefused, "PiiLanguage"),
        ("TextSizeLimitExceededException", 400, DetectorRefused, "PiiDetector"),
    ],
)
def test_refusals_say_what_to_do_and_quote_nothing(
    monkeypatch: pytest.MonkeyPatch, code: str, status: int, error: type[Exception], said: str
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    with Stubber(clients.comprehend()) as stub:
        stub.add_client_error("detect_pii_entities", code, "in 'secret Jane'", http_status_code=status)
        with pytest.raises(error, match=said) as raised:
            list(ComprehendDetector("en").find(["secret Jane"]))
    assert "Jane" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_service_that_is_not_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(Searching):
        meta = clients.comprehend().meta

        def detect_pii_entities(self, **_: Any) -> dict[str, Any]:
            raise ReadTimeoutError(endpoint_url="https://comprehend")

    monkeypatch.setattr(clients, "comprehend", lambda: Silent("x"))
    with pytest.raises(DetectorUnavailable, match="ReadTimeoutError"):
        list(ComprehendDetector("en").find(["text"]))


def test_the_call_reaches_the_service() -> None:
    # moto's answer is canned: that a call arrives and its answer is understood is all there is to see.
    [spans] = ComprehendDetector("en").find(["x" * 100_500])
    assert {kind for _, _, kind in spans} <= set(ENTITY_TYPES)


def test_local_is_the_default_and_asks_nobody() -> None:
    made = privacy(settings())
    assert type(made.detector).__name__ == "SpacyDetector"
    assert (dict(made.policy), made.configured, made.allow, made.pseudonyms) == ({}, (), frozenset(), None)


def test_comprehend_joins_what_the_patterns_know(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("phonenumbers", reason="the nlp extra is not installed")
    service = Searching("Jane")
    monkeypatch.setattr(clients, "comprehend", lambda: service)
    made = privacy(settings(pii_detector="comprehend", pii_policy='{"IP": "keep"}', pii_allow='["Jane Inc"]'))
    subject = "Jane wrote arn:aws:iam::123456789012:role/x from 198.51.100.7"
    [case] = anonymize([Case(case_id="1", subject=subject)], made)
    assert case.subject == "[NAME_1] wrote [ARN_1] from 198.51.100.7"


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"pii_detector": "magic"}, "PII_DETECTOR"),
        ({"pii_policy": "mask"}, "PII_POLICY"),
        ({"pii_policy": '{"EMAIL": "burn"}'}, "PII_POLICY"),
        ({"pii_policy": '{"EMIAL": "keep"}'}, "EMIAL"),
        ({"pii_patterns": '{"order": ["x"]}'}, "PII_PATTERNS"),
        ({"pii_patterns": '{"ORDER": "x"}'}, "PII_PATTERNS"),
        ({"pii_patterns": '{"ORDER": ["x+"]}'}, "ORDER, expression 1"),
        ({"pii_patterns": '{"EMAIL": ["x"]}'}, "EMAIL is a type already"),
        ({"pii_allow": '{"a": 1}'}, "PII_ALLOW"),
        ({"pii_language": "English"}, "PII_LANGUAGE"),
    ],
)
def test_wrong_settings_are_named(variables: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidSettings, match=said):
        privacy(settings(**variables))


def test_a_configured_type_may_have_a_policy() -> None:
    made = privacy(settings(pii_patterns='{"ORDER": ["O-[0-9]{4}"]}', pii_policy='{"ORDER": "review"}'))
    assert made.action("ORDER") == "review"


@pytest.mark.parametrize("secret", [{"SecretString": "k" * 32}, {"SecretBinary": b"\xff" * 32}])
def test_the_key_is_read_once(secret: dict[str, Any]) -> None:
    client = boto3.client("secretsmanager")
    arn = client.create_secret(Name="key", **secret)["ARN"]
    made = privacy(settings(pseudonym_key_arn=arn))
    client.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    assert privacy(settings(pseudonym_key_arn=arn)) is made
    assert made.pseudonyms is not None
    assert len(made.pseudonyms.key) == 32


def test_a_short_key_and_one_that_may_not_be_read_are_refused() -> None:
    arn = boto3.client("secretsmanager").create_secret(Name="short", SecretString="hunter2")["ARN"]
    with pytest.raises(InvalidSettings, match="7 bytes"):
        privacy(settings(pseudonym_key_arn=arn))
    with Stubber(clients.secretsmanager()) as stub:
        stub.add_client_error("get_secret_value", "AccessDeniedException", http_status_code=400)
        with pytest.raises(StoreDenied, match="access denied"):
            privacy(settings(pseudonym_key_arn=f"{arn}x"))
