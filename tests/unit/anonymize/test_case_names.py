"""Which words name somebody in a case, where else the case says them, and who is who."""

import pytest

from plumbline.anonymize.case_names import CaseNames
from plumbline.anonymize.spans import Span
from plumbline.contracts.cases import Role
from tests.unit.anonymize.masking import mask


def rows_of(texts: list[str], names: list[str], kind: str = "NAME") -> list[list[Span]]:
    """Each value where the texts say it first."""
    rows: list[list[Span]] = [[] for _ in texts]
    for name in names:
        row = next(i for i, text in enumerate(texts) if name in text)
        start = texts[row].index(name)
        rows[row].append(Span(start, start + len(name), kind))
    return [sorted(row) for row in rows]


def occurrences(mentions: list[str], text: str) -> list[str]:
    """What a case of two texts, the first of which holds the mentions (one a line), repeats in the second."""
    texts = ["; ".join(mentions), text]
    return [text[span.start : span.end] for span in CaseNames(texts, rows_of(texts, mentions)).find(text)]


def masked(texts: list[str], names: list[str], roles: list[Role | None] | None = None) -> list[str]:
    return mask(texts, rows_of(texts, names), roles)[0]


def test_names_are_found_again_in_other_spellings() -> None:
    text = "as abbie said, ABBIE LEWIS and Lewis, /home/abbie/x, Mrs. Lewis"
    assert occurrences(["Abbie Lewis"], text) == ["abbie", "ABBIE LEWIS", "Lewis", "abbie", "Mrs. Lewis"]


@pytest.mark.parametrize(
    ("mentions", "text"),
    [
        (["Will Page"], "it will load the page. Will it? Page 3"),
        (["May"], "it may be. May I ask?"),
        (["Rob"], "robust probe, rob"),
        (["Ludwig van Beethoven"], "a van came"),
        (["Frame"], "the frame is grey, frames too; frame"),
        (["Keyboard"], "KEYBOARD and keyboard"),
        (["Freeze Menu"], "then a freeze came, and freeze again"),  # a thing: it has an article
        (["Dr. Lewis"], "ask your dr. about it"),
    ],
)
def test_everyday_words_and_parts_of_words_are_left(mentions: list[str], text: str) -> None:
    assert occurrences(mentions, text) == []


def test_an_everyday_name_is_found_behind_a_greeting_and_as_written() -> None:
    assert occurrences(["Will Page"], "hi will, I told Will so") == ["will", "Will"]


def test_a_word_that_the_case_says_in_small_letters_is_no_name_unless_a_phrase_introduces_it() -> None:
    texts = ["Stutter when I scroll. Priya saw Priya", "it is the stutter", "hi priya, is it the scroll?"]
    assert masked(texts, ["Stutter", "Priya"]) == [
        "Stutter when I scroll. [NAME_1] saw [NAME_1]",
        "it is the stutter",
        "hi [NAME_1], is it the scroll?",
    ]


def test_an_introduced_name_is_found_in_small_letters() -> None:
    assert masked(["Hi Ayodele,", "then ayodele said it is fine"], ["Ayodele"])[1] == "then [NAME_1] said it is fine"


def test_last_name_first() -> None:
    assert masked(["From: Ozola, Ilze", "Ilze Ozola, OZOLA, ilze"], ["Ozola, Ilze"])[1] == "[NAME_1], [NAME_1]"


@pytest.mark.parametrize(
    ("address", "text", "result"),
    [
        ("ilze.ozola@example.org", "reported by Ilze Ozola to ilze", "reported by [NAME_1] to ilze"),
        ("ozola_ilze2@example.org", "reported by ILZE OZOLA; Ilze did", "reported by [NAME_1]; [NAME_1] did"),
        ("i.ozola@example.org", "ask Ozola", "ask [NAME_1]"),
        ("customer.service@example.org", "Customer Service, Customer", "Customer Service, Customer"),
        ("jenkins@example.org", "Jenkins fails", "Jenkins fails"),
    ],
)
def test_names_of_email_addresses(address: str, text: str, result: str) -> None:
    texts = [f"{address} wrote", text]
    assert mask(texts, rows_of(texts, [address], "EMAIL"))[0] == ["[EMAIL_1] wrote", result]


def test_parts_titles_and_initials_mean_the_same_person() -> None:
    texts = ["Abbie; Tom Hall; Abbie M. Lewis; A. Lewis; Dr. Lewis"]
    assert masked(texts, ["Abbie", "Tom Hall", "Abbie M. Lewis", "A. Lewis", "Dr. Lewis"]) == [
        "[NAME_1]; [NAME_2]; [NAME_1]; [NAME_1]; [NAME_1]"
    ]


def test_a_shared_last_name_means_the_person_named_first() -> None:
    texts = ["Anna Smith and Bob Smith; Smith and Bob"]
    assert masked(texts, ["Anna Smith", "Bob Smith"]) == ["[NAME_1] and [NAME_2]; [NAME_1] and [NAME_2]"]


SAME_NAME = [
    "No sound",
    "Hello,\nmy headset is mute.\n\nRegards,\nIlze Ozola",
    "Hi Ilze,\nthis is Ilze from support. Which model?\n\nBest,\nIlze",
    "Hi Ilze, the blue one.\n\nThanks,\nIlze",
]


def test_a_customer_and_an_agent_who_share_a_first_name_are_two() -> None:
    assert masked(SAME_NAME, ["Ilze Ozola", "Ilze"], [None, "customer", "agent", "customer"]) == [
        "No sound",
        "Hello,\nmy headset is mute.\n\nRegards,\n[NAME_1]",
        "Hi [NAME_1],\nthis is [NAME_2] from support. Which model?\n\nBest,\n[NAME_2]",
        "Hi [NAME_2], the blue one.\n\nThanks,\n[NAME_1]",
    ]


def test_without_roles_they_are_one() -> None:
    assert "[NAME_2]" not in "".join(masked(SAME_NAME, ["Ilze Ozola", "Ilze"]))


def test_what_is_quoted_says_nothing_about_who_wrote_it() -> None:
    texts = ["Regards,\nIlze Ozola", "see below\n> Hi Tom,\n> Regards,\n> Ilze", "Hi Ilze,"]
    roles: list[Role | None] = ["customer", "agent", "agent"]
    assert masked(texts, ["Ilze Ozola", "Tom"], roles)[1:] == [
        "see below\n> Hi [NAME_2],\n> Regards,\n> [NAME_1]",
        "Hi [NAME_1],",
    ]


def test_a_name_without_letters_is_its_own_person() -> None:
    assert masked(["Abbie, 42"], ["Abbie", "42"]) == ["[NAME_1], [NAME_2]"]
