"""Every recogniser finds what it is for and leaves what only looks like it."""

import pytest

from plumbline.anonymize.recognizers import find_patterns
from plumbline.anonymize.spans import ENTITY_TYPES, Span, merge

# Tokens are put together here so that no secret scanner takes this file for a leak.
GITHUB = "ghp_" + "a1B2" * 9
GITHUB_FINE = "github_pat_" + "11AB0C" * 6
SLACK = "xoxb-" + "1234567890-abcdEFGH"
STRIPE = "sk_live_" + "4eC39HqLyjWD"
OPENAI = "sk-proj-" + "Ab3dEf6hIj" * 3
ANTHROPIC = "sk-ant-" + "api03-Zz9Yy8Xx7Ww6"
GOOGLE = "AIza" + "Sy0aB-c_D" * 3 + "12345678"
JWT = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0In0" + ".c2lnbmF0dXJl-_x"
ACCESS_KEY = "AKIA" + "Q3EGRZ7TPLNW5VXD"
SECRET_KEY = "hT4vQz9LmXw2/R7pKdNs+" + "Yb3JcUf8GaE5VoMiZq1"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nAAAA\n-----END RSA PRIVATE KEY-----"


def found(text: str) -> list[tuple[str, str]]:
    return [(span.type, text[span.start : span.end]) for span in merge(find_patterns(text))]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("Write to jane.doe+bills@mail.example.co.uk.", "EMAIL", "jane.doe+bills@mail.example.co.uk"),
        ("<mailto:jane@example.com>", "EMAIL", "jane@example.com"),
        ("from josé.muñoz@example.org today", "EMAIL", "josé.muñoz@example.org"),
        ("card 4111 1111 1111 1111, exp 12/27", "CARD", "4111 1111 1111 1111"),
        ("it was 4111-1111-1111-1111", "CARD", "4111-1111-1111-1111"),
        ("amex 378282246310005", "CARD", "378282246310005"),
        ("my card number is 4111 1111 1111 1112", "CARD", "4111 1111 1111 1112"),  # mistyped, yet a card
        ("IBAN GB82 WEST 1234 5698 7654 32 please", "IBAN", "GB82 WEST 1234 5698 7654 32"),
        ("to DE89370400440532013000.", "IBAN", "DE89370400440532013000"),
        ("my iban is de89 3704 0044 0532 0130 00", "IBAN", "de89 3704 0044 0532 0130 00"),
        ("SSN 078-05-1120", "SSN", "078-05-1120"),
        ("login from 203.0.113.7 failed", "IP", "203.0.113.7"),
        ("CIDR 10.20.0.0/16 is full", "IP", "10.20.0.0"),
        ("host 2001:db8:85a3::8a2e:370:7334 down", "IP", "2001:db8:85a3::8a2e:370:7334"),
        ("role arn:aws:iam::123456789012:role/Admin.", "ARN", "arn:aws:iam::123456789012:role/Admin"),
        ("arn:aws-cn:s3:::my-bucket/key", "ARN", "arn:aws-cn:s3:::my-bucket/key"),
        ("AWS account 364918205577 is closed", "AWS_ACCOUNT", "364918205577"),
        ("Account ID: 3649-1820-5577", "AWS_ACCOUNT", "3649-1820-5577"),
        ("pull 364918205577.dkr.ecr.eu-west-1.amazonaws.com/x", "AWS_ACCOUNT", "364918205577"),
        ("https://sqs.eu-west-1.amazonaws.com/364918205577/jobs", "AWS_ACCOUNT", "364918205577"),
        (f"key {ACCESS_KEY} leaked", "KEY", ACCESS_KEY),
        (f"aws_secret_access_key = {SECRET_KEY}", "KEY", SECRET_KEY),
        (f'"SecretAccessKey": "{SECRET_KEY}"', "KEY", SECRET_KEY),
        ("my api key is 9f8e7d6c5b4a", "KEY", "9f8e7d6c5b4a"),
        (f"log:\n{PEM}\nend", "KEY", PEM),
        (f"use {GITHUB} now", "TOKEN", GITHUB),
        (f"use {GITHUB_FINE} now", "TOKEN", GITHUB_FINE),
        (f"SLACK_BOT={SLACK}", "TOKEN", SLACK),
        (f"charge with {STRIPE}.", "TOKEN", STRIPE),
        (f"OPENAI {OPENAI}", "TOKEN", OPENAI),
        (f"or {ANTHROPIC}", "TOKEN", ANTHROPIC),
        (f"?key {GOOGLE}", "TOKEN", GOOGLE),
        (f"Cookie {JWT};", "TOKEN", JWT),
        ("Authorization: Bearer abc123def456ghi789", "TOKEN", "abc123def456ghi789"),
        ("https://x.example/cb?access_token=abc123def&lang=en", "TOKEN", "abc123def"),
        ("https://b.example/o?X-Amz-Signature=0a1b2c3d4e5f", "TOKEN", "0a1b2c3d4e5f"),
        ("My password is hunter2.", "PASSWORD", "hunter2"),
        ("the password for the portal is: Tr0ub4dor&3", "PASSWORD", "Tr0ub4dor&3"),
        ("DB_PASS=s3cr3t", "PASSWORD", "s3cr3t"),
        ('dbPassword: "open sesame, please"', "PASSWORD", "open sesame, please"),
        ("Password: correcthorse", "PASSWORD", "correcthorse"),
        ("IDENTIFIED BY 'jWxJCYv'", "PASSWORD", "jWxJCYv"),
        ("my username is jdoe, and", "USERNAME", "jdoe"),
        ("DB_USER=mgr_6647", "USERNAME", "mgr_6647"),
        (r"C:\Users\jdoe\AppData", "USERNAME", "jdoe"),
        ("/home/jdoe/.ssh/config", "USERNAME", "jdoe"),
    ],
)
def test_finds(text: str, kind: str, value: str) -> None:
    assert (kind, value) in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "Firefox 115.0.2 on Windows 10.0.19045.3693",  # versions
        "Chrome/120.0.6099.109 Safari/537.36",
        "version 1.2.3.4 of the agent, v1.2.3.4",
        "error 0x80070005 and STATUS_ACCESS_DENIED (5)",
        "commit 3f1c9e0b7a5d4c2e8f6a1b0c9d8e7f6a5b4c3d2e",
        "sha256 e94cbf6c242453a89af524aaea8e08917b420c11792d6ac662d166b591059779",
        "at 2024-05-17T08:30:12.123Z, took 00:03:12.5",
        "timestamp 1715934612123 and 1715934612123456",
        "record 4111111111111112 was sent",  # fails Luhn
        "serial 4242-4242-4242-4241",
        "ticket 1234567890123456",
        "IBAN-like GB82 WEST 1234 5698 7654 33",  # fails mod 97
        "case 123456789012 is open",  # twelve digits without context
        "SSN 000-12-3456 and part 666-45-6789",
        "icon@2x.png and git@github.com:org/repo.git",
        "ping 127.0.0.1, 0.0.0.0/0, 169.254.169.254, mask 255.255.255.0, ::1",
        "std::vector<int> a::b, 12:30:45, 1::",
        "aa:bb:cc:dd",
        "The password is incorrect and must be reset to continue.",
        "password=********, password: <your password>, PASSWORD=${DB_PASSWORD}",
        "Your api key is invalid. The token is expired. secret: required",
        "username is required; the user name was not recognised",
        "/home/ubuntu/app and C:\\Users\\Public\\Desktop",
        "Access denied for user (using password: YES)",
        "PASS: tests/test_login.py\nFAIL: x",
        "a compass: north, bypass: yes please do",
        "monkey=banana123 turkey: dinner",
        "arn of the role, sk-learn, xoxo, Bearer of news",
        "https://example.com/a?page=2&sort=asc#section-3",
        "user@host",
        "",
    ],
)
def test_leaves_alone(text: str) -> None:
    assert found(text) == []


