"""Online applications (网上申请, 1.3): sent without sign-in, registered by the township, followed with number and code; and abuse of it."""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from doudi.batch.tokens import Kind
from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.core.messaging import text_of
from doudi.core.models import AccessRecord, Attachment, Duty, Message, Todo
from doudi.core.services.attachments import attachments_of
from doudi.core.services.messages import opt_out
from doudi.core.tests.officers import client_of, officer
from doudi.core.tests.together import together
from doudi.enrolment.models import Application, Authorisation, Case, Document
from doudi.enrolment.services import accepting
from doudi.portal.facts import HouseholdFacts, MemberFacts
from doudi.portal.models import OnlineApplication
from doudi.portal.services import applications, following
from doudi.portal.services.applications import Named, Sent
from doudi.portal.tests.world import COUNTY, NOW, TOWN, VILLAGE, filled, guards, picture
from doudi.registry.models import Fact, Household, Person
from doudi.registry.tests import helpers

pytestmark = pytest.mark.django_db
URL = f"/portal/apply/?place={COUNTY}"
HEAD, WIFE = helpers.id_number(date(1957, 3, 1)), helpers.id_number(date(1960, 5, 2))
PHONE = "13800138000"
PHONES = (f"138{number:08d}" for number in range(13800, 99999999))  # a phone gets few codes an hour, counted for good: each test has its own
FACTS = HouseholdFacts(COUNTY, "rural", (MemberFacts("1957-03-01", transfers=120), MemberFacts("1960-05-02", serious_illness=True)), rigid=9000, savings=2000)
SENT = Sent(
    applicant=Named("王长顺", HEAD), phone=PHONE, residence="rural", address="某村东头第三家", members=[Named("李秀英", WIFE, "10")], programmes=["dibao"],
    note="老伴有病", facts=FACTS,
)  # fmt: skip
GIVEN = {
    "area": TOWN, "address": "某村东头第三家", "name": "王长顺", "id_number": HEAD, "phone": PHONE, "residence": "rural", "programmes": ["dibao"], "note": "", "agree": "on",
    "true": "on", "m1-name": "李秀英", "m1-id_number": WIFE, "m1-relationship": "10",
}  # fmt: skip


@pytest.fixture(autouse=True)
def november() -> object:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def town() -> scopes.Scope:
    return officer(Duty.TOWNSHIP_OFFICER, TOWN)


def send(sent: Sent = SENT, **more: Any) -> str:
    return applications.send_application(uuid=more.pop("uuid", None) or uuid4(), area=more.pop("area", TOWN), sent=sent, now=NOW)


def changed(**changes: Any) -> Sent:
    return Sent(**{**SENT.__dict__, **changes})


def one(scope: scopes.Scope, number: str) -> OnlineApplication:
    with scopes.acting(scope):
        return OnlineApplication.objects.get(number=number)


def register(scope: scopes.Scope, number: str, **changes: Any) -> Application:
    row = one(scope, number)
    given: dict[str, Any] = {"version": row.version, "village": VILLAGE, "programmes": [("dibao", None)], "identity_seen": True, "now": NOW} | changes
    with scopes.acting(scope):
        return applications.register_application(application_id=row.pk, **given)


