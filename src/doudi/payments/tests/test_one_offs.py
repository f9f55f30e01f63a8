"""One-off payments to groups: decided and listed by two officers each, each person once, late ones added, paid like any other."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection, transaction
from django.urls import reverse

from doudi.core import scope as scopes
from doudi.core.tests.officers import COUNTY, TOWNSHIP, client_of, officer
from doudi.core.tests.together import as_, together
from doudi.enrolment.models import AwardMember
from doudi.payments.models import Grant, OneOffClaim, OneOffDecision, OneOffLeftOut, OneOffList
from doudi.payments.services import one_offs
from doudi.payments.tests.test_back_pay_pages import ran
from doudi.payments.tests.world import MONTH, NOVEMBER, NOW, Officers, award, person

pytestmark = pytest.mark.django_db
ELSEWHERE = "410123"


def decided(scope: scopes.Scope, second: scopes.Scope, **more: Any) -> OneOffDecision:
    values: dict[str, Any] = {
        "area": scope.area, "title": "2022年12月一次性生活补助", "document": "牟民〔2022〕88号", "programmes": ["dibao", "tekun"], "month": MONTH, "amount": Decimal("210.00"),
        "now": NOW, **more,
    }  # fmt: skip
    with scopes.acting(scope):
        row = one_offs.decide_one_off(**values)
    with scopes.acting(second):
        return one_offs.settle_decision(decision_id=row.pk, version=1, agreed=True, now=NOW)


def listed(officers: Officers, row: OneOffDecision) -> OneOffList:
    with scopes.acting(officers.reviewer):
        return one_offs.make_list(decision_id=row.pk, area=officers.county, now=NOW)


def approved(officers: Officers, row: OneOffList) -> OneOffList:
    with scopes.acting(officers.approver):
        return one_offs.approve_list(list_id=row.pk, version=row.version, now=NOW)


def test_3_3_210_yuan_for_each_person_on_dibao_and_tekun_goes_from_document_to_bank(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        award(members=3)
        both = award(programme="tekun", amount="800.00")
        award(people=both.people, home=both.household, programme="disability_nursing", amount="75.00")
        award(ends=MONTH, starts=NOVEMBER)  # not on dibao any more in December
        award(starts=date(2023, 1, 1))
    row = decided(officers.reviewer, officers.approver, shares={"city": 50, "county": 50})
    made = listed(officers, row)
    assert (made.people, made.amount) == (4, Decimal("840.00")) and listed(officers, row).pk == made.pk
    assert one_offs.split(made.amount, row.shares) == [("city", Decimal("420.00")), ("county", Decimal("420.00"))]
    approved(officers, made)
    officers.money()
    with scopes.acting(officers.reviewer):
        draft = one_offs.pay_list(list_id=made.pk, on=MONTH, now=NOW)
        assert (draft.lines, draft.amount) == (4, Decimal("840.00"))
        assert OneOffClaim.objects.filter(entitlement_id=None).count() == 0
    payroll = officers.released(draft.payroll)
    booked = officers.booked(payroll, officers.answer(payroll, officers.first_line(payroll)))
    assert (booked.paid, booked.returned) == (3, 1)
    with scopes.acting(officers.reviewer), pytest.raises(ValidationError, match="没有遗漏"):
        one_offs.make_list(decision_id=row.pk, area=COUNTY, now=NOW)


def test_a_late_decision_is_added_by_a_second_list_and_nobody_twice(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        award()
    row = decided(officers.reviewer, officers.approver)
    approved(officers, listed(officers, row))
    with scopes.acting(officers.reviewer):
        award(members=2)
    second = listed(officers, row)
    assert (second.serial, second.people) == (2, 2)
    approved(officers, second)
    with scopes.acting(officers.reviewer):
        assert Grant.objects.filter(programme="subsidy", cause=row.pk).count() == 3


def test_a_person_in_two_groups_counts_once_by_the_first_and_a_suspended_one_waits(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        one = award()
        award(people=one.people, home=one.household, programme="disability_living", amount="75.00")
        held = award()
        held.award.suspended = True
        held.award.save(update_fields=["suspended"])
    made = listed(officers, decided(officers.reviewer, officers.approver, programmes=["disability_living", "dibao"]))
    with scopes.acting(officers.reviewer):
        assert list(OneOffClaim.objects.values_list("person_id", "programme")) == [(one.people[0].pk, "disability_living")]
        assert list(OneOffLeftOut.objects.values_list("person_id", "reason")) == [(held.people[0].pk, "suspended")] and made.summary["left_out"]


def test_winter_heating_for_each_household_is_paid_once_to_its_payee(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        family = award(members=3)
    made = listed(officers, decided(officers.reviewer, officers.approver, per="household", amount=Decimal("600.00"), title="冬季取暖补助"))
    assert (made.people, made.amount) == (1, Decimal("600.00"))
    approved(officers, made)
    with scopes.acting(officers.reviewer):
        grant = Grant.objects.get(programme="subsidy")
        assert (grant.payee_id, grant.beneficiary_name) == (family.people[0].pk, family.people[0].name)


def test_no_two_counties_list_one_person(officers: Officers) -> None:
    province = officer("supervisor", "41"), officer("supervisor", "41")
    there = Officers(ELSEWHERE)
    row = decided(*province, document="豫民〔2022〕210号")
    with scopes.acting(there.reviewer):
        other = award(area=f"{ELSEWHERE}101201")
    listed(there, row)
    with scopes.acting(officers.reviewer):
        given = award()
        made = one_offs.make_list(decision_id=row.pk, area=COUNTY, now=NOW)
        claim = OneOffClaim.objects.get(person_id=given.people[0].pk)
        claim.pk, claim.person_id = None, other.people[0].pk
        with pytest.raises(DatabaseError, match="one_off_person_once"), transaction.atomic():
            claim.save(force_insert=True)
        claim.person_id, claim.amount = 0, Decimal("999.00")
        with pytest.raises(DatabaseError, match="says what was decided"), transaction.atomic():
            claim.save(force_insert=True)
        assert made.people == 1


def test_two_officers_decide_and_two_approve_and_what_was_decided_stays(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        award()
    values = {"area": COUNTY, "title": "补助", "document": "1号", "programmes": ["dibao"], "month": MONTH, "amount": Decimal("210.00"), "now": NOW}
    with scopes.acting(officers.reviewer):
        row = one_offs.decide_one_off(**values)
        assert one_offs.decide_one_off(**values).pk == row.pk
        with pytest.raises(ValidationError, match="内容不同"):
            one_offs.decide_one_off(**{**values, "amount": Decimal("200.00")})
        with pytest.raises(ValidationError, match="没有这一项已确认"):
            one_offs.make_list(decision_id=row.pk, area=COUNTY, now=NOW)
    same = scopes.Scope(area=COUNTY, account_id=officers.reviewer.account_id, duty="county_approver")
    with scopes.acting(same), pytest.raises(PermissionDenied):
        one_offs.settle_decision(decision_id=row.pk, version=1, agreed=True, now=NOW)
    with scopes.acting(officers.approver):
        one_offs.settle_decision(decision_id=row.pk, version=1, agreed=True, now=NOW)
        with pytest.raises(ValidationError, match="已由他人办理"):
            one_offs.settle_decision(decision_id=row.pk, version=1, agreed=True, now=NOW)
    made = listed(officers, row)
    with scopes.acting(same), pytest.raises(PermissionDenied):
        one_offs.approve_list(list_id=made.pk, version=1, now=NOW)
    with scopes.acting(officers.approver):
        one_offs.drop_list(list_id=made.pk, version=1, note="请核对", now=NOW)
    again = approved(officers, listed(officers, row))
    assert again.serial == 2
    with scopes.acting(officers.reviewer):
        for sql in (
            "update payments_oneoffdecision set decision_note = 'x' where id = %s", "delete from payments_oneoffclaim where decision_id = %s",
            "update payments_oneofflist set amount = 1 where decision_id = %s",
        ):  # fmt: skip
            with pytest.raises(DatabaseError, match="decided"), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(sql, [row.pk])


def test_what_cannot_stand_is_refused_by_field(officers: Officers) -> None:
    values = {"area": COUNTY, "title": "补助", "document": "1号", "programmes": ["dibao"], "month": MONTH, "amount": Decimal("210.00"), "now": NOW}
    with scopes.acting(officers.reviewer):
        for changed, words in (
            ({"shares": {"city": 50, "county": 49}}, "100%"), ({"shares": {"moon": 100}}, "100%"), ({"amount": Decimal("0.001")}, "精确到分"), ({"programmes": []}, "对象"),
            ({"month": date(2023, 5, 1)}, "还没有到"), ({"document": " "}, "文号"), ({"area": "410123"}, "管辖"), ({"per": "x"}, "按户"),
        ):  # fmt: skip
            with pytest.raises(ValidationError, match=words):
                one_offs.decide_one_off(**{**values, **changed})
    with scopes.acting(officers.township), pytest.raises(PermissionDenied):
        one_offs.decide_one_off(**values)


def test_without_a_fund_that_may_pay_it_nothing_is_decided(officers: Officers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_offs, "OneOff", SimpleNamespace(SUBSIDY="nothing"))
    with pytest.raises(ValidationError, match="没有资金"):
        decided(officers.reviewer, officers.approver)


def test_the_pages_walk_from_document_to_payroll(officers: Officers, django_assert_max_num_queries: Any) -> None:
    with scopes.acting(officers.reviewer):
        award(members=2)
    reviewer, approver, township = (client_of(scope) for scope in (officers.reviewer, officers.approver, officers.township))
    given = {"title": "生活补助", "document": "牟民〔2022〕9号", "programmes": ["dibao"], "month": "2022-12", "amount": "210", "per": "person", "county": "50", "city": "50"}
    assert reviewer.post(reverse("payments:subsidy_new"), {**given, "city": "49"}).status_code == 422
    sent = reviewer.post(reverse("payments:subsidy_new"), given)
    with scopes.acting(officers.reviewer):
        row = OneOffDecision.objects.get()
    page = reverse("payments:subsidy", args=[row.pk])
    assert sent.url == page
    assert approver.post(page, {"act": "confirm", "version": "1"}).status_code == 302
    assert reviewer.post(page, {"act": "list"}).url == page
    with scopes.acting(officers.reviewer):
        assert not OneOffList.objects.exists(), "a large county's list is made in the background"
    assert ran(officers)["people"] == 2
    assert reviewer.post(page, {"act": "list"}).status_code == 302 and ran(officers)["people"] == 2, "asked for twice: the same list"
    assert approver.post(page, {"act": "list"}).status_code == 422
    with scopes.acting(officers.reviewer):
        made = OneOffList.objects.get()
    list_page = reverse("payments:subsidy_list", args=[made.pk])
    with django_assert_max_num_queries(40):
        said = township.get(list_page).content.decode()
    assert "生活补助" in said and "420.00" in said
    assert township.post(list_page, {"act": "approve", "version": "1"}).status_code in (302, 403, 422)
    assert approver.post(list_page, {"act": "approve", "version": "1"}).status_code == 302
    assert reviewer.post(list_page, {"act": "pay"}).url == reverse("payments:payrolls")
    assert ran(officers)["lines"] == 2
    assert reviewer.post(page, {"act": "list"}).status_code == 302 and "没有遗漏" in ran(officers)
    people = reverse("payments:subsidy_claims", args=[made.pk])
    assert reviewer.get(people).status_code == 200 and people in reviewer.get(list_page).content.decode()
    finance = client_of(officer("finance_officer", COUNTY))
    assert finance.get(people).status_code == 403 and people not in finance.get(list_page).content.decode()
    assert reviewer.get(reverse("payments:subsidies")).status_code == 200
    elsewhere = client_of(officer("county_reviewer", ELSEWHERE))
    assert elsewhere.get(people).status_code == elsewhere.get(list_page).status_code == 404 and elsewhere.get(page).status_code == 404 and TOWNSHIP


def test_of_two_approvals_of_one_list_at_once_one_pays_and_one_is_told(committed_db: None) -> None:
    officers = Officers()
    with scopes.acting(officers.reviewer):
        award(members=2)
    made = listed(officers, decided(officers.reviewer, officers.approver))
    calls = [as_(one, one_offs.approve_list, list_id=made.pk, version=1, now=NOW) for one in (officers.approver, officer("county_approver", COUNTY))]
    done, told = together(*calls)
    assert len(done) == 1 and len(told) == 1 and "可能已由他人办理" in told[0]
    with scopes.acting(officers.reviewer):
        assert Grant.objects.filter(programme="subsidy").count() == 2


def test_who_joined_after_the_month_is_not_listed(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        given = award(members=2)
        AwardMember.objects.create(area=given.award.area, award=given.award, person=person(), grp=given.award.grp, starts=date(2023, 1, 1))
    assert listed(officers, decided(officers.reviewer, officers.approver)).people == 2
