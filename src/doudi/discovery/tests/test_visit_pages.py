"""1.7, 7.3: the visitor's pages, the township's plans, progress, conflicts and printed list."""

from __future__ import annotations

import base64
import io
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from doudi.core import measures
from doudi.core import scope as scopes
from doudi.core.models import AccessRecord, Attachment, Duty
from doudi.core.tests.officers import client_of, officer
from doudi.discovery import visit_queries
from doudi.discovery.models import Lead
from doudi.discovery.models.visits import Visit, VisitConflict, VisitPlan
from doudi.discovery.services import ask_visit, assign_visits, cancel_visit, make_due, raise_lead, record_visit, resolve_conflict
from doudi.discovery.services.leads import StaleLead
from doudi.discovery.services.visits import Result
from doudi.discovery.tests.test_visit_plans import COUNTY, ROBOT, TOWN, ill
from doudi.discovery.tests.test_visits import photo
from doudi.registry.models import Household
from doudi.registry.tests.helpers import ELSEWHERE, OTHER_VILLAGE, VILLAGE


@pytest.fixture
def home(town: scopes.Scope, visitor: scopes.Scope) -> Household:
    """A household that owes a visit within a month from today."""
    found = ill(town)
    with scopes.acting(ROBOT):
        make_due(area=COUNTY, on=timezone.localdate(), now=timezone.now())
    return found


def owed(home: Household) -> Visit:
    with scopes.acting(ROBOT):
        return Visit.objects.get(household=home, state__in=Visit.OPEN)


def contradict(visitor: scopes.Scope, home: Household, second: Result) -> VisitConflict:
    """A visit that was well, and another record of it."""
    visit, now = owed(home), timezone.now()
    with scopes.acting(visitor):
        record_visit(uuid=uuid4(), visit_id=visit.pk, base_version=1, done_at=now, result=Result("self", "steady", note="一切都好"), now=now)
        made = record_visit(uuid=uuid4(), visit_id=visit.pk, base_version=1, done_at=now, result=second, now=now)
    assert made.conflict is not None
    return made.conflict


@pytest.mark.parametrize(
    ("address", "group"),
    [("官渡镇陈固村3组12号", 3), ("陈固村第十二村民小组5号", 12), ("北街二十一组", 21), ("１１组3户", 11), ("东街3号", 10**6), ("", 10**6), ("三官庙村一组", 1)],
)
def test_7_3_addresses_sort_as_one_walks(address: str, group: int) -> None:
    assert visit_queries.walking_order(address)[0] == group


def test_7_3_numbers_in_the_text_of_a_visit_are_masked_and_seeing_them_is_recorded(town: scopes.Scope, visitor: scopes.Scope, home: Household) -> None:
    conflict = contradict(visitor, home, Result("family", "steady", note="女儿电话 13933334444", witness="邻居 15055556666"))
    with scopes.acting(visitor):
        visit = Visit.objects.get(household=home, state="done")
    page, told = reverse("discovery:visit", args=[visit.pk]), reverse("discovery:visit_detail", args=[visit.pk])
    both = reverse("discovery:visit_conflict", args=[conflict.pk])
    whole = ("13933334444", "15055556666")
    for client in (client_of(town), client_of(visitor)):
        for text in (client.get(page).content.decode(), client.get(both).content.decode()):
            assert told in text and "查看文字里的号码" in text and not any(number in text for number in whole)
        assert "139****4444" in client.get(both).content.decode()
        assert all(number in client.post(told).content.decode() for number in whole)
    for who in (officer(Duty.SUPERVISOR, "41"), officer(Duty.COUNTY_APPROVER)):
        assert client_of(who).post(told).status_code == 403 and told not in client_of(who).get(page).content.decode()
    assert client_of(officer(Duty.TOWNSHIP_OFFICER, ELSEWHERE[:9])).post(told).status_code == 404 and client_of(town).get(told).status_code == 405
    with scopes.acting(officer(Duty.AUDITOR, "41")):
        seen = AccessRecord.objects.filter(subject="visit", subject_id=visit.pk, what="reveal", field="detail")
        assert set(seen.values_list("account_id", flat=True)) == {town.account_id, visitor.account_id}


def test_7_3_records_whose_numbers_alone_differ_are_told_apart(town: scopes.Scope, visitor: scopes.Scope, home: Household) -> None:
    visit, now = owed(home), timezone.now()
    with scopes.acting(visitor):
        for number in ("13911112222", "13922222222"):
            made = record_visit(
                uuid=uuid4(), visit_id=visit.pk, base_version=1, done_at=now, result=Result("self", "steady", note=f"电话 {number}"), now=now
            )
    assert made.conflict is not None
    page = client_of(town).get(reverse("discovery:visit_conflict", args=[made.conflict.pk])).content.decode()
    assert 'name="pick_note"' in page and 'name="pick_living"' not in page and "139****2222" in page
    noted = client_of(town).get(reverse("registry:household", args=[home.pk])).content.decode()
    assert "电话 139****2222" in noted and "13911112222" not in noted


