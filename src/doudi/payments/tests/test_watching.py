"""What a payroll is held against (4.3): the month before, rules, the freeze, exclusions that come back, signers by amount."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection, transaction
from django.urls import reverse

from doudi.core import scope as scopes
from doudi.core.models import Account, Duty, Todo
from doudi.core.tests.officers import client_of, officer
from doudi.enrolment.models import Award, AwardAmount, AwardMember, Decision
from doudi.payments import watch_reads
from doudi.payments.models import LineFlag, LineReview, Payroll, PayrollChange, PayrollExclusion
from doudi.payments.services import payrolls, reviewing
from doudi.payments.services.supplements import prepare_supplement
from doudi.payments.tests.test_calendar import set_to
from doudi.payments.tests.world import COUNTY, MONTH, NOVEMBER, NOW, VILLAGE, Given, Officers, award, person

pytestmark = pytest.mark.django_db
JANUARY = date(2023, 1, 1)


def decided(given: Given, at: datetime) -> None:
    Decision.objects.filter(pk=given.award.decision_id).update(decided_at=at)


def change(given: Given, amount: str, *, reason: str = "") -> None:
    """A later amount by another decision, from December on."""
    first = given.award.decision
    later = Decision.objects.create(
        area=VILLAGE, number=f"{first.number}-2", household=given.household, programme=first.programme, kind="change", content={}, content_hash="x",
        amount=Decimal(amount), starts=MONTH, reason=reason, state="approved", proposed_by_id=first.proposed_by_id, proposed_at=NOW,
        decided_by=Account.objects.exclude(pk=first.proposed_by_id).first(),
    )  # fmt: skip
    AwardAmount.objects.create(area=VILLAGE, award=given.award, from_month=MONTH, amount=Decimal(amount), decision=later)


def flags(payroll: Payroll, scope: scopes.Scope) -> dict[int, set[str]]:
    with scopes.acting(scope):
        found: dict[int, set[str]] = {}
        for entitlement, rule in LineFlag.objects.filter(payroll=payroll).values_list("entitlement_id", "rule"):
            found.setdefault(entitlement, set()).add(rule)
        return found


# --- comparison -----------------------------------------------------------------------------------------------------


def test_4_3_every_difference_to_last_month_says_why(officers: Officers, django_assert_max_num_queries) -> None:
    with scopes.acting(officers.reviewer):
        same, raised, decided_on, ended, lost, died = (award(starts=NOVEMBER, members=2, amount="300.00") for _ in range(6))
        other_programme = award(starts=NOVEMBER, programme="disability_nursing", amount="60.00")
        waits = award(starts=NOVEMBER, account=False)
    officers.prepared(NOVEMBER)
    with scopes.acting(officers.reviewer):
        change(raised, "320.00", reason="标准调整：豫民〔2022〕1号")
        change(decided_on, "280.00")
        Award.objects.filter(pk=ended.award.pk).update(ends=MONTH)
        AwardMember.objects.filter(award=ended.award).update(ends=MONTH)
        Award.objects.filter(pk=lost.award.pk).update(suspended=True)
        for who in died.people[1:]:
            who.died_on = date(2022, 11, 3)
            who.save(update_fields=["died_on"])
        Award.objects.filter(pk=waits.award.pk).update(account=waits.people[0].account)
        new = award()
    payroll = officers.prepared().payroll
    with scopes.acting(officers.reviewer):
        found = {row.entitlement_id: (row.what, row.why) for row in PayrollChange.objects.filter(payroll=payroll)}
        assert found == {
            raised.award.pk: ("changed", "standard"),
            decided_on.award.pk: ("changed", "decision"),
            ended.award.pk: ("ended", "stopped"),
            lost.award.pk: ("ended", "left_out"),
            died.award.pk: ("changed", "death"),
            waits.award.pk: ("added", "resumed"),
            new.award.pk: ("added", "granted"),
        }
        assert same.award.pk not in found and other_programme.award.pk not in found
        before = Payroll.objects.get(month=NOVEMBER)
        with django_assert_max_num_queries(4):
            compared = watch_reads.compared(payroll, before)
        total = compared["total"]
        assert (total["added"], total["ended"], total["changed"]) == (2, 2, 3)
        assert total["amount"] == payroll.amount and total["before"] == before.amount and total["difference"] == payroll.amount - before.amount
        assert total["lines"] == payroll.lines and {row["programme"] for row in compared["programmes"]} == {"dibao", "disability_nursing"}
        assert sum(row["amount"] for row in compared["townships"]) == payroll.amount
    client = client_of(officers.approver)
    page = client.get(reverse("payments:changes", args=[payroll.pk]), {"what": "ended", "why": "left_out"}).content.decode()
    assert "暂停发放" in page and "共 1 条" in page
    assert client_of(officer(Duty.COUNTY_APPROVER, "410205")).get(reverse("payments:changes", args=[payroll.pk])).status_code == 404


def test_4_3_a_supplement_of_last_month_is_not_new_this_month(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        award(starts=NOVEMBER)
        late = award(starts=NOVEMBER)
        decided(late, datetime(2022, 11, 3, 9, tzinfo=UTC))
    officers.checked(officers.prepared(NOVEMBER).payroll)
    with scopes.acting(officers.reviewer):
        assert prepare_supplement(area=COUNTY, month=NOVEMBER, now=NOW).lines == 1
    payroll = officers.prepared().payroll
    with scopes.acting(officers.reviewer):
        assert not PayrollChange.objects.filter(payroll=payroll).exists()


# --- what stands out ------------------------------------------------------------------------------------------------


def test_4_3_rules_mark_what_stands_out(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        plain = award(starts=NOVEMBER)
        doubled = award(starts=NOVEMBER, amount="200.00")
        old = award(starts=NOVEMBER)
        old.people[0].birth_date = date(1922, 11, 30)
        old.people[0].save(update_fields=["birth_date"])
        rich = award(starts=NOVEMBER, amount="5000.00")
        shared = [award(starts=NOVEMBER) for _ in range(3)]
        for one in shared:
            Award.objects.filter(pk=one.award.pk).update(account=shared[0].people[0].account)
        outside, stranger = award(starts=NOVEMBER), person()
    officers.prepared(NOVEMBER)
    with scopes.acting(officers.reviewer):
        change(doubled, "400.00")
        Award.objects.filter(pk=outside.award.pk).update(payee_id=stranger.pk, payee_name=stranger.name)
        late = award(starts=date(2022, 9, 1))
        fresh = award()
    payroll = officers.prepared().payroll
    found = flags(payroll, officers.reviewer)
    assert plain.award.pk not in found
    assert found[doubled.award.pk] == {"change"} and found[old.award.pk] == {"age"} and found[outside.award.pk] == {"outsider"}
    assert found[rich.award.pk] == {"standard"} and found[late.award.pk] == {"arrears", "first"} and found[fresh.award.pk] == {"first"}
    assert all(found[one.award.pk] == {"shared"} for one in shared)
    # thresholds are dated settings of the county; 0 switches a rule off
    for name, value in (("shared", "4"), ("change", "101"), ("age", "0"), ("arrears", "4"), ("standard", "20")):
        set_to(f"procedure.payroll.unusual.{name}", value)
    set_to("procedure.payroll.review.first", "1")
    again = officers.prepared().payroll
    assert flags(again, officers.reviewer) == {
        late.award.pk: {"first"}, fresh.award.pk: {"first"}, outside.award.pk: {"outsider"},
    }  # fmt: skip
    with scopes.acting(officers.reviewer):
        assert LineFlag.objects.get(entitlement=fresh.award.pk).must


def test_4_3_the_check_waits_for_reviews_in_the_database_too(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        odd = award(starts=date(2022, 9, 1))
        award()
    payroll = officers.prepared().payroll
    with scopes.acting(officers.checker):
        with pytest.raises(ValidationError, match="1 笔异常明细没有复核"):
            payrolls.check_payroll(payroll_id=payroll.pk, now=NOW)
        with pytest.raises(DatabaseError, match="wait for a review"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "update payments_payroll set state = 'checked', checked_by_id = %s, content_hash = 'x' where id = %s",
                [officers.checker.account_id, payroll.pk],
            )
        assert reviewing.review_lines(payroll_id=payroll.pk, entitlement_ids=[odd.award.pk], held=False, note="核对审批月份", now=NOW) == 1
        # another amount is looked at again
        change(odd, "310.00")
    payroll = officers.prepared().payroll
    with scopes.acting(officers.checker):
        with pytest.raises(ValidationError, match="没有复核"):
            payrolls.check_payroll(payroll_id=payroll.pk, now=NOW)
        reviewing.review_lines(payroll_id=payroll.pk, entitlement_ids=[odd.award.pk], held=True, note="待核查", now=NOW)
        with pytest.raises(ValidationError, match="先刷新明细"):
            payrolls.check_payroll(payroll_id=payroll.pk, now=NOW)
    payroll = officers.prepared().payroll
    assert officers.checked(payroll).lines == 1


def test_4_3_reviewing_many_refuses_what_is_not_flagged_there(officers: Officers) -> None:
    with scopes.acting(officers.reviewer):
        odd, fine = award(starts=date(2022, 9, 1)), award()
    payroll = officers.prepared().payroll
    client = client_of(officers.reviewer)
    url = reverse("payments:review_many", args=[payroll.pk])
    assert "待复核" in client.get(reverse("payments:flags", args=[payroll.pk])).content.decode()
    for given in (
        {"entitlement": [str(odd.award.pk), str(fine.award.pk)], "verdict": "normal", "note": "x"},
        {"entitlement": ["x", "²", "9" * 30], "verdict": "normal", "note": "x"},
        {"entitlement": [str(odd.award.pk)], "verdict": "normal", "note": " "},
        {"entitlement": [str(odd.award.pk)], "verdict": "fine", "note": "x"},
    ):
        client.post(url, given)
        with scopes.acting(officers.reviewer):
            assert not LineReview.objects.exists()
    client_of(officer(Duty.COUNTY_REVIEWER, "410205")).post(url, {"entitlement": [str(odd.award.pk)], "verdict": "normal", "note": "x"})
    assert client_of(officers.approver).post(url, {}).status_code == 403
    for _twice in range(2):
        client.post(url, {"entitlement": [str(odd.award.pk)] * 2, "verdict": "normal", "note": "已入户核实"})
    with scopes.acting(officers.reviewer):
        assert LineReview.objects.get().note == "已入户核实"
        assert watch_reads.flagged(payroll)[0]["waits"] is False


# --- freeze, supplement, exclusions ---------------------------------------------------------------------------------


def test_4_3_what_is_decided_after_the_freeze_waits_for_the_supplement(officers: Officers) -> None:
    freeze = datetime(2022, 11, 30, 16, tzinfo=UTC)  # the end of 2022-11-30 in China
    with scopes.acting(officers.reviewer):
        just, late = award(), award()
        decided(just, datetime(2022, 11, 30, 15, 59, 59, tzinfo=UTC))
        decided(late, freeze)
    payroll = officers.prepared().payroll
    with scopes.acting(officers.reviewer):
        assert payroll.frozen_at == freeze
        assert [row[0] for row in officers.lines(payroll)] == [just.award.pk]
        assert PayrollExclusion.objects.get(payroll=payroll).reason == "after_freeze" and watch_reads.after_freeze(payroll) == 1
        with pytest.raises(ValidationError, match="尚未提交审批"):
            prepare_supplement(area=COUNTY, month=MONTH, now=NOW)
    page = client_of(officers.reviewer).get(reverse("payments:payroll", args=[payroll.pk])).content.decode()
    assert "数据冻结于 2022-12-01 00:00" in page and "冻结后审批 1 户" in page
    officers.checked(payroll)
    with scopes.acting(officers.reviewer):
        made = prepare_supplement(area=COUNTY, month=MONTH, now=NOW)
        assert (made.payroll.kind, made.payroll.number, made.lines) == ("supplement", f"{COUNTY}-202212-2", 1)
        assert prepare_supplement(area=COUNTY, month=MONTH, now=NOW).payroll.pk == made.payroll.pk  # refreshed
        assert watch_reads.after_freeze(payroll) == 0
    officers.money()
    officers.released(made.payroll)
    with scopes.acting(officers.reviewer), pytest.raises(ValidationError, match="没有需要补发"):
        prepare_supplement(area=COUNTY, month=MONTH, now=NOW)


def test_4_3_a_county_may_leave_it_to_the_next_month_or_freeze_nothing(officers: Officers) -> None:
    set_to("procedure.payroll.supplement", "0")
    with scopes.acting(officers.reviewer):
        late = award()
        award()
        decided(late, datetime(2022, 12, 2, 9, tzinfo=UTC))
    officers.checked(officers.prepared().payroll)
    with scopes.acting(officers.reviewer), pytest.raises(ValidationError, match="随下月发放"):
        prepare_supplement(area=COUNTY, month=MONTH, now=NOW)
    january = officers.prepared(JANUARY).payroll
    assert sorted(row[1].month for row in officers.lines(january) if row[0] == late.award.pk) == [1, 12]
    set_to("procedure.payroll.days.freeze", "0")
    other = Officers("410205")
    set_to("procedure.payroll.days.freeze", "0", area="410205")
    with scopes.acting(other.reviewer):
        decided(award(area="410205101201"), datetime(2022, 12, 2, 9, tzinfo=UTC))
    assert other.prepared().lines == 1


@pytest.mark.parametrize("reason", ["no_account", "suspended", "payee_died", "held", "after_freeze"])
def test_4_3_each_exclusion_comes_back_when_its_reason_ends(officers: Officers, reason: str) -> None:
    with scopes.acting(officers.reviewer):
        given = award(members=2, account=reason != "no_account")
        award()
        rows = Award.objects.filter(pk=given.award.pk)
        if reason == "suspended":
            rows.update(suspended=True)
        elif reason == "payee_died":
            given.people[0].died_on = date(2022, 11, 3)
            given.people[0].save(update_fields=["died_on"])
        elif reason == "after_freeze":
            decided(given, datetime(2022, 12, 2, tzinfo=UTC))
    payroll = officers.prepared().payroll
    with scopes.acting(officers.reviewer):
        if reason == "held":
            payrolls.review_line(payroll_id=payroll.pk, entitlement_id=given.award.pk, held=True, note="待核查", now=NOW)
    payroll = officers.prepared().payroll
    with scopes.acting(officers.reviewer):
        assert PayrollExclusion.objects.get(payroll=payroll, entitlement=given.award.pk).reason == reason
    page = client_of(officers.approver).get(reverse("payments:exclusions", args=[payroll.pk]), {"reason": reason}).content.decode()
    assert given.people[0].name in page and "共 1 条" in page
    with scopes.acting(officers.reviewer):
        if reason == "no_account":
            rows.update(account=given.people[0].account)
        elif reason == "suspended":
            rows.update(suspended=False)
        elif reason == "payee_died":
            rows.update(payee_id=given.people[1].pk, payee_name=given.people[1].name, account=given.people[1].account)
    officers.checked(payroll)
    january = [row for row in officers.lines(officers.prepared(JANUARY).payroll) if row[0] == given.award.pk]
    assert [row[1] for row in sorted(january, key=lambda row: str(row[1]))] == [MONTH, JANUARY]


# --- signers --------------------------------------------------------------------------------------------------------


def test_4_3_above_its_limit_the_director_signs(officers: Officers) -> None:
    set_to("procedure.payroll.sign.county_approver", "300.00")
    director = officer(Duty.COUNTY_DIRECTOR, COUNTY)
    with scopes.acting(officers.reviewer):
        award(amount="300.00")
    payroll = officers.checked(officers.prepared().payroll)
    assert payroll.signer == Duty.COUNTY_APPROVER  # up to the limit, with it
    with scopes.acting(officers.approver):
        payrolls.send_back(payroll_id=payroll.pk, reason="补充", now=NOW)
    with scopes.acting(officers.reviewer):
        award(amount="0.01")
    payroll = officers.checked(officers.prepared().payroll)
    assert payroll.signer == Duty.COUNTY_DIRECTOR
    with scopes.acting(director):
        assert Todo.objects.filter(duty=director.duty, kind="payments.approve", done_at__isnull=True).exists()
    with scopes.acting(officers.approver):
        with pytest.raises(ValidationError, match="须由“县级分管负责人”审批"):
            payrolls.approve_payroll(payroll_id=payroll.pk, now=NOW)
        with pytest.raises(DatabaseError, match="another signer"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "update payments_payroll set state = 'approved', approved_at = %s, approved_by_id = %s where id = %s",
                [NOW, officers.approver.account_id, payroll.pk],
            )
        with pytest.raises(DatabaseError, match="stay once it is checked"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("update payments_payroll set signer = 'county_approver' where id = %s", [payroll.pk])
    url = reverse("payments:payroll", args=[payroll.pk])
    assert "须由“县级分管负责人”审批" in client_of(officers.approver).get(url).content.decode()
    signing = client_of(director)
    assert "审批 2 笔" in signing.get(url).content.decode()
    signing.post(reverse("payments:approve", args=[payroll.pk]))
    with scopes.acting(director):
        assert Payroll.objects.get(pk=payroll.pk).approved_by_id == director.account_id


def test_4_3_who_prepared_last_does_not_check(officers: Officers) -> None:
    payroll = officers.draft()
    with scopes.acting(officers.reviewer), pytest.raises(ValidationError, match="编制人以外"):
        payrolls.check_payroll(payroll_id=payroll.pk, now=NOW)
    with scopes.acting(officers.checker):  # who refreshes becomes the one who prepared
        payrolls.prepare_payroll(area=COUNTY, month=MONTH, now=NOW)
        with pytest.raises(ValidationError, match="编制人以外"):
            payrolls.check_payroll(payroll_id=payroll.pk, now=NOW)
    with scopes.acting(officers.reviewer):
        assert payrolls.check_payroll(payroll_id=payroll.pk, now=NOW).state == "checked"
    with scopes.acting(officers.finance), pytest.raises(PermissionDenied):
        payrolls.approve_payroll(payroll_id=payroll.pk, now=NOW)


def test_4_3_a_county_with_one_reviewer_sets_it_aside(officers: Officers) -> None:
    set_to("procedure.payroll.checker_apart", "0")
    payroll = officers.draft()
    with scopes.acting(officers.reviewer):
        assert payrolls.check_payroll(payroll_id=payroll.pk, now=NOW).state == "checked"


@pytest.mark.parametrize("tab", ["", "unusual", "all"])
def test_4_3_the_page_opens_in_the_same_queries_whatever_the_size(officers: Officers, tab: str, django_assert_max_num_queries) -> None:
    with scopes.acting(officers.reviewer):
        for _ in range(12):
            award(starts=date(2022, 9, 1))
    payroll = officers.prepared().payroll
    client = client_of(officers.reviewer)
    url = reverse("payments:payroll", args=[payroll.pk])
    client.get(url)
    with django_assert_max_num_queries(45):
        assert client.get(url, {"tab": tab}).status_code == 200
