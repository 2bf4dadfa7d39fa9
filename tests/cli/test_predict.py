"""`plumbline predict`: what is sent, what is shown, and what each error of the API becomes."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import EndpointConnectionError
from botocore.httpsession import URLLib3Session

from cli import local_stack, main
from cli.api import PredictionApi, Refused
from cli.doubts import doubt, doubt_of
from cli.errors import CliError
from cli.predict import line
from cli.stack import Stack
from local.info import LocalInfo
from plumbline import keys
from plumbline.accuracy import wilson
from plumbline.adapters.s3 import S3ObjectStore
from plumbline.contracts.api import Prediction
from plumbline.contracts.models import CARD_FILE, DatasetRef, ModelCard, ServingFile
from tools.tiny_model import tiny_card


def prediction(**more: Any) -> dict[str, Any]:
    return {
        "category": "Billing Inquiry",
        "confidence": 0.93,
        "alternatives": [{"category": "Software Defect", "confidence": 0.04}],
        "abstained": False,
        "model_version": "plumbline-root-cause-1",
        "anonymized_entities": {"NAME": 2, "PHONE": 1},
        "request_id": "r1",
        **more,
    }


def problem(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "request_id": "r1"}}


class Answer:
    def __init__(self, status: int, body: object) -> None:
        self.status_code = status
        self.content = body if isinstance(body, bytes) else json.dumps(body).encode()


class Api:
    """Answers in turn, the last answer again and again; remembers what was asked."""

    def __init__(self, *answers: Answer | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[AWSPreparedRequest] = []

    def send(self, request: AWSPreparedRequest) -> Answer:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.body) for request in self.requests]  # type: ignore[arg-type]  # bytes, as sent


@pytest.fixture
def where(stack: Stack) -> Stack:
    return Stack(**{**vars(stack), "api_url": "https://x.execute-api.us-east-1.amazonaws.com/v1"})


@pytest.fixture
def api(where: Stack, monkeypatch: pytest.MonkeyPatch) -> Api:
    fake = Api(Answer(200, prediction()))
    monkeypatch.setattr(URLLib3Session, "send", lambda _, request: fake.send(request))
    monkeypatch.setattr(local_stack, "running", lambda: None)
    monkeypatch.setattr("cli.stack.find", lambda _: where)
    monkeypatch.setattr("cli.api.time.sleep", lambda _: None)
    return fake


def predict(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["plumbline", "predict", *words, "--stack", "demo"])
    with pytest.raises(SystemExit) as ended:
        main.main()
    return int(ended.value.code or 0)


def test_a_text_is_asked_about_and_signed(
    api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert predict(monkeypatch, "--text", "Charged twice, says Ann.", "--subject", "Invoice") == 0
    assert api.bodies == [
        {"subject": "Invoice", "messages": [{"role": "customer", "text": "Charged twice, says Ann."}]}
    ]
    sent = api.requests[0]
    assert sent.url == "https://x.execute-api.us-east-1.amazonaws.com/v1/predictions"
    assert "/us-east-1/execute-api/aws4_request" in str(sent.headers["Authorization"])
    out = capsys.readouterr().out
    for words in ("Model plumbline-root-cause-1", "Billing Inquiry", "93%", "or Software Defect 4%", "2 NAME, 1 PHONE"):
        assert words in out, words


def test_cases_of_a_file_go_one_by_one_without_their_gold_labels(
    api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "cases.csv"
    file.write_text(
        "Ticket ID,Subject,Description,Category\n17,Login,Says expired,Billing Inquiry\n18,,,\n19,Bill,,x\n"
    )
    assert predict(monkeypatch, str(file)) == 1
    assert api.bodies == [
        {"case_id": "17", "subject": "Login", "messages": [{"role": "customer", "text": "Says expired"}]},
        {"case_id": "19", "subject": "Bill", "messages": []},
    ]
    out = capsys.readouterr().out
    assert "18              no answer  no text" in out
    assert "3 cases, 0 abstained, 1 without an answer" in out


def test_json_is_a_line_a_case_and_nothing_else(
    api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = io.BytesIO(b'{"text": "a"}\n{"text": "b", "case_id": "B"}\n')
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(rows))
    api.answers = [Answer(200, prediction()), Answer(413, problem("case_too_large", "above 10 bytes"))]
    assert predict(monkeypatch, "-", "--json") == 1
    first, second = (json.loads(one) for one in capsys.readouterr().out.splitlines())
    assert (first["case_id"], first["category"]) == ("line 1", "Billing Inquiry")
    assert second == {"case_id": "B", "error": {"code": "case_too_large", "message": "above 10 bytes"}}


def test_an_abstention_names_the_best_guess_as_such() -> None:
    best = [{"category": "Spam", "confidence": 0.41}, {"category": "Ham", "confidence": 0.4}]
    text = line(
        "PL-1", Prediction.model_validate(prediction(category=None, confidence=0.41, abstained=True, alternatives=best))
    ).plain
    assert "abstained" in text
    assert "perhaps Spam 41%, Ham 40%" in text


@pytest.mark.parametrize(
    ("answer", "said", "hint"),
    [
        (Answer(503, problem("no_model", "none")), "No model has been promoted yet", "train --stack demo"),
        (Answer(503, problem("model_unavailable", "not reached")), "Not reached.", "/plumbline/demo/predict_case"),
        (Answer(502, {"message": "Internal server error"}), "Internal server error.", "predict_case"),
        (Answer(403, {"message": "Forbidden"}), "denies access: Forbidden", "execute-api:Invoke"),
        (Answer(200, b"<html>"), "does not fit this version", "version that is deployed"),
        (EndpointConnectionError(endpoint_url="x"), "could not be reached", "Check the network"),
    ],
)  # fmt: skip
def test_what_concerns_every_case_ends_the_command(
    api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    answer: Answer | Exception, said: str, hint: str,
) -> None:  # fmt: skip
    api.answers = [answer]
    assert predict(monkeypatch, "--text", "x") == 1
    err = " ".join(capsys.readouterr().err.split())
    assert said in err
    assert hint in err


def test_busy_moments_are_waited_out(where: Stack, api: Api) -> None:
    api.answers = [Answer(429, {"message": "Too Many Requests"}), Answer(503, b""), Answer(200, prediction())]
    slept: list[float] = []
    assert PredictionApi(where, slept.append).predict({"subject": "a"}).category == "Billing Inquiry"
    assert slept == [0.5, 1.0]


def test_no_model_is_not_waited_for(where: Stack, api: Api) -> None:
    api.answers = [Answer(503, problem("no_model", "none"))]
    with pytest.raises(CliError, match="No model"):
        PredictionApi(where).predict({})
    assert len(api.requests) == 1


def test_a_case_that_the_api_refuses_costs_only_itself(where: Stack, api: Api) -> None:
    api.answers = [Answer(422, problem("invalid_case", "no text"))]
    with pytest.raises(Refused, match="no text") as caught:
        PredictionApi(where).predict({})
    assert caught.value.code == "invalid_case"


def test_a_stack_of_an_older_template_has_no_api(stack: Stack) -> None:
    with pytest.raises(CliError, match="has no API"):
        PredictionApi(stack)


def test_many_cases_are_better_asked_in_batch(
    api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text("".join(f'{{"id": {n}, "text": "t"}}\n' for n in range(51)))
    assert predict(monkeypatch, str(file)) == 0
    assert capsys.readouterr().out.count("predict-batch") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Name a FILE, or give --text"),
        (("x.json", "--text", "t"), "FILE and --text were both given"),
        (("--subject", "s"), "--subject goes with --text, which is missing"),
        (("absent.json",), "There is no file absent.json"),
        (("absent.json", "--subject", "s"), "--subject goes with --text, not with a FILE"),
        (("--text", "  "), "The text is empty"),
        ((__file__, "--map", "absent.yaml"), "There is no file absent.yaml"),
    ],
)
def test_wrong_usage(
    api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str
) -> None:
    assert predict(monkeypatch, *words) == 2
    assert said in capsys.readouterr().err
    assert not api.requests


@pytest.fixture
def no_stack(stack: Stack, api: Api, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """No local stack runs; what is started is in the list."""
    started: list[object] = []
    info = LocalInfo(endpoint="http://e", bedrock_endpoint="http://b", stack_name="s", region="us-east-1", pid=1)

    def start(*given: object) -> LocalInfo:
        started.append(given)
        return info

    here = Stack(**{**vars(stack), "local": info, "model_id": "local.embedding", "api_url": "http://a/v1"})
    monkeypatch.setattr(local_stack, "start", start)
    monkeypatch.setattr("cli.stack.at_local", lambda _: here)
    return started


def at_home(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["plumbline", *words])
    with pytest.raises(SystemExit) as ended:
        main.main()
    return int(ended.value.code or 0)


def test_a_stack_that_predict_starts_is_said_before_the_answer(
    no_stack: list[object], home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "state").mkdir(parents=True)
    assert at_home(monkeypatch, "predict", "--text", "x") == 0
    assert len(no_stack) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "No local stack is running: this starts the one that ran here last."
    assert "it goes on after this command. Stop it: plumbline down" in lines[2]
    assert "Billing Inquiry" in lines[-1]


@pytest.mark.parametrize("words", [("predict", "--text", "x"), ("predict-batch",)])
def test_no_stack_is_started_where_none_can_have_a_model(
    no_stack: list[object], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    assert at_home(monkeypatch, *words) == 1
    assert no_stack == []
    err = capsys.readouterr().err
    assert "there is no model to ask" in err
    assert "train on them: plumbline run FILE, then plumbline train. Or name" in err


def card(calibration_error: float, cases: int) -> ModelCard:
    file = ServingFile(name="model.onnx", sha256="0" * 64, bytes=1)
    dataset = DatasetRef(version="d1", manifest_sha256="0", rows={}, train_per_class={})
    made = tiny_card([file], ("A", "B"), dataset)
    accuracy = made.test.accuracy.model_copy(update={"accuracy": wilson(cases // 2, cases)})
    test = made.test.model_copy(update={"calibration_error": calibration_error, "accuracy": accuracy})
    return made.model_copy(update={"test": test})


@pytest.mark.parametrize(
    ("error", "cases", "said"),
    [
        (0.286, 12, "Badly calibrated, says the model card: on 12 test cases confidences are off by 29% on average."),
        (0.03, 169, "169 test cases cannot show an error of 1% (300 can); on them confidences are off by 3%"),
        (0.03, 300, ""),
    ],
)
def test_how_much_a_card_has_to_show_for_a_confidence_above_99(error: float, cases: int, said: str) -> None:
    found = doubt_of(card(error, cases))
    assert said in found
    assert bool(said) == bool(found)


@pytest.mark.parametrize("as_json", [False, True])
def test_a_confidence_above_99_that_is_not_calibrated_is_said_once_a_model(
    api: Api, where: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path,
    as_json: bool,
) -> None:  # fmt: skip
    version = "plumbline-root-cause-1"
    bad = card(0.286, 12).model_dump_json().encode()
    S3ObjectStore(where.data_bucket).write(keys.serving("root_cause", version, CARD_FILE), bad)
    file = tmp_path / "cases.jsonl"
    file.write_text("".join(f'{{"id": {n}, "text": "t"}}\n' for n in range(4)))
    api.answers = [
        Answer(200, prediction(confidence=c, model_version=v))
        for c, v in ((0.99, version), (0.996, version), (0.999, version), (0.994, "llm:claude"))
    ]
    assert predict(monkeypatch, str(file), *(("--json",) if as_json else ())) == 0
    captured = capsys.readouterr()
    lines = (captured.err if as_json else captured.out).splitlines()
    warned = [number for number, line in enumerate(lines) if line.startswith("! Above 99%: ")]
    assert len(warned) == 2
    assert "Badly calibrated, says the model card" in lines[warned[0]]
    assert lines[warned[0]].endswith("See plumbline models show --stack demo")
    assert "a language model's confidence is a rank" in lines[warned[1]]
    if as_json:
        assert len([json.loads(line) for line in captured.out.splitlines()]) == 4
    else:
        assert lines[warned[0] - 1].startswith("1 ")  # the second case


def test_a_card_that_cannot_be_read_leaves_it_open(where: Stack) -> None:
    assert "unknown: the model card cannot be read" in doubt(where, "plumbline-root-cause-1")


def test_a_file_that_cannot_be_read_is_said(
    api: Api, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "cases.csv"
    file.write_text("colour,product\nred,3\n")
    assert predict(monkeypatch, str(file)) == 1
    err = " ".join(capsys.readouterr().err.split())
    assert "found the fields colour, product; could not find a text (such as" in err
    assert "name it with --map" in err
    assert "product, case_id" not in err