def test_1_7_the_visitors_list_shows_what_is_owed_and_leads_with_it(
    visitor: scopes.Scope, home: Household, town: scopes.Scope, django_assert_max_num_queries
) -> None:
    other = ill(town, name="李四")
    with scopes.acting(town):
        lead = raise_lead(channel="hotline", source="call:1", area="", household_id=other.pk, reason="生活困难", urgency="red", now=timezone.now())
    client, url = client_of(visitor), reverse("discovery:visits_today")
    with django_assert_max_num_queries(30):
        page = client.get(url, {"tab": "all", "sort": "walk"}).content.decode()
    assert home.name in page and "李四" in page and "红色预警" in page and f"?lead={lead.pk}" in page and "东街3号" in page
    assert "今天还没有登记走访" in client.get(url, {"tab": "done"}).content.decode()
    for query in ({"tab": "x", "who": "all"}, {"tab": "week"}, {}):
        assert client.get(url, query).status_code == 200
    assert client_of(town).get(url).status_code == 403


def test_1_7_the_form_records_with_photo_signature_and_lead_in_one_step(visitor: scopes.Scope, home: Household, town: scopes.Scope) -> None:
    with scopes.acting(town):
        lead = raise_lead(channel="hotline", source="call:1", area="", household_id=home.pk, reason="生活困难", urgency="red", now=timezone.now())
    visit, client = owed(home), client_of(visitor)
    url = reverse("discovery:visit_record", args=[visit.pk]) + f"?lead={lead.pk}"
    assert "线索情况已当面核实" in client.get(url).content.decode()
    drawn = io.BytesIO()
    Image.new("RGB", (40, 20), "white").save(drawn, "PNG")
    form = {
        "uuid": str(uuid4()), "base_version": 1, "met": "self", "living": "hard", "needs": ["medicine"], "medicine_days": 2, "note": "药快没了",
        "verified": "on", "signature": "data:image/png;base64," + base64.b64encode(drawn.getvalue()).decode(),
    }  # fmt: skip
    for wrong, words in (
        ({"met": ""}, "必填"), ({"living": ""}, "生活状况"), ({"signature": "data:text/html,x"}, "签名没有保存"), ({"medicine_days": "999"}, "366"),
    ):  # fmt: skip
        said = client.post(url, form | wrong)
        assert said.status_code == 422 and words in said.content.decode(), wrong
    fake = client.post(url, form | {"photos": SimpleUploadedFile("a.jpg", b"\xff\xd8\xffnot a picture", "image/jpeg")})
    assert fake.status_code == 422 and "已损坏" in fake.content.decode()
    files = [SimpleUploadedFile("屋内.jpg", photo(gps=True), "image/jpeg"), SimpleUploadedFile("院子.jpg", photo(), "image/jpeg")]
    done = client.post(url, form | {"photos": files}, follow=True).content.decode()
    assert "走访已登记" in done and "已报为救助线索" in done
    again = client.post(url, form, follow=True).content.decode()
    assert "没有重复保存" in again
    with scopes.acting(visitor):
        assert (Visit.objects.get(pk=visit.pk).state, Lead.objects.get(pk=lead.pk).state) == ("done", "verified")
        assert Attachment.objects.filter(subject="visit", subject_id=visit.pk).count() == 3
    page = client.get(reverse("discovery:visit", args=[visit.pk])).content.decode()
    assert "药快没了" in page and "用药" in page and "2 天" in page


def test_1_7_an_unplanned_visit_and_the_number_to_call(visitor: scopes.Scope, town: scopes.Scope) -> None:
    home = ill(town, phone="13800001234")
    client = client_of(visitor)
    url = reverse("discovery:visit_new", args=[home.pk])
    assert "计划外" in client.get(url).content.decode()
    assert client.post(url, {"uuid": str(uuid4()), "met": "family", "living": "steady"}).status_code == 302
    called = client.post(reverse("discovery:visit_phone", args=[home.pk])).content.decode()
    assert 'href="tel:13800001234"' in called and "13800001234" not in client.get(url).content.decode()
    with scopes.acting(officer(Duty.AUDITOR, COUNTY)):
        assert AccessRecord.objects.filter(account_id=visitor.account_id, what="reveal", field="phone").exists()


