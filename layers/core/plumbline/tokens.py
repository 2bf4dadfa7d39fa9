"""How many tokens a text has, without a tokenizer: words, marks, digits and lines, weighed.

The weights were fitted to Qwen2.5's tokenizer on 1,500 real support threads (`python -m bench.estimate --fit`), and
measured on others: `python -m bench.estimate`. Characters alone are off by up to 29% where cases hold logs and code.
What a model's own tokenizer makes of a text stands in prices.json as its `token_factor`.
"""

import re
from typing import Final

_WORD: Final = re.compile(r"[A-Za-z]+")
_MARKS: Final = re.compile(r"[^\w\s]+|_+")
_LINES: Final = re.compile(r"\s*\n\s*")
_DIGIT: Final = re.compile(r"\d")
_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]")
_CAMEL: Final = re.compile(r"[a-z][A-Z]")

FEATURES: Final = (
    "word",
    "beyond 4",
    "beyond 8",
    "beyond 14",
    "marks",
    "more marks",
    "lines",
    "digit",
    "other",
    "camel",
)
WEIGHTS: Final = (1.010, 0.029, 0.127, 0.133, 0.591, 0.076, 1.147, 1.176, 0.434, 1.266)
REQUEST_TOKENS: Final = 20  # what a request has beside its texts: roles, turns' ends


def features(text: str) -> tuple[int, ...]:
    """What is counted of a text, in the order of FEATURES: words, their letters beyond 4, 8 and 14, groups of marks and
    the marks that follow the first of each, line breaks, digits, characters beyond ASCII, and inner capitals."""
    long = [len(word) for word in _WORD.findall(text)]
    marks = [len(run) for run in _MARKS.findall(text)]
    return (
        len(long),
        *(sum(length - least for length in long if length > least) for least in (4, 8, 14)),
        len(marks),
        sum(marks) - len(marks),
        len(_LINES.findall(text)),
        len(_DIGIT.findall(text)),
        len(_NOT_ASCII.findall(text)),
        len(_CAMEL.findall(text)),
    )


def tokens_in(text: str) -> int:
    """About how many tokens the text has; it takes 1 s for 8 MB of text."""
    return round(sum(weight * number for weight, number in zip(WEIGHTS, features(text), strict=True)))