def test_masks_only_the_secret_parts_of_a_url() -> None:
    text = "https://bob:s3c@ret@db.example.com/path?token=abc123def&page=2"
    assert found(text) == [("USERNAME", "bob"), ("PASSWORD", "s3c@ret"), ("TOKEN", "abc123def")]


@pytest.mark.parametrize(
    "text",
    ["a" * 50_000, "1 " * 25_000, "a@" * 25_000, "aa:" * 20_000, "-" * 50_000, "password " * 6_000, "://" * 20_000],
)
def test_long_runs_of_near_misses_are_searched_and_hold_nothing(text: str) -> None:
    assert found(text) == []


def test_overlapping_finds_become_one_of_the_most_specific_type() -> None:
    assert found("arn:aws:iam::123456789012:user/jane@example.com") == [
        ("ARN", "arn:aws:iam::123456789012:user/jane@example.com")
    ]
    assert merge([Span(0, 5, "PHONE"), Span(3, 9, "CARD")]) == [Span(0, 9, "CARD")]
    assert merge([Span(0, 20, "NAME"), Span(12, 20, "EMAIL")]) == [Span(0, 12, "NAME"), Span(12, 20, "EMAIL")]


def test_every_type_found_is_a_known_one() -> None:
    assert {kind for kind, _ in found(f"{PEM} {JWT} jane@example.com 4111111111111111")} <= set(ENTITY_TYPES)
