"""Makes up exports of support cases: varied texts of 300 to 600 characters, the same for the same seed.

No two texts are alike: sentences are drawn and filled from word lists and made-up words, so that few are left out as
near-duplicates. Every case names a person and an address, so that anonymizing has the work it has in life. To look at
one: `python -m bench.generate --cases 3 FILE.jsonl`
"""

import argparse
import csv
import gzip
import io
import itertools
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, cast

SUFFIXES = (".jsonl", ".jsonl.gz", ".csv")
_MIN_CHARS, _MAX_CHARS = 300, 600
_START = datetime(2026, 1, 1, tzinfo=UTC)


def _words(text: str) -> list[str]:
    return text.split()


_LISTS: dict[str, list[str]] = {
    "thing": _words("""invoice dashboard export webhook licence login report calendar password backup mailbox form
        integration subscription refund certificate plugin search printer scanner voucher profile queue archive chart
        template notification gateway installer receipt sensor headset tracker widget catalogue timesheet"""),
    "place": _words("""portal app console website till warehouse office tablet browser store kiosk cloud server phone
        laptop intranet workspace checkout branch depot"""),
    "state": _words("""empty frozen doubled late wrong blank missing locked expired unreadable rejected cancelled
        slow grey outdated truncated invisible pending misspelled"""),
    "verb": _words("""renamed moved cancelled renewed upgraded merged shared archived exported restored approved
        migrated printed scanned paired reset unlocked"""),
    "who": _words("""accountant manager colleague customer courier trainee auditor supplier dentist caretaker landlord
        cashier nurse teacher"""),
    "when": _words("""yesterday today overnight on-Monday since-Friday last-week this-morning after-lunch in-March
        at-midnight twice-a-day every-hour"""),
    "first": _words("Abbie Bruno Chiara Dmitri Elif Farid Greta Hugo Ines Jarek Keiko Leila Marta Nils Oona Ravi"),
    "last": _words("Hargreaves Lindqvist Moreau Okafor Petrov Quintana Rossi Schneider Tanaka Ulrich Varga Whitlock"),
}
_SYLLABLES = _words(
    "ba be bo da di du fa fe go ka ke la le li lo ma mi mo na ne ni no ra re ri ro sa se so ta te ti to va ve"
)
_SENTENCES = """The {thing} in the {place} is {state} {when} and the {thing} next to it says {word} {number}.
We {verb} our {thing} for {word} {when}, but the {who} still sees the {state} one on the {place}.
My {who} asked why {word} {word} was {verb} although the {thing} for {number} people is {state}.
After the {word} update the {place} shows a {state} {thing} and code {code}.
I was charged {number} for {word} and the {thing} from the {who} is {state}.
Is there a way to have the {thing} {verb} by the {who} before {word} closes the {place}?
It worked on the {place} of our {who}, where {word} is {verb} and the {thing} is not {state}.
The {place} wants {code} as soon as anybody opens the {thing} called {word} {word}.
Nobody at {word} {verb} the {thing}, so the {who} wrote {number} letters {when}.
Please look into {code}: the {state} {thing} of {word} blocks the whole {place}.
We have read the page about the {thing} and {word}, and the {who} finds it {state}.
Step {number} says that the {thing} must be {verb} in the {place}, and there it is {state}.
Between {word} and {word} the {thing} turns {state}, {number} times {when}.
What does {word} mean by a {state} {thing}, and who has {verb} it?
Our {who} from {word} cannot find the {thing} that was {verb} {when} in the {place}.""".splitlines()
_ANSWERS = """Thank you for telling us about {word}. We have {verb} the {thing} and the {place} is no longer {state}.
The {state} {thing} comes from {word}; our {who} has {verb} it {when}, please try {code} again.
I am sorry for the {state} {thing}. Could you tell us which {place} shows {code} and whether {word} was {verb}?
A {thing} is {verb} by the {who} only, under {word} in the {place}; I have sent the page about it.""".splitlines()


