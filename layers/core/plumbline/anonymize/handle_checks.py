"""Checks that tell a name that somebody goes by on line from words, code and numbers of issues. Pure Python."""

import re

from plumbline.anonymize.checks import is_user
from plumbline.anonymize.name_words import means_something_else, word_set
from plumbline.anonymize.spans import line_around

# What stands behind an @ without being a person: decorators, annotations, documentation and style sheet words, scopes
# of packages, and companies (a mention of those says what the case is about).
_NO_MENTION = word_set(
    """
    abstract access after afterall aftereach alias all annotation api apply arg args argument async attribute
    augments author autowired background bean before beforeall beforeeach brief builder cached callback category
    channel charset chromium class classdesc classmethod code component config configuration const constant
    constructor constructs container contextmanager controller copyright counter-style data dataclass decorator
    default deprecated desc description details document dynamic else end entity enum event everyone example
    exception experimental export exports extend extends external file fileoverview fires fixture flow font-face
    for foreach from function functional generated generator global grant group here if ignore implements import
    include inherit inheritdoc injectable input interface internal it job jsx keyframes kind layer lends license
    link listens macro main match media member memberof message method mixin mixins mock model module moz-document
    name namespace namespaces noinspection none nonnull note notnull nullable objc observable observedobject
    observes output override overload package page param parameter params parametrize patch pipe post private
    prop property protected public published pure put react readonly receiver ref repository require requires
    requiresapi resource rest-framework return returns rule runtime safevarargs scope see service since skip
    state static staticmethod store subscribe summary super supports suppress suppresslint suppresswarnings
    syntax synchronized synthesize task template test tests that theme then this throws to todo token tparam
    transactional transform try tutorial type typedef types undocumented unittest updateurl url use uses
    usableat value var variable variation version viewport view visible volatile warning widget wip wraps yield yields
    angular babel vue emotion reduxjs storybook typescript-eslint webpack nestjs graphql aws-sdk aws-cdk mui
    material-ui fortawesome expo ionic sentry rollup vitejs vitest svelte sveltejs next nuxt prisma trpc tanstack
    tensorflow tensorflow-models rust-lang mozilla firefox google gmail yahoo hotmail outlook bing amazon facebook
    twitter microsoft apple github gitlab channel room team here live latest beta alpha head canary stable nightly
    home work office once least most first last all any some
    """
)
_SIGN_WORDS = re.compile(r"[\s*/#;'\"<!-]*@")
_DOMAIN = re.compile(
    r".+\.(?:[a-z]{2}|com|org|net|edu|gov|mil|info|biz|app|dev|js|ts|py|jsm|html?|md|json)", re.IGNORECASE
)
_MANGLED = re.compile(r"_Z|.*\d{4}.*v\d|0x|llvm\.|u\d{4}", re.IGNORECASE)
_PART = re.compile(r"[._-]")
_SHORT_PART = 2
_INNER_CAPITAL = re.compile(r"[A-Z][a-z]+[A-Z][A-Za-z]*")  # FredMcD; useContext is code
# Words with a capital inside, or with digits, that name things.
_THINGS = word_set(
    """
    javascript typescript github gitlab youtube facebook linkedin iphone ipad ipod imac macbook macos ios iphones itunes
    icloud wordpress powerpoint onedrive sharepoint openoffice libreoffice postgresql mysql mongodb graphql nodejs
    firefoxos bitlocker quicktime paypal ebay openssl openssh websocket webgl webrtc devtools chatgpt openai noscript
    adblock ublock lastpass wifi airbnb hubspot whatsapp duckduckgo teamviewer sqlite jquery vscode intellij pycharm
    utf8 mp3 mp4 h264 h265 x86 x64 i386 amd64 arm64 win7 win8 win10 win11 win32 win64 windows7 windows10 windows11
    office365 o365 ie11 ie8 ie9 ff3 ff4 log4j ec2 s3 k8s base64 sha1 sha256 md5 html5 css3 es6 es2015 ipv4 ipv6 oauth2
    http2 http3 usb2 usb3 web3 tls1.2 tls1.3 fox2mike 2fa mfa 24x7 24/7 b2b p2p i18n l10n a11y
    """
)
_PLAIN = re.compile(r"[^\W\d_]+(?:[-'\u2019][^\W\d_]+)*")
_CLAUSE_ENDS = re.compile(
    r"[\"'`*_\u00bb\u201d>)#]{0,3}(?:[ \t]*(?:[.,;:!?)\r\n]|$)|[ \t]+(?:and|but|on|at|und|et|y|e|och)\b)"
)
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th|x|k|m|gb|mb|tb|kb|px|pt|ms|s|am|pm|h|hrs?|min|days?|%)?", re.IGNORECASE)
_VERSION = re.compile(r"v?\d+(?:[._-]\d+)*[a-z]{0,5}\d*|.*\d\.\d.*|.*-\d+|[0-9a-f-]{16,}", re.IGNORECASE)
_NUMBERED_THINGS = word_set(
    "issue issues pr prs bug bugs ticket case order invoice task story question answer comment post thread id number "
    "no nr request pull change patch rfc page item line step build job run release gh mr cve version sheet table figure"
)
_ABOUT_HANDLES = re.compile(
    r"discord|gamer ?tag|battle ?\.?(?:net|tag)|bnet|riot|valorant|overwatch|nick|user ?name|handle|add me|dm me"
    r"|message me|my (?:id|tag|account|name)|contact|reach me|find me",
    re.IGNORECASE,
)
_ABOUT_CHARS = 60
_SITE_PAGES = word_set(
    """
    about account accounts actions ads api apps article articles auth blog browse business careers channel channels
    collections community contact contribute dashboard developer developers discover docs download downloads e
    enterprise events explore features feed followers following forum gaming groups hashtag help home i in index.html
    index.php intent issues join jobs l legal log.in login logout marketplace me media messages mobile new news
    notifications
    oauth orgs p pages people photo photos playlist plugins policies premium press pricing privacy product products
    profile profile.php pub pulls r register reel results s saved search security services settings share sharer
    sharer.php shop shorts signin signup site sponsors stars start status stories support tagged team terms tos topics
    tos trending user users video videos watch wiki you
    """
)


