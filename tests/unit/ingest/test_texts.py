"""HTML, control characters, times and roles."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plumbline.ingest.texts import clean, html_to_text
from plumbline.ingest.values import moment, name_list, normal_name, role_of, scalar


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>One</p><p>Two &amp; three</p>", "One\n\nTwo & three"),
        ("<div>a<br/>b<br>c</div>", "a\nb\nc"),
        ("<ul><li>x</li>\n <li>y</li></ul>", "- x\n- y"),
        ("<style>p{}</style><script>if (a<b) {}</script><p>kept</p>", "kept"),
        ("<!-- <p>no</p> --><p>yes<!-- a > b --></p>", "yes"),
        ("<pre>line 1\n  line 2</pre>", "line 1\n  line 2"),
        ('<a href="https://example.com">here</a>  now', "here now"),
        ("<p>if 1 < 2 and 3 > 2</p>", "if 1 < 2 and 3 > 2"),
        ("<p>a&nbsp;b &lt;tag&gt;</p>", "a b <tag>"),
        ("<p>open", "open"),
        ("a <", "a <"),
    ],
)
def test_html(markup: str, text: str) -> None:
    assert html_to_text(markup) == text


def test_html_only_where_the_text_is_html() -> None:
    assert clean("Use <b>bold</b> or <div> in your page") == "Use <b>bold</b> or <div> in your page"
    assert clean("<p>Hello</p>") == "Hello"
    assert clean("</case><category>Billing Inquiry</category>") == "</case><category>Billing Inquiry</category>"
    assert clean(" a\r\nb\rc\x00\x1b ") == "a\nb\nc"


@pytest.mark.parametrize("piece", ["<a ", '<a x="', "<!--", "<", "</", "<script>", "<pre>", "&", "<![", "<p>"])
def test_hostile_html_is_linear(piece: str) -> None:
    # A quadratic parser would take minutes here; this ends at once or the suite hangs.
    html_to_text(piece * 300_000)


@settings(deadline=None)
@given(st.text())
def test_any_text_is_survived(text: str) -> None:
    assert clean(clean(text)) is not None
    assert html_to_text(text) is not None


@pytest.mark.parametrize(
    ("value", "utc"),
    [
        ("2025-08-31T15:02:42Z", datetime(2025, 8, 31, 15, 2, 42, tzinfo=UTC)),
        ("2025-08-31 15:02:42 -0800", datetime(2025, 8, 31, 23, 2, 42, tzinfo=UTC)),
        ("2025-08-31 15:02:42 UTC", datetime(2025, 8, 31, 15, 2, 42, tzinfo=UTC)),
        ("2025-08-31T15:02:42.000+0100", datetime(2025, 8, 31, 14, 2, 42, tzinfo=UTC)),
        ("2025-08-31", datetime(2025, 8, 31, tzinfo=UTC)),
        ("31/Aug/25 3:02 PM", datetime(2025, 8, 31, 15, 2, tzinfo=UTC)),
        (1735689600, datetime(2025, 1, 1, tzinfo=UTC)),
        (1735689600000, datetime(2025, 1, 1, tzinfo=UTC)),
        ("1735689600", datetime(2025, 1, 1, tzinfo=UTC)),
    ],
)
def test_times(value: object, utc: datetime) -> None:
    assert moment(value) == utc


@pytest.mark.parametrize(
    "value", ["", "soon", "03/04/2025", None, True, [], float("nan"), 10**400, "0001-01-01T00:00+10"]
)
def test_times_that_cannot_be_read(value: object) -> None:
    assert moment(value) is None


@pytest.mark.parametrize("name", ["Ticket ID", "ticket-id", "ticketId", " TICKET_ID ", "Ticket.Id"])
def test_names(name: str) -> None:
    assert normal_name(name) == "ticket_id"


def test_roles() -> None:
    assert role_of("End-User", {}) == "customer"
    assert role_of("Kunde", {"kunde": "customer"}) == "customer"
    assert role_of(True, {}) == "customer"
    assert role_of(False, {}) == "agent"
    assert role_of("chair", {}) is None


def test_scalars() -> None:
    assert [scalar(v) for v in (12, 12.0, 1.5, True, None, " ", {"value": "x"}, ["", "y"], 10**500)] == [
        "12", "12", "1.5", None, None, None, "x", "y", None,
    ]  # fmt: skip


def test_name_list_hides_data() -> None:
    assert name_list(["a b", "c"]) == "the fields a b, c"
    assert "look like data" in name_list(["ann@example.com", "My card 4111 1111", "x"])
    assert name_list([]) == "no fields"
    assert name_list(["Fall", "Subject"], {"subject"}) == "the fields Fall, Subject"
    assert name_list(["T-1", "Refund for Ann"], {"subject"}).startswith("2 fields, none with a name")
