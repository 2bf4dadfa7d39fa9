"""Rules for requests: which of them meet a fault or an odd answer, and which one. The same on every run."""

import hashlib
import re
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Literal, Self
from xml.sax.saxutils import escape

from pydantic import Field, model_validator

from local.bedrock.answering import STATUS, QuarterTokens, finished
from local.bedrock.calls import request_hash
from local.bedrock.prompt_reader import answer_text, case_text, category_names
from plumbline.contracts.base import Model
from plumbline.contracts.replies import ModelReply, ModelRequest

Action = Literal[
    "answer",  # `category`, or what the model says
    "fault",  # the error `code`
    "truncate",  # stops at max_tokens, before the category
    "junk",  # text without any tag
    "empty",  # no text at all
    "unknown_category",  # a category outside the list
    "wrong_category",  # another of the list than the model says
    "two_categories",  # two of the list, which is no answer
    "refuse",  # declines to answer
    "say",  # answers `text` as it stands, for example a judge's score
    "obey",  # does what the case text tells it to: answers the category that the case names
]
Road = Literal["on_demand", "batch"]
_WHY = "As the script says."


class Rule(Model):
    """What to do with the requests that it takes: all, unless narrowed by the fields after `seconds`."""

    do: Action
    category: str | None = None
    text: str = ""
    code: str = "ThrottlingException"
    seconds: float = Field(default=0.0, ge=0, description="wait before acting")
    share: float = Field(default=1.0, ge=0, le=1, description="of the requests, drawn by seed and request hash")
    each_call: bool = Field(default=False, description="draw the share anew for each call of a request")
    contains: str | None = Field(default=None, description="only cases with this text")
    attempt: int | None = Field(default=None, ge=0, description="only first asks (0), first repairs (1), …")
    vote: bool | None = Field(default=None, description="only votes (at a temperature above 0), or only other requests")
    order: tuple[int, ...] = Field(default=(), description="only these distinct requests, 1 = the first to arrive")
    times: int | None = Field(default=None, ge=1, description="only the first so many calls of each request")
    road: Road | None = Field(default=None, description="only calls on demand, or only batch jobs' records")

    @model_validator(mode="after")
    def _code_is_bedrocks(self) -> Self:
        if self.code not in STATUS:
            raise ValueError(f"code is one of {', '.join(sorted(STATUS))}")
        return self


class Rules:
    """Rules, tried in order; the first that takes a request acts. Safe for threads.

    Which rule acts depends on the seed, the request and how often it came before, not on what else came; only `order`
    looks at that.
    """

    def __init__(self, seed: int, rules: Sequence[Rule]) -> None:
        self._seed, self._rules = seed, tuple(rules)
        self._lock = threading.Lock()
        self._order: dict[str, int] = {}
        self._calls: Counter[str] = Counter()
        self._taken: Counter[tuple[int, str]] = Counter()

    def choose(self, request: ModelRequest, road: Road) -> Rule | None:
        """The rule for this call; None when no rule takes it."""
        digest = request_hash(request)
        with self._lock:
            order = self._order.setdefault(digest, len(self._order) + 1)
            self._calls[digest] += 1
            for number, rule in enumerate(self._rules):
                of_call = (self._calls[digest],) if rule.each_call else ()
                if drawn(self._seed, number, digest, *of_call) >= rule.share or not _takes(rule, request, order, road):
                    continue
                if rule.times is not None and self._taken[number, digest] >= rule.times:
                    continue
                self._taken[number, digest] += 1
                return rule
        return None

    def acted(self) -> dict[int, int]:
        """How many calls each rule took so far, by its place."""
        acted: Counter[int] = Counter()
        with self._lock:
            for (number, _), times in self._taken.items():
                acted[number] += times
        return dict(acted)


def _takes(rule: Rule, request: ModelRequest, order: int, road: Road) -> bool:
    return (
        (rule.contains is None or rule.contains in case_text(request))
        and (rule.attempt is None or rule.attempt == sum(turn.role == "assistant" for turn in request.turns))
        and (rule.vote is None or rule.vote == (request.temperature > 0))
        and (not rule.order or order in rule.order)
        and (rule.road is None or rule.road == road)
    )


def drawn(*of: object) -> float:
    """A number in [0, 1) that looks random and is the same every time for the same words."""
    return int.from_bytes(hashlib.sha256("/".join(map(str, of)).encode()).digest()[:8]) / 2**64


def reply_by(rule: Rule, request: ModelRequest, model: Callable[[], ModelReply]) -> ModelReply:
    """What a rule (no fault) makes of the model's reply; the model is only asked where that is needed."""
    if rule.do == "answer" and rule.category is None:
        return model()
    reply = finished(_text(rule, request, model), request, QuarterTokens())
    return reply.model_copy(update={"stop_reason": "max_tokens"}) if rule.do == "truncate" else reply


_FIXED = {
    "junk": "Well, that depends. Thank you for contacting us! {{answer}} ### 42",
    "empty": "",
    "unknown_category": answer_text(_WHY, "A Category Outside The List"),
    "refuse": "I'm sorry, but I can't help with that request.",
}


def _text(rule: Rule, request: ModelRequest, model: Callable[[], ModelReply]) -> str:
    if rule.do == "say":
        return rule.text
    if rule.do in _FIXED:
        return _FIXED[rule.do]
    names = category_names(request.system)
    if rule.do == "obey" and (named := _named(case_text(request), names)):
        return answer_text(_WHY, named)
    return _altered(rule, names, answer_text(_WHY, rule.category) if rule.category is not None else model().text)


def _altered(rule: Rule, names: tuple[str, ...], whole: str) -> str:
    if rule.do == "wrong_category":
        return answer_text(_WHY, _other(names, whole))
    if rule.do == "two_categories":
        second = f"<category>{escape(_other(names, whole))}</category>"
        return whole.replace("<runner_up>", f"{second}\n<runner_up>") if "<runner_up>" in whole else whole + second
    if rule.do == "truncate":
        end = whole.find("</reasoning>")
        return whole[: end if end >= 0 else len(whole) // 3]
    return whole


def _named(text: str, names: tuple[str, ...]) -> str | None:
    return next((name for name in names if re.search(re.escape(name), text, re.IGNORECASE)), None)


def _other(names: tuple[str, ...], text: str) -> str:
    """The first name that the text does not give as its category."""
    return next((name for name in names if f"<category>{escape(name)}</category>" not in text), "Another")
