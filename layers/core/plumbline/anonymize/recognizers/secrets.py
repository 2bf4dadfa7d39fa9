"""Passwords, keys and user names that stand behind a word that says so."""

import re

from plumbline.anonymize import checks
from plumbline.anonymize.recognizers.base import ANY_CASE, IS, QUOTE, START, Recognizer

# dbPassword, DB_PASS, admin_pwd …; "pass" alone only at the start of a word ("compass" is none).
_PASSWORD = (
    # Not MySQL's "(using password: YES)", not a test log's "PASS: name".
    rf"{START}(?<!using )(?!pass[ \t]{{0,3}}:[ \t]{{0,3}}[^\"'])"
    r"(?:[a-z0-9_-]{0,40}?(?:password|passwd|passphrase|passcode)|(?:[a-z0-9_-]{0,40}[_-]|db|user)?(?:pwd|pass))"
)

RECOGNIZERS = (
    Recognizer(
        "KEY",
        re.compile(
            START + r"[a-z0-9_-]{0,40}?(?:(?:secret|private|access|api|auth|encryption|signing|account|subscription"
            r"|licen[sc]e|product)[ _-]{0,2}(?:access[ _-]?)?key|secret)(?:[ _-]?id)?"
            rf"{IS}{QUOTE}(?P<value>[A-Za-z0-9/+=_.-]{{8,512}})(?<!\.)",
            ANY_CASE,
        ),
        checks.is_secret,
        ("key", "secret"),
    ),
    Recognizer(
        "TOKEN",
        re.compile(
            rf"{START}[a-z0-9_-]{{0,40}}?token{IS}{QUOTE}(?P<value>[A-Za-z0-9/+=_.~-]{{8,4096}})(?<!\.)",
            ANY_CASE,
        ),
        checks.is_secret,
        ("token",),
    ),
    Recognizer(
        "PASSWORD",  # "password": "x", and SQL's IDENTIFIED BY 'x'
        re.compile(
            rf"(?:{_PASSWORD}[\"'\]]?[ \t]{{0,3}}(?::?=>?|:)|identified by|with password)[ \t]{{0,3}}"
            r"([\"'`])(?P<value>(?:(?!\1)[^\n]){3,128})\1",
            ANY_CASE,
        ),
        checks.is_password_value,
        ("pass", "pwd", "identified by"),
    ),
    Recognizer(
        "PASSWORD",  # DB_PASS=x, and `password: x` when x ends the line
        re.compile(
            rf"{_PASSWORD}[ \t]{{0,3}}(?::?=>?|:(?=[ \t]{{0,3}}\S{{3,128}}[ \t]*$))[ \t]{{0,3}}"
            r"(?P<value>[^\s\"'`,;<>&]{3,128})(?<![.)])",
            ANY_CASE | re.MULTILINE,
        ),
        checks.is_password_value,
        ("pass", "pwd"),
    ),
    Recognizer(
        "PASSWORD",  # "my password is x", "password to the portal: x"
        re.compile(
            START + r"(?<!using )(?:password|passphrase|passcode|pwd)(?:[ \t]{1,3}(?!is\b|was\b)[a-z]{1,15}){0,4}"
            r"(?:[ \t]{1,3}(?:is|was|to)(?:[ \t]{1,3}now)?[ \t]{0,2}:?|[ \t]{0,3}:)[ \t]{1,3}[\"'`]?"
            r"(?P<value>[^\s\"'`,;<>]{4,128}?)(?=[\"'`,;]|[.!?)]*(?:\s|$))",
            ANY_CASE,
        ),
        checks.is_password_in_prose,
        ("passw", "passp", "passc", "pwd"),
    ),
    Recognizer(
        "USERNAME",
        re.compile(
            rf"{START}(?:user[ _-]?(?:name|id)|login(?:[ _-]?(?:name|id))?|[a-z0-9]{{1,20}}[_-]user|sign-?in name)"
            rf"{IS}{QUOTE}(?P<value>\w[\w.@+-]{{1,62}}\w)",
            ANY_CASE,
        ),
        checks.is_user,
        ("user", "login", "sign"),
    ),
    Recognizer(
        "USERNAME",
        re.compile(
            rf"{START}(?:user[ \t]{{0,2}}[=:]{{1,2}}[ \t]{{0,2}}{QUOTE}|create user [\"'`])"
            r"(?P<value>\w[\w.@+-]{1,62}\w)",
            ANY_CASE,
        ),
        checks.is_user,
        ("user",),
    ),
    # Home folders: the account's name is a person's more often than not.
    Recognizer(
        "USERNAME",
        re.compile(
            r"(?:\b[A-Za-z]:\\{1,2}Users\\{1,2}|/Users/|/home/)(?P<value>[^\s\\/:*?\"'<>|\[\]()]{2,64})", ANY_CASE
        ),
        checks.is_user,
        ("users", "/home/"),
    ),
)
