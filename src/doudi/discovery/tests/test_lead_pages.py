"""1.5: pages of leads and the measured way from signal to help."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Duty, Todo
from doudi.core.tests.officers import client_of, officer
from doudi.discovery import timing
from doudi.discovery.models import Lead, LeadReferral
from doudi.discovery.services import Subject, advance_lead, identify_lead, raise_lead
from doudi.registry.tests.helpers import ELSEWHERE, OTHER_VILLAGE, VILLAGE, household

CHINA = ZoneInfo("Asia/Shanghai")
NOW = datetime(2022, 11, 28, 9, 0, tzinfo=CHINA)  # a Monday
TOWN, COUNTY = VILLAGE[:9], VILLAGE[:6]


def signal(scope: scopes.Scope, source: str = "call:1", **given: Any) -> Lead:
    with scopes.acting(scope):
        return raise_lead(**{"channel": "hotline", "source": source, "area": VILLAGE, "reason": "生活困难", "urgency": "red", "now": NOW} | given)


@pytest.fixture
def town() -> scopes.Scope:
    return officer(Duty.TOWNSHIP_OFFICER, TOWN)


@pytest.mark.django_db
def test_1_5_an_unknown_subject_is_linked_to_a_household_or_merged_into_its_open_lead(town: scopes.Scope) -> None:
    home, other = household(town), household(town, area=OTHER_VILLAGE, name="李四")
    first, second = signal(town, subject=Subject(name="王建国")), signal(town, "call:2", subject=Subject(phone="13800001234"), urgency="yellow")
    with scopes.acting(town):
        for wrong in ("H-none", other.number):
            with pytest.raises(ValidationError) as error:
                identify_lead(lead_id=first.pk, version=1, household_number=wrong, now=NOW)
            assert list(error.value.message_dict) == ["household_number"]
        assert identify_lead(lead_id=second.pk, version=1, household_number=home.number, now=NOW).pk == second.pk
        assert identify_lead(lead_id=first.pk, version=1, household_number=home.number, now=NOW).pk == second.pk
        second.refresh_from_db()
        assert (second.urgency, second.contact_due) == ("red", first.contact_due)
        assert Todo.objects.get(subject="lead", done_at=None).subject_id == second.pk
        assert signal(town, "call:3", household_id=home.pk).merged_into_id == second.pk


@pytest.mark.django_db
def test_1_5_the_list_filters_and_moves_the_ticked_and_says_why_the_rest_stays(town: scopes.Scope) -> None:
    leads = [signal(town, f"call:{number}", subject=Subject(name=f"陈大{'山水'[number]}")) for number in range(2)]
    signal(town, "team:1", channel="team", subject=Subject(name="赵六"), urgency="yellow")
    client, url = client_of(town), reverse("discovery:leads")
    listed = client.get(url, {"channel": "hotline", "name": "陈大", "state": "open", "urgency": "red"}).content.decode()
    assert all(lead.number in listed for lead in leads) and "赵六" not in listed
    late = client.get(url, {"late": "on"}).content.decode()
    assert leads[0].number in late  # it was due in 2022
    posted = client.post(reverse("discovery:lead_steps"), {"lead": [leads[0].pk, 10**15], "after": "contacted", "filters": "state=open"}, follow=True)
    said = posted.content.decode()
    assert "已办理 1 条线索" in said and "不存在或不在您的辖区" in said and posted.redirect_chain[0][0].endswith("?state=open")
    empty = client.post(reverse("discovery:lead_steps"), {"after": "contacted"}, follow=True).content.decode()
    assert "请先勾选线索" in empty


@pytest.mark.django_db
def test_1_5_the_list_finds_a_lead_by_what_was_merged_into_it(town: scopes.Scope) -> None:
    home = household(town)
    lead = signal(town, household_id=home.pk)
    signal(town, "team:1", channel="team", household_id=home.pk)
    client, url = client_of(town), reverse("discovery:leads")
    assert lead.number in client.get(url, {"channel": "team"}).content.decode()
    assert lead.number not in client.get(url, {"channel": "portal"}).content.decode()


@pytest.mark.django_db
def test_1_5_the_page_assigns_refers_and_links_and_a_second_press_is_told(town: scopes.Scope) -> None:
    visitor = officer(Duty.VISITOR, VILLAGE, name="杨建国")
    lead = signal(town, area=OTHER_VILLAGE, subject=Subject(name="陈大山", phone="13800001234"), detail="独居")
    client, page = client_of(town), reverse("discovery:lead", args=[lead.pk])
    text = client.get(page).content.decode()
    assert "陈大山" in text and "独居" in text and "13800001234" not in text and "杨建国" in text
    assert "13800001234" in client.post(reverse("discovery:lead_reveal", args=[lead.pk, "phone"])).content.decode()
    assign = {"posting": visitor.posting_id, "note": "", "version": 1}
    assert client.post(reverse("discovery:lead_assign", args=[lead.pk]), assign).status_code == 302
    again = client.post(reverse("discovery:lead_assign", args=[lead.pk]), assign)
    assert again.status_code == 422 and "刚刚由其他工作人员办理过" in again.content.decode()
    assert lead.number in client_of(visitor).get(page).content.decode()
    assert "陈大山" in client_of(visitor).get(reverse("discovery:leads_mine")).content.decode()
    wrong = client.post(reverse("discovery:lead_refer", args=[lead.pk]), {"to_area": "99", "note": "外地人", "version": 2})
    assert wrong.status_code == 422 and "没有这个区划" in wrong.content.decode()
    sent = client.post(reverse("discovery:lead_refer", args=[lead.pk]), {"to_area": ELSEWHERE[:6], "note": "外地人", "version": 2})
    assert sent.status_code == 302
    there = client_of(officer(Duty.COUNTY_REVIEWER, ELSEWHERE[:6]))
    with scopes.acting(scopes.Scope(area="41")):
        copy = reverse("discovery:referral", args=[LeadReferral.objects.get().pk])
    assert "陈大山" in there.get(copy).content.decode() and "签收并办理" not in client.get(copy).content.decode()
    assert there.post(copy, {"area": VILLAGE}).status_code == 422
    assert there.post(copy, {"area": ELSEWHERE}).status_code == 302
    assert there.post(copy, {"area": ELSEWHERE}).status_code == 302
    with scopes.acting(scopes.Scope(area=ELSEWHERE[:6])):
        assert Lead.objects.count() == 1


@pytest.mark.django_db
def test_1_5_numbers_in_what_was_told_are_masked_and_seeing_them_is_recorded(town: scopes.Scope) -> None:
    home = household(town)
    lead = signal(town, household_id=home.pk, detail="儿子电话 13911112222，身份证 410122198001011234，家中断粮")
    signal(town, "call:2", household_id=home.pk, urgency="yellow", detail="邻居可联系：139 3333 4444")
    with scopes.acting(town):
        advance_lead(lead_id=lead.pk, version=Lead.objects.get(pk=lead.pk).version, after="contacted", note="已与 15055556666 通话", now=NOW)
    client, page = client_of(town), reverse("discovery:lead", args=[lead.pk])
    text = client.get(page).content.decode()
    whole = ("13911112222", "410122198001011234", "139 3333 4444", "15055556666")
    assert "139****2222" in text and "家中断粮" in text and "查看文字里的号码" in text and not any(number in text for number in whole)
    told = reverse("discovery:lead_reveal", args=[lead.pk, "detail"])
    assert told in text
    for who in (officer(Duty.SUPERVISOR, "41"), officer(Duty.FINANCE_OFFICER)):
        assert client_of(who).post(told).status_code == 403 and told not in client_of(who).get(page).content.decode()
    assert client_of(officer(Duty.TOWNSHIP_OFFICER, ELSEWHERE[:9])).post(told).status_code == 404
    shown = client.post(told).content.decode()
    assert all(number in shown for number in whole)
    with scopes.acting(officer(Duty.AUDITOR, "41")):
        seen = AccessRecord.objects.filter(subject="lead", subject_id=lead.pk, what="reveal")
        assert list(seen.values_list("account_id", "field")) == [(town.account_id, "detail")]
    assert "查看文字里的号码" not in client.get(reverse("discovery:lead", args=[signal(town, "call:9", detail="独居").pk])).content.decode()


@pytest.mark.django_db
def test_a_stranger_s_pages_and_posts_find_no_lead(town: scopes.Scope) -> None:
    lead = signal(town)
    client = client_of(officer(Duty.TOWNSHIP_OFFICER, ELSEWHERE[:9]))
    for name in ("lead_assign", "lead_refer", "lead_identify", "lead_step"):
        assert client.post(reverse(f"discovery:{name}", args=[lead.pk]), {"version": 1}).status_code == 404
    assert client.post(reverse("discovery:lead_reveal", args=[lead.pk, "phone"])).status_code == 404


@pytest.mark.django_db
def test_the_queries_of_list_page_mine_and_timing_are_bounded(town: scopes.Scope, django_assert_max_num_queries: Any) -> None:
    visitor = officer(Duty.VISITOR, VILLAGE)
    home = household(town)
    leads = [signal(town, f"call:{number}", subject=Subject(name="陈大山", phone=f"138000012{number:02}")) for number in range(22)]
    root = signal(town, "team:1", channel="team", household_id=home.pk)
    for number in range(5):
        signal(town, f"team:x{number}", channel="team", household_id=home.pk)
    for scope, name, arguments, most in (
        (town, "leads", [], 28), (town, "lead", [root.pk], 40), (visitor, "leads_mine", [], 20), (town, "timing", [], 24),
        (town, "timing_leads", [], 25), (town, "referrals", [], 20),
    ):  # fmt: skip
        client = client_of(scope)
        client.get(reverse(f"discovery:{name}", args=arguments))
        with django_assert_max_num_queries(most):
            assert client.get(reverse(f"discovery:{name}", args=arguments)).status_code == 200
    assert len(leads) == 22


@pytest.mark.django_db
def test_1_5_the_way_is_measured_in_working_days_by_urgency_channel_and_place(town: scopes.Scope) -> None:
    # Friday 30 September; the week after is a holiday, Saturday the 8th is worked
    friday = datetime(2022, 9, 30, 9, tzinfo=CHINA)
    for number, days in enumerate((0, 8, 9, 10)):
        lead = signal(town, f"call:{number}", now=friday)
        with scopes.acting(town):
            advance_lead(lead_id=lead.pk, version=1, after="contacted", note="", now=friday + timedelta(days=days, hours=1))
    signal(town, "team:1", channel="team", now=friday, area=OTHER_VILLAGE, urgency="yellow")
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, COUNTY)):
        found = timing.measure(starts=date(2022, 9, 1), ends=date(2022, 10, 31), today=date(2022, 11, 1))
        whole = found[""][0]
        contact = whole.steps["contact"]
        # elapsed 0, 1, 2, 3 working days; the limit of red is 1, and the yellow one that nobody contacted is late too
        assert (whole.signals, contact.count, contact.median, contact.in_time) == (5, 4, 1.5, 0.4)
        assert contact.ninety == pytest.approx(2.7) and contact.hours == pytest.approx((8 * 24 + 1 + 9 * 24 + 1) / 2)
        assert whole.steps["help"].count == 0 and whole.steps["help"].median is None
        assert {group.key: group.signals for group in found["channel"]} == {"hotline": 4, "team": 1}
        assert {group.key: group.signals for group in found["place"]} == {TOWN: 5}
        assert timing.measure(starts=date(2022, 10, 1), ends=date(2022, 10, 31), today=date(2022, 11, 1))[""][0].signals == 0
    with scopes.acting(town):
        assert {group.key for group in timing.measure(starts=date(2022, 9, 1), ends=date(2022, 10, 1), today=date(2022, 11, 1))["place"]} == {
            VILLAGE, OTHER_VILLAGE,
        }  # fmt: skip
        rows = timing.measured_leads(step="contact", starts=date(2022, 9, 1), ends=date(2022, 10, 31))
        assert rows.count() == contact.count
        assert [timing.working_days(lead.signal_at, lead.contacted_at) for lead in rows.order_by("contacted_at")] == [0, 1, 2, 3]
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, ELSEWHERE[:6])):
        assert timing.measure(starts=date(2022, 9, 1), ends=date(2022, 10, 31), today=date(2022, 11, 1))[""][0].signals == 0


@pytest.mark.django_db
def test_1_5_the_page_links_each_number_to_the_list_behind_it(town: scopes.Scope) -> None:
    now = timezone.now()
    lead = signal(town, now=now)
    with scopes.acting(town):
        advance_lead(lead_id=lead.pk, version=1, after="contacted", note="", now=now)
    client = client_of(town)
    page = client.get(reverse("discovery:timing")).content.decode()
    assert "step=contact" in page and "<svg" in page
    assert lead.number in client.get(reverse("discovery:timing_leads"), {"step": "contact", "channel": "hotline", "area": VILLAGE}).content.decode()
    assert lead.number not in client.get(reverse("discovery:timing_leads"), {"step": "help"}).content.decode()
    wrong = client.get(reverse("discovery:timing"), {"starts": "2022-12-31", "ends": "2022-01-01"})
    assert wrong.status_code == 200 and "不能晚于" in wrong.content.decode()


@pytest.mark.django_db
def test_1_5_the_ticked_leads_are_given_to_somebody_and_the_page_names_those_that_were_not(town: scopes.Scope) -> None:
    visitor = officer(Duty.VISITOR, OTHER_VILLAGE, name="杨建国")
    near, far = signal(town, "call:1", area=OTHER_VILLAGE), signal(town, "call:2", area=VILLAGE)
    with scopes.acting(town):
        Lead.objects.filter(pk=near.pk).update(posting=None, state="new")
    client, url = client_of(town), reverse("discovery:leads_assign")
    page = client.get(reverse("discovery:leads")).content.decode()
    assert "批量分派" in page and "全选本页" in page and f'value="{visitor.posting_id}"' in page
    sent = {"lead": [near.pk, far.pk], "posting": visitor.posting_id, "note": "", "filters": "state=open"}
    answer = client.post(url, sent, follow=True)
    text = answer.content.decode()
    assert answer.redirect_chain[0][0].endswith("?state=open") and "已分派 1 条线索" in text
    assert f"1 条未办理：不在此人负责的地方；请打开线索单独分派（{far.number}）" in text
    for wrong in ({"posting": ""}, {"posting": "x"}, {"lead": []}, {"posting": "9" * 30}, {"posting": 10**12}):
        assert client.post(url, sent | wrong).status_code == 302
    with scopes.acting(town):
        assert Lead.objects.get(pk=near.pk).posting_id == visitor.posting_id and Lead.objects.get(pk=far.pk).posting_id is None
    checker = officer(Duty.DATA_CHECKER, COUNTY)
    assert client_of(checker).post(url, sent).status_code == 403 and "批量分派" not in client_of(checker).get(reverse("discovery:leads")).content.decode()


@pytest.mark.django_db
def test_1_3_who_may_report_but_not_read_leads_comes_back_to_the_household(town: scopes.Scope) -> None:
    home = household(town)
    worker = client_of(officer(Duty.PROTECTION_WORKER, COUNTY))
    url = reverse("discovery:lead_report", args=[home.pk])
    assert f'href="{reverse("discovery:leads")}"' not in worker.get(url).content.decode()
    answer = worker.post(url, {"reason": "孩子无人照料", "urgency": "red", "need": "living"}, follow=True)
    assert answer.status_code == 200 and answer.redirect_chain[-1][0] == reverse("registry:household", args=[home.pk])
    with scopes.acting(town):
        assert Lead.objects.get(household_id=home.pk).urgency == "red"
