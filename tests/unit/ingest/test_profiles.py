"""The exports of common helpdesks, in the field names that they really use."""

import json
from datetime import UTC, datetime
from pathlib import Path

from plumbline.ingest.json_rows import LIST_KEYS
from plumbline.ingest.profiles import GENERIC, PER_MESSAGE, VENDORS
from plumbline.ingest.rows import Reason
from tests.unit.ingest.helpers import run_ingest, said


def test_zendesk_json() -> None:
    ticket = {
        "id": 35436,
        "subject": "Help, my printer is on fire",
        "description": "The fire is very colorful.",
        "created_at": "2009-07-20T22:55:29Z",
        "updated_at": "2011-05-05T10:38:52Z",
        "requester_id": 20978392,
        "via": {"channel": "web"},
        "satisfaction_rating": {"score": "good"},
        "comments": [
            {"author_id": 20978392, "plain_body": "The fire is very colorful.", "created_at": "2009-07-20T22:55:29Z"},
            {"author_id": 1, "html_body": "<p>Did you try <b>water</b>?</p>", "created_at": "2009-07-20T23:55:29Z"},
        ],
    }
    done = run_ingest(json.dumps({"tickets": [ticket], "count": 1}))
    assert done.result.file_format == "json/zendesk"
    assert done.only.case_id == "35436"
    assert said(done.only) == [("customer", "The fire is very colorful."), ("agent", "Did you try water?")]
    assert done.only.created_at == datetime(2009, 7, 20, 22, 55, 29, tzinfo=UTC)


def test_zendesk_csv() -> None:
    done = run_ingest(
        "Id,Requester,Requester id,Subject,Description,Via,Created at\n9,Ann,77,Late,Where is it?,Mail,\n"
    )
    assert done.result.file_format == "csv/zendesk"
    assert said(done.only) == [("customer", "Where is it?")]


def test_jira_service_management_json_with_documents() -> None:
    body = {"type": "doc", "content": [{"type": "paragraph", "content": [{"type": "text", "text": "It broke"}]}]}
    issue = {
        "key": "HELP-1",
        "fields": {
            "summary": "Broken",
            "description": body,
            "created": "2025-03-01T10:00:00.000+0100",
            "reporter": {"accountId": "c-1"},
            "components": [{"name": "Checkout"}],
            "comment": {
                "comments": [
                    {"author": {"accountId": "a-2"}, "body": "Fixed", "created": "2025-03-02T10:00:00.000+0100"},
                    {"author": {"accountId": "c-1"}, "body": "Thanks", "created": "2025-03-03T10:00:00.000+0100"},
                ]
            },
        },
    }
    done = run_ingest(json.dumps({"startAt": 0, "total": 1, "issues": [issue]}))
    assert done.result.file_format == "json/jira"
    assert (done.only.subject, done.only.product) == ("Broken", "Checkout")
    assert said(done.only) == [("customer", "It broke"), ("agent", "Fixed"), ("customer", "Thanks")]
    assert done.only.created_at == datetime(2025, 3, 1, 9, tzinfo=UTC)


def test_jira_csv_with_repeated_comment_columns() -> None:
    done = run_ingest(
        "Summary,Issue key,Issue id,Reporter,Description,Comment,Comment,Comment\n"
        'Broken,HELP-1,100,ann,It broke,"02/Mar/25 3:02 PM;bob;Fixed; really","01/Mar/25 3:02 PM;ann;Still?",\n'
    )
    assert done.result.file_format == "csv/jira-csv"
    assert said(done.only) == [("customer", "It broke"), ("customer", "Still?"), ("agent", "Fixed; really")]


def test_servicenow_records_and_journals() -> None:
    record = {
        "number": "INC0010001",
        "short_description": "VPN down",
        "description": "No tunnel",
        "caller_id": {"display_value": "Ann Lee", "link": "https://x.service-now.com/api/1"},
        "category": "Inquiry / Help",
        "opened_at": "2025-03-01 10:00:00",
        "comments": "2025-03-02 10:00:00 - Bob Ray (Additional comments)\nRestart it\n\n"
        "2025-03-01 11:00:00 - Ann Lee (Additional comments)\nHurry (please)\n\n",
        "work_notes": "2025-03-01 12:00:00 - Bob Ray (Work notes)\nKnown outage\n\n",
        "close_notes": "Router replaced",
    }
    done = run_ingest(json.dumps({"result": [record]}))
    assert done.result.file_format == "json/servicenow"
    assert done.only.gold_category is None  # ServiceNow's own category is no root cause
    assert said(done.only) == [
        ("customer", "No tunnel"),
        ("customer", "Hurry (please)"),
        ("agent", "Known outage"),
        ("agent", "Restart it"),
        ("agent", "Router replaced"),
    ]


