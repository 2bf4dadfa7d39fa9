"""A model that does what a script says: the faults and the odd answers that tests need, the same on every run."""

import threading
import time
from typing import Self

from pydantic import model_validator

from local.bedrock.answering import QuarterTokens, ServiceError, finished
from local.bedrock.calls import request_hash
from local.bedrock.prompt_reader import answer_text, category_names
from local.bedrock.rules import Rule, Rules, drawn, reply_by
from plumbline.contracts.base import Model
from plumbline.contracts.replies import ModelReply, ModelRequest


class Script(Model):
    """Rules, tried in order; the first that takes the request acts. None taking it, the request is answered.

    A rule's share is of the requests that the rules before it left. `category` is the answer where a rule has none;
    without it the request's hash picks one.
    """

    seed: int = 0
    category: str | None = None
    rules: tuple[Rule, ...] = ()

    @model_validator(mode="after")
    def _knows_no_road(self) -> Self:
        if any(rule.road is not None for rule in self.rules):
            raise ValueError("a script's rules take both roads; `road` is for the rules of faults")
        return self


class ScriptedModel:
    """Follows a Script. Deterministic: what happens depends on the seed, the request and how often it came."""

    def __init__(self, script: Script) -> None:
        self._lock = threading.Lock()
        self.follow(script)

    def follow(self, script: Script) -> None:
        """Follow another script from now on, with all counts at zero."""
        with self._lock:
            self._script, self._rules = script, Rules(script.seed, script.rules)

    def answer(self, request: ModelRequest) -> ModelReply:
        """What the script says. Raises ServiceError where that is a fault."""
        with self._lock:
            script, rules = self._script, self._rules
        rule = rules.choose(request, "on_demand") or Rule(do="answer")
        time.sleep(rule.seconds)
        if rule.do == "fault":
            raise ServiceError(rule.code, f"scripted {rule.code}")
        return reply_by(rule, request, lambda: _answer(script, request))


def _answer(script: Script, request: ModelRequest) -> ModelReply:
    category = script.category or _picked(script.seed, request)
    return finished(answer_text("As the script says.", category), request, QuarterTokens())


def _picked(seed: int, request: ModelRequest) -> str:
    names = category_names(request.system)
    if not names:
        raise ServiceError(
            "ValidationException", "the scripted stand-in found no list of categories in the system text"
        )
    return names[int(drawn(seed, -1, request_hash(request)) * len(names))]
