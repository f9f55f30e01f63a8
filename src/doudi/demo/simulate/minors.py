"""Minors' cases month by month: one is opened each second month, all are followed; care ends when parents are back, what is well for two months is closed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction

from doudi.core.models import Duty
from doudi.demo.caring import SHEET
from doudi.demo.protecting import SAFE
from doudi.demo.simulate.life import Figures, Life, at, key
from doudi.registry.models import Person

CLOSED_AFTER = timedelta(days=60)


def minors(life: Life, on: date) -> Figures:
    """What waits is taken, everybody is seen, gaps and care end, cases at low risk are closed after a while."""
    from doudi.protection.models import ProtectionCase

    figures = {"cases": 0, "cases_seen": 0, "cases_closed": 0, "cases_waiting": 0}
    _received(life, on)
    with life.acting(Duty.PROTECTION_WORKER):
        rows = ProtectionCase.objects.filter(state__in=ProtectionCase.OPEN, opened_at__lt=at(life.month)).order_by("id")
        waiting = list(rows.values_list("pk", "opened_at"))
    for pk, opened in waiting:
        try:
            with transaction.atomic():
                figures["cases_closed"] += _followed(life, pk, on, end=opened < at(on) - CLOSED_AFTER)
                figures["cases_seen"] += 1
        except (ValidationError, PermissionDenied):
            figures["cases_waiting"] += 1  # something of it is still owed, or somebody else answers for it
    figures["cases"] = _opened(life, on) if life.month.month % 2 else 0
    return figures


def _version(pk: int) -> int:
    from doudi.protection.models import ProtectionCase

    return ProtectionCase.objects.values_list("version", flat=True).get(pk=pk)


def _followed(life: Life, pk: int, on: date, *, end: bool) -> int:
    """One case: 1 where it was closed."""
    from doudi.protection import services
    from doudi.protection.models import Care, ProtectionCase

    with life.acting(Duty.PROTECTION_WORKER):
        row = ProtectionCase.objects.get(pk=pk)
        if row.state == ProtectionCase.State.INTAKE:
            services.take(case_id=pk, version=row.version, now=at(on, 9))
        services.record_contact(
            case_id=pk, uuid=key(life, "contact", pk), how="home", met="alone", safe="safe", note="按时上学，生活有人照料", done_at=at(on, 10), now=at(on, 11)
        )
        _met_and_served(row, on)
    _cared(life, row, on)
    with life.acting(Duty.PROTECTION_WORKER):
        for kind in row.gaps.filter(ends__isnull=True).order_by("id").values_list("kind", flat=True):
            how = "父母返家，由父母照料" if end else "姑姑接到家中照料"
            services.end_gap(case_id=pk, version=_version(pk), kind=kind, at=at(on, 11), how=how, now=at(on, 11))
        services.record_assessment(case_id=pk, version=_version(pk), uuid=key(life, "assessment", pk), answers=SAFE, now=at(on, 12))
        if not end or Care.objects.filter(case=row, state="active").exists():  # no case is closed while somebody else looks after the child
            return 0
        services.close_case(case_id=pk, version=_version(pk), reason="restored", note="父母一方返乡，生活平稳", now=at(on, 15))
        return 1


def _met_and_served(row: Any, on: date) -> None:
    """Meetings whose day has come are held; services that are due are done, and the goals that have no other."""
    from doudi.protection import services
    from doudi.protection.models import PlanService

    for review in row.reviews.filter(state="planned", at__lt=at(on)).order_by("id"):
        services.hold_review(
            case_id=row.pk, review_id=review.pk, version=review.version, members=review.members, minutes="各方介绍情况，孩子目前安全，按方案继续帮扶。",
            resolution="continue", resolved="", now=at(on, 10),
        )  # fmt: skip
    for service in PlanService.objects.filter(case=row, state__in=PlanService.OPEN, due__lt=on).order_by("id"):
        services.service_progress(case_id=row.pk, service_id=service.pk, version=service.version, state="done", progress="已落实", now=at(on, 10))
    for goal in row.goals.filter(state="open").exclude(services__state__in=PlanService.OPEN).order_by("id"):
        services.close_goal(case_id=row.pk, goal_id=goal.pk, version=goal.version, state="reached", note="生活有保障", now=at(on, 10))


def _cared(life: Life, row: Any, on: date) -> None:
    """A guardianship that is proposed is decided; care whose day has come ends with the child's return; the county pays what carers claim."""
    from doudi.protection import services
    from doudi.protection.models import Care, CareClaim
    from doudi.protection.services.caring import came_with_sheet

    with life.acting(Duty.COUNTY_APPROVER):
        for care in Care.objects.filter(case=row, state="proposed", expected_end__gte=on).order_by("id"):
            document = f"示例：牟民未保〔{on.year}〕{on.month}号"
            services.decide_guardianship(care_id=care.pk, version=care.version, agreed=True, document=document, note="同意", now=at(on, 11))
        for claim in CareClaim.objects.filter(case=row, paid_on__isnull=True, claimed_at__lt=at(on)).order_by("id"):
            services.note_claim_paid(claim_id=claim.pk, paid_on=on, voucher=f"付{on:%Y%m}01", now=at(on, 11))
    with life.acting(Duty.PROTECTION_WORKER):
        for care in Care.objects.filter(case=row, state="proposed").order_by("id"):
            services.withdraw_guardianship(care_id=care.pk, version=care.version, reason="母亲已出院，能够照料", now=at(on, 11))
        for care in Care.objects.filter(case=row, state="active").order_by("id"):
            over = care.expected_end <= on
            services.review_care(care_id=care.pk, version=care.version, verdict="return" if over else "continue", note="与监护人、照料人当面了解情况", now=at(on, 11))
            version = Care.objects.values_list("version", flat=True).get(pk=care.pk)
            if not came_with_sheet(care):
                handed = services.Handed(at=care.starts, given_by="村儿童主任", taken_by=care.carer, **SHEET)
                services.hand_over(care_id=care.pk, version=version, uuid=key(life, "came", care.pk), given=handed, now=at(on, 11))
                version = Care.objects.values_list("version", flat=True).get(pk=care.pk)
            if over:
                handed = services.Handed(at=at(on, 11), given_by=care.carer, taken_by="母亲", **SHEET | {"given_signed": True})
                services.end_care(care_id=care.pk, version=version, uuid=key(life, "back", care.pk), outcome="parents", note="母亲能够照料", given=handed, now=at(on, 11))