def test_servicenow_comments_without_a_journal_head_are_one_message() -> None:
    record = {"number": "INC0010002", "short_description": "VPN down", "comments": "It is down again"}
    done = run_ingest(json.dumps({"result": [record]}))
    assert [message.text for message in done.only.messages] == ["It is down again"]


def test_freshdesk_json() -> None:
    ticket = {
        "id": 5,
        "subject": "Bill",
        "description": "<div>Too <i>high</i></div>",
        "description_text": "Too high",
        "requester_id": 1,
        "conversations": [
            {"body": "<div>Why?</div>", "body_text": "Why?", "incoming": False, "created_at": "2025-01-02T00:00:00Z"},
            {"body": "<div>It <br>doubled</div>", "incoming": True, "created_at": "2025-01-03T00:00:00Z"},
        ],
    }
    done = run_ingest(json.dumps([ticket]))
    assert done.result.file_format == "json/freshdesk"
    assert said(done.only) == [("customer", "Too high"), ("agent", "Why?"), ("customer", "It\ndoubled")]


def test_aws_support_cases_newest_first() -> None:
    case = {
        "caseId": "case-12345678910-2013-c4c1d2bf33c5cf47",
        "displayId": "12345678910",
        "subject": "Quota",
        "serviceCode": "amazon-dynamodb",
        "categoryCode": "general-guidance",
        "recentCommunications": {
            "communications": [
                {"body": "Done", "submittedBy": "Amazon Web Services", "timeCreated": "2025-01-02T00:00:00.000Z"},
                {
                    "body": "More",
                    "submittedBy": "Admin (Role) <a@example.com>",
                    "timeCreated": "2025-01-01T00:00:00.000Z",
                },
            ]
        },
    }
    done = run_ingest(json.dumps({"cases": [case]}))
    assert done.result.file_format == "json/aws-support"
    assert (done.only.case_id, done.only.product, done.only.gold_category) == ("12345678910", "amazon-dynamodb", None)
    assert said(done.only) == [("customer", "More"), ("agent", "Done")]


def test_a_message_a_row() -> None:
    done = run_ingest(
        "ticket_id,role,message,created_at,subject,category\n"
        "1,customer,Hi,2025-01-01T00:00:00Z,Hello,Billing\n"
        "1,AGENT,Yes?,2025-01-01T00:01:00Z,,\n"
        "1,customer,,2025-01-01T00:02:00Z,,\n"
        "2,end-user,Ho,2025-01-01T00:00:00Z,,\n"
    )
    assert done.result.file_format == "csv/generic-messages"
    assert done.cases["1"].subject == "Hello"
    assert done.cases["1"].gold_category == "Billing"
    assert said(done.cases["1"]) == [("customer", "Hi"), ("agent", "Yes?")]
    assert said(done.cases["2"]) == [("customer", "Ho")]


def test_a_case_that_comes_back_later_is_a_reject_and_a_repeat_counts() -> None:
    done = run_ingest("ticket_id,role,text\n1,customer,Hi\n2,customer,Ho\n1,agent,Late\n2,customer,Ho\n")
    assert said(done.cases["1"]) == [("customer", "Hi")]
    assert done.reasons == [(4, "duplicate id with other text")]
    assert done.result.repeated == 1


def test_messages_as_json_in_a_cell_and_plain_list() -> None:
    cell = json.dumps([{"Role": "agent", "Body": "Hello"}]).replace('"', '""')
    done = run_ingest(f'id,messages\n1,"{cell}"\n')
    assert said(done.only) == [("agent", "Hello")]
    done = run_ingest('{"id": "1", "messages": ["one", "two"]}')
    assert [text for _, text in said(done.only)] == ["one", "two"]


def test_rows_that_leave_out_their_last_cells() -> None:
    done = run_ingest("id,subject,text\n1,only a subject\n2\n")
    assert done.only.subject == "only a subject"
    assert done.reasons == [(3, "no text")]


def test_the_documentation_names_every_alias_and_reason() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "case-files.md").read_text(encoding="utf-8")
    paths = {*GENERIC.case_id, *GENERIC.subject, *GENERIC.text, *GENERIC.html, *GENERIC.created_at, *GENERIC.gold}
    paths |= {*GENERIC.updated_at, *GENERIC.product, *GENERIC.messages.lists, *PER_MESSAGE, *LIST_KEYS}
    paths |= {*GENERIC.messages.text, *GENERIC.messages.role, *GENERIC.messages.at, *(p for p, _ in GENERIC.closing)}
    vendors = {vendor.name for vendor in VENDORS}
    assert sorted(name for name in paths | vendors | {*Reason} if f"`{name}`" not in page) == []


def test_a_subject_alone_is_text_enough() -> None:
    done = run_ingest("id,subject,description\n1,Invoice 12 is wrong,\n")
    assert (done.only.subject, done.only.messages) == ("Invoice 12 is wrong", ())
