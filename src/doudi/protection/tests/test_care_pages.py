"""Pages of care and referrals: forms that name what is missing, steps taken once, nothing of a case that is not the reader's."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.test import Client

from doudi.core import periodic
from doudi.core import scope as scopes
from doudi.core.models import Duty, Todo
from doudi.core.tests.officers import client_of, officer
from doudi.protection import services
from doudi.protection.models import Care, ProtectionCase, Referral
from doudi.protection.tests.care_world import DAY, ELSEWHERE, CareOffice, fresh
from doudi.protection.tests.world import NOW

pytestmark = pytest.mark.django_db
HANDED = {
    "handed_at": "2022-11-24T10:30", "given_by": "父亲（电话）", "taken_by": "郭小兰", "belongings": "冬衣 2 套", "health": "良好", "documents": "无", "taken_signed": "on",
    "witness": "村支书",
}  # fmt: skip
LIVING = {
    "basis": "civil_34", "reason": "isolation", "situation": "父亲确诊住院", "organiser": "village", "body": "陈固村民委员会", "way": "committee", "carer": "郭小兰",
    "contact": "13900002046 三组", "consent": "phone", "consent_note": "父亲电话同意", "starts": "2022-11-24T10:00", "expected_end": "2022-12-01",
}  # fmt: skip


def as_(who: scopes.Scope) -> Client:
    return client_of(who)


@time_machine.travel(NOW.replace(hour=4), tick=False)
def test_5_3_from_the_gap_to_the_return_by_pages() -> None:
    office = CareOffice()
    row = office.taken(unattended=True)
    page = as_(office.worker)
    assert "无人照料" in page.get(f"/protection/cases/{row.pk}/?tab=care").content.decode()
    assert row.number in page.get("/protection/gaps/").content.decode()
    key, path = str(uuid4()), f"/protection/cases/{row.pk}/care/living/"
    assert page.get(path).status_code == 200
    wrong = page.post(path, {**LIVING, "uuid": key, "version": row.version, "consent_note": ""})
    assert wrong.status_code == 422 and "无法联系的，写明已怎样寻找" in wrong.content.decode()
    for _ in range(2):
        assert page.post(path, {**LIVING, "uuid": key, "version": row.version}).status_code == 302
    with scopes.acting(office.worker):
        care = Care.objects.get(case=row)
    assert row.number not in page.get("/protection/gaps/").content.decode()
    sheet = {**HANDED, "uuid": str(uuid4()), "version": 1}
    no_list = page.post(f"/protection/care/{care.pk}/hand-over/", {**sheet, "belongings": ""})
    assert no_list.status_code == 422 and "随身物品清单" in no_list.content.decode()
    assert page.post(f"/protection/care/{care.pk}/hand-over/", sheet).status_code == 302
    for form in ("carer", "review", "extend", "claim", "end"):
        assert page.get(f"/protection/care/{care.pk}/{form}/").status_code == 200
    assert (
        "没有设定照料补贴"
        in page.post(
            f"/protection/care/{care.pk}/claim/",
            {"uuid": str(uuid4()), "version": 1, "starts": "2022-11-24", "ends": "2022-11-24", "payee": "郭小兰"},
        ).content.decode()
    )
    end = {**HANDED, "handed_at": "2022-11-24T11:30", "uuid": str(uuid4()), "version": 1, "outcome": "parents", "note": "父亲回家"}
    assert page.post(f"/protection/care/{care.pk}/end/", end).status_code == 302
    shown = page.get(f"/protection/cases/{row.pk}/?tab=care").content.decode()
    assert "送回父母" in shown and "冬衣 2 套" in shown
    assert page.get("/protection/care/?state=ended").content.decode().count(row.number) == 1


@time_machine.travel(NOW.replace(hour=4), tick=False)
def test_5_3_a_guardianship_is_decided_on_its_page_by_another() -> None:
    office = CareOffice()
    row = office.taken(unattended=True)
    office.sheeted(office.living(row))
    page = as_(office.worker)
    with scopes.acting(office.worker):
        version = fresh(row).version
    given = {
        **LIVING,
        "uuid": str(uuid4()),
        "version": version,
        "basis": "minors_92_3",
        "way": "relative",
        "carer": "郭兰",
        "expected_end": "2022-12-31",
    }
    assert page.post(f"/protection/cases/{row.pk}/care/guardianship/", given).status_code == 302
    with scopes.acting(office.worker):
        care = Care.objects.get(case=row, state="proposed")
    path = f"/protection/care/{care.pk}/decide/"
    assert page.get(path).status_code == 403
    approver = as_(office.approver)
    sent = {"uuid": str(uuid4()), "version": 1, "document": "", "note": "", "verdict": "agree"}
    assert approver.post(path, sent).status_code == 422
    assert approver.post(path, {**sent, "document": "牟民未保〔2022〕12号"}).status_code == 302
    assert "牟民未保〔2022〕12号" in approver.get(f"/protection/cases/{row.pk}/?tab=care").content.decode()


@time_machine.travel(NOW.replace(hour=4), tick=False)
def test_5_4_a_referral_by_pages_and_what_the_receiver_reads_afterwards() -> None:
    office = CareOffice()
    row = office.taken()
    page, there = as_(office.worker), as_(office.there)
    path = f"/protection/cases/{row.pk}/refer/"
    assert "其他县" in page.get(path).content.decode()
    given = {
        "uuid": str(uuid4()), "version": row.version, "service": "counselling", "receiver": "protection_worker", "to_area": ELSEWHERE, "ground": "consent",
        "ground_note": "父亲电话同意", "purpose": "孩子夜间惊醒，请安排心理疏导", "sections": ["health"],
    }  # fmt: skip
    assert page.post(path, {**given, "receiver": "station_worker"}).status_code == 422
    assert page.post(path, given).status_code == 302
    with scopes.acting(office.worker):
        made = Referral.objects.get()
    here = f"/protection/referrals/{made.pk}/"
    assert "郭小阳" in there.get(here).content.decode() and "待我接收" in there.get("/protection/referrals/?who=waiting").content.decode()
    assert there.post(here + "act/", {"act": "accept", "version": 1}).status_code == 302
    again = there.post(here + "act/", {"act": "accept", "version": 1})
    assert again.status_code == 422 and "刷新页面" in again.content.decode()
    assert there.post(here + "act/", {"act": "done", "version": 2, "note": "已疏导三次"}).status_code == 302
    shown = there.get(here).content.decode()
    assert "郭小阳" not in shown and "不能再查看" in shown and row.number in shown
    assert "已疏导三次" in page.get(here).content.decode()
    assert there.post(here + "act/", {"act": "steal", "version": 2}).status_code == 404


def test_5_4_pages_of_others_cases_are_not_there_and_nested_ids_do_not_help(django_assert_max_num_queries: Any) -> None:
    office = CareOffice()
    row = office.taken(unattended=True)
    care = office.sheeted(office.living(row))
    office.guarded(row)
    made = office.offered(row)
    stranger = as_(office.other)
    for path in (
        f"/protection/cases/{row.pk}/?tab=care", f"/protection/cases/{row.pk}/care/living/", f"/protection/care/{care.pk}/end/", f"/protection/cases/{row.pk}/refer/",
        f"/protection/referrals/{made.pk}/", f"/protection/cases/{row.pk}/?tab=referrals", "/protection/care/999999999/hand-over/",
    ):  # fmt: skip
        assert stranger.get(path).status_code == 404, path
    assert as_(officer(Duty.COUNTY_REVIEWER)).get("/protection/gaps/").status_code == 403
    mine = office.opened(minor=services.Minor(name="另一名"))
    with scopes.acting(office.other):
        services.take(case_id=mine.pk, version=1, now=NOW)
    assert stranger.get(f"/protection/cases/{mine.pk}/refer/?again={made.pk}").status_code == 200
    assert "孩子夜间惊醒" not in stranger.get(f"/protection/cases/{mine.pk}/refer/?again={made.pk}").content.decode()
    worker = as_(office.worker)
    with django_assert_max_num_queries(60):
        assert worker.get(f"/protection/cases/{row.pk}/?tab=care").status_code == 200
    for path in ("/protection/care/", "/protection/referrals/", "/protection/claims/", "/protection/gaps/", f"/protection/cases/{row.pk}/?tab=referrals"):
        with django_assert_max_num_queries(30):
            assert worker.get(path).status_code == 200
    with scopes.acting(office.worker):
        assert ProtectionCase.objects.count() == 1


def test_5_3_the_daily_jobs_of_a_county_tell_its_city_and_other_counties() -> None:
    """They run under the county's own scope, as the worker runs them."""
    office = CareOffice()
    late = office.opened(unattended=True)
    made = office.offered(office.taken(minor=services.Minor(name="另一名")))
    for name, when in (("protection.clocks", NOW + 2 * DAY), ("protection.care", NOW + 4 * DAY)):
        assert periodic.run_daily(job=periodic.jobs()[name], area="410122", on=when.date(), now=when)
    with scopes.acting(scopes.Scope(area="41")):
        told = set(Todo.objects.values_list("kind", "area", "subject_id"))
    assert {("protection_late", "410122", late.pk), ("referral_remind", ELSEWHERE, made.pk)} <= told
