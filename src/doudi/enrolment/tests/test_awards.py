"""One award: changes by decision only, its payee by two officers, its history in one timeline; averages against the floor."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.db.utils import DatabaseError

from doudi.assessment import services as assessing
from doudi.assessment.tests.cases import MONTH, NOW, Case, case, fact
from doudi.core import scope as scopes
from doudi.core.models import Duty, Setting, Todo
from doudi.core.templatetags import ui
from doudi.core.tests.officers import COUNTY, TOWNSHIP, VILLAGE, client_of, officer
from doudi.enrolment import award_queries, services
from doudi.enrolment.averages import averages, floors
from doudi.enrolment.models import Award, PayeeChange
from doudi.registry import queries
from doudi.registry.models import BenefitStatus, Household, Person

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(days=40)
CARD = "6217000000000000004"
PAPER = ("证明.pdf", b"%PDF-1.4\n%%EOF\n")


@pytest.fixture
def town() -> scopes.Scope:
    return officer(Duty.TOWNSHIP_OFFICER, TOWNSHIP, name="赵乡镇")


@pytest.fixture
def approver() -> scopes.Scope:
    return officer(Duty.COUNTY_APPROVER, COUNTY, name="钱审批")


def grant(town: scopes.Scope, approver: scopes.Scope, *members: dict, area: str = VILLAGE, residence: str = "rural", **options) -> Award:
    with scopes.acting(town):
        made = case(*(members or ({"wage_income": 2400}, {"name": "李四"})), area=area, residence=residence)
        row = assessing.assess(household=made.household, month=MONTH, trigger="officer", now=NOW)
        decision = services.propose(assessment=row, programme="dibao", now=NOW, **options)
    with scopes.acting(approver):
        award = services.approve(decision_id=decision.pk, version=1, now=NOW)
        assert award is not None
        return award


@pytest.fixture
def award(town, approver) -> Award:
    return grant(town, approver)


def payee(town: scopes.Scope, award: Award, **options) -> PayeeChange:
    with scopes.acting(town):
        given = {"kind": "guardian", "name": "王长春", "account": CARD, "bank": "105", "basis": "监护关系证明〔2022〕12号", "evidence": [PAPER]} | options
        return services.propose_payee(award_id=award.pk, now=LATER, **given)


def test_a_payee_changes_by_two_officers_and_not_before_the_second(town, approver, award) -> None:
    change = payee(town, award)
    with scopes.acting(approver):
        assert Award.objects.get().payee_name == "王建国" and Todo.objects.get(kind="enrolment.payee", done_at=None).duty == Duty.COUNTY_APPROVER
        own = scopes.Scope(area=COUNTY, account_id=town.account_id, duty=Duty.COUNTY_APPROVER, page="test")
    with scopes.acting(own), pytest.raises(PermissionDenied, match="另一名"):
        services.decide_payee(change_id=change.pk, version=1, agreed=True, now=LATER)
    with scopes.acting(town), pytest.raises(PermissionDenied):
        services.decide_payee(change_id=change.pk, version=1, agreed=True, now=LATER)
    with scopes.acting(approver):
        services.decide_payee(change_id=change.pk, version=1, agreed=True, now=LATER)
        now = Award.objects.get()
        assert (now.payee_name, now.payee_id, now.account) == ("王长春", None, change.account)
        with pytest.raises(ValidationError, match="已由钱审批办理"):
            services.decide_payee(change_id=change.pk, version=1, agreed=False, note="x", now=LATER)
        assert not Todo.objects.filter(subject="payee_change", done_at=None).exists()
        for attack in ({"name": "别人"}, {"state": "proposed", "decided_by": None}):
            with pytest.raises(DatabaseError), transaction.atomic():
                PayeeChange.objects.filter(pk=change.pk).update(**attack)


def test_sent_back_the_payee_stays_and_the_township_reads_why(town, approver, award) -> None:
    change = payee(town, award, kind="institution", name="中牟县敬老院")
    with scopes.acting(approver):
        with pytest.raises(ValidationError, match="退回理由"):
            services.decide_payee(change_id=change.pk, version=1, agreed=False, now=LATER)
        services.decide_payee(change_id=change.pk, version=1, agreed=False, note="缺供养协议", now=LATER)
        assert Award.objects.get().payee_name == "王建国"
    with scopes.acting(town):
        assert Todo.objects.get(kind="enrolment.payee_back").area == VILLAGE
    assert payee(town, award).pk != change.pk


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"basis": " "}, "依据"), ({"kind": "friend"}, "类型"), ({"name": "王"}, "户名"), ({"account": ""}, "收款账号"), ({"account": "12ab"}, "银行账号"),
        ({"bank": ""}, "开户银行"), ({"kind": "member", "person_id": 99999999}, "在世的成员"),
    ],
)  # fmt: skip
def test_what_no_payee_can_be_is_said(town, award, options, why) -> None:
    with pytest.raises(ValidationError, match=why):
        payee(town, award, **options)
    with scopes.acting(town):
        assert not PayeeChange.objects.exists()


def test_a_member_is_paid_to_the_account_in_the_registry_and_a_dead_one_never(town, approver, award) -> None:
    with scopes.acting(town):
        other = Person.objects.get(name="李四")
    change = payee(town, award, kind="member", person_id=other.pk)
    assert change.account == other.account and change.name == "李四"
    with pytest.raises(ValidationError, match="待确认的领款人变更"):
        payee(town, award)
    with scopes.acting(town):
        Person.objects.filter(pk=other.pk).update(died_on=date(2022, 12, 30))
    with scopes.acting(approver), pytest.raises(ValidationError, match="已死亡"):
        services.decide_payee(change_id=change.pk, version=1, agreed=True, now=LATER)


def banded(town: scopes.Scope, approver: scopes.Scope) -> tuple[Case, Award]:
    """A household of two in band 1 and its award, in a county that pays by bands."""
    with scopes.acting(scopes.Scope(area="41")):
        by = [officer(Duty.SUPERVISOR, "41", name=name).account_id for name in ("甲", "乙")]
        for parameter, value in MODES:
            Setting.objects.create(
                area=COUNTY, parameter=parameter, starts=date(2022, 1, 1), value=value, document="牟民〔2022〕1号", state="confirmed",
                proposed_by_id=by[0], proposed_at=NOW, decided_by_id=by[1], decided_at=NOW,
            )  # fmt: skip
    with scopes.acting(town):
        home = case({"wage_income": 2400}, {"name": "李四"})
        row = assessing.assess(household=home.household, month=MONTH, trigger="officer", now=NOW)
        decision = services.propose(assessment=row, programme="dibao", bands={p.pk: 1 for p in home.people}, now=NOW)
    with scopes.acting(approver):
        award = services.approve(decision_id=decision.pk, version=1, now=NOW)
        assert award is not None and set(award.members.values_list("band", flat=True)) == {1}
        return home, award


def test_a_change_of_an_award_that_comes_to_its_end_ends_with_it(town, approver) -> None:
    home, award = banded(town, approver)
    june = date(2023, 6, 1)
    with scopes.acting(town):
        stop = services.stop_award(award_id=award.pk, from_month=june, reason="六月起外出随子女生活", now=LATER)
    with scopes.acting(approver):
        services.approve(decision_id=stop.pk, version=1, now=LATER)
    with scopes.acting(town):
        row = services.law_says(household=home.household, now=LATER)
        bands = {home.people[0].pk: 1, home.people[1].pk: 2}
        change = services.change_award(award_id=award.pk, assessment=row, bands=bands, reason="李四病情好转", now=LATER)
    with scopes.acting(approver):
        services.approve(decision_id=change.pk, version=1, now=LATER)
        assert set(award.members.filter(ends__gt=change.starts).values_list("band", "ends")) == {(1, june), (2, june)}
        assert not award.members.filter(ends=None).exists()


def test_a_change_decided_for_after_the_stop_leaves_no_member_behind(town, approver) -> None:
    home, award = banded(town, approver)
    with scopes.acting(town):
        row = services.law_says(household=home.household, now=LATER)
        bands = {home.people[0].pk: 1, home.people[1].pk: 2}
        change = services.change_award(award_id=award.pk, assessment=row, bands=bands, reason="李四病情好转", from_month=date(2023, 6, 1), now=LATER)
    with scopes.acting(approver):
        services.approve(decision_id=change.pk, version=1, now=LATER)
        assert award.members.filter(starts=date(2023, 6, 1), ends=None).exists()
    with scopes.acting(town):
        stop = services.stop_award(award_id=award.pk, from_month=date(2023, 3, 1), reason="三月起随子女生活", now=LATER)
    with scopes.acting(approver):
        services.approve(decision_id=stop.pk, version=1, now=LATER)
        assert set(award.members.values_list("person_id", "ends")) == {(each.pk, date(2023, 3, 1)) for each in home.people}
        assert set(BenefitStatus.objects.values_list("person_id", "ends")) == {(each.pk, date(2023, 3, 1)) for each in home.people}


def test_bands_need_a_reason_and_stand_in_the_timeline(town, approver) -> None:
    home, award = banded(town, approver)
    bands = {home.people[0].pk: 1, home.people[1].pk: 2}
    with scopes.acting(town):
        row = services.law_says(household=home.household, now=LATER)
        with pytest.raises(ValidationError, match="理由"):
            services.change_award(award_id=award.pk, assessment=row, bands=bands, now=LATER)
        with pytest.raises(ValidationError, match="档次"):
            services.change_award(award_id=award.pk, assessment=row, bands={home.people[0].pk: 9}, reason="x", now=LATER)
        change = services.change_award(award_id=award.pk, assessment=row, bands=bands, reason="李四病情好转", now=LATER)
    with scopes.acting(approver):
        services.approve(decision_id=change.pk, version=1, now=LATER)
        assert dict(award.members.filter(ends=None).values_list("person_id", "band")) == bands
        told = award_queries.timeline(Award.objects.select_related("decision", "decision__decided_by", "decision__proposed_by").get(pk=award.pk))
        assert any("李四由第1档调为第2档" in item["note"] and "钱审批" in item["who"] for item in told)
    with scopes.acting(town):
        stop = services.stop_award(award_id=award.pk, from_month=date(2023, 6, 1), reason="六月起外出随子女生活", now=LATER)
        assert [member["person_id"] for member in stop.content["members"]] == [each.pk for each in home.people], "each once, whatever bands they had"


MODES = (
    ("dibao.payment.mode.rural", "bands"), ("dibao.payment.band.rural.band_1", "400"), ("dibao.payment.band.rural.band_2", "300"),
    ("dibao.payment.band_limit.rural.band_1", "100"),
)  # fmt: skip


def test_the_timeline_says_everything_with_who_and_why_in_few_queries(town, approver, award, django_assert_max_num_queries) -> None:
    with scopes.acting(town):
        fact(Person.objects.get(name="王建国"), "wage_income", 4800, now=LATER)
        row = services.law_says(household=award.household, now=LATER)
        change = services.change_award(award_id=award.pk, assessment=row, reason="务工收入增加", now=LATER)
    with scopes.acting(approver):
        services.approve(decision_id=change.pk, version=1, note="属实", now=LATER)
        services.suspend(award_id=award.pk, reason="外出失联", now=LATER + timedelta(days=1))
        services.resume(award_id=award.pk, reason="已联系上", now=LATER + timedelta(days=3))
    payee(town, award)
    with scopes.acting(approver):
        row = Award.objects.select_related("decision", "decision__decided_by", "decision__proposed_by").get()
        with django_assert_max_num_queries(12):
            told = award_queries.timeline(row)
        titles = "|".join(item["title"] for item in told)
        for words in ("审核确认", "变更为", "暂停发放", "恢复发放", "王长春"):
            assert words in titles
        assert [item["at"] for item in told] == sorted((item["at"] for item in told), reverse=True)
        assert any("务工收入增加" in item["note"] and "赵乡镇" in item["who"] for item in told)
        assert "<svg" in str(award_queries.chart(row, today=date(2023, 1, 10)))


def test_the_page_proposes_and_shows_on_both_sides(town, approver, award) -> None:
    mine, county = client_of(town), client_of(approver)
    url = f"/enrolment/awards/{award.pk}/"
    page = mine.get(url).content.decode()
    assert "待遇沿革" in page and "变更领款人" in page and "提出变更" in page and "<svg" in page
    assert mine.post(url + "payee/", {"kind": "guardian", "name": "王长春", "account": CARD, "bank": "105", "basis": ""}).status_code == 422
    given = {"kind": "guardian", "name": "王长春", "account": CARD, "bank": "105", "basis": "监护证明"}
    assert mine.post(url + "payee/", given | {"evidence": SimpleUploadedFile(*PAPER)}).status_code == 302
    assert mine.post(url + "payee/", given).status_code == 422
    assert "确认变更" in county.get(url).content.decode() and "确认变更" not in mine.get(url).content.decode()
    assert county.post(url + "payee-decide/", {"version": 1, "agreed": "yes", "note": ""}).status_code == 302
    assert "王长春" in county.get(url).content.decode()
    assert mine.post(url + "change/", {"from_month": "2022-12", "reason": ""}).status_code == 422
    assert client_of(officer(Duty.TOWNSHIP_OFFICER, "410122102")).get(url).status_code == 404


def test_the_countys_average_stands_beside_the_floor_of_the_province(town, approver, django_assert_max_num_queries) -> None:
    grant(town, approver)
    grant(town, approver, {"wage_income": 2400}, residence="urban")
    limits = floors(date(2022, 12, 1))
    assert (limits["urban"].amount, limits["rural"].amount) == (Decimal("315.00"), Decimal("210.00")) and "2022" in limits["urban"].since
    with scopes.acting(officer(Duty.SUPERVISOR, "41")):
        with django_assert_max_num_queries(4):
            rows = averages(date(2022, 12, 1))
        assert {(r.area, r.residence, r.people) for r in rows} == {(COUNTY, "rural", 2), (COUNTY, "urban", 1)}
        for r in rows:
            assert r.average == (r.amount / r.people).quantize(Decimal("0.01")) and r.floor is not None
            assert r.below == (r.average < r.floor.amount)
        assert averages(date(2022, 11, 1)) == []
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, "410103")):
        assert averages(date(2022, 12, 1)) == []


def test_below_the_floor_is_red(town, approver) -> None:
    _low(town, approver)
    reviewer = client_of(officer(Duty.COUNTY_REVIEWER, COUNTY))
    page = reviewer.get("/enrolment/averages/?month=2022-12").content.decode()
    assert "低于省定水平" in page and "50.00" in page and "210.00" in page
    assert reviewer.get("/enrolment/averages/?month=abc").status_code == 200
    assert client_of(officer(Duty.FINANCE_OFFICER)).get("/enrolment/averages/").status_code == 403


def _low(town: scopes.Scope, approver: scopes.Scope) -> None:
    with scopes.acting(town):
        made = case({"wage_income": 2400}, {"name": "李四"})
        row = assessing.assess(household=made.household, month=MONTH, trigger="officer", now=NOW)
        decision = services.propose(assessment=row, programme="dibao", amount=Decimal("100.00"), reason="县级研究意见", now=NOW)
    with scopes.acting(officer(Duty.COUNTY_REVIEWER, COUNTY)):
        services.sign(decision_id=decision.pk, version=1, now=NOW)
    with scopes.acting(approver):
        services.approve(decision_id=decision.pk, version=2, now=NOW)


def test_an_award_that_came_to_its_end_is_received_no_longer(town, approver, award) -> None:
    with scopes.acting(town):
        stop = services.stop_award(award_id=award.pk, from_month=date(2023, 2, 1), reason="收入提高", now=NOW)
    with scopes.acting(approver):
        services.approve(decision_id=stop.pk, version=1, now=NOW)
    with scopes.acting(town):
        for on, running in ((date(2023, 1, 31), True), (date(2023, 2, 1), False)):
            found = {programme: queries.households(programme=programme, on=on).filter(pk=award.household_id).exists() for programme in ("dibao", "none")}
            assert found == {"dibao": running, "none": not running}
            assert queries.with_summary(Household.objects.filter(pk=award.household_id), on).get().programmes == (["dibao"] if running else [])
            states = {row.state for member in queries.household_view(award.household, on=on).members for row in member.benefits}
            assert states == {"active" if running else "ended"}
            assert {row.state_on(on) for row in BenefitStatus.objects.filter(award_id=award.pk)} == {"active" if running else "ended"}


def test_an_award_whose_end_is_set_ahead_is_paid_until_then(town, approver, award) -> None:
    award.ends = date(2023, 2, 1)
    assert [award_queries.state_of(award, on)[0] for on in (date(2023, 1, 31), date(2023, 2, 1))] == ["将停发", "已停发"]
    assert ui.until(award.ends) == date(2023, 1, 31) and ui.until(None) is None