class _Draw(dict[str, str]):
    """Gives another word of the list each time that it is asked for a slot."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self._rng = rng

    def __getitem__(self, slot: str) -> str:
        rng = self._rng
        if slot == "word":
            return "".join(rng.choices(_SYLLABLES, k=rng.randint(2, 4)))
        if slot == "number":
            return str(rng.randrange(2, 5000))
        if slot == "code":
            return f"{rng.choice('EKQXZ')}-{rng.randrange(10_000):04d}"
        return rng.choice(_LISTS[slot])


@dataclass(frozen=True)
class MadeUpCase:
    """One row of the export."""

    case_id: str
    created_at: str
    product: str
    subject: str
    question: str
    answer: str


def made_up_cases(seed: int = 1) -> Iterator[MadeUpCase]:
    """Cases without end."""
    rng = random.Random(seed)
    draw = _Draw(rng)
    for number in itertools.count(1):
        first, last = draw["first"], draw["last"]
        sign_off = f"\nRegards,\n{first} {last}, {first.lower()}.{draw['word']}@example.com"
        answer = rng.choice(_ANSWERS).format_map(draw)
        wanted = rng.randint(_MIN_CHARS, _MAX_CHARS - 100) - len(answer)
        question = rng.choice(_SENTENCES).format_map(draw)
        while len(question) + len(sign_off) < wanted:
            question += " " + rng.choice(_SENTENCES).format_map(draw)
        yield MadeUpCase(
            case_id=f"B-{seed}-{number:07d}",
            created_at=(_START + timedelta(minutes=7 * number)).isoformat(),
            product=f"{draw['word'].title()} {draw['place'].title()}",
            subject=f"{draw['state']} {draw['thing']} {draw['word']}".capitalize(),
            question=question + sign_off,
            answer=answer,
        )


def generate(path: Path, *, cases: int | None = None, size: int | None = None, seed: int = 1) -> int:
    """Write an export of that many cases, or of about `size` bytes (before compression); says how many cases it has.

    The name's ending, one of SUFFIXES, says which format. Written as a stream; memory does not grow with it.
    """
    if (cases is None) == (size is None):
        raise ValueError("say either how many cases or how many bytes")
    if not path.name.endswith(SUFFIXES):
        raise ValueError(f"{path.name}: the name must end in one of {', '.join(SUFFIXES)}")
    with _opened(path) as stream:
        lines = _csv_lines(seed) if path.name.endswith(".csv") else _json_lines(seed)
        if path.name.endswith(".csv"):
            stream.write(b"case_id,created_at,product,subject,text\n")
        written = count = 0
        for line in lines:
            if count == cases or (size is not None and written >= size):
                break
            written += stream.write(line)
            count += 1
    return count


def _opened(path: Path) -> IO[bytes]:
    if path.name.endswith(".gz"):
        return cast("IO[bytes]", gzip.open(path, "wb", compresslevel=6))
    return path.open("wb")


def _json_lines(seed: int) -> Iterator[bytes]:
    for case in made_up_cases(seed):
        messages = [{"role": "customer", "text": case.question}, {"role": "agent", "text": case.answer}]
        row = {
            "case_id": case.case_id,
            "created_at": case.created_at,
            "product": case.product,
            "subject": case.subject,
            "messages": messages,
        }
        yield json.dumps(row).encode() + b"\n"


def _csv_lines(seed: int) -> Iterator[bytes]:
    for case in made_up_cases(seed):
        line = io.StringIO()
        text = f"{case.question}\n\n{case.answer}"
        csv.writer(line, lineterminator="\n").writerow(
            [case.case_id, case.created_at, case.product, case.subject, text]
        )
        yield line.getvalue().encode()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.generate", description="Make up an export.")
    parser.add_argument("file", type=Path, help=f"ends in {', '.join(SUFFIXES)}")
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(f"{generate(options.file, cases=options.cases, seed=options.seed):,} cases in {options.file}")


if __name__ == "__main__":
    main()