def test_1_3_a_citizen_applies_on_the_phone_and_the_township_finds_it(visitor: Client, town: scopes.Scope) -> None:
    paper = SimpleUploadedFile("王长顺身份证.jpg", picture(), "image/jpeg")
    answer = visitor.post(URL, filled(visitor, URL, GIVEN) | {"papers_identity": paper})
    assert answer.status_code == 200, answer.content.decode()
    number = re.search(r"WS410122\d{9}", answer.content.decode())
    assert number
    row = one(town, number[0])
    assert (row.name, row.area, row.state, row.programmes) == ("王长顺", TOWN, "sent", ["dibao"])
    with scopes.acting(town):
        assert not Person.objects.filter(name="王长顺").exists(), "nothing enters the registry before an officer has looked"
        assert Todo.objects.get(subject="online_application", subject_id=row.pk).due == date(2022, 11, 29)
        assert Attachment.objects.get(subject="online_application", subject_id=row.pk).name.startswith("身份证户口簿")
    desk = client_of(town)
    assert number[0] in desk.get("/portal/applications/").content.decode()
    page = desk.get(f"/portal/applications/{row.pk}/").content.decode()
    assert "李秀英" in page and PHONE not in page and HEAD not in page
    assert PHONE in desk.post(f"/portal/applications/{row.pk}/reveal/phone/").content.decode()
    with scopes.acting(officer(Duty.AUDITOR, COUNTY)):
        assert AccessRecord.objects.filter(subject="online_application", what="reveal", field="phone").exists()
    elsewhere = client_of(officer(Duty.TOWNSHIP_OFFICER, "410122102"))
    assert elsewhere.get(f"/portal/applications/{row.pk}/").status_code == 404
    assert elsewhere.post(f"/portal/applications/{row.pk}/reveal/phone/").status_code == 404
    assert client_of(officer(Duty.FINANCE_OFFICER)).get("/portal/applications/").status_code == 403


def test_1_3_registering_makes_household_application_documents_and_declared_facts(town: scopes.Scope) -> None:
    number = send(changed(papers={"identity": [picture()]}))
    made = register(town, number)
    with scopes.acting(town):
        household = Household.objects.get(pk=made.household_id)
        assert household.area == VILLAGE and household.memberships.count() == 2
        assert (made.channel, made.applied_on, Case.objects.get(application=made).step) == ("portal", date(2022, 11, 25), "accept")
        papers = {row.paper: row for row in Document.objects.filter(application=made)}
        assert set(papers) == {"form", "income", "property", "identity"}
        assert attachments_of(subject="document", subject_id=papers["identity"].pk).count() == 1
        assert Authorisation.objects.get(household=household).sign == "online"
        declared = {(row.person_id, row.kind): row.number for row in Fact.objects.filter(source="declared")}
        assert declared[(made.applicant_id, "transfer_income")] == 1440 and declared[(None, "rigid_expenditure")] == 9000
        assert not Todo.objects.filter(subject="online_application", done_at__isnull=True).exists()
        assert "李秀英的核对授权书" in accepting.owed(made, list(made.cases.all()), on=date(2022, 11, 25)), "each adult signs"
        assert Message.objects.filter(template="portal.registered").count() == 1


def test_1_3_a_household_that_is_registered_stays_as_it_is(town: scopes.Scope) -> None:
    home = helpers.household(town, area=VILLAGE, name="王长顺", members=[], id_number=HEAD)
    made = register(town, send(changed(members=[])))
    with scopes.acting(town):
        assert made.household_id == home.pk and not Fact.objects.filter(source="declared").exists()


def test_1_3_members_of_another_household_are_for_the_officer_to_sort_out(town: scopes.Scope) -> None:
    helpers.household(town, area=VILLAGE, name="李秀英", members=[], id_number=WIFE)
    with pytest.raises(ValidationError, match="李秀英"):
        register(town, send())
    assert one(town, send()).state == "sent"


def test_1_3_two_officers_at_one_application_and_a_second_time_are_told(town: scopes.Scope) -> None:
    number = send()
    row = one(town, number)
    register(town, number)
    with scopes.acting(town), pytest.raises(ValidationError, match="刚由其他工作人员办理"):
        applications.decline_application(application_id=row.pk, version=row.version, reason="查无此人，请到窗口", now=NOW)
    with pytest.raises(ValidationError, match="核对申请人身份"):
        register(town, send(), identity_seen=False)


def test_1_3_the_same_form_is_one_application_and_numbers_tell_nothing(town: scopes.Scope) -> None:
    uuid = uuid4()
    first = send(uuid=uuid)
    assert send(uuid=uuid) == first
    second = send()
    assert second != first, "the number of another sending must not tell that there was one before"
    assert first in client_of(town).get(f"/portal/applications/{one(town, second).pk}/").content.decode()


