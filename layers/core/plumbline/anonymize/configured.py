"""Patterns that a company configures for what only it knows: order numbers, customer numbers, names of machines.

Python's regular expressions can take time that grows with the power of a text's length. A configured one is taken only
when the ways in which it can match from one place are few and counted beforehand, so that a text is searched in time
proportional to its length.
"""

import re
from collections.abc import Iterable
from re import _constants, _parser  # type: ignore[attr-defined]  # what `re` itself reads expressions with; no stubs
from typing import Any

from plumbline.anonymize.recognizers.base import END, START, Recognizer
from plumbline.contracts.errors import InvalidSettings

LONGEST = 200  # characters of an expression
MOST_WAYS = 256
_MOST_MATCHED = 200  # characters of a value
_GROUPS = (_constants.SUBPATTERN, _constants.ATOMIC_GROUP, _constants.ASSERT, _constants.ASSERT_NOT)
_REPEATS = (_constants.MAX_REPEAT, _constants.MIN_REPEAT, _constants.POSSESSIVE_REPEAT)


def recognizers_of(patterns: Iterable[tuple[str, Iterable[str]]]) -> tuple[Recognizer, ...]:
    """A recogniser for each expression of each type. It finds whole words only; its value is the group `value`, if any.

    Raises InvalidSettings, which names the type and says what is wrong with its expression.
    """
    return tuple(
        Recognizer(entity, _compiled(f"PII_PATTERNS: {entity}, expression {number}", expression))
        for entity, expressions in patterns
        for number, expression in enumerate(expressions, start=1)
    )


def _compiled(place: str, expression: str) -> re.Pattern[str]:
    if len(expression) > LONGEST:
        raise InvalidSettings(f"{place} has {len(expression)} characters; {LONGEST} is the most")
    try:
        pattern = re.compile(f"{START}(?:{expression}){END}")
        tree = _parser.parse(expression)
    except (re.error, OverflowError, RecursionError) as error:
        raise InvalidSettings(f"{place} is no regular expression: {error}") from None
    shortest, longest = tree.getwidth()
    if shortest == 0:
        raise InvalidSettings(f"{place} matches an empty text; let it demand at least one character")
    if longest > _MOST_MATCHED:
        raise InvalidSettings(
            f"{place} can match more than {_MOST_MATCHED} characters; write {{1,20}} in the place of * and +"
        )
    if _ways(tree) > MOST_WAYS:
        raise InvalidSettings(
            f"{place} can match one text in more than {MOST_WAYS} ways, which takes too long; write fixed or narrow "
            "repeats such as {6,10}, and none within another"
        )
    return pattern


def _ways(tree: Iterable[tuple[Any, Any]]) -> int:
    """At most how many ways there are through an expression from one place; above MOST_WAYS it is only that much."""
    ways = 1
    for operation, argument in tree:
        ways = min(ways * _ways_of(operation, argument), MOST_WAYS + 1)
    return ways


def _ways_of(operation: Any, argument: Any) -> int:
    if operation in _REPEATS:
        return _ways_of_repeats(*argument)
    if operation is _constants.BRANCH:
        return sum(_ways(branch) for branch in argument[1])
    if operation is _constants.GROUPREF_EXISTS:
        return _ways(argument[1]) + _ways(argument[2] or ())
    if operation in _GROUPS:
        return _ways(argument[-1] if isinstance(argument, tuple) else argument)
    return 1


def _ways_of_repeats(least: int, most: int, inside: Iterable[tuple[Any, Any]]) -> int:
    each, total = _ways(inside), 0
    for times in range(int(least), int(most) + 1):
        total += each ** min(times, MOST_WAYS)  # a power that large is above the limit anyhow
        if total > MOST_WAYS:
            break
    return total
