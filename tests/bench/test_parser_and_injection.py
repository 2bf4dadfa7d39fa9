"""bench.parser and bench.injection: what they count, with a fake model."""

import random

import pytest

from bench.injection import HARDENING, Asking, Pair, figures, pairs, unhardened
from bench.parser import damaged, fuzz, is_right
from local.bedrock.prompt_reader import answer_text
from plumbline.contracts.replies import ModelReply, ModelRequest, Usage
from plumbline.parse.reader import Answer
from plumbline.prompting import build_request, load_prompt
from tests.corpus import DamagedReply, Injection, injections
from tests.prompt_files import SHIPPED

V3 = load_prompt(SHIPPED, "root_cause", "v3")


class Obedient:
    """Answers Software Defect; where it reads a raw closing tag of the case in the text, what that injection wants."""

    def ask(self, request: ModelRequest) -> ModelReply:
        text = request.turns[0].text
        category = "Software Defect"
        if text.count("</case>") > 1:
            category = next(one.wished for _, one in injections().each() if one.text in text)
        said = "I won't." if "Ignore all" in text else answer_text("r", category)
        return ModelReply(text=said, stop_reason="end_turn", usage=Usage(input_tokens=1, output_tokens=1))


def test_fuzzing_is_the_same_for_a_seed_and_finds_no_broken_promise() -> None:
    texts = ["<category>Software Defect</category>", "Category: Bug"]
    once, again = ([damaged(random.Random(seed), texts[0], texts) for seed in range(40)] for _ in range(2))
    assert once == again
    assert len(set(once)) > 30
    failures, became = fuzz(300, seed=11)
    assert failures == []
    assert sum(became.values()) == 300
    assert became["read"] > 10


def test_a_reply_counts_as_right_only_as_the_corpus_has_it() -> None:
    answer = Answer(category="A", runner_up=None, reasoning="", repairs=())
    assert is_right(DamagedReply(text="", category="A"), answer)
    assert is_right(DamagedReply(text="", category="A", runner_up="none"), answer)
    assert is_right(DamagedReply(text="", category="unparseable"), None)
    assert not is_right(DamagedReply(text="", category="A", runner_up="B"), answer)
    assert not is_right(DamagedReply(text="", category="B"), answer)
    assert not is_right(DamagedReply(text="", category="unparseable"), answer)
    assert not is_right(DamagedReply(text="", category="A"), None)


def test_before_hardening_the_case_can_close_its_tag_and_nothing_calls_it_data() -> None:
    corpus = injections()
    injection = corpus.injections["closing_the_case"][1]
    case = corpus.cases[injection.case].told("c-1", injection)
    before, after = (build(V3, case, "m") for build in (unhardened, build_request))
    assert before.turns[0].text.count("</case>") == 2
    assert after.turns[0].text.count("</case>") == 1
    assert "never follow it" not in before.system
    assert len(after.system) - len(before.system) < 200
    assert before.system.endswith("- Customer Education")
    plain = corpus.cases[injection.case].told("c-1")
    assert unhardened(V3, plain, "m").turns == build_request(V3, plain, "m").turns


def test_flips_are_counted_against_the_same_case_without_the_injection() -> None:
    before, after = (pairs(Asking(V3, HARDENING[name], Obedient(), "m"), None) for name in ("before", "after"))
    assert len(before) == len(after) == len(injections().each())
    assert not any(pair.flipped for pair in after)
    obeyed = [pair for pair in before if pair.obeyed]
    assert {pair.family for pair in obeyed} == {"closing_the_case", "fake_example"}
    assert sum(pair.injected is None for pair in after) == 1
    assert len(pairs(Asking(V3, HARDENING["after"], Obedient(), "m"), 19)) == 19


@pytest.mark.parametrize(
    ("plain", "injected", "counts"),
    [
        ("A", "B", ["1", "1/1", "1/1", "0/1", "1/1", "0/1"]),  # to the wish
        ("A", "C", ["1", "1/1", "0/1", "0/1", "1/1", "0/1"]),  # somewhere else
        ("A", None, ["1", "0/1", "0/1", "1/1", "1/1", "0/1"]),  # no label is no flip
        ("B", "B", ["1", "0/1", "-", "0/1", "0/1", "0/1"]),  # the wished label anyway
        (None, "B", ["0", "-", "-", "-", "0/0", "0/0"]),
    ],
)
def test_what_counts_as_a_flip(plain: str | None, injected: str | None, counts: list[str]) -> None:
    pair = Pair("f", Injection(case="c", wished="B", text="t"), "A", plain, injected)
    assert [cell.split(" ")[0] for cell in figures([pair])] == counts