@pytest.mark.usefixtures("committed_db")
def test_1_3_a_double_click_is_one_application() -> None:
    town, uuid = officer(Duty.TOWNSHIP_OFFICER, TOWN), uuid4()
    numbers_, _refused = together(lambda: send(uuid=uuid), lambda: send(uuid=uuid))
    assert len(set(numbers_)) == 1
    with scopes.acting(town):
        assert OnlineApplication.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"applicant": Named("王长顺", HEAD[:-1] + ("0" if HEAD[-1] != "0" else "1"))}, "id_number"), ({"applicant": Named("", HEAD)}, "name"),
        ({"phone": "0371-62160000"}, "phone"), ({"phone": "1380013"}, "phone"), ({"residence": "moon"}, "residence"), ({"address": ""}, "address"),
        ({"members": [Named("李秀英", WIFE, "")]}, "m1-relationship"), ({"members": [Named("李秀英", "123", "10")]}, "m1-id_number"),
        ({"members": [Named("王长顺", HEAD, "10")]}, "id_number"), ({"programmes": ["gold"]}, "programmes"),
    ],
)  # fmt: skip
def test_1_3_what_is_wrong_is_said_by_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as refused:
        send(changed(**changes))
    assert field in refused.value.message_dict


@pytest.mark.parametrize("area", ["", COUNTY, "410122999", VILLAGE, "110101001"])
def test_1_3_only_a_township_that_there_is(area: str) -> None:
    with pytest.raises(ValidationError):
        send(area=area)


def test_1_3_rare_names_and_numbers_of_15_digits(town: scopes.Scope) -> None:
    old = HEAD[:6] + HEAD[8:17]
    row = one(town, send(changed(applicant=Named("𠮷田·阿卜杜拉", old), members=[])))
    assert row.name == "𠮷田·阿卜杜拉" and numbers.plain(row.token) == HEAD


def test_1_3_errors_of_a_member_stand_at_the_row(visitor: Client) -> None:
    page = visitor.post(URL, filled(visitor, URL, GIVEN | {"m1-name": "", "m1-id_number": "", "m3-name": "李秀英", "m3-id_number": "1234", "m3-relationship": "10"}))
    html = page.content.decode()
    assert page.status_code == 422 and re.search(r'id="id_m3-id_number"[^>]*aria-invalid|aria-invalid[^>]*id="id_m3-id_number"', html), html


def test_1_3_what_is_not_agreed_or_too_large_is_not_taken(visitor: Client, town: scopes.Scope) -> None:
    given = {name: value for name, value in GIVEN.items() if name != "agree"}
    assert visitor.post(URL, filled(visitor, URL, given)).status_code == 422
    big = SimpleUploadedFile("a.jpg", picture() + b"\x00" * (8 * 1024 * 1024 + 1), "image/jpeg")
    assert visitor.post(URL, filled(visitor, URL, GIVEN) | {"papers_identity": big}).status_code == 422
    program = SimpleUploadedFile("a.pdf", b"%PDF-1.4 /JavaScript (x) %%EOF", "application/pdf")
    assert visitor.post(URL, filled(visitor, URL, GIVEN) | {"papers_form": program}).status_code == 422
    many = [SimpleUploadedFile(f"{n}.jpg", picture(), "image/jpeg") for n in range(9)]
    assert visitor.post(URL, filled(visitor, URL, GIVEN) | {"papers_identity": many}).status_code == 422
    with scopes.acting(town):
        assert not OnlineApplication.objects.exists() and not Attachment.objects.exists()


def sms(scope: scopes.Scope) -> list[str]:
    """Codes that were sent, as they stand in the messages."""
    with scopes.acting(scopes.Scope(area="41", page="test")):
        return [found[0] for row in Message.objects.filter(template="phone.code", phone__isnull=False).order_by("id") if (found := re.search(r"\d{6}", text_of(row)))]


def ask(visitor: Client, number: str, phone: str) -> Any:
    return visitor.post("/portal/follow/", filled(visitor, "/portal/follow/", {"number": number, "phone": phone}))


