"""Personal data and marker words planted in every field of an export, and every place where one could turn up.

Two things cannot be planted: a case's id and the file's name are keys, and stand wherever a run is spoken of. X-Ray
has nothing to look at on this machine, and gets nothing of ours on AWS: no code here sends a segment of its own.
"""

import contextlib
import csv
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.statemachine.pipeline import Pipeline, words

CUSTOMER, AGENT = "Gwendolyn Harcastle", "Bartholomew Quigley"
_DOMAIN = "@qorvath-mail.net"


def _luhn(digits: str) -> str:
    total = sum(sum(divmod(int(d) * (2 - n % 2), 10)) for n, d in enumerate(reversed(digits)))
    return f"{digits}{-total % 10}"


def _iban(country: str, account: str) -> str:
    number = "".join(str(int(sign, 36)) for sign in f"{account}{country}00")
    return f"{country}{98 - int(number) % 97:02}{account}"


CARD, IBAN = _luhn("453914880343646"), _iban("DE", "500105170648489890")
ACCESS_KEY = "AKIA" + "ZYXQ7WMN3KDLPT5V"  # in two parts: no scanner of this repository shall take it for one
# What stands in the texts and has to be masked: the sentence, and what of it may be nowhere.
MASKED = (
    (f"Hello, I am {CUSTOMER} from the night shift.", ("gwendolyn", "harcastle")),
    (f"Write to zyxtext{_DOMAIN} please.", ("zyxtext", "qorvath-mail")),
    ("Call me on +44 7700 900461 after six.", ("7700 900461", "900461")),
    (f"My card is {CARD} as before.", (CARD, CARD[:12])),
    (f"The account is {IBAN}.", (IBAN.lower(), IBAN[4:])),
    ("My password is Zyxq!tr0mbone7 for now.", ("zyxq!tr0mbone7", "tr0mbone")),
    (f"The key {ACCESS_KEY} does not work.", (ACCESS_KEY.lower(),)),
    ("It comes from 91.198.174.77 each time.", ("91.198.174.77",)),
    ("See arn:aws:iam::482913776510:user/zyxdeploy for it.", ("482913776510", "zyxdeploy")),
    ("My social security number is 536-22-8714.", ("536-22-8714",)),
    ("My date of birth is 14/03/1983.", ("14/03/1983",)),
    ("My passport number is C4ZY63K29.", ("c4zy63k29",)),
    ("My username is zyxhandle42.", ("zyxhandle42",)),
    ("It lies in C:\\Users\\zyxwinuser\\Documents.", ("zyxwinuser",)),
    ("Open https://portal.qorvath.net/reset?token=a8Zk3LmQ9vTr5WxB2.", ("a8zk3lmq9vtr5wxb2",)),
)
# What nobody reads, or what can be no category, date or case: these words may be nowhere.
MARKERS = ("zyxnote", "zyxheader", "zyxgold", "zyxdate", "zyxauthor", "zyxtag", "zyxnoid", "zyxtwin", "zyxmeta")
_IN_FIELDS = ("zyxsubject", "zyxproduct", "bartholomew", "quigley")
NEEDLES = tuple(dict.fromkeys([*(n for _, said in MASKED for n in said), *_IN_FIELDS, *MARKERS]))


def _turns(seed: str) -> tuple[str, str]:
    """What the customer and the agent write; the same words for the same seed."""
    asked = " ".join(sentence for sentence, _ in MASKED)
    customer = f"My printer {words(seed)}. {asked}\nThanks,\n{CUSTOMER}"
    return customer, f"Hi gwendolyn,\nwe looked at {words(seed + 'a', 5)}.\nBest regards,\n{AGENT}"


def as_csv(prefix: str, cases: int = 2) -> bytes:
    """A table with canaries in its columns, its headers, its bad rows and the text around its dates."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    head = ["case_id", "subject", "text", "product", "created_at", "gold_category", "Author", "zyxheader", "Internal"]
    writer.writerow(head)
    for n in range(cases):
        text, product = "\n\n".join(_turns(f"{prefix}{n}")), f"Printer of zyxproduct{_DOMAIN}"
        subject, created = f"Invoice for zyxsubject{_DOMAIN}", "2026-03-04 09:00 as zyxdate said"
        row = [f"{prefix}-{n}", subject, text, product, created, "zyxgold", "Ottoline Zyxauthor", "zyxnote", "zyxtag"]
        writer.writerow(row)
    writer.writerow([f"{prefix}-0", "zyxtwin", "zyxtwin, another text of the same id"])
    writer.writerow(["", "zyxnoid", f"zyxnoid, says {CUSTOMER}"])
    return stream.getvalue().encode()


def as_json(prefix: str, cases: int = 2) -> bytes:
    """A helpdesk's nested export with the same, and with authors and records that no profile reads."""
    rows = [
        {
            "id": f"{prefix}-{n}",
            "subject": f"Invoice for zyxsubject{_DOMAIN}",
            "description": "",
            "requester_id": 7,
            "product": f"Printer of zyxproduct{_DOMAIN}",
            "created_at": "zyxdate 2026",
            "gold_category": "zyxgold",
            "tags": ["zyxtag"],
            "custom_fields": [{"zyxheader": "zyxnote"}],
            "comments": [
                {"author_id": 7 + turn, "author": {"name": "Ottoline Zyxauthor"}, "body": text, "via": "zyxmeta"}
                for turn, text in enumerate(_turns(f"{prefix}{n}"))
            ],
        }
        for n in range(cases)
    ]
    broken = [{"subject": "zyxnoid", "description": f"zyxnoid, says {CUSTOMER}"}, "zyxtwin", None]
    return json.dumps([*rows, *broken]).encode()