def test_1_7_pages_of_another_village_do_not_exist(home: Household) -> None:
    visit = owed(home)
    for stranger in (officer(Duty.VISITOR, OTHER_VILLAGE), officer(Duty.TOWNSHIP_OFFICER, ELSEWHERE[:9])):
        client = client_of(stranger)
        for name, key in (("visit", visit.pk), ("visit_record", visit.pk), ("visit_new", home.pk)):
            assert client.get(reverse(f"discovery:{name}", args=[key])).status_code == 404, name
        assert client.post(reverse("discovery:visit_phone", args=[home.pk])).status_code == 404
        assert home.name not in client.get(reverse("discovery:visits")).content.decode()


def test_7_3_paper_is_typed_in_by_the_township_with_the_day_of_the_visit(town: scopes.Scope, home: Household) -> None:
    visit, client = owed(home), client_of(town)
    url, day = reverse("discovery:visit_record", args=[visit.pk]) + "?paper=1", timezone.localdate() - timedelta(days=2)
    form = {"uuid": str(uuid4()), "base_version": 1, "met": "self", "living": "steady", "witness": "村会计"}
    assert client.post(url, form).status_code == 422
    assert client.post(url, form | {"done_on": day + timedelta(days=3)}).status_code == 422
    assert client.post(url, form | {"done_on": day}).status_code == 302
    with scopes.acting(town):
        made = Visit.objects.get(pk=visit.pk)
        assert made.paper and timezone.localdate(made.done_at) == day and made.witness == "村会计"


def test_7_3_plans_are_read_below_and_set_by_those_who_may(town: scopes.Scope, visitor: scopes.Scope) -> None:
    client, url = client_of(town), reverse("discovery:visit_plans")
    assert "系统默认" in client.get(url).content.decode()
    form = {
        "area": TOWN, "group": "alone", "every": 3, "unit": "day", "emergency_every": 1, "emergency_unit": "day",
        "starts": timezone.localdate().isoformat(), "document": "官政〔2022〕8号",
    }  # fmt: skip
    assert client.post(url, form | {"starts": "2001-01-01"}).status_code == 422
    for _turn in range(2):
        assert client.post(url, form).status_code == 302
    with scopes.acting(town):
        assert VisitPlan.objects.count() == 1
    seen = client_of(visitor).get(url).content.decode()
    assert "官政〔2022〕8号" in seen and "每 3 天一次" in seen and "设定走访密度" not in seen
    assert client_of(visitor).post(url, form).status_code == 403


def test_7_3_both_records_stand_side_by_side_and_one_decision_counts(visitor: scopes.Scope, home: Household, town: scopes.Scope) -> None:
    found = contradict(visitor, home, Result("family", "hard", health="worse", note="老人摔了一跤"))
    client, url = client_of(town), reverse("discovery:visit_conflict", args=[found.pk])
    page = client.get(url).content.decode()
    assert "一切都好" in page and "老人摔了一跤" in page and "逐项" in page
    assert client.post(url, {"choice": "none"}).status_code == 422
    form = {"choice": "merged", "pick_living": "second", "pick_note": "second", "pick_met": "first", "note": "问过村干部"}
    assert client.post(url, form).status_code == 302
    with scopes.acting(town):
        visit, kept = Visit.objects.get(pk=found.visit_id), VisitConflict.objects.get()
        assert (visit.met, visit.living, visit.note, visit.health) == ("self", "hard", "老人摔了一跤", "")
        assert Result.from_json(str(kept.replaced)).note == "一切都好" and Result.from_json(str(kept.content)).health == "worse"
    assert client.post(url, {"choice": "first"}).status_code == 422
    assert "一切都好" in client.get(url).content.decode()
    assert client_of(visitor).post(url, {"choice": "first"}).status_code == 403
    assert client_of(officer(Duty.TOWNSHIP_OFFICER, ELSEWHERE[:9])).get(url).status_code == 404


@pytest.mark.parametrize(("choice", "visits", "living"), [("first", 1, "steady"), ("second", 1, "very_hard"), ("both", 2, "steady")])
def test_7_3_a_decision_keeps_one_the_other_or_both(
    visitor: scopes.Scope, home: Household, town: scopes.Scope, choice: str, visits: int, living: str
) -> None:
    found = contradict(visitor, home, Result("self", "very_hard", note="没有米了"))
    with scopes.acting(town):
        resolve_conflict(conflict_id=found.pk, choice=choice, note="", now=timezone.now())
        assert Visit.objects.filter(household=home, uuid__isnull=False).count() == visits
        assert Visit.objects.get(pk=found.visit_id).living == living
        with pytest.raises(StaleLead):
            resolve_conflict(conflict_id=found.pk, choice="first", note="", now=timezone.now())