def _received(life: Life, on: date) -> None:
    """Referrals offered here are accepted, those accepted are done; what came back without an answer is offered to nobody again."""
    from doudi.protection import services
    from doudi.protection.models import Referral, Report

    for duty in (Duty.PROTECTION_WORKER, Duty.STATION_WORKER):
        with life.acting(duty):
            rows = Referral.objects.filter(to_duty=duty.value, state__in=Referral.OPEN, offered_at__lt=at(on)).order_by("id")
            for pk, state, version in list(rows.values_list("pk", "state", "version")):
                try:
                    with transaction.atomic():
                        if state == Referral.State.OFFERED:
                            services.accept(referral_id=pk, version=version, note="已安排人员", now=at(on, 9))
                        else:
                            services.finish(referral_id=pk, version=version, result="已按约定完成服务", now=at(on, 9))
                except (ValidationError, PermissionDenied):
                    continue  # somebody else's
    with life.acting(Duty.PROTECTION_WORKER):
        for pk in list(Referral.objects.filter(ended_at__gte=at(on) - timedelta(days=62)).order_by("id").values_list("pk", flat=True)):
            services.open_referral(referral_id=pk, now=at(on, 9))
        for pk in list(Report.objects.filter(state="waiting", received_at__lt=at(on)).order_by("id").values_list("pk", flat=True)):
            services.settle_report(report_id=pk, note="已与报告人和村里核实，孩子有人照料", number="", now=at(on, 9))


def _opened(life: Life, on: date) -> int:
    from doudi.protection import services
    from doudi.protection.models import ProtectionCase

    with life.acting(Duty.TOWNSHIP_OFFICER):
        young = Person.objects.filter(died_on__isnull=True, birth_date__gte=on.replace(year=on.year - 15, day=1), birth_date__lt=on.replace(year=on.year - 6, day=1))
        taken = set(ProtectionCase.objects.filter(person_id__isnull=False).values_list("person_id", flat=True))
        free = [pk for pk in young.order_by("pk").values_list("pk", flat=True) if pk not in taken]
        for person in life.some(free, 1):
            try:
                row = services.open_case(
                    uuid=key(life, "case"), minor=services.Minor(person=person), category="left_behind", source="visit", urgency="yellow",
                    reported="父母均在外务工，由祖辈照料，生活和学习需要关注", now=at(on, 9),
                )  # fmt: skip
            except ValidationError:
                return 0  # the township does not see every case: this child has one
            with life.acting(Duty.PROTECTION_WORKER):
                services.take(case_id=row.pk, version=row.version, now=at(on, 10))
            return 1
    return 0
