"""Letters (文书) and certificates (低保证) with their public check."""

from __future__ import annotations

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection
from django.test import Client

from doudi.assessment import services as assessing
from doudi.assessment.tests.cases import MONTH, NOW, case
from doudi.core import letters as pdf
from doudi.core import numbers
from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Duty
from doudi.core.tests.officers import COUNTY, TOWNSHIP, client_of, officer
from doudi.enrolment import services
from doudi.enrolment.models import Award, Certificate, Decision, Letter
from doudi.registry.models import Person

pytestmark = pytest.mark.django_db
RARE = "王𠮷㐂 #strong[x]"


@pytest.fixture
def township() -> scopes.Scope:
    return officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP, name="李明")


@pytest.fixture
def county() -> scopes.Scope:
    return officer(Duty.COUNTY_APPROVER, COUNTY, name="王芳")


def household(scope: scopes.Scope, *members, number: str = "11010519491231002X"):
    with scopes.acting(scope):
        made = case(*members)
        for person in made.people:
            Person.objects.filter(pk=person.pk).update(token=numbers.id_token(number), account=None)
            number = "410122195001010017"
        return assessing.assess(household=made.household, month=MONTH, trigger="officer", now=NOW)


@pytest.fixture
def granted(township, county) -> Decision:
    row = household(township, {"wage_income": 1200, "name": RARE}, {"name": "李四"})
    with scopes.acting(township):
        made = services.propose(assessment=row, programme="dibao", now=NOW)
    with scopes.acting(county):
        services.approve(decision_id=made.pk, version=1, note="同意", now=NOW)
        return Decision.objects.select_related("household").get(pk=made.pk)


@pytest.fixture
def refused(township, county) -> Decision:
    row = household(township, {"wage_income": 60_000}, number="41012219500101005X")
    with scopes.acting(township):
        made = services.refuse(assessment=row, programme="dibao", reason="收入超过标准", now=NOW)
    with scopes.acting(county):
        services.approve(decision_id=made.pk, version=1, note="", now=NOW)
        return Decision.objects.get(pk=made.pk)


def test_2_2_a_notice_says_amount_reasons_and_how_to_object(township, granted) -> None:
    with scopes.acting(township):
        (letter,) = services.make_letters(kind="notice", decision_ids=[granted.pk], now=NOW)
        assert Letter.objects.get().made_by_id == township.account_id
    said = "".join(letter["paragraphs"] + letter["reasons"] + letter["remedies"])
    assert f"{granted.amount:,.2f} 元" in said and "2022年12月" in said and "行政复议" in said and "六十日" in said
    assert "民发〔2021〕57号" in said, "the reasons carry their source"
    assert [member["id_number"] for member in letter["members"]] == ["1101**********002X", "4101**********0017"]


def test_2_2_a_refusal_gives_the_reason_of_the_law_beside_the_officers(township, refused) -> None:
    with scopes.acting(township):
        (letter,) = services.make_letters(kind="notice", decision_ids=[refused.pk], now=NOW)
    assert letter["title"].endswith("不予确认告知书") and letter["members"] == []
    assert letter["reasons"][0] == "收入超过标准" and any("最低生活保障" in reason for reason in letter["reasons"][1:])


def test_letters_of_both_kinds_come_as_pdf_and_as_a_page(township, granted, refused) -> None:
    client = client_of(township)
    page = client.get("/enrolment/letters/").content.decode()
    assert granted.number in page and "未制发" in page
    for kind in ("notice", "approval"):
        answer = client.post("/enrolment/letters/", {"d": [granted.pk, refused.pk], "letter": kind, "how": "pdf"})
        assert answer.status_code == 200 and answer.content.startswith(b"%PDF-"), answer.content[:200]
        assert "no-store" in answer["Cache-Control"]
        shown = client.post("/enrolment/letters/", {"d": [granted.pk, refused.pk], "letter": kind, "how": "print"}).content.decode()
        assert granted.number in shown and "王𠮷㐂 #strong[x]" in shown
    assert "已制发" in client.get("/enrolment/letters/?made=yes").content.decode()
    with scopes.acting(officer(Duty.AUDITOR)):
        assert AccessRecord.objects.filter(what="export", field__startswith="letter:").count() >= 4


def test_what_stands_in_a_name_is_never_read_as_markup(granted) -> None:
    letter = {
        "office": "#panic()", "title": "#import", "number": "$x$", "name": RARE, "paragraphs": ["#read(\"/etc/passwd\") *x* [y]"], "reasons": ["\\"],
        "remedies": [], "members": [], "day": "",
    }  # fmt: skip
    assert pdf.pdf("enrolment/typst/notice.typ", [letter]).startswith(b"%PDF-")