def masked(html: str, *given: str) -> str:
    for each in given:
        html = html.replace(each, "…")
    return re.sub(r'value="[A-Za-z0-9]{64}"', "", html)


def test_1_3_a_case_is_followed_with_number_and_code(visitor: Client, town: scopes.Scope) -> None:
    phone = next(PHONES)
    number = send(changed(phone=phone))
    assert ask(visitor, number, phone).status_code == 200
    (code,) = sms(town)
    page = visitor.post("/portal/follow/code/", {"number": number, "phone": phone, "code": code})
    html = page.content.decode()
    assert page.status_code == 200 and "no-store" in page["Cache-Control"] and "乡镇（街道）核对登记" in html and "2022-11-29" in html
    assert visitor.post("/portal/follow/code/", {"number": number, "phone": phone, "code": code}).status_code == 422, "a code counts once"
    made = register(town, number)
    for followed in (number, made.number):
        ask(visitor, followed, phone)
        page = visitor.post("/portal/follow/code/", {"number": followed, "phone": phone, "code": sms(town)[-1]})
        html = page.content.decode()
        assert page.status_code == 200 and "最低生活保障" in html and "受理" in html and "王长顺" not in html and HEAD not in html


def test_1_3_a_declined_application_tells_why(visitor: Client, town: scopes.Scope) -> None:
    phone = next(PHONES)
    number = send(changed(phone=phone))
    row = one(town, number)
    answer = client_of(town).post(f"/portal/applications/{row.pk}/decline/", {"version": row.version, "reason": "户籍地在外县，请到户籍地申请"})
    assert answer.status_code == 302
    ask(visitor, number, phone)
    page = visitor.post("/portal/follow/code/", {"number": number, "phone": phone, "code": sms(town)[-1]}).content.decode()
    assert "户籍地在外县" in page


def test_1_3_who_wants_no_messages_is_still_told_that_an_application_was_answered(town: scopes.Scope) -> None:
    phone = next(PHONES)
    with scopes.acting(town):
        opt_out(area=TOWN, phone=numbers.token_of(Kind.PHONE, phone), now=NOW)
    refused, taken = one(town, send(changed(phone=phone))), send(changed(phone=phone))
    with scopes.acting(town):
        applications.decline_application(application_id=refused.pk, version=refused.version, reason="户籍地在外县，请到户籍地申请", now=NOW)
    register(town, taken)
    with scopes.acting(scopes.Scope(area="41", page="test")):
        sent = dict(Message.objects.filter(phone=numbers.token_of(Kind.PHONE, phone)).values_list("template", "state"))
    assert sent == {"portal.declined": Message.State.QUEUED, "portal.again": Message.State.REFUSED, "portal.registered": Message.State.REFUSED}


def test_1_3_a_wrong_number_or_phone_is_answered_like_a_right_one(visitor: Client, town: scopes.Scope) -> None:
    phone = next(PHONES)
    number = send(changed(phone=phone))
    wrong = [(number, "13900139000"), ("WS410122999999999", phone), ("'; drop", phone), (number.lower(), "139"), ("１２３", "abc")]
    right = ask(visitor, number, phone)
    pages = [masked(right.content.decode(), number, phone)]
    for each in wrong:
        answer = ask(visitor, *each)
        assert answer.status_code == right.status_code
        pages.append(masked(answer.content.decode().replace("&#x27;", "'"), *each))
    assert len(set(pages)) == 1 and len(sms(town)) == 1
    refused = set()
    for each in [(number, phone), *wrong]:
        answer = visitor.post("/portal/follow/code/", {"number": each[0], "phone": each[1], "code": "123456"})
        refused.add(masked(answer.content.decode().replace("&#x27;", "'"), *each))
    assert len(refused) == 1


def test_1_3_guessing_codes_ends_after_five_tries(visitor: Client, town: scopes.Scope) -> None:
    phone = next(PHONES)
    number = send(changed(phone=phone))
    ask(visitor, number, phone)
    (code,) = sms(town)
    for guess in range(5):
        wrong = f"{(int(code) + guess + 1) % 1_000_000:06d}"
        assert following.look(number=number, phone=phone, code=wrong, now=NOW) is None
    assert following.look(number=number, phone=phone, code=code, now=NOW) is None