def test_7_3_a_record_on_a_cancelled_visit_is_taken_or_left(visitor: scopes.Scope, home: Household, town: scopes.Scope) -> None:
    visit, now = owed(home), timezone.now()
    with scopes.acting(town):
        with pytest.raises(ValidationError):
            cancel_visit(visit_id=visit.pk, version=1, reason=" ", now=now)
        cancel_visit(visit_id=visit.pk, version=1, reason="住院", now=now)
        with pytest.raises(StaleLead):
            cancel_visit(visit_id=visit.pk, version=1, reason="住院", now=now)
    with scopes.acting(visitor):
        made = record_visit(uuid=uuid4(), visit_id=visit.pk, base_version=1, done_at=now, result=Result("self", "steady"), now=now)
    assert made.outcome == "conflict" and made.conflict is not None
    assert "没有记录" in client_of(town).get(reverse("discovery:visit_conflict", args=[made.conflict.pk])).content.decode()
    with scopes.acting(town):
        with pytest.raises(ValidationError, match="不能逐项合并"):
            resolve_conflict(conflict_id=made.conflict.pk, choice="merged", note="", now=now)
        resolve_conflict(conflict_id=made.conflict.pk, choice="second", note="", now=now)
        assert Visit.objects.get(pk=visit.pk).state == "done"


def test_1_7_the_township_asks_gives_and_cancels_by_page(visitor: scopes.Scope, home: Household, town: scopes.Scope) -> None:
    visit, client, soon = owed(home), client_of(town), timezone.localdate() + timedelta(days=1)
    url = reverse("discovery:visit_ask", args=[home.pk])
    assert client.post(url, {"due": "2001-01-01", "reason": "看看"}).status_code == 422
    assert client.post(url, {"due": soon, "reason": "接群众来电"}).status_code == 302
    assert (owed(home).pk, owed(home).due) == (visit.pk, soon)
    colleague = officer(Duty.VISITOR, VILLAGE, name="赵强")
    assert client.post(reverse("discovery:visit_assign", args=[visit.pk]), {"posting": colleague.posting_id}).status_code == 302
    assert owed(home).posting_id == colleague.posting_id
    far = officer(Duty.VISITOR, OTHER_VILLAGE)
    with scopes.acting(town):
        assert assign_visits(visit_ids=[visit.pk], posting_id=far.posting_id, now=timezone.now()) == 0
        with pytest.raises(ValidationError):
            assign_visits(visit_ids=[visit.pk], posting_id=officer(Duty.FINANCE_OFFICER, TOWN).posting_id, now=timezone.now())
    assert client.post(reverse("discovery:visit_cancel", args=[visit.pk]), {"version": 7, "reason": "外出"}).status_code == 422
    assert client.post(reverse("discovery:visit_cancel", args=[visit.pk]), {"version": 1, "reason": "外出过冬"}).status_code == 302
    with scopes.acting(visitor), pytest.raises(PermissionDenied):
        ask_visit(household_id=home.pk, due=soon, reason="看看", now=timezone.now())
    with scopes.acting(town):
        asked = ask_visit(household_id=home.pk, due=soon, reason="再看看", now=timezone.now())
    assert (asked.origin, asked.posting_id is not None) == ("asked", True)


def test_7_3_pages_above_open_in_bounded_queries_for_every_level(
    visitor: scopes.Scope, home: Household, town: scopes.Scope, django_assert_max_num_queries
) -> None:
    contradict(visitor, home, Result("self", "hard"))
    ill(town, name="李四", area=OTHER_VILLAGE)
    with scopes.acting(ROBOT):
        make_due(area=COUNTY, on=timezone.localdate(), now=timezone.now())
    for scope in (town, officer(Duty.COUNTY_REVIEWER, COUNTY), officer(Duty.SUPERVISOR, "41")):
        client = client_of(scope)
        for name in ("visits", "visit_progress", "visit_conflicts", "visit_plans", "visit_print"):
            with django_assert_max_num_queries(28):
                page = client.get(reverse(f"discovery:{name}"))
            assert page.status_code == 200, name
        for query in ({"state": "open"}, {"state": "missed"}, {"group": "ill"}, {"when": "week"}, {"name": "王"}, {"area": VILLAGE}):
            assert client.get(reverse("discovery:visits"), query).status_code == 200
    masked = client_of(officer(Duty.COUNTY_REVIEWER, COUNTY)).get(reverse("discovery:visits")).content.decode()
    assert "王建国" not in masked
    printed = client_of(town).get(reverse("discovery:visit_print"), {"area": OTHER_VILLAGE, "days": "31"}).content.decode()
    assert "李四" in printed and "签名" in printed
    assert "请选择村" in client_of(town).get(reverse("discovery:visit_print"), {"area": ELSEWHERE}).content.decode()
    assert "入户走访" in client_of(town).get(reverse("registry:household", args=[home.pk])).content.decode()
    for clause in ("1.7", "7.3"):
        with scopes.acting(town):
            assert measures.served(clause).figure()[1]  # type: ignore[union-attr]
