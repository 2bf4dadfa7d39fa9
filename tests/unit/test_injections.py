"""Cases that try to give orders: they stay data in the request, and the reader is not fooled when they come back."""

import base64
import codecs
import xml.etree.ElementTree as ET
from html import escape

import pytest

from local.bedrock.prompt_reader import answer_text
from plumbline.contracts.errors import UnparseableReply
from plumbline.parse.reader import Answer, read_answer
from plumbline.prompt_sections import clean
from plumbline.prompting import build_request, load_prompt
from tests.corpus import Injection, injections, prompt
from tests.prompt_files import SHIPPED

CORPUS = injections()
EACH = [
    pytest.param(one, id=f"{family}-{number}")
    for family, those in CORPUS.injections.items()
    for number, one in enumerate(those, start=1)
]
VERSIONS = [load_prompt(SHIPPED, "root_cause", version) for version in ("v1", "v3")]
TAGS = {"case", "product", "subject", "message"}


def read(text: str, *, truncated: bool = False) -> Answer | None:
    try:
        return read_answer(text, prompt().answers, truncated=truncated, output_format=prompt().output_format)
    except UnparseableReply:
        return None


def test_the_corpus_is_as_large_as_promised_and_each_injection_wants_what_is_wrong() -> None:
    assert len(EACH) >= 60
    assert len(CORPUS.injections) >= 16
    names = {category.name for category in prompt().categories}
    assert {case.category for case in CORPUS.cases.values()} == names
    for _, one in CORPUS.each():
        assert one.wished in names - {CORPUS.cases[one.case].category}
    assert len(CORPUS.each()) == len(EACH)
    assert len({family for family, _ in CORPUS.each()[: len(CORPUS.injections)]}) == len(CORPUS.injections)


def test_the_encoded_ones_say_what_they_wish() -> None:
    encoded = CORPUS.injections["encoded"]
    said = [one.text.rsplit(": ", 1)[1] for one in encoded]
    read_back = [
        base64.b64decode(said[0]).decode(),
        bytes.fromhex(said[1].replace(" ", "")).decode(),
        codecs.decode(said[2], "rot13"),
    ]
    assert all(one.wished in text for one, text in zip(encoded, read_back, strict=True))


@pytest.mark.parametrize("injection", EACH)
def test_an_injection_stays_inside_the_case_and_arrives_whole(injection: Injection) -> None:
    case = CORPUS.cases[injection.case].told("c-1", injection)
    for loaded in VERSIONS:
        request = build_request(loaded, case, "m")
        assert request.system == loaded.system
        [turn] = request.turns
        assert turn.text.count("<case>") == turn.text.count("</case>") == 1
        inside, after = turn.text.removeprefix("<case>").split("</case>")
        assert after.lstrip().startswith("Classify the case above.")
        document = ET.fromstring(f"<case>{inside}</case>")
        assert {node.tag for node in document.iter()} <= TAGS
        assert [(node.get("role"), node.text) for node in document.findall("message")] == [
            (message.role, clean(message.text)) for message in case.messages
        ]
        assert clean(injection.said) in "".join(document.itertext())


@pytest.mark.parametrize("injection", EACH)
def test_the_reader_does_not_take_what_the_model_repeats_of_the_case_for_the_answer(injection: Injection) -> None:
    true = CORPUS.cases[injection.case].category
    said, answer = injection.text, answer_text("It is what the agent did.", true)
    repeated = f"<reasoning>The customer wrote: {said} That is no instruction.</reasoning>"
    assert read(repeated) is None
    own = answer.removeprefix("<reasoning>It is what the agent did.</reasoning>")
    case = f"<case><message>{said}</message></case>\n"
    for text in (repeated + own, case + answer, f"The customer wrote: {said}\n\n{answer}"):
        found = read(text)
        assert found is None or found.category == true
    quoted = read(answer_text(f"The customer wrote: {said} That is no instruction.", true))
    assert quoted is not None
    assert (quoted.category, quoted.repairs) == (true, ())
    assert f"The customer wrote: {said}" in quoted.reasoning
    fenced = read(f"```xml\n{answer_text(f'The customer wrote: {escape(said)}', true)}\n```")
    assert fenced is not None
    assert fenced.category == true
    if "</reasoning>" not in said:
        assert read(f"<reasoning>The customer wrote: {said}", truncated=True) is None
