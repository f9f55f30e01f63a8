"""5.3, 5.4: what a transfer asks of the new county, referrals that somebody can accept, allowances noted as paid; two officers on one case at once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction

from doudi.core import scope as scopes
from doudi.core.models import Duty, Setting, Todo
from doudi.core.tests.officers import client_of, officer
from doudi.core.tests.together import as_, together
from doudi.protection import services
from doudi.protection.models import Care, CareClaim, CaseAssessment, ProtectionCase
from doudi.protection.tests.care_world import DAY, ELSEWHERE, GUARDIANSHIP, HOUR, CareOffice, arranged, fresh
from doudi.protection.tests.world import CHILD, GOOD, NOW, Office

pytestmark = pytest.mark.django_db


def open_todos(who: scopes.Scope, kind: str) -> list[Todo]:
    with scopes.acting(who):
        return list(Todo.objects.filter(kind=kind, done_at__isnull=True))


def transferred(office: CareOffice, row: ProtectionCase) -> ProtectionCase:
    made = office.offered(row, kind="transfer", service="case", ground="law", sections=())
    with scopes.acting(office.there):
        services.accept(referral_id=made.pk, version=1, note="已与前任通话", now=NOW + DAY)
        return fresh(row)


@time_machine.travel(NOW + DAY, tick=False)
def test_5_3_the_new_county_is_asked_to_take_over_as_guardian_and_does() -> None:
    office = CareOffice()
    row = office.taken(unattended=True)
    office.sheeted(office.living(row))
    with scopes.acting(office.worker):
        first = office.guarded(row, NOW + HOUR)
    case = transferred(office, row)
    (asked,) = open_todos(office.there, "care_moved")
    assert "监护人仍为中牟县民政局" in asked.title and asked.posting_id
    page = client_of(office.there).get(f"/protection/cases/{case.pk}/?tab=care").content.decode()
    assert "由新郑市民政局接任" in page and "提出临时监护" in page
    given = arranged(**GUARDIANSHIP | {"expected_end": date(2023, 1, 31)})
    with scopes.acting(office.there):
        mine = services.propose_guardianship(case_id=case.pk, version=case.version, uuid=uuid4(), given=given, now=NOW + DAY)
    approver = officer(Duty.COUNTY_APPROVER, ELSEWHERE)
    with scopes.acting(approver):
        services.decide_guardianship(care_id=mine.pk, version=1, agreed=True, document="新民未保〔2022〕3号", note="接任", now=NOW + DAY)
        before, after = Care.objects.get(pk=first.pk), Care.objects.get(pk=mine.pk)
    assert (before.state, before.outcome, before.ended_at) == ("ended", "moved", after.starts)
    assert (after.state, after.body, after.follows_id) == ("active", "新郑市民政局", before.pk)
    assert not open_todos(office.there, "care_moved")
    with scopes.acting(office.there), pytest.raises(ValidationError, match="已在临时监护中"):
        services.propose_guardianship(case_id=case.pk, version=fresh(case).version, uuid=uuid4(), given=given, now=NOW + DAY)


@time_machine.travel(NOW + DAY, tick=False)
def test_5_3_of_living_care_the_new_county_checks_the_carer() -> None:
    office = CareOffice()
    care = office.living()
    with scopes.acting(office.worker):
        case = transferred(office, care.case)
    assert "请核实照料人并评估" in open_todos(office.there, "care_moved")[0].title
    with scopes.acting(office.there):
        services.review_care(care_id=care.pk, version=care.version, verdict="continue", note="已上门，照料人可靠", now=NOW + DAY)
    assert case.area == ELSEWHERE and not open_todos(office.there, "care_moved")


def test_5_3_a_case_is_not_transferred_over_a_proposal_nor_proposed_over_a_transfer() -> None:
    office = CareOffice()
    row = office.taken(unattended=True)
    waits = office.proposed(row)
    with pytest.raises(ValidationError, match="临时监护待决定"):
        office.offered(row, kind="transfer", service="case", ground="law", sections=())
    with scopes.acting(office.worker):
        services.withdraw_guardianship(care_id=waits.pk, version=1, reason="改为移交", now=NOW)
    office.offered(row, kind="transfer", service="case", ground="law", sections=())
    with pytest.raises(ValidationError, match="先撤回移交"):
        office.proposed(row)


def test_5_4_a_referral_goes_only_where_somebody_can_accept_it() -> None:
    office = CareOffice()
    row = office.taken()
    for place, duty, day in (("410724", "protection_worker", NOW), (ELSEWHERE, "institution_clerk", NOW), (ELSEWHERE, "protection_worker", NOW - timedelta(days=4000))):
        with pytest.raises(ValidationError) as refused:
            office.offered(row, to_area=place, to_duty=duty, now=day)
        assert "没有人能接收" in str(refused.value) and list(refused.value.message_dict) == ["to_area"], (place, duty)
    assert office.offered(row).state == "offered"


@time_machine.travel(NOW, tick=False)
def test_5_3_an_allowance_is_noted_as_paid_once_by_another_than_who_claimed_it() -> None:
    office = CareOffice()
    care = office.living()
    with scopes.acting(scopes.Scope(area="41")):
        Setting.objects.create(
            parameter="procedure.protection.allowance.living", area="410122", starts=date(2022, 1, 1), value="50", document="示例", state="confirmed",
            proposed_by_id=office.other.account_id, proposed_at=NOW, decided_by_id=office.approver.account_id, decided_at=NOW,
        )  # fmt: skip
    with scopes.acting(office.worker):
        claim = services.claim_allowance(care_id=care.pk, version=care.version, starts=NOW.date(), ends=NOW.date(), payee="郭小兰", now=NOW)
        with pytest.raises(PermissionDenied):
            services.note_claim_paid(claim_id=claim.pk, paid_on=NOW.date(), voucher="20221124-7", now=NOW)
    assert claim.amount == 50 and len(open_todos(office.approver, "care_claim")) == 1
    page, path = client_of(office.approver), f"/protection/claims/{claim.pk}/paid/"
    assert client_of(office.worker).get(path).status_code == 403 and "待发放" in page.get("/protection/claims/?paid=no").content.decode()
    for given, field in (({"paid_on": "2022-11-25"}, "应在"), ({"voucher": " "}, "voucher")):
        answer = page.post(path, {"paid_on": "2022-11-24", "voucher": "20221124-7"} | given)
        assert answer.status_code == 422 and field in answer.content.decode()
    assert page.post(path, {"paid_on": "2022-11-24", "voucher": "20221124-7"}).status_code == 302
    assert "20221124-7" in page.get(f"/protection/cases/{care.case_id}/?tab=care").content.decode() and not open_todos(office.approver, "care_claim")
    assert "已登记发放" in page.post(path, {"paid_on": "2022-11-24", "voucher": "20221124-8"}).content.decode()
    with scopes.acting(office.approver):
        for words in ({"voucher": "x"}, {"paid_on": None, "voucher": "", "paid_noted_by": None, "paid_noted_at": None}):
            with pytest.raises(IntegrityError), transaction.atomic():
                CareClaim.objects.filter(pk=claim.pk).update(**words)


def test_5_3_who_comes_of_age_in_care_is_brought_to_mind_once() -> None:
    office = CareOffice()
    minor = services.Minor(name="郭小阳", birth_date=date(2004, 12, 10), sex="1")
    office.living(office.taken(minor=minor, unattended=True), expected_end=date(2022, 12, 1))
    clocks = scopes.Scope(area="410122", duty="worker", page="test", acts=frozenset({"protection.clocks"}))
    with scopes.acting(clocks):
        services.watch_care(area="410122", on=NOW.date(), now=NOW)
        ran = services.run_clocks(area="410122", on=NOW.date(), now=NOW)
        first = Todo.objects.filter(done_at__isnull=True).count()
        services.watch_care(area="410122", on=NOW.date(), now=NOW + HOUR)
        services.run_clocks(area="410122", on=NOW.date(), now=NOW + HOUR)
        assert Todo.objects.filter(done_at__isnull=True).count() == first, "a second run says nothing new"
        kinds = list(Todo.objects.filter(done_at__isnull=True, kind__endswith="adult").values_list("kind", flat=True))
    assert ran.grown == 0 and kinds == ["care_adult"]


def test_5_4_a_case_closed_while_another_officer_assesses_it_or_reopened_by_two_at_once(committed_db: None) -> None:
    office = Office()
    row = office.taken(minor=CHILD, category="left_behind")
    given: dict[str, Any] = {"case_id": row.pk, "version": row.version, "now": NOW}
    close = as_(office.worker, services.close_case, **given, reason="unfounded", note="经核实，孩子由祖母照料")
    assess = as_(office.worker, services.record_assessment, **given, uuid=uuid4(), answers=GOOD)
    made, said = together(close, assess)
    assert len(made) == 1 and "刚由他人办理" in said[0]
    with scopes.acting(office.worker):
        now = ProtectionCase.objects.get(pk=row.pk)
        assert (now.state == "closed") == (CaseAssessment.objects.count() == 0), "one of both, whole"
        if now.state != "closed":
            now = services.close_case(case_id=row.pk, version=now.version, reason="unfounded", note="经核实，孩子由祖母照料", now=NOW)
    again: dict[str, Any] = {"case_id": row.pk, "version": now.version, "now": NOW}
    made, said = together(*(as_(who, services.reopen_case, **again, reason="孩子又独自在家") for who in (office.worker, office.approver)))
    assert len(made) == 1 and "刚由他人办理" in said[0]


def test_5_2_a_gap_that_began_seconds_ago_ends_by_a_form_that_writes_whole_minutes() -> None:
    office, now = Office(), NOW.replace(second=40)
    row = office.taken(now=now)
    with scopes.acting(office.worker):
        given: dict[str, Any] = {"case_id": row.pk, "version": row.version, "kind": "guardian", "how": "母亲出院"}
        with pytest.raises(ValidationError, match="不能早于"):
            services.end_gap(**given, at=NOW - HOUR, now=now)
        services.end_gap(**given, at=now.replace(second=0), now=now)
        assert not ProtectionCase.objects.get(pk=row.pk).gaps.filter(ends__isnull=True).exists()
