"""Expressions that are compiled at their first use."""

import re
import subprocess
import sys

from plumbline.anonymize.expressions import Expression

IMPORTED = """
import re
compiled = []
compile_, re.compile = re.compile, lambda *given: compiled.append(given) or compile_(*given)
import plumbline.anonymize.detector
print(max(len(given[0]) for given in compiled), len(compiled))
"""


def test_it_is_the_compiled_expression() -> None:
    expression = Expression(r"(?P<value>ab)c?", re.IGNORECASE)
    assert [match["value"] for match in expression.finditer("xABc ab")] == ["AB", "ab"]
    assert expression.search("xab", 1) is not None
    assert expression.match("xab") is None
    assert expression.fullmatch("abc") is not None
    assert dict(expression.groupindex) == {"value": 1}


def test_importing_the_detector_compiles_none_of_the_long_expressions() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORTED], check=True, capture_output=True, text=True)
    longest, count = map(int, done.stdout.split())
    assert longest < 1_500
    assert count < 300
