"""A model that does what a script says: the faults and the odd answers that tests need, the same on every run."""

import hashlib
import re
import threading
import time
from collections import Counter
from typing import Literal, Self
from xml.sax.saxutils import escape

from pydantic import Field, model_validator

from local.bedrock.answering import STATUS, QuarterTokens, ServiceError, finished
from local.bedrock.calls import request_hash
from local.bedrock.prompt_reader import answer_text, case_text, category_names
from plumbline.contracts.base import Model
from plumbline.contracts.replies import ModelReply, ModelRequest

Action = Literal[
    "answer",  # `category`, or the one that the request's hash picks
    "fault",  # the error `code`
    "truncate",  # stops at max_tokens, before the category
    "junk",  # text without any tag
    "empty",  # no text at all
    "unknown_category",  # a category outside the list
    "two_categories",  # two of the list, which is no answer
    "refuse",  # declines to answer
    "say",  # answers `text` as it stands, for example a judge's score
    "obey",  # does what the case text tells it to: answers the category that the case names
]


class Rule(Model):
    """What to do with the requests that it takes: all, unless narrowed by the fields after `seconds`."""

    do: Action
    category: str | None = None
    text: str = ""
    code: str = "ThrottlingException"
    seconds: float = Field(default=0.0, ge=0, description="wait before acting")
    share: float = Field(default=1.0, ge=0, le=1, description="of the requests, drawn by seed and request hash")
    contains: str | None = Field(default=None, description="only cases with this text")
    attempt: int | None = Field(default=None, ge=0, description="only first asks (0), first repairs (1), …")
    vote: bool | None = Field(default=None, description="only votes (at a temperature above 0), or only other requests")
    order: tuple[int, ...] = Field(default=(), description="only these distinct requests, 1 = the first to arrive")
    times: int | None = Field(default=None, ge=1, description="only the first so many calls of each request")

    @model_validator(mode="after")
    def _code_is_bedrocks(self) -> Self:
        if self.code not in STATUS:
            raise ValueError(f"code is one of {', '.join(sorted(STATUS))}")
        return self


class Script(Model):
    """Rules, tried in order; the first that takes the request acts. None taking it, the request is answered.

    A rule's share is of the requests that the rules before it left. `category` is the answer where a rule has none.
    """

    seed: int = 0
    category: str | None = None
    rules: tuple[Rule, ...] = ()


class ScriptedModel:
    """Follows a Script. Deterministic: what happens depends on the seed, the request and how often it came."""

    def __init__(self, script: Script) -> None:
        self._lock = threading.Lock()
        self.follow(script)

    def follow(self, script: Script) -> None:
        """Follow another script from now on, with all counts at zero."""
        with self._lock:
            self._script = script
            self._order: dict[str, int] = {}
            self._taken: Counter[tuple[int, str]] = Counter()

    def answer(self, request: ModelRequest) -> ModelReply:
        """What the script says. Raises ServiceError where that is a fault."""
        script, rule = self._rule(request)
        time.sleep(rule.seconds)
        if rule.do == "fault":
            raise ServiceError(rule.code, f"scripted {rule.code}")
        reply = finished(self._text(script, rule, request), request, QuarterTokens())
        return reply.model_copy(update={"stop_reason": "max_tokens"}) if rule.do == "truncate" else reply

    def _rule(self, request: ModelRequest) -> tuple[Script, Rule]:
        digest = request_hash(request)
        with self._lock:
            script = self._script
            order = self._order.setdefault(digest, len(self._order) + 1)
            for number, rule in enumerate(script.rules):
                if not _takes(rule, request, order, _drawn(script.seed, number, digest)):
                    continue
                if rule.times is not None and self._taken[number, digest] >= rule.times:
                    continue
                self._taken[number, digest] += 1
                return script, rule
        return script, Rule(do="answer")

    def _text(self, script: Script, rule: Rule, request: ModelRequest) -> str:
        if rule.do == "say":
            return rule.text
        if rule.do in _FIXED:
            return _FIXED[rule.do]
        names = category_names(request.system)
        category = rule.category or script.category or _picked(names, script.seed, request)
        if rule.do == "obey":
            category = _named(case_text(request), names) or category
        whole = answer_text("As the script says.", category)
        if rule.do == "two_categories":
            return whole.replace("<runner_up>", f"<category>{escape(_other(names, category))}</category>\n<runner_up>")
        return whole[: whole.index("</reasoning>")] if rule.do == "truncate" else whole


_FIXED = {
    "junk": "Well, that depends. Thank you for contacting us! {{answer}} ### 42",
    "empty": "",
    "unknown_category": answer_text("As the script says.", "A Category Outside The List"),
    "refuse": "I'm sorry, but I can't help with that request.",
}


def _takes(rule: Rule, request: ModelRequest, order: int, drawn: float) -> bool:
    return (
        drawn < rule.share
        and (rule.contains is None or rule.contains in case_text(request))
        and (rule.attempt is None or rule.attempt == sum(turn.role == "assistant" for turn in request.turns))
        and (rule.vote is None or rule.vote == (request.temperature > 0))
        and (not rule.order or order in rule.order)
    )


def _drawn(seed: int, number: int, digest: str) -> float:
    """A number in [0, 1) that looks random and is the same every time."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{number}/{digest}".encode()).digest()[:8]) / 2**64


def _picked(names: tuple[str, ...], seed: int, request: ModelRequest) -> str:
    if not names:
        raise ServiceError(
            "ValidationException", "the scripted stand-in found no list of categories in the system text"
        )
    return names[int(_drawn(seed, -1, request_hash(request)) * len(names))]


def _named(text: str, names: tuple[str, ...]) -> str | None:
    return next((name for name in names if re.search(re.escape(name), text, re.IGNORECASE)), None)


def _other(names: tuple[str, ...], category: str) -> str:
    return next((name for name in names if name != category), category)