def test_nobody_makes_letters_of_what_is_not_decided_or_of_another_area(township, county, granted) -> None:
    row = household(township, {"wage_income": 900}, number="410122195001010033")
    with scopes.acting(township):
        waiting = services.propose(assessment=row, programme="dibao", now=NOW)
        with pytest.raises(ValidationError, match="还没有审核确认"):
            services.make_letters(kind="notice", decision_ids=[granted.pk, waiting.pk], now=NOW)
        with pytest.raises(ValidationError, match="文书种类"):
            services.make_letters(kind="poster", decision_ids=[granted.pk], now=NOW)
        assert not Letter.objects.exists(), "refused whole"
    with scopes.acting(officer(Duty.TOWNSHIP_OFFICER, "410122102")), pytest.raises(ValidationError, match="没有找到"):
        services.make_letters(kind="notice", decision_ids=[granted.pk], now=NOW)
    with scopes.acting(officer(Duty.VISITOR, "410122101201")), pytest.raises(PermissionDenied):
        services.make_letters(kind="notice", decision_ids=[granted.pk], now=NOW)
    assert client_of(officer(Duty.FINANCE_OFFICER)).get("/enrolment/letters/").status_code == 403


def test_two_hundred_letters_take_as_many_queries_as_two(township, granted, refused, django_assert_max_num_queries) -> None:
    with scopes.acting(township), django_assert_max_num_queries(30):
        services.make_letters(kind="notice", decision_ids=[granted.pk, refused.pk], now=NOW)


def certificate_of(scope: scopes.Scope, reason: str = "") -> Certificate:
    with scopes.acting(scope):
        return services.issue_certificate(award_id=Award.objects.get().pk, reason=reason, now=NOW)


def test_2_2_a_certificate_is_one_per_award_and_its_code_says_whether_it_holds(township, county, granted) -> None:
    first = certificate_of(township)
    assert certificate_of(township).pk == first.pk, "asked twice, it is the same"
    public = Client()
    page = public.get(f"/check/{first.code}/").content.decode()
    assert "有效" in page and "最低生活保障" in page
    for secret in (RARE, "李四", "1101", "4101**", granted.number):
        assert secret not in page
    second = certificate_of(township, "遗失")
    assert second.number != first.number and "失效" in public.get(f"/check/{first.code}/").content.decode()
    with scopes.acting(county):
        services.suspend(award_id=second.award_id, reason="核查", now=NOW)
    assert "暂停发放" in public.get(f"/check/{second.code}/").content.decode()
    with scopes.acting(township):
        stop = services.stop_award(award_id=second.award_id, from_month=date(2023, 3, 1), reason="收入增加", now=NOW)
    with scopes.acting(county):
        services.approve(decision_id=stop.pk, version=1, note="", now=NOW)
    assert services.check_certificate(code=second.code, on=date(2023, 2, 28))["state"] != "ended"
    assert services.check_certificate(code=second.code, on=date(2023, 3, 1))["state"] == "ended"
    with pytest.raises(ValidationError, match="在享"):
        certificate_of(township)


@pytest.mark.parametrize("code", ["ABCD", "0" * 16, "A" * 16, "' or 1=1 --", "AAAA-BBBB-CCCC-DDDD", "王" * 16])
def test_a_wrong_code_says_nothing(granted, code) -> None:
    answer = Client().get("/check/", {"code": code})
    assert answer.status_code == 404 and "没有找到这张证件" in answer.content.decode()


def test_the_certificate_as_pdf_and_only_for_who_may(township, granted) -> None:
    with scopes.acting(township):
        award = Award.objects.get()
    answer = client_of(township).post(f"/enrolment/awards/{award.pk}/certificate/", {"reason": ""})
    assert answer.status_code == 200 and answer.content.startswith(b"%PDF-")
    assert "证件" in client_of(township).get(f"/enrolment/awards/{award.pk}/").content.decode()
    assert client_of(officer(Duty.TOWNSHIP_OFFICER, "410122102")).post(f"/enrolment/awards/{award.pk}/certificate/").status_code == 404
    assert client_of(officer(Duty.FINANCE_OFFICER)).post(f"/enrolment/awards/{award.pk}/certificate/").status_code == 403


def test_the_application_reads_no_certificate_without_a_scope(granted, township) -> None:
    certificate_of(township)
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from enrolment_certificate")
        assert cursor.fetchone() == (0,)
