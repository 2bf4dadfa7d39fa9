"""Which finds of the model are believed, and which phrases introduce a name."""

import pytest

from plumbline.anonymize.introductions import find_introduced
from plumbline.anonymize.names import believable
from plumbline.anonymize.spans import Span


def believed(text: str, value: str) -> list[str]:
    start = text.index(value)
    return [text[s.start : s.end] for s in believable(text, Span(start, start + len(value), "NAME"))]


@pytest.mark.parametrize(
    ("text", "value", "name"),
    [
        ("I spoke to Abbie Lewis yesterday", "Abbie Lewis", "Abbie Lewis"),
        ("Abbie's screen is blank", "Abbie's", "Abbie"),
        ("so Hi Abbie, thanks", "Hi Abbie", "Abbie"),
        ("ask Mr. O'Brien-Smith for it", "Mr. O'Brien-Smith", "Mr. O'Brien-Smith"),
        ("by Ludwig van Beethoven", "Ludwig van Beethoven", "Ludwig van Beethoven"),
        ("J. K. McDonald wrote", "J. K. McDonald", "J. K. McDonald"),
        ("name?\nfatima owens\nthanks", "fatima owens", "fatima owens"),
        ("Susan Adams\n743.854", "Susan Adams\n743.854", "Susan Adams"),
        ("José Müller said", "José Müller", "José Müller"),
        ("I met Jimmy Page once", "Jimmy Page", "Jimmy Page"),  # a last name that is also a word
        ("yesterday i spoke to wanjiku about it", "wanjiku", "wanjiku"),
        ("my colleague Priit says priit is not in the list", "Priit", "Priit"),
        ("for H.C. Andersen only", "H.C. Andersen", "H.C. Andersen"),
        ("an invoice for Varga, Ildikó was sent", "Varga, Ildikó", "Varga, Ildikó"),
        ("we called Dr. Mbeki twice", "Mbeki", "Dr. Mbeki"),
        ("wir haben Frau Gündüz gefragt", "Gündüz", "Frau Gündüz"),
    ],
)
def test_believes_names(text: str, value: str, name: str) -> None:
    assert believed(text, value) == [name]


def test_two_people_in_one_find_are_two_names() -> None:
    assert believed("ask Tilda and Bo Rask for it", "Tilda and Bo Rask") == ["Tilda", "Bo Rask"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("I use Firefox daily", "Firefox"),
        ("open the Command Palette now", "Command Palette"),
        ("call getDefault there", "getDefault"),
        ("see new_0 stdout", "new_0 stdout"),
        ("thanks @alexcrichton", "alexcrichton"),
        ("std::Mutex is", "Mutex"),
        ("import Foo.bar there", "Foo"),
        ("the SQL server", "SQL"),
        ("it is openid here", "openid"),
        ("Width of the width", "Width"),  # also in lower case: a word
        ("we said blah blah to them", "blah blah"),
        ("<Abbie>", "Abbie"),
        ("C:\\USERS\\LNERE", "C:\\USERS\\LNERE"),
        ("x", "x"),
        ("SIMD is fast", "SIMD"),
        ("call MyContext there", "MyContext"),
        ("it broke when speaking to something", "something"),
        ("then crash reader said", "crash reader"),
    ],
)
def test_does_not_believe_words_and_code(text: str, value: str) -> None:
    assert believed(text, value) == []


def introduced(text: str) -> list[str]:
    return sorted({text[span.start : span.end] for span in find_introduced(text)})


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Hi Abbie,\nit broke", ["Abbie"]),
        ("Dear Ms. Lewis,", ["Ms. Lewis"]),
        ("Dear Dr Anna Maria Lewis:", ["Dr Anna Maria Lewis"]),
        ("It broke.\n\nKind regards,\nAbbie Lewis\n", ["Abbie Lewis"]),
        ("It broke.\nThanks!\n\nAbbie", ["Abbie"]),
        ("my name is Abbie and I", ["Abbie"]),
        ("It broke for good.\n\nAbbie Lewis\nabbie@example.com", ["Abbie Lewis"]),
        ("hi ayodele,\nit broke", ["ayodele"]),
        ("hey jana thanks for that", ["jana"]),
        ("dear mr okafor,\nwe did it", ["mr okafor"]),
        ("ok thanks ines!", ["ines"]),
        ("It broke.\n\nbest regards\nleyla hosseini\n", ["leyla hosseini"]),
        ("It broke.\n- sindri", ["sindri"]),
        ("my name is wei ling and it broke", ["wei ling"]),
        ("Name: Farid Rahimi\nPlan: Pro", ["Farid Rahimi"]),
        ('{"owner": "Ilze Ozola", "team": 3}', ["Ilze Ozola"]),
        ("Customer: Ozola, Ilze\nPlan: Pro", ["Ozola, Ilze"]),
        ("On 3 May Ilze Ozola <io@example.org> wrote:\n> no", ["Ilze Ozola"]),
        ("reviewed by K. V. Raman yesterday", ["K. V. Raman"]),
        ("This is Sipho from billing.", ["Sipho"]),
        ("You are now chatting with Mireia.", ["Mireia"]),
        ("Bonjour Maëlle,\nça marche\n\nCordialement,\nYann Le Goff", ["Maëlle", "Yann Le Goff"]),
        ("Guten Tag Frau Gündüz,\n\nMit freundlichen Grüßen\nUwe Harms", ["Frau Gündüz", "Uwe Harms"]),
        ("I spoke to Warda Ramaswamy on Tuesday. Thanks", ["Warda Ramaswamy"]),
        ("we talked to ottone roth on Friday", ["ottone roth"]),
        ("My colleague Adelmo Combi will reply", ["Adelmo Combi"]),
        ("my partner Ana J. Ruiz has the key", ["Ana J. Ruiz"]),
        ("please add Ainoa de la Cruz as a user", ["Ainoa de la Cruz"]),
        ("it was signed for by Karl-August Tscherning, nobody", ["Karl-August Tscherning"]),
        ("Name:     Hyacinth T. Marsh\nPlan:     Pro", ["Hyacinth T. Marsh"]),
        ("It broke.\n\nKind regards\ncarla moss\nBuying office\nTel 1", ["carla moss"]),
        ("we asked Dr. Wells and Mr Page", ["Dr. Wells", "Mr Page"]),
        ("I spoke to Customer Service and to tech support on Monday", []),
        ("I asked Remote Support, please call me Monday", []),
        ("Thanks\nany ideas\n\nPlease see the log", []),
        ("hi there,\nhello all!\nhey guys,\nthanks again,\nthanks alot!\nthanks in advance,\ndear sir,", []),
        ("It broke.\n\nthanks\nworks now", []),
        ("it took 200 ms longer\ni miss something", []),
        ("Owner: Data Platform Team\nfrom: new york", []),
        ("U.S. Senate and P.O. Box", []),
        ("Hi team,\nHello everyone,\nDear Customer Support,\nThanks Firefox,", []),
        ("This is Great!\nI am OK.", []),
        ("Thanks,\nSupport Team", []),
        ("Thanks!\nRegards,\nT", []),
        ("Settings\nPrivacy & Security\nHome Page", []),
    ],
)
def test_introductions(text: str, names: list[str]) -> None:
    assert introduced(text) == names
