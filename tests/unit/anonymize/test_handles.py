"""Names that people go by on line are told from code, words and numbers of issues."""

import pytest

from plumbline.anonymize.recognizers import handles
from plumbline.anonymize.spans import merge


def found(text: str) -> list[str]:
    spans = merge(span for recognizer in handles.RECOGNIZERS for span in recognizer.find(text))
    assert {span.type for span in spans} <= {"USERNAME"}
    return [text[span.start : span.end] for span in spans]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@jane could you look?", ["jane"]),
        ("cc @jane-doe. And (@jane_d), thanks @JaneD!", ["jane-doe", "jane_d", "JaneD"]),
        ("> @jane: yes", ["jane"]),
        ("follow @jane@mastodon.example", ["jane@mastodon.example"]),
        ("my nick on irc is jane_d.", ["jane_d"]),
        ("my nickname is jane, hello", ["jane"]),
        ("Login: marta_77", ["marta_77"]),
        ("Benutzername: k.weber", ["k.weber"]),
        ("nom d'utilisateur : cl.dupont", ["cl.dupont"]),
        ("my account name was sam.h", ["sam.h"]),
        ("github handle: octo-jane", ["octo-jane"]),
        ("I am signed in as jdoe.", ["jdoe"]),
        ("logged in as user 'j_doe' since noon", ["j_doe"]),
        ("user jdoe42 cannot sign in, account j.doe is fine", ["jdoe42", "j.doe"]),
        ("Hello john.f.dalejr, \nplease", ["john.f.dalejr"]),
        ("Thanks FredMcD! It works", ["FredMcD"]),
        ("jane_d wrote:\n> no", ["jane_d"]),
        ("see /u/jane_d and (u/spam-eggs)", ["jane_d", "spam-eggs"]),
        ("my discord is Night.Owl#1234", ["Night.Owl#1234"]),
        ("https://github.com/jane-doe and www.linkedin.com/in/jane-doe-123/", ["jane-doe", "jane-doe-123"]),
        ("https://twitter.com/janedoe.", ["janedoe"]),
        ("https://www.youtube.com/@janedoe", ["janedoe"]),
    ],
)
def test_finds(text: str, names: list[str]) -> None:
    assert found(text) == names


@pytest.mark.parametrize(
    "text",
    [
        "npm i @types/node @babel/core @angular",
        "@Override\n  @property\n@dataclass\n@pytest.fixture\n@app.route('/x')",
        "@media print { } @import url(x); @font-face",
        " * @param {string} x the name\n * @return nothing",
        "jane@example.com, icon@2x.png, git@github.com:a/b.git, lodash@4.17.21",
        "define internal void @_ZN10playground1X17h7a5538bb38d6a168E (",
        "my @gmail.com address and at 5 @ 3pm",
        "my login is stored with the password; the user name is wrong here",
        "signed in as administrator, logged in as another user, treated as such",
        "user 12345, account 2024-01-01, user id 77, user v1.2.3, user agent",
        "Hello everybody, hi e-mail team, thanks GitHub, hi Windows10, hello node.js",
        "issue#1234, a PR#2345 and rust-lang/rust#12345",
        "https://github.com/torvalds/linux and https://github.com/features",
        "https://github.com/mozilla https://x.com/home https://www.facebook.com/groups/",
        "C:/u/x and a/u/b/c",
        "the user id is set, my account (i.e. the old one), server ID K0qQNAL6",
        "Could not create cudnn handle: CUDNN_STATUS_NOT_INITIALIZED, *handle = (CvPlugin)cap",
        "_Originally posted by somebody_ and <div>Hello useContext</div>",
        "the compiler said no; it wrote: x",
        "my login is user.name, user name is req.body.username, the login: self.user.login, account name is os.environ",
        "",
    ],
)
def test_leaves_alone(text: str) -> None:
    assert found(text) == []