def test_1_3_the_guards_of_a_public_form_hold_here_too(visitor: Client, town: scopes.Scope) -> None:
    trapped = visitor.post(URL, filled(visitor, URL, GIVEN) | {"website": "x"})
    assert re.search(r"WS410122\d{9}", trapped.content.decode())
    given = GIVEN | guards(visitor.get(URL).content.decode()) | {"answer": "77"}
    assert visitor.post(URL, given).status_code == 422
    assert Client(enforce_csrf_checks=True).post(URL, GIVEN).status_code == 403
    with scopes.acting(town):
        assert not OnlineApplication.objects.exists()


def test_1_3_a_second_application_tells_the_first_one_s_phone_and_nobody_else(town: scopes.Scope) -> None:
    mine, strange = next(PHONES), next(PHONES)
    first = send(changed(phone=mine))
    again = send(changed(phone=strange))
    with scopes.acting(town):
        (told,) = Message.objects.filter(template="portal.again")
        assert told.phone == numbers.token_of(numbers.Kind.PHONE, mine)
        words = text_of(told)
        assert first in words and again in words and "王长顺" not in words
    send(changed(phone=mine, programmes=["tekun"]))
    with scopes.acting(town):
        assert Message.objects.filter(template="portal.again").count() == 1, "another programme is another application"


def test_1_3_the_officer_takes_applications_of_one_person_together_and_nothing_is_lost(visitor: Client, town: scopes.Scope) -> None:
    phone = next(PHONES)
    first = send(changed(phone=phone))
    second = send(changed(phone=phone, papers={"illness": [picture()]}))
    other = send(changed(phone=phone, applicant=Named("李秀英", WIFE), members=[], programmes=["dibao"]))
    row, again, stranger = (one(town, number) for number in (first, second, other))
    page = client_of(town).get(f"/portal/applications/{row.pk}/").content.decode()
    assert f'<input type="checkbox" name="together" value="{again.pk}"' in page and f'value="{stranger.pk}"' not in page
    with pytest.raises(ValidationError, match="刷新页面"):
        register(town, first, together=[stranger.pk])
    assert one(town, first).state == "sent", "all or nothing"
    client_of(town).post(
        f"/portal/applications/{row.pk}/", {"version": row.version, "village": VILLAGE, "programmes": ["dibao:"], "identity_seen": "on", "together": [again.pk]}
    )
    merged = one(town, second)
    assert merged.state == "merged" and first in merged.reason
    with scopes.acting(town):
        made = Application.objects.get(online=row.pk)
        papers = [file.name for each in Document.objects.filter(application=made) for file in attachments_of(subject="document", subject_id=each.pk)]
        assert any("看病材料" in name for name in papers)
        assert not Todo.objects.filter(subject="online_application", subject_id=again.pk, done_at=None).exists()
    with pytest.raises(ValidationError):
        register(town, second)
    ask(visitor, second, phone)
    html = visitor.post("/portal/follow/code/", {"number": second, "phone": phone, "code": sms(town)[-1]}).content.decode()
    assert second in html and "已合并办理" in html and "最低生活保障" in html


def test_1_3_who_follows_a_refused_case_reads_why_and_by_which_document(visitor: Client, town: scopes.Scope) -> None:
    phone = next(PHONES)
    number = send(changed(phone=phone))
    made = register(town, number)
    with scopes.acting(town):
        case = Case.objects.get(application=made)
        accepting.refuse_acceptance(case_id=case.pk, version=case.version, reason="户籍和居住地都不在本县", now=NOW)
    ask(visitor, number, phone)
    html = visitor.post("/portal/follow/code/", {"number": number, "phone": phone, "code": sms(town)[-1]}).content.decode()
    assert "入户调查" not in html, "nothing is to come of what was refused"
    assert "户籍和居住地都不在本县" in html and "依据：豫民〔2022〕4号" in html and "行政复议" in html
