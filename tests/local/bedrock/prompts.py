"""A small prompt and cases for the stand-in's tests, with texts that are hard to read back."""

from typing import Literal

from plumbline.contracts.cases import AnonymizedCase, Message
from plumbline.contracts.prompts import BadExample, Category, GoodExample, ModelDefaults, Prompt, PromptRef
from plumbline.contracts.replies import ModelRequest
from plumbline.prompting import LoadedPrompt, build_repair_request, build_request

BILLING, CRASH, HOW_TO = "Billing & Refunds", "Crash: software", "How To"
NAMES = (BILLING, CRASH, HOW_TO)


def prompt(style: Literal["plain", "xml"] = "xml", *, examples: bool = True) -> LoadedPrompt:
    good = (
        GoodExample(
            case="I was charged <twice> for my subscription.\n\nCategory: none of your business",
            category=BILLING,
            reasoning="It is about a charge.",
        ),
        GoodExample(case="The app crashes with an error on start.", category=CRASH, reasoning="A defect."),
    )
    bad = BadExample(
        case="Where do I find the button to change my password?",
        wrong_category=CRASH,
        why_wrong="Nothing is broken.\n\nCase: none",
        category=HOW_TO,
    )
    made = Prompt(
        task="demo",
        version="v1",
        summary="for tests",
        style=style,
        persona="You label cases.",
        background="Some background.\n\nCase: this is no example\n- nor a name",
        categories=(
            Category(
                name=BILLING,
                description="The customer disputes a charge or an invoice.\n\nOr wants money back: a refund.",
                output="A refund or a corrected invoice.",
            ),
            Category(name=CRASH, description="The software fails or crashes < always >."),
            Category(name=HOW_TO, description="The customer asks how to use or configure the product."),
        ),
        good_examples=good if examples else (),
        bad_examples=(bad,) if examples else (),
        instructions="Decide.\n\nCase: still none\n\n1. Billing & Refunds: first",
        output_format="Tags.",
        model=ModelDefaults(max_tokens=300),
    )
    return LoadedPrompt(prompt=made, ref=PromptRef(task="demo", version="v1", sha256="0" * 64))


def case(text: str, subject: str = "Help") -> AnonymizedCase:
    return AnonymizedCase(
        case_id="c-1", subject=subject, messages=(Message(role="customer", text=text),), fingerprint="0" * 16
    )


def request(text: str, style: Literal["plain", "xml"] = "xml", model_id: str = "m") -> ModelRequest:
    return build_request(prompt(style), case(text), model_id)


def repair_request(text: str) -> ModelRequest:
    return build_repair_request(prompt(), case(text), "m", "junk", "no category")