def is_mention(text: str) -> bool:
    """What stands behind an @ and may be a person: no keyword of code, package scope, domain or mangled symbol."""
    if text.casefold() in _NO_MENTION or _DOMAIN.fullmatch(text) or _MANGLED.match(text):
        return False
    return _letters(text) and is_user(text)


def is_in_prose(text: str, start: int, end: int) -> bool:
    """Whether the mention's line holds more than the mention: a decorator or an annotation has its line to itself."""
    first, last = line_around(text, start, end)
    line = text[first:last].strip()
    if not _SIGN_WORDS.match(line):
        return True
    return text[start:end] != line.lstrip("@ \t*/#;'\"<!-") or any(
        char.isdigit() or char in "_-" for char in text[start:end]
    )


def is_said(text: str, start: int, end: int) -> bool:
    """Behind "my login is": a handle, or a word with which the clause ends ("is stored with your …" goes on)."""
    return is_handle(text[start:end]) or bool(_CLAUSE_ENDS.match(text, end))


def is_user_or_handle(text: str) -> bool:
    """A user name behind "my login is": none that every machine has, and no word about it ("the id is set")."""
    return is_user(text) and text.casefold() not in _ABOUT_A_NAME


def is_handle(text: str) -> bool:
    """A token that no word of a language looks like: letters with digits, dots, underscores or inner capitals."""
    folded = text.casefold()
    if folded in _THINGS or _ORDINAL.fullmatch(text) or _VERSION.fullmatch(text) or _DOMAIN.fullmatch(text):
        return False
    if not _letters(text) or _MANGLED.match(text) or not is_user(text):
        return False
    if any(means_something_else(part) or part in _NO_MENTION for part in _PART.split(folded)):
        return False
    bare = text.strip("_.-")
    if any(char.isdigit() or char == "_" for char in bare):
        return True
    # Dots alone: jane.doe, and neither i.e nor e.g
    return ("." in bare and max(map(len, _PART.split(bare))) > _SHORT_PART) or bool(_INNER_CAPITAL.fullmatch(bare))


def is_handle_or_word(text: str) -> bool:
    """A user name behind "signed in as": a handle, or a word that is known as nothing else."""
    return is_handle(text) or (
        bool(_PLAIN.fullmatch(text))
        and is_user(text)
        and text.casefold() not in _ROLES
        and not means_something_else(text)
    )


def is_numbered_handle(text: str) -> bool:
    """`jane#1234`, where the word is none of those that are counted (issue#1234)."""
    return text.partition("#")[0].casefold() not in _NUMBERED_THINGS


def is_about_handles(text: str, start: int, end: int) -> bool:
    """Whether the words around say that a player's or a chat's name stands here."""
    return bool(_ABOUT_HANDLES.search(text, max(0, start - _ABOUT_CHARS), end + _ABOUT_CHARS))


def is_profile(text: str) -> bool:
    """The last part of a site's address, where it names a member and no page of the site."""
    return text.casefold() not in _SITE_PAGES and is_user(text) and not means_something_else(text)


def _letters(text: str) -> bool:
    """Whether there are two letters at least."""
    return sum(1 for char in text if char.isalpha()) > 1


# What is said of a user name instead of it.
_ABOUT_A_NAME = word_set(
    "set unset unique saved stored left gone here there ok fine right known shown changed empty blank missing given "
    "taken "
    "available different the-same filled entered correct case-sensitive required locked disabled expired blocked active"
)
# What one signs in as without being named.
_ROLES = word_set(
    """
    above admin administrator administrators agent an another anonymous any both customer default described different
    domain either every everyone expected following follows foreign himself it local me member my myself new nobody none
    normal one other others owner part per please privileged read-only regular requested required root same shown soon
    standard such super superuser system that the them themselves these they this usual visitor we well you yourself
    they're i i'm if in is to a all always and are bad best before possible far long many much opposed seen suggested
    intended usually expected few quick quickly fast nothing something
    """
)