def leaks(pipeline: Pipeline, **more: str | bytes) -> list[tuple[str, str]]:
    """Every place outside the room for raw text that holds a planted word, with that word; `more` are further places.

    Written as JSON, with and without escapes, in any letter case, packed or not.
    """
    searched = [*places(pipeline), *((name, _text(held)) for name, held in more.items())]
    return sorted({(place, needle) for place, text in searched for needle in NEEDLES if needle in text.casefold()})


def places(pipeline: Pipeline) -> Iterator[tuple[str, str]]:
    """Each place of the running stack, and what it holds."""
    for path in sorted(pipeline.logs.glob("*")):
        yield f"log {path.name}", path.read_text(errors="replace")
    for table in ("LedgerTable", "IdempotencyTable"):
        yield f"table {table}", _plain(pipeline.table(table))
    yield from _objects(pipeline)
    yield from _executions(pipeline)
    for page in pipeline.stack.client("ssm").get_paginator("describe_parameters").paginate():
        yield "parameters", _plain(page)
    logs = pipeline.stack.client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        yield f"log group {group['logGroupName']}", _plain(logs.filter_log_events(logGroupName=group["logGroupName"]))


def _objects(pipeline: Pipeline) -> Iterator[tuple[str, str]]:
    s3 = pipeline.aws["s3"]
    for logical in ("DataBucket", "RawBucket"):
        bucket = pipeline.physical(logical)
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for entry in page.get("Versions", []):
                if logical == "RawBucket" and (not entry["Key"].startswith("runs/") or "/cases/" in entry["Key"]):
                    continue  # the room itself; of what ingest leaves there the rejects say nothing of their rows
                read = s3.get_object(Bucket=bucket, Key=entry["Key"], VersionId=entry["VersionId"])
                yield f"{logical} {entry['Key']}", _text(read["Body"].read()) + _plain(read["Metadata"])


def _executions(pipeline: Pipeline) -> Iterator[tuple[str, str]]:
    steps = pipeline.aws["stepfunctions"]
    for machine in ("LabelCases", "PredictCases"):
        for page in steps.get_paginator("list_executions").paginate(stateMachineArn=pipeline.physical(machine)):
            for execution in page["executions"]:
                arn = {"executionArn": execution["executionArn"]}
                yield f"execution of {machine}", _plain(steps.describe_execution(**arn))
                for history in steps.get_paginator("get_execution_history").paginate(**arn):
                    yield f"history of {machine}", _plain(history)


def _text(held: str | bytes) -> str:
    if isinstance(held, bytes):
        with contextlib.suppress(gzip.BadGzipFile):
            held = gzip.decompress(held)
        held = held.decode("utf-8", "replace")
    return held


def _plain(value: Any) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)


class Bus:
    """Every event of the bus, from here on."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._sqs = pipeline.stack.client("sqs")
        self._queue = self._sqs.create_queue(QueueName="canaries")["QueueUrl"]
        events = pipeline.aws["events"]
        events.put_rule(Name="canaries", EventPattern=json.dumps({"source": [{"prefix": ""}]}))
        arn = f"arn:aws:sqs:{pipeline.stack.region}:123456789012:canaries"
        events.put_targets(Rule="canaries", Targets=[{"Id": "all", "Arn": arn}])

    def heard(self) -> str:
        """All that came since the last look."""
        found = []
        while more := self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            for message in more:
                found.append(message["Body"])
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return "\n".join(found)


RAISES = '''
"""Loaded by Python itself before the function: masking breaks, and says with which texts."""
import plumbline.anonymize as broken

def replacements(texts, *_, **__):
    raise ValueError(f"cannot read {texts}")

broken.replacements = replacements
'''


@contextlib.contextmanager
def broken_masking(pipeline: Pipeline, function: str, folder: Path) -> Iterator[None]:
    """Masking in this function raises an error that quotes the case, while the block runs."""
    (folder / "sitecustomize.py").write_text(RAISES)
    layout = pipeline.stack.pools._layouts[pipeline.physical(function)]
    path = ":".join(map(str, (folder, *layout.search_path)))
    with pipeline.environment(function, PYTHONPATH=path):
        yield
