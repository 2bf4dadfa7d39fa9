"""Where the language model looks for names."""

import pytest

from plumbline.anonymize.name_places import WHOLE_TEXT_CHARS, pieces, reads_like_prose

FILLER = "and then it was slow again and nothing on the screen moved any more for minutes "


@pytest.mark.parametrize(
    "text",
    [
        "",
        "it crashed twice today and i lost everything",
        "Please help. The Firefox Settings page is blank.",
        "at Foo.bar(Baz.java:42) PowerShell iPhone MAX_VALUE ERROR: failed",
        "hi there, thanks for the help",
    ],
)
def test_texts_without_a_word_that_may_be_a_name_are_not_read(text: str) -> None:
    assert list(pieces(text)) == []


@pytest.mark.parametrize(
    "name",
    [
        "Abbie",
        "Abbie Lewis",
        "ABBIE LEWIS",
        "O'Brien",
        "McDonald",
        "\u0410\u043d\u043d\u0430",
        "spoke to jennifer",
        "\nabbie lewis\n",
    ],
)
def test_the_surroundings_of_such_a_word_are_read(name: str) -> None:
    text = f"{FILLER * 3}{name} {FILLER * 3}"
    [(offset, piece)] = pieces(text)
    assert text[offset : offset + len(piece)] == piece
    assert name.strip() in piece
    assert len(piece) < len(text) / 2
    before, after = piece.split(name.strip())
    assert len(before.split()) >= 6
    assert len(after.split()) >= 7


def test_what_lies_close_together_is_one_piece() -> None:
    [(_, piece)] = pieces(f"{FILLER}Abbie called {FILLER[:30]} and Karen answered {FILLER}")
    assert "Abbie" in piece
    assert "Karen" in piece
    assert len(list(pieces(f"Abbie {FILLER * 3} Karen"))) == 2


def test_of_long_texts_only_prose_is_read_and_no_name_of_it_is_lost() -> None:
    log = "2024-05-17T08:30:12Z [Main] com.example.Foo=12 rc=0x1f {a:b}\n" * 100
    prose = "Then Abbie Lewis called us again about the same thing. " * 200
    text = f"{log}{prose}\n{log}"
    found = list(pieces(text))
    assert all(text[offset : offset + len(piece)] == piece for offset, piece in found)
    assert all(len(piece) <= WHOLE_TEXT_CHARS and "com.example" not in piece for _, piece in found)
    covered = {i for offset, piece in found for i in range(offset, offset + len(piece))}
    assert covered == set(range(len(log), len(log) + len(prose)))


def test_pieces_are_of_bounded_length_whatever_the_text() -> None:
    assert all(len(piece) <= WHOLE_TEXT_CHARS for _, piece in pieces("Abbie " + "x" * 50_000 + " Lewis"))


def test_prose() -> None:
    assert reads_like_prose("Alert for Karen Robinson, card 42!")
    assert not reads_like_prose("  at foo.bar(Baz.java:42) ~[x.jar:1.2]")
    assert not reads_like_prose("   ")
